//! Who is told of decisions.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex};

use tracing::warn;

use super::AuthEvent;

use crate::lock::lock;

/// Whoever is told of decisions. A function is one, and so is the sending half of a
/// [`sync_channel`](std::sync::mpsc::sync_channel), which loses what it has no room for.
pub trait AuthSink: Send + Sync {
    /// Takes an event, without waiting for anybody.
    fn take(&self, event: &Arc<AuthEvent>);
}

impl<F: Fn(&Arc<AuthEvent>) + Send + Sync> AuthSink for F {
    fn take(&self, event: &Arc<AuthEvent>) {
        self(event);
    }
}

impl AuthSink for SyncSender<Arc<AuthEvent>> {
    fn take(&self, event: &Arc<AuthEvent>) {
        if let Err(TrySendError::Full(_)) = self.try_send(event.clone()) {
            warn!("a channel of authentication events is full");
        }
    }
}

/// Writes each event as one line of JSON.
pub struct JsonLines<W>(Mutex<W>);

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `writer`, which must be quick.
    pub const fn new(writer: W) -> Self {
        Self(Mutex::new(writer))
    }
}

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonLines(..)")
    }
}

impl<W: Write + Send> AuthSink for JsonLines<W> {
    fn take(&self, event: &Arc<AuthEvent>) {
        let line = event.to_json() + "\n";
        let mut writer = lock(&self.0);
        if let Err(error) = writer.write_all(line.as_bytes()).and_then(|()| writer.flush()) {
            warn!(%error, "cannot write an authentication event");
        }
    }
}

impl AuthEvent {
    /// The event as an object of JSON, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = Object::default();
        object.text("time", &humantime::format_rfc3339_millis(self.time).to_string());
        object.text("listener", &self.listener);
        object.text("transport", self.transport());
        object.text("address", &self.address.to_string());
        object.maybe("canonical_address", self.canonical_address().map(|ip| ip.to_string()));
        object.text("domain", self.domain.as_str());
        object.text("mechanism", &self.mechanism.to_string());
        object.text("claim", &self.claim);
        object.maybe("user", self.user_id.as_ref().map(|user| user.as_str().to_owned()));
        object.maybe("rule", self.rule.clone());
        object.maybe("provider", self.provider.as_ref().map(ToString::to_string));
        object.maybe("file", self.file.as_ref().map(|file| file.display().to_string()));
        object.raw("remembered", self.remembered);
        object.text("status", self.status.code());
        object.text("text", &self.text);
        object.raw("took_us", self.took.as_micros());
        object.raw("generation", self.generation.map_or("null".into(), |it| it.to_string()));
        object
            .maybe("trial", self.shadow.as_ref().map(|(status, text)| format!("{status} {text}")));
        object.end()
    }
}

/// An object of JSON on its way.
#[derive(Default)]
struct Object(String);

impl Object {
    fn text(&mut self, name: &str, text: &str) {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for c in text.chars() {
            // Writing to a string does not fail.
            _ = match c {
                '"' | '\\' => write!(quoted, "\\{c}"),
                c if c.is_control() => write!(quoted, "\\u{:04x}", u32::from(c)),
                c => write!(quoted, "{c}"),
            };
        }
        quoted.push('"');
        self.raw(name, quoted);
    }

    fn maybe(&mut self, name: &str, text: Option<String>) {
        match text {
            Some(text) => self.text(name, &text),
            None => self.raw(name, "null"),
        }
    }

    fn raw(&mut self, name: &str, value: impl fmt::Display) {
        let separator = if self.0.is_empty() { '{' } else { ',' };
        _ = write!(self.0, "{separator}\"{name}\":{value}");
    }

    fn end(self) -> String {
        self.0 + "}"
    }
}
