//! Failed attempts to connect.

use std::net::SocketAddr;
use std::{fmt, io};

use super::{Failure, OsError, SetupError, write_cause};
use crate::endpoint::{Endpoint, EndpointError, Host, TcpAddress};

/// A failed attempt to connect.
///
/// `Display` names the endpoint, the address that was tried last and what to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialError {
    endpoint: Box<Endpoint>,
    address: Option<SocketAddr>,
    kind: DialErrorKind,
    cause: Option<OsError>,
}

impl DialError {
    /// The endpoint, as it was given.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The IP address that was tried last, if it came so far.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &DialErrorKind {
        &self.kind
    }

    /// What the operating system said, if it was asked.
    #[must_use]
    pub const fn cause(&self) -> Option<OsError> {
        self.cause
    }

    /// Whether another attempt with the same endpoint and options must fail as well, whatever
    /// happens in the world. A name may come to stand for another address, an interface may come up.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match &self.kind {
            DialErrorKind::Invalid(_)
            | DialErrorKind::WrongTransport
            | DialErrorKind::PathTooLong
            | DialErrorKind::Option(_) => true,
            DialErrorKind::Unsupported(_) => !self.names_host(),
            DialErrorKind::NotAvailable => self.mixes_families(),
            DialErrorKind::Resolve
            | DialErrorKind::Refused
            | DialErrorKind::TimedOut
            | DialErrorKind::Unreachable
            | DialErrorKind::NoSuchPath
            | DialErrorKind::PermissionDenied
            | DialErrorKind::SelfConnect
            | DialErrorKind::Proxy(_)
            | DialErrorKind::Exhausted
            | DialErrorKind::Other => false,
        }
    }

    fn names_host(&self) -> bool {
        matches!(&*self.endpoint, Endpoint::Tcp(tcp) if matches!(tcp.host(), Host::Name(_)))
    }

    /// Whether the source and the host are addresses of different kinds.
    fn mixes_families(&self) -> bool {
        let Endpoint::Tcp(tcp) = &*self.endpoint else { return false };
        let source = tcp.source().map(TcpAddress::host);
        matches!(
            (source, tcp.host()),
            (Some(Host::V4(_)), Host::V6(..)) | (Some(Host::V6(..)), Host::V4(_))
        )
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let DialErrorKind::Invalid(error) = &self.kind {
            return write!(f, "cannot connect: {error}");
        }
        write!(f, "cannot connect to {}", self.endpoint)?;
        if let Some(address) = self.address.filter(|at| Endpoint::from(*at) != *self.endpoint) {
            write!(f, " at {address}")?;
        }
        write!(f, ": {}", self.kind)?;
        write_cause(f, self.cause)
    }
}

impl std::error::Error for DialError {}

/// The ways in which connecting fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialErrorKind {
    /// The endpoint can only be bound to.
    #[error(transparent)]
    Invalid(EndpointError),
    /// An inproc endpoint: no socket of the operating system serves it.
    #[error("inproc endpoints are not served by the operating system")]
    WrongTransport,
    /// This platform lacks what is named.
    #[error("this platform has no {0}")]
    Unsupported(&'static str),
    /// The host name, zone or source interface is unknown.
    #[error("the name does not resolve; check its spelling and the resolver")]
    Resolve,
    /// Nobody listens there.
    #[error("nobody listens there; start the server or correct the endpoint")]
    Refused,
    /// No answer within [`connect_timeout`](crate::net::TransportOptions::connect_timeout).
    #[error("no answer in time; check the address and firewalls on the way")]
    TimedOut,
    /// There is no route to the host or its network.
    #[error("no route to that address; check the network")]
    Unreachable,
    /// The source address is not one of this machine, is in use, or is of another kind (IPv4 or
    /// IPv6) than the addresses of the host.
    #[error("the source address cannot be used for this connection")]
    NotAvailable,
    /// The path does not exist.
    #[error("the path does not exist; start the server or correct the path")]
    NoSuchPath,
    /// The path is longer than this system allows.
    #[error("the path is too long for a socket on this system")]
    PathTooLong,
    /// This process may not use the path, or a firewall forbids the address.
    #[error("permission denied; check the rights on the path or firewalls")]
    PermissionDenied,
    /// The socket met itself: the port was free, and the system gave it to this very connection.
    #[error("nobody listens there (the connection only met itself)")]
    SelfConnect,
    /// The SOCKS proxy did not make the connection, for the reason named.
    #[error("the SOCKS proxy {0}")]
    Proxy(&'static str),
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

impl DialErrorKind {
    /// The kind of a failed `connect`, or of the steps before it.
    fn of(error: OsError) -> Self {
        use io::ErrorKind as Os;
        match error.kind {
            _ if error.is_exhaustion() => Self::Exhausted,
            _ if error.is_missing_family() => Self::Unsupported("addresses of that kind"),
            // A reset before the connection stands is how Windows and some firewalls refuse.
            Os::ConnectionRefused | Os::ConnectionReset => Self::Refused,
            Os::TimedOut => Self::TimedOut,
            Os::HostUnreachable | Os::NetworkUnreachable | Os::NetworkDown => Self::Unreachable,
            Os::AddrNotAvailable | Os::AddrInUse => Self::NotAvailable,
            Os::NotFound | Os::NotADirectory => Self::NoSuchPath,
            Os::InvalidFilename => Self::PathTooLong,
            Os::PermissionDenied => Self::PermissionDenied,
            _ => Self::Other,
        }
    }
}

impl Failure<DialErrorKind> {
    pub(in crate::net) fn at(self, endpoint: &Endpoint, address: Option<SocketAddr>) -> DialError {
        let endpoint = Box::new(endpoint.clone());
        DialError { endpoint, address, kind: self.kind, cause: self.cause }
    }
}

impl From<SetupError> for Failure<DialErrorKind> {
    fn from(error: SetupError) -> Self {
        let kind = match error.option {
            Some(name) => DialErrorKind::Option(name),
            None => DialErrorKind::of(error.cause),
        };
        Self { kind, cause: Some(error.cause) }
    }
}

impl From<io::Error> for Failure<DialErrorKind> {
    fn from(error: io::Error) -> Self {
        SetupError::from(error).into()
    }
}
