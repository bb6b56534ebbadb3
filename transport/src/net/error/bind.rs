//! Failures to listen.

use std::{fmt, io};

use super::{Failure, OsError, SetupError, write_cause};
use crate::endpoint::{Endpoint, EndpointError};

/// A failure to listen.
///
/// `Display` names the endpoint and says what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindError {
    endpoint: Box<Endpoint>,
    kind: BindErrorKind,
    cause: Option<OsError>,
}

impl BindError {
    /// The endpoint, as it was given.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &BindErrorKind {
        &self.kind
    }

    /// What the operating system said, if it was asked.
    #[must_use]
    pub const fn cause(&self) -> Option<OsError> {
        self.cause
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let BindErrorKind::Invalid(error) = &self.kind {
            return write!(f, "cannot bind: {error}");
        }
        write!(f, "cannot bind {}: {}", self.endpoint, self.kind)?;
        write_cause(f, self.cause)
    }
}

impl std::error::Error for BindError {}

/// The ways in which listening fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindErrorKind {
    /// The endpoint can only be connected to.
    #[error(transparent)]
    Invalid(EndpointError),
    /// An inproc endpoint: no socket of the operating system serves it.
    #[error("inproc endpoints are not served by the operating system")]
    WrongTransport,
    /// This platform lacks what is named.
    #[error("this platform has no {0}")]
    Unsupported(&'static str),
    /// Somebody listens there.
    #[error("somebody else listens there; stop it or choose another port or path")]
    AddressInUse,
    /// A port below 1024 without the privilege, or a directory that this process may not write.
    #[error(
        "permission denied; choose a port from 1024 on, a directory that this user may write, \
         or run with the privilege"
    )]
    PermissionDenied,
    /// An address that this machine does not have.
    #[error("this machine does not have that address; use one of its own, an interface or *")]
    NotAvailable,
    /// A name that is neither an interface nor a host that resolves, or an unknown zone.
    #[error("no interface and no host of that name was found")]
    Resolve,
    /// Something other than a socket stands at the path.
    #[error("the path exists and is not a socket; remove it or choose another one")]
    NotASocket,
    /// The directory of the path does not exist.
    #[error("the directory of the path does not exist; create it first")]
    NoSuchPath,
    /// The path is longer than this system allows.
    #[error("the path is too long for a socket on this system")]
    PathTooLong,
    /// Descriptors or memory have run out.
    #[error("out of file descriptors or memory")]
    Exhausted,
    /// An option that the system refused, by name.
    #[error("the system refused the option {0}")]
    Option(&'static str),
    /// Anything else.
    #[error("the system refused")]
    Other,
}

impl BindErrorKind {
    /// The kind of a failed `bind` or `listen`, or of the steps before them.
    fn of(error: OsError) -> Self {
        use io::ErrorKind as Os;
        match error.kind {
            _ if error.is_exhaustion() => Self::Exhausted,
            Os::AddrInUse => Self::AddressInUse,
            Os::AddrNotAvailable => Self::NotAvailable,
            Os::PermissionDenied | Os::ReadOnlyFilesystem => Self::PermissionDenied,
            Os::NotFound | Os::NotADirectory => Self::NoSuchPath,
            Os::InvalidFilename => Self::PathTooLong,
            _ => Self::Other,
        }
    }
}

impl Failure<BindErrorKind> {
    pub(in crate::net) fn at(self, endpoint: &Endpoint) -> BindError {
        BindError { endpoint: Box::new(endpoint.clone()), kind: self.kind, cause: self.cause }
    }
}

impl From<SetupError> for Failure<BindErrorKind> {
    fn from(error: SetupError) -> Self {
        let kind = match error.option {
            Some(name) => BindErrorKind::Option(name),
            None => BindErrorKind::of(error.cause),
        };
        Self { kind, cause: Some(error.cause) }
    }
}

impl From<io::Error> for Failure<BindErrorKind> {
    fn from(error: io::Error) -> Self {
        SetupError::from(error).into()
    }
}
