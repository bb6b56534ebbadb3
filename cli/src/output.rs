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
        std::process::exit(Class::Broken.code().into());
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
fn message_line(message: &Message) -> String {
    let parts: Vec<_> = message.parts().map(|part| shown(part)).collect();
    parts.join("\t")
}

fn shown(part: &[u8]) -> String {
    match std::str::from_utf8(part) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => part.escape_ascii().to_string(),
    }
}

/// Text of files and of peers, in which a terminal finds nothing to obey.
pub(crate) fn harmless(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}

/// A message on standard output.
pub(crate) fn show(message: &Message, as_json: bool) {
    if as_json {
        line(message_json(message));
    } else {
        line(message_line(message));
    }
}

/// A message with every octet: a part is text where it is UTF-8, hexadecimal where it is not. And who
/// sent it, as far as that is known.
fn message_json(message: &Message) -> Value {
    let part = |part: &[u8]| match std::str::from_utf8(part) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "hex": hex(part) }),
    };
    json!({
        "parts": message.parts().map(|octets| part(octets)).collect::<Vec<_>>(),
        "address": message.peer_address().map(ToString::to_string),
        "user": message.user_id().map(ToString::to_string),
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The opposite of `message_json`; keys other than `parts` are passed over.
pub(crate) fn message_from_json(text: &[u8]) -> Result<Message, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let parts = value.get("parts").and_then(Value::as_array);
    let parts = parts.ok_or("expected an object with \"parts\", an array")?;
    let parts: Result<Vec<_>, _> = parts.iter().map(part_from_json).collect();
    Message::from_parts(parts?).ok_or_else(|| "expected at least one part".to_owned())
}

fn part_from_json(part: &Value) -> Result<Vec<u8>, String> {
    let fields = part.as_object().filter(|fields| fields.len() == 1);
    let field = fields.and_then(|fields| fields.iter().next());
    match field.map(|(name, value)| (name.as_str(), value.as_str())) {
        Some(("text", Some(text))) => Ok(text.as_bytes().to_vec()),
        Some(("hex", Some(hex))) => from_hex(hex),
        _ => Err(format!("{part}: expected {{\"text\": ..}} or {{\"hex\": ..}}")),
    }
}

fn from_hex(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect();
    match digits.filter(|digits| digits.len() % 2 == 0) {
        Some(digits) => Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()),
        None => Err(format!("\"{hex}\" is not an even number of hexadecimal digits")),
    }
}
