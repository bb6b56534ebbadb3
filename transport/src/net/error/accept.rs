//! Failures to accept.

use std::{fmt, io};

use super::super::platform;
use super::OsError;

/// A failure to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptError {
    kind: AcceptErrorKind,
    cause: OsError,
}

/// What to do after a failed accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcceptErrorKind {
    /// Descriptors or memory have run out. The connection still waits: accept again after a pause,
    /// for at once would fail at once.
    Exhausted,
    /// This connection broke before it was accepted. Accept the next one.
    Connection,
    /// The listener is broken and will not accept again.
    Fatal,
}

impl AcceptError {
    pub(in crate::net) fn new(error: io::Error) -> Self {
        let cause = OsError::from(error);
        let kind = if cause.is_exhaustion() {
            AcceptErrorKind::Exhausted
        } else if is_of_connection(cause) {
            AcceptErrorKind::Connection
        } else {
            AcceptErrorKind::Fatal
        };
        Self { kind, cause }
    }

    /// For a connection that broke after it was accepted.
    pub(in crate::net) const fn of_connection(cause: OsError) -> Self {
        Self { kind: AcceptErrorKind::Connection, cause }
    }

    /// What to do.
    #[must_use]
    pub const fn kind(&self) -> AcceptErrorKind {
        self.kind
    }

    /// Whether to pause before the next accept: [`AcceptErrorKind::Exhausted`].
    #[must_use]
    pub const fn is_exhaustion(&self) -> bool {
        matches!(self.kind, AcceptErrorKind::Exhausted)
    }

    /// Whether to stop: [`AcceptErrorKind::Fatal`].
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self.kind, AcceptErrorKind::Fatal)
    }

    /// What the operating system said.
    #[must_use]
    pub const fn cause(&self) -> OsError {
        self.cause
    }
}

/// `accept` reports network errors that were pending on the new connection as its own.
fn is_of_connection(error: OsError) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, PermissionDenied, TimedOut, WouldBlock,
    };
    matches!(
        error.kind,
        ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | PermissionDenied
            | TimedOut
            | WouldBlock
    ) || error.code.is_some_and(platform::is_of_connection)
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            AcceptErrorKind::Exhausted => "out of file descriptors or memory",
            AcceptErrorKind::Connection => "the connection broke at once",
            AcceptErrorKind::Fatal => "the listener is broken",
        };
        write!(f, "cannot accept a connection: {what}: {}", self.cause)
    }
}

impl std::error::Error for AcceptError {}
