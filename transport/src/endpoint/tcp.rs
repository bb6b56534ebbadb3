//! `tcp://` endpoints.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::error::EndpointErrorKind as Kind;
use super::fault::{Fault, Piece};

/// Where to listen, or where to connect to and from which address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TcpEndpoint {
    source: Option<TcpAddress>,
    address: TcpAddress,
}

impl TcpEndpoint {
    /// The endpoint at an address.
    #[must_use]
    pub const fn new(address: TcpAddress) -> Self {
        Self { source: None, address }
    }

    /// The same, to be connected to from the address given (an IP address or an interface).
    #[must_use]
    pub fn with_source(self, source: TcpAddress) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The address to listen on or to connect to.
    #[must_use]
    pub const fn address(&self) -> &TcpAddress {
        &self.address
    }

    /// The address to connect from, where one was given.
    #[must_use]
    pub const fn source(&self) -> Option<&TcpAddress> {
        self.source.as_ref()
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.address.host
    }

    /// The port; 0 for any free one.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port
    }

    pub(super) fn parse(piece: Piece<'_>) -> Result<Self, Fault> {
        let (source, address) = match piece.rsplit_once(';') {
            Some((source, address)) => (Some(TcpAddress::parse(source)?), address),
            None => (None, piece),
        };
        Ok(Self { source, address: TcpAddress::parse(address)? })
    }
}

/// What follows `tcp://`.
impl fmt::Display for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source};")?;
        }
        write!(f, "{}", self.address)
    }
}

impl From<SocketAddr> for TcpEndpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.into())
    }
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TcpAddress {
    host: Host,
    port: u16,
}

impl TcpAddress {
    /// Puts both together; port 0 is any free port.
    #[must_use]
    pub const fn new(host: Host, port: u16) -> Self {
        Self { host, port }
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 0 for any free one.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn parse(piece: Piece<'_>) -> Result<Self, Fault> {
        if piece.starts_with('[') {
            let Some((inner, rest)) = piece.skip(1).split_once(']') else {
                return Err(piece.fault(Kind::Brackets));
            };
            let host = Host::parse_ipv6(inner)?;
            let Some(port) = rest.strip_prefix(':') else {
                return Err(rest.fault(Kind::MissingPort));
            };
            return Ok(Self { host, port: parse_port(port)? });
        }
        let Some((host, port)) = piece.rsplit_once(':') else {
            return Err(if piece.is_empty() {
                piece.fault(Kind::EmptyHost)
            } else {
                piece.end().fault(Kind::MissingPort)
            });
        };
        Ok(Self { host: Host::parse(host)?, port: parse_port(port)? })
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A zone given by number is kept; the flow label is not part of an endpoint.
impl From<SocketAddr> for TcpAddress {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(v4) => Host::V4(*v4.ip()),
            SocketAddr::V6(v6) => {
                let zone = (v6.scope_id() != 0).then(|| Zone(v6.scope_id().to_string().into()));
                Host::V6(*v6.ip(), zone)
            }
        };
        Self { host, port: address.port() }
    }
}

fn parse_port(piece: Piece<'_>) -> Result<u16, Fault> {
    let text = piece.text();
    if text == "*" {
        return Ok(0);
    }
    let decimal = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    match text.parse() {
        Ok(port) if decimal => Ok(port),
        _ => Err(piece.fault(Kind::InvalidPort)),
    }
}

/// The host part of a `tcp://` endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// `*`: every address of this machine; only to listen on.
    Any,
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, with its zone where it needs one (`[fe80::1%eth0]`).
    V6(Ipv6Addr, Option<Zone>),
    /// A name to be resolved: of a host, or of an interface of this machine.
    Name(HostName),
}

impl Host {
    /// The address, if it is written as one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip, _) => Some(IpAddr::V6(*ip)),
            Self::Any | Self::Name(_) => None,
        }
    }

    fn parse(piece: Piece<'_>) -> Result<Self, Fault> {
        let text = piece.text();
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.contains([':', '[', ']']) && !text.contains(';') {
            return Err(piece.fault(Kind::Brackets));
        }
        if let Ok(ip) = text.parse() {
            return Ok(Self::V4(ip));
        }
        HostName::check(text).map(Self::Name).map_err(|kind| piece.fault(kind))
    }

    fn parse_ipv6(piece: Piece<'_>) -> Result<Self, Fault> {
        let (address, zone) = match piece.split_once('%') {
            Some((address, zone)) => {
                let parsed = Zone::new(zone.text());
                (address, Some(parsed.ok_or_else(|| zone.fault(Kind::InvalidZone))?))
            }
            None => (piece, None),
        };
        match address.text().parse() {
            Ok(ip) => Ok(Self::V6(ip, zone)),
            Err(_) => Err(address.fault(Kind::InvalidIpv6)),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::V4(ip) => write!(f, "{ip}"),
            Self::V6(ip, None) => write!(f, "[{ip}]"),
            Self::V6(ip, Some(zone)) => write!(f, "[{ip}%{}]", zone.as_str()),
            Self::Name(name) => f.write_str(name.as_str()),
        }
    }
}

/// A zone without its number: an address whose interface is known by number comes from [`TcpAddress`].
impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(ip, None),
        }
    }
}

/// The interface that a link-local address belongs to, by name or number: 1 to 64 octets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone(Box<str>);

impl Zone {
    /// A zone, or `None` if the text cannot name an interface.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |octet: u8| octet.is_ascii_graphic() && !b"%/;[]".contains(&octet);
        (matches!(text.len(), 1..=64) && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a host or of an interface: 1 to 253 letters, digits, hyphens, underscores and dots
/// between them, and nothing that a resolver could take for an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(Box<str>);

impl HostName {
    /// A name, or `None` if the text is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::check(text).ok()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Resolvers read `127.1`, `0x7f.1` and `2130706433` as addresses. A rule that compares texts
    /// would not see that, so names of nothing but numbers are refused.
    fn check(text: &str) -> Result<Self, Kind> {
        if text.is_empty() {
            return Err(Kind::EmptyHost);
        }
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
        let label = |label: &str| !label.is_empty() && label.bytes().all(plain);
        let mut labels = text.strip_suffix('.').unwrap_or(text).split('.');
        if text.len() > 253 || !labels.clone().all(label) {
            return Err(Kind::InvalidHost);
        }
        let number = |label: &str| {
            let hexadecimal = label.strip_prefix("0x").or(label.strip_prefix("0X"));
            label.bytes().all(|octet| octet.is_ascii_digit())
                || hexadecimal.is_some_and(|it| it.bytes().all(|octet| octet.is_ascii_hexdigit()))
        };
        if labels.all(number) {
            return Err(Kind::InvalidIpv4);
        }
        Ok(Self(text.into()))
    }
}
