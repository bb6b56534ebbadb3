//! Messages from arguments or standard input.

use std::ffi::OsString;
use std::io::BufRead;

use ironhouse::Message;
use tokio::sync::mpsc;

use crate::exit::Failure;
use crate::output::message_from_json;

/// Lines that are read ahead.
const AHEAD: usize = 64;

/// How a message is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// All of it is one part.
    Whole,
    /// Tabs separate the parts.
    Tabs,
    /// JSON with exact octets.
    Json,
}

/// Where messages come from.
#[derive(Debug)]
pub(crate) struct Source {
    form: Form,
    at: u64,
    texts: Texts,
}

#[derive(Debug)]
enum Texts {
    Arguments(std::vec::IntoIter<OsString>),
    Lines(mpsc::Receiver<std::io::Result<Vec<u8>>>),
}

impl Source {
    /// These, or the lines of standard input if there are none.
    pub(crate) fn new(arguments: Vec<OsString>, form: Form) -> Result<Self, Failure> {
        // Before anything is sent: a mistake in the last one is none that half of them should leave for.
        for (at, text) in (1..).zip(&arguments) {
            parse(form, text.as_encoded_bytes()).map_err(|error| named("message", at, &error))?;
        }
        let texts = if arguments.is_empty() {
            Texts::Lines(lines())
        } else {
            Texts::Arguments(arguments.into_iter())
        };
        Ok(Self { form, at: 0, texts })
    }

    /// How many there are, if that is known.
    pub(crate) fn total(&self) -> Option<u64> {
        match &self.texts {
            Texts::Arguments(rest) => u64::try_from(rest.len()).ok(),
            Texts::Lines(_) => None,
        }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, Failure> {
        self.at += 1;
        let (text, what) = match &mut self.texts {
            Texts::Arguments(rest) => (rest.next().map(OsString::into_encoded_bytes), "message"),
            Texts::Lines(lines) => {
                let line = lines.recv().await.transpose();
                let line =
                    line.map_err(|error| Failure::broken(format!("standard input: {error}")));
                (line?, "standard input, line")
            }
        };
        let Some(text) = text else { return Ok(None) };
        parse(self.form, &text).map(Some).map_err(|error| named(what, self.at, &error))
    }
}

fn named(what: &str, at: u64, error: &str) -> Failure {
    Failure::usage(format!("{what} {at}: {error}"))
}

fn parse(form: Form, text: &[u8]) -> Result<Message, String> {
    match form {
        Form::Whole => Ok(Message::new(text)),
        Form::Tabs => Message::from_parts(text.split(|octet| *octet == b'\t'))
            .ok_or_else(|| "there is nothing in it".to_owned()),
        Form::Json => message_from_json(text),
    }
}

/// Reads on a thread of its own, which ends with the process: nothing else can end a read.
fn lines() -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let next = match input.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {
                    if line.ends_with(b"\n") {
                        line.pop();
                    }
                    Ok(line)
                }
                Err(error) => Err(error),
            };
            let over = next.is_err();
            if sender.blocking_send(next).is_err() || over {
                return;
            }
        }
    });
    receiver
}
