//! How the command ends.

use std::fmt::Display;
use std::process::ExitCode;

use ironhouse::Disconnect;
use ironhouse::error::ConnectFailure;
use zmtp_core::error::{Incompatible, Kind, ProtocolError, Stage};

use crate::output;

/// The classes of failure, each with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Something else went wrong on this side.
    Broken = 1,
    /// The arguments, or a file that they name, cannot be used.
    Usage = 2,
    /// The peer refused this side.
    Refused = 3,
    /// There is nobody at the endpoint.
    Unreachable = 4,
    /// The peer does not speak ZMTP, or breaks it.
    NotZmtp = 5,
    /// The mechanisms differ.
    Mismatch = 6,
    /// No answer came in time.
    Silent = 7,
}

/// Why the command ends without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) text: String,
    /// Whether the text was shown already.
    pub(crate) shown: bool,
}

impl Failure {
    pub(crate) fn new(class: Class, text: impl Display) -> Self {
        Self { class, text: text.to_string(), shown: false }
    }

    pub(crate) fn usage(text: impl Display) -> Self {
        Self::new(Class::Usage, text)
    }

    pub(crate) fn broken(text: impl Display) -> Self {
        Self::new(Class::Broken, text)
    }

    /// Says why on standard error, unless that was done, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.shown {
            output::error(&self.text);
        }
        ExitCode::from(self.class as u8)
    }
}

impl From<ConnectFailure> for Failure {
    fn from(failure: ConnectFailure) -> Self {
        Self::new(class_of(&failure.cause), describe(&failure))
    }
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
        Kind::ReportedByPeer(_) => Class::Refused,
        Kind::Incompatible(Incompatible::Mechanism { .. } | Incompatible::BothServers) => {
            Class::Mismatch
        }
        Kind::TimedOut => Class::Silent,
        Kind::PeerClosed => match error.stage {
            Stage::Greeting => Class::NotZmtp,
            Stage::Mechanism => Class::Mismatch,
            _ => Class::Refused,
        },
        Kind::Local(_) | Kind::Denied { .. } => Class::Broken,
        _ => Class::NotZmtp,
    }
}

/// The three digits with which the peer refused, if it did that.
pub(crate) fn status_of(error: &ProtocolError) -> Option<&'static str> {
    match &error.kind {
        Kind::ReportedByPeer(reason) => reason.status().map(|status| status.code()),
        Kind::Denied { status, .. } => Some(status.status().code()),
        _ => None,
    }
}

fn describe(failure: &ConnectFailure) -> String {
    let Disconnect::Protocol(error) = &failure.cause else { return failure.to_string() };
    let status =
        status_of(error).map_or_else(String::new, |status| format!(" with status {status}"));
    let what = match class_of_error(error) {
        Class::Refused => format!("refused{status} at stage {}", error.stage),
        _ => format!("failed at stage {}", error.stage),
    };
    format!("{}: {what}: {error}", failure.endpoint)
}
