//! What people see: aligned, coloured on a terminal, plain in a pipe.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use ironhouse::Message;
use serde_json::{Value, json};

use crate::exit::Class;

/// What succeeded.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is neither.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// What is less important.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What begins something.
pub(crate) const HEAD: Style = Style::new().bold();

/// Text in a style.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A line on standard output. Without a reader, or without room for it, the command ends: all that is
/// left to do is to produce more of what nobody gets.
pub(crate) fn line(text: impl Display) {
    let mut out = anstream::stdout();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            self::error(format_args!("cannot write the output: {error}"));
        }
        std::process::exit(Class::Broken as i32);
    }
}

/// A line on standard error. Nobody is left to tell if that fails.
pub(crate) fn note(text: impl Display) {
    let _ = anstream::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Why nothing came of it, on standard error.
pub(crate) fn error(text: impl Display) {
    note(format_args!("{} {text}", styled(BAD, "error:")));
}

/// A message on one line: parts separated by a tab, octets that cannot be shown escaped.
pub(crate) fn message_line(message: &Message) -> String {
    let parts: Vec<_> = message.parts().map(|part| shown(part)).collect();
    parts.join("\t")
}

fn shown(part: &[u8]) -> String {
    match std::str::from_utf8(part) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => part.escape_ascii().to_string(),
    }
}

/// A message with every octet: text where it is text, hexadecimal where it is not.
pub(crate) fn message_json(message: &Message) -> Value {
    let part = |part: &[u8]| match std::str::from_utf8(part) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "hex": hex(part) }),
    };
    json!({ "parts": message.parts().map(|octets| part(octets)).collect::<Vec<_>>() })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
