//! Why a socket could not listen, accept or connect.

mod accept;
mod bind;
mod dial;
#[cfg(all(test, unix))]
mod tests;

use std::{fmt, io};

pub use accept::{AcceptError, AcceptErrorKind};
pub use bind::{BindError, BindErrorKind};
pub use dial::{DialError, DialErrorKind};

use super::platform;

/// What the operating system said: an [`io::Error`] that can be copied and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsError {
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl OsError {
    /// The portable class.
    #[must_use]
    pub const fn kind(self) -> io::ErrorKind {
        self.kind
    }

    /// The system's own number (`errno`), where it gave one.
    #[must_use]
    pub const fn code(self) -> Option<i32> {
        self.code
    }

    /// Whether the system has no addresses of that kind at all.
    pub(in crate::net) fn is_missing_family(self) -> bool {
        self.code.is_some_and(platform::is_missing_family)
    }

    /// Whether descriptors or memory have run out: a state that passes, and that no single
    /// connection is to blame for.
    #[must_use]
    pub fn is_exhaustion(self) -> bool {
        self.kind == io::ErrorKind::OutOfMemory || self.code.is_some_and(platform::is_exhaustion)
    }
}

impl From<io::Error> for OsError {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), code: error.raw_os_error() }
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => io::Error::from_raw_os_error(code).fmt(f),
            None => self.kind.fmt(f),
        }
    }
}

impl std::error::Error for OsError {}

fn write_cause(f: &mut fmt::Formatter<'_>, cause: Option<OsError>) -> fmt::Result {
    cause.map_or(Ok(()), |cause| write!(f, ": {cause}"))
}

/// A step on the way to a socket that failed: an option, by name, or the socket itself.
#[derive(Debug)]
pub(in crate::net) struct SetupError {
    option: Option<&'static str>,
    cause: OsError,
}

impl SetupError {
    /// For use with `map_err`: the failure of this option.
    pub(in crate::net) fn of(option: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { option: Some(option), cause: error.into() }
    }

    /// What the system said.
    pub(in crate::net) const fn cause(&self) -> OsError {
        self.cause
    }
}

impl From<io::Error> for SetupError {
    fn from(error: io::Error) -> Self {
        Self { option: None, cause: error.into() }
    }
}

/// What went wrong, for a caller that knows the endpoint.
#[derive(Debug)]
pub(in crate::net) struct Failure<K> {
    pub(in crate::net) kind: K,
    pub(in crate::net) cause: Option<OsError>,
}

impl<K> From<K> for Failure<K> {
    fn from(kind: K) -> Self {
        Self { kind, cause: None }
    }
}
