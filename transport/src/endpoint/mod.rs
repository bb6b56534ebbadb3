//! Endpoints: the texts that say where to bind and connect.
//!
//! | Form | Meaning |
//! |---|---|
//! | `tcp://127.0.0.1:5555`, `tcp://[::1]:5555` | an address; IPv6 stands in brackets |
//! | `tcp://[fe80::1%eth0]:5555` | a link-local address and the interface it belongs to |
//! | `tcp://host.example:5555` | a name, resolved when it is used |
//! | `tcp://eth0:5555` | to bind: the first address of an interface |
//! | `tcp://*:5555` | to bind: every address of the machine |
//! | `tcp://127.0.0.1:*`, `tcp://127.0.0.1:0` | to bind: any free port |
//! | `tcp://192.0.2.1:0;192.0.2.9:5555` | to connect from an address, or an interface, of choice |
//! | `ipc:///run/app.sock`, `ipc://app.sock` | a Unix domain socket; its path, absolute or relative |
//! | `ipc://@name` | a name in the abstract namespace of Linux |
//! | `ipc://*` | to bind: a new path in the directory for temporary files |
//! | `inproc://name` | a name within this process |
//!
//! These are the forms of libzmq. Stricter than there: ports are decimal numbers with nothing behind
//! them, IPv6 needs its brackets, and names that resolvers take for addresses (`127.1`) are refused.
//!
//! ```
//! use transport::endpoint::{Endpoint, EndpointErrorKind};
//!
//! let endpoint: Endpoint = "tcp://*:5555".parse()?;
//! assert_eq!(endpoint.to_string(), "tcp://*:5555");
//! endpoint.check_bind()?;
//! let refused = endpoint.check_connect().map_err(|error| error.kind());
//! assert_eq!(refused, Err(EndpointErrorKind::ConnectAnyHost));
//! # Ok::<(), transport::endpoint::EndpointError>(())
//! ```

mod error;
mod fault;
mod ipc;
mod tcp;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use error::{EndpointError, EndpointErrorKind};
pub use ipc::IpcEndpoint;
pub use tcp::{Host, HostName, TcpAddress, TcpEndpoint, Zone};

use error::EndpointErrorKind as Kind;
use fault::{Fault, Piece};

/// The transports of libzmq that are not spoken here, told apart from misspellings.
const UNSUPPORTED: [&str; 10] =
    ["pgm", "epgm", "norm", "udp", "tipc", "vmci", "vsock", "hvsocket", "ws", "wss"];

/// Where to bind or connect. Parsed from text, and displayed as text that parses to the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `tcp://`
    Tcp(TcpEndpoint),
    /// `ipc://`
    Ipc(IpcEndpoint),
    /// `inproc://`
    Inproc(InprocName),
}

impl Endpoint {
    /// Whether one can bind to it.
    ///
    /// # Errors
    /// A TCP endpoint with a source address.
    pub fn check_bind(&self) -> Result<(), EndpointError> {
        match self {
            Self::Tcp(tcp) if tcp.source().is_some() => {
                Err(self.error_in_address(Kind::BindSource))
            }
            Self::Tcp(_) | Self::Ipc(_) | Self::Inproc(_) => Ok(()),
        }
    }

    /// Whether one can connect to it.
    ///
    /// # Errors
    /// `*` as host, port or path, and port 0.
    pub fn check_connect(&self) -> Result<(), EndpointError> {
        let kind = match self {
            Self::Tcp(tcp) if *tcp.host() == Host::Any => Kind::ConnectAnyHost,
            Self::Tcp(tcp) if tcp.port() == 0 => Kind::ConnectAnyPort,
            Self::Ipc(ipc) if ipc.is_any() => Kind::ConnectAnyPath,
            Self::Tcp(_) | Self::Ipc(_) | Self::Inproc(_) => return Ok(()),
        };
        Err(self.error_in_address(kind))
    }

    /// The name before the `://`.
    #[must_use]
    pub const fn transport(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Ipc(_) => "ipc",
            Self::Inproc(_) => "inproc",
        }
    }

    fn error_in_address(&self, kind: Kind) -> EndpointError {
        let text = self.to_string();
        let part = self.transport().len() + "://".len()..text.len();
        EndpointError::new(&text, part, kind)
    }

    fn parse(piece: Piece<'_>) -> Result<Self, Fault> {
        let Some((transport, address)) = piece.find("://").and_then(|at| piece.cut(at, 3)) else {
            return Err(piece.fault(Kind::MissingTransport));
        };
        if let Some(nul) = address.find('\0') {
            return Err(address.skip(nul).first(1).fault(Kind::Nul));
        }
        match transport.text() {
            "tcp" => TcpEndpoint::parse(address).map(Self::Tcp),
            "ipc" => IpcEndpoint::check(address.text())
                .map(Self::Ipc)
                .map_err(|kind| address.fault(kind)),
            "inproc" => InprocName::check(address.text())
                .map(Self::Inproc)
                .map_err(|kind| address.fault(kind)),
            other if UNSUPPORTED.contains(&other) => {
                Err(transport.fault(Kind::UnsupportedTransport))
            }
            _ => Err(transport.fault(Kind::UnknownTransport)),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::parse(Piece::new(text)).map_err(|fault| fault.in_text(text))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.transport())?;
        match self {
            Self::Tcp(tcp) => tcp.fmt(f),
            Self::Ipc(ipc) => ipc.fmt(f),
            Self::Inproc(name) => f.write_str(name.as_str()),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address.into())
    }
}

/// A name within the process: 1 to 256 octets, none of them NUL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InprocName(Box<str>);

impl InprocName {
    /// A name, or `None` if the text is empty, longer than 256 octets or holds a NUL.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Self::check(name).ok()
    }

    /// The name without `inproc://`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(name: &str) -> Result<Self, Kind> {
        match name.len() {
            0 => Err(Kind::EmptyName),
            1..=256 if name.contains('\0') => Err(Kind::Nul),
            1..=256 => Ok(Self(name.into())),
            _ => Err(Kind::NameTooLong),
        }
    }
}

#[cfg(test)]
mod tests;
