//! Commands that run while the test goes on.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{Run, command};

/// Longer than any of them takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// One stream of a command, line by line.
struct Lines {
    coming: mpsc::Receiver<String>,
    seen: RefCell<Vec<String>>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, coming) = mpsc::channel();
        let lines = BufReader::new(stream).lines();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { coming, seen: RefCell::default() }
    }

    /// The next line that has all of `what`.
    #[track_caller]
    fn find(&self, what: &[&str]) -> String {
        while let Ok(line) = self.coming.recv_timeout(PATIENCE) {
            self.seen.borrow_mut().push(line.clone());
            if what.iter().all(|what| line.contains(what)) {
                return line;
            }
        }
        panic!("{what:?} was not said, but {:#?}", self.seen.borrow());
    }

    /// Whether such a line comes within `time`.
    fn has(&self, what: &str, time: Duration) -> bool {
        let line = self.coming.recv_timeout(time);
        line.inspect(|line| self.seen.borrow_mut().push(line.clone()))
            .is_ok_and(|line| line.contains(what))
    }

    /// Everything to the end.
    fn all(self) -> String {
        let mut seen = self.seen.take();
        seen.extend(self.coming.iter());
        seen.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// A command that runs while the test goes on.
pub(crate) struct Background {
    child: Option<Child>,
    out: Option<Lines>,
    err: Option<Lines>,
}

impl Background {
    /// Starts a command with an open standard input.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child =
            command(arguments).stdin(Stdio::piped()).spawn().expect("the command starts");
        let out = Lines::of(child.stdout.take().expect("a pipe"));
        let err = Lines::of(child.stderr.take().expect("a pipe"));
        Self { child: Some(child), out: Some(out), err: Some(err) }
    }

    /// The next line on standard output that has all of `what`.
    #[track_caller]
    pub(crate) fn prints(&self, what: &[&str]) -> String {
        self.out.as_ref().expect("it runs").find(what)
    }

    /// Whether the next line on standard output comes within `time` and has `what`.
    pub(crate) fn has_printed(&self, what: &str, time: Duration) -> bool {
        self.out.as_ref().expect("it runs").has(what, time)
    }

    /// The next line on standard error that has all of `what`.
    #[track_caller]
    pub(crate) fn logs(&self, what: &[&str]) -> String {
        self.err.as_ref().expect("it runs").find(what)
    }

    /// Where it listens, as it says on standard error.
    #[track_caller]
    pub(crate) fn endpoint(&self) -> String {
        endpoint_in(&self.logs(&["listening"]))
    }

    /// Gives it something to read.
    pub(crate) fn write(&mut self, text: &str) {
        let input = self.child.as_mut().and_then(|child| child.stdin.as_mut()).expect("it runs");
        input.write_all(text.as_bytes()).expect("it reads");
    }

    /// Waits for its end, with nothing more to read.
    pub(crate) fn ends(mut self) -> Run {
        let mut child = self.child.take().expect("it runs");
        drop(child.stdin.take());
        let status = child.wait().expect("it ends");
        let out = self.out.take().expect("it ran").all();
        let err = self.err.take().expect("it ran").all();
        Run { code: status.code().unwrap_or(-1), out, err }
    }

    /// Tells it to end as the system would.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The endpoint that a line names, in words or in JSON.
#[track_caller]
pub(crate) fn endpoint_in(line: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(line) {
        Ok(event) => event["endpoint"].as_str().map(str::to_owned),
        Err(_) => line.rsplit_once("listening on ").map(|(_, endpoint)| endpoint.to_owned()),
    }
    .unwrap_or_else(|| panic!("no endpoint in {line:?}"))
}
