//! Why a text is no endpoint, and where in it.

use std::fmt;
use std::ops::Range;

/// How much of an endpoint an error quotes; longer texts end in `…`.
const QUOTED: usize = 160;

/// A text that is no endpoint, or an endpoint that cannot serve the purpose.
///
/// `Display` quotes the text, escaped, names the place, and says what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointError {
    text: Box<str>,
    part: Range<usize>,
    kind: EndpointErrorKind,
}

impl EndpointError {
    pub(super) fn new(text: &str, part: Range<usize>, kind: EndpointErrorKind) -> Self {
        let start = part.start.min(text.len());
        Self { text: text.into(), part: start..part.end.clamp(start, text.len()), kind }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> EndpointErrorKind {
        self.kind
    }

    /// The whole text, as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The octets of [`text`](Self::text) that are at fault; empty where something is missing.
    #[must_use]
    pub fn part(&self) -> Range<usize> {
        self.part.clone()
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {}: ", Quoted(&self.text))?;
        match self.text.get(self.part.clone()) {
            Some(part) if !part.is_empty() && part.len() < self.text.len() => {
                write!(f, "{} at octet {}: ", Quoted(part), self.part.start)?;
            }
            Some("") if self.part.start > 0 => write!(f, "at octet {}: ", self.part.start)?,
            _ => {}
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for EndpointError {}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(QUOTED).and_then(|(end, _)| self.0.get(..end)) {
            Some(start) => write!(f, "\"{}…\"", start.escape_debug()),
            None => write!(f, "\"{}\"", self.0.escape_debug()),
        }
    }
}

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointErrorKind {
    /// No `://`.
    #[error("expected a transport, \"://\" and an address, as in tcp://127.0.0.1:5555")]
    MissingTransport,
    /// A transport that libzmq knows and this library does not speak: pgm, epgm, norm, udp, tipc,
    /// vmci, vsock, hvsocket, ws, wss.
    #[error("this transport of libzmq is not supported here; use tcp, ipc or inproc")]
    UnsupportedTransport,
    /// A transport that nobody speaks.
    #[error("unknown transport; expected tcp, ipc or inproc")]
    UnknownTransport,
    /// A NUL octet, which no address can hold.
    #[error("a NUL octet cannot stand in an endpoint")]
    Nul,
    /// Nothing before the port.
    #[error("expected an address, a host name, an interface name or * here")]
    EmptyHost,
    /// A host name with octets that no host or interface name has, with an empty label, or of more
    /// than 253 octets.
    #[error(
        "expected a name of at most 253 letters, digits, hyphens, dots and underscores \
         (names in other scripts in their xn-- form)"
    )]
    InvalidHost,
    /// A host of nothing but numbers that is no IPv4 address.
    #[error("expected an IPv4 address of four decimal numbers from 0 to 255")]
    InvalidIpv4,
    /// Not an IPv6 address between the brackets.
    #[error("expected an IPv6 address between the brackets")]
    InvalidIpv6,
    /// An IPv6 address without brackets, or brackets that do not match.
    #[error("expected an IPv6 address in brackets, as in tcp://[::1]:5555")]
    Brackets,
    /// An empty or malformed zone after `%`.
    #[error("expected the name or number of an interface after %")]
    InvalidZone,
    /// No `:` and port after the host.
    #[error("expected \":\" and a port after the host")]
    MissingPort,
    /// A port that is no number from 0 to 65535, nor `*`.
    #[error("expected a port from 1 to 65535, or * (or 0) for any free port")]
    InvalidPort,
    /// Nothing after `ipc://`.
    #[error("expected a path, @ and an abstract name, or *")]
    EmptyPath,
    /// A path, or abstract name with its `@`, of more than 107 octets.
    #[error("the path of a socket has at most 107 octets")]
    PathTooLong,
    /// `ipc://@` without a name.
    #[error("expected an abstract name after @")]
    EmptyAbstractName,
    /// Nothing after `inproc://`.
    #[error("expected a name")]
    EmptyName,
    /// An inproc name of more than 256 octets.
    #[error("an inproc name has at most 256 octets")]
    NameTooLong,
    /// `*` as the host of a connect.
    #[error("* stands for every address in a bind; a connect needs a host")]
    ConnectAnyHost,
    /// Port 0 or `*` in a connect.
    #[error("* and 0 stand for any free port in a bind; a connect needs the port")]
    ConnectAnyPort,
    /// `ipc://*` in a connect.
    #[error("* stands for a new path in a bind; a connect needs the path it got")]
    ConnectAnyPath,
    /// A source address in a bind.
    #[error("a source address (before the \";\") has a meaning in a connect only")]
    BindSource,
}
