//! How the command ends.

use std::fmt::Display;
use std::process::ExitCode;

use ironhouse::Disconnect;
use serde_json::{Value, json};
use zmtp_core::error::{Incompatible, Kind, ProtocolError, Stage};

use crate::advice::Advice;
use crate::output::{self, DIM, HEAD, note, styled};

/// The classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Something else went wrong on this side.
    Broken,
    /// What was compared differs: no failure, but scripts ask for it as they ask `diff`.
    Different,
    /// The arguments, or a file that they name, cannot be used.
    Usage,
    /// The peer refused this side, this side the peer that it connected to, or a policy the peer in
    /// question.
    Refused,
    /// There is nobody at the endpoint.
    Unreachable,
    /// The peer does not speak ZMTP, or breaks it.
    NotZmtp,
    /// The mechanisms differ.
    Mismatch,
    /// No answer came in time.
    Silent,
}

impl Class {
    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Broken | Self::Different => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::NotZmtp => 5,
            Self::Mismatch => 6,
            Self::Silent => 7,
        }
    }
}

/// Why the command ends without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) text: String,
    /// What broke on the wire, where something did.
    pub(crate) error: Option<Box<ProtocolError>>,
    /// What it means and what to change, where that is known.
    pub(crate) advice: Option<Box<Advice>>,
    /// Whether all this was shown already.
    pub(crate) shown: bool,
}

impl Failure {
    pub(crate) fn new(class: Class, text: impl Display) -> Self {
        Self { class, text: text.to_string(), error: None, advice: None, shown: false }
    }

    pub(crate) fn usage(text: impl Display) -> Self {
        Self::new(Class::Usage, text)
    }

    pub(crate) fn broken(text: impl Display) -> Self {
        Self::new(Class::Broken, text)
    }

    /// What the output says already, so that only the exit code is left.
    pub(crate) fn shown(class: Class) -> Self {
        Self { shown: true, ..Self::new(class, "") }
    }

    /// Says why in a line of JSON on standard output, where that is wanted.
    pub(crate) fn tell_scripts(&self, json: bool) {
        if json {
            output::line(json!({ "failed": self.to_json() }));
        }
    }

    /// Says why on standard error, unless that was done, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.shown {
            output::error(&self.text);
            if let Some(error) = &self.error {
                note(styled(DIM, format_args!("  rule        {}", error.rule())));
            }
            self.advice.iter().flat_map(|advice| advice.lines()).for_each(note);
        }
        ExitCode::from(self.class.code())
    }

    /// The same for scripts.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "exit_code": self.class.code(),
            "reason": self.text,
            "error": self.error.as_deref().map(error_json),
            "meaning": self.advice.as_deref().map(|advice| &advice.meaning),
            "what_to_do": self.advice.as_deref().map(|advice| &advice.steps),
        })
    }
}

impl Advice {
    /// The meaning, and each step on a line of its own.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let meaning = format!("  {}    {}", styled(HEAD, "it means"), self.meaning);
        let steps = self.steps.iter().enumerate().map(|(at, step)| {
            let label = if at == 0 { "what to do" } else { "or" };
            format!("  {}  {step}", styled(HEAD, format_args!("{label:<10}")))
        });
        std::iter::once(meaning).chain(steps)
    }
}

/// A failed handshake for scripts.
pub(crate) fn error_json(error: &ProtocolError) -> Value {
    json!({
        "side": error.side.to_string(),
        "stage": error.stage.as_str(),
        "status": status_of(error),
        "reason": error.kind.to_string(),
        "rule": error.rule().id,
    })
}

/// The class of a connection that came to nothing.
pub(crate) fn class_of(cause: &Disconnect) -> Class {
    match cause {
        Disconnect::Unreachable(_) | Disconnect::Io(_) => Class::Unreachable,
        Disconnect::Protocol(error) => class_of_error(error),
        _ => Class::Refused,
    }
}

/// The class of a failed handshake.
pub(crate) fn class_of_error(error: &ProtocolError) -> Class {
    match &error.kind {
        Kind::ReportedByPeer(_) | Kind::Denied { .. } | Kind::Revoked { .. } => Class::Refused,
        Kind::Incompatible(Incompatible::Mechanism { .. } | Incompatible::BothServers) => {
            Class::Mismatch
        }
        Kind::TimedOut => Class::Silent,
        Kind::PeerClosed => match error.stage {
            Stage::Greeting | Stage::Traffic => Class::NotZmtp,
            Stage::Mechanism => Class::Mismatch,
            _ => Class::Refused,
        },
        Kind::Local(_) => Class::Broken,
        _ => Class::NotZmtp,
    }
}

/// The three digits with which a side refused, if it did that.
pub(crate) fn status_of(error: &ProtocolError) -> Option<&'static str> {
    match &error.kind {
        Kind::ReportedByPeer(reason) => reason.status().map(|status| status.code()),
        Kind::Denied { status, .. } | Kind::Revoked { status, .. } => Some(status.status().code()),
        _ => None,
    }
}
