//! The text of address rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Subnets};

/// What one entry of the table covers. Networks are canonical and without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pattern {
    Net(IpNet),
    Uid(u32),
    Gid(u32),
    Unix,
    Inproc,
}

/// A rule that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("address rule \"{}\": {fault}", rule.escape_debug())]
pub struct AddressError {
    /// The rule as given.
    pub rule: String,
    /// What is wrong with it.
    pub fault: AddressFault,
}

/// What is wrong with an address rule, and what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressFault {
    /// Bits are set behind the prefix.
    #[error("bits are set behind the prefix; write {0} for the network or leave the prefix out")]
    HostBits(IpNet),
    /// A prefix longer than the address, or no number.
    #[error("the prefix is not a number from 0 to {0}")]
    Prefix(u8),
    /// A name instead of an address.
    #[error("host names are not looked up; write the addresses that the name stands for")]
    HostName,
    /// An endpoint or an address with port.
    #[error("write the address alone, without transport and port")]
    Endpoint,
    /// An address with a zone.
    #[error("write the address without its zone (what follows '%')")]
    Zone,
    /// A range that is none.
    #[error("expected FIRST-LAST, two addresses of one family, the lower one first")]
    Range,
    /// A user or group that is not a number.
    #[error("expected unix, unix:uid=NUMBER or unix:gid=NUMBER")]
    Unix,
    /// Anything else.
    #[error(
        "expected an IP address, a network such as 192.0.2.0/24, a range such as 192.0.2.7-192.0.2.19, loopback, private, unix, unix:uid=NUMBER, unix:gid=NUMBER or inproc"
    )]
    Unknown,
}

/// The entries that a rule stands for.
pub(super) fn parse(rule: &str) -> Result<Vec<Pattern>, AddressError> {
    parse_rule(rule).map_err(|fault| AddressError { rule: rule.to_owned(), fault })
}

fn parse_rule(rule: &str) -> Result<Vec<Pattern>, AddressFault> {
    match rule {
        "loopback" => Ok(vec![v4([127, 0, 0, 0], 8)?, v6(Ipv6Addr::LOCALHOST, 128)?]),
        "private" => Ok(vec![
            v4([10, 0, 0, 0], 8)?,
            v4([172, 16, 0, 0], 12)?,
            v4([192, 168, 0, 0], 16)?,
            v6(Ipv6Addr::new(0xFC00, 0, 0, 0, 0, 0, 0, 0), 7)?,
        ]),
        "unix" => Ok(vec![Pattern::Unix]),
        "inproc" => Ok(vec![Pattern::Inproc]),
        _ => match rule.strip_prefix("unix:") {
            Some(owner) => parse_owner(owner).map(|pattern| vec![pattern]),
            None => match rule.split_once('-') {
                Some((first, last)) => parse_range(rule, first, last),
                None => parse_net(rule).map(|net| vec![Pattern::Net(net)]),
            },
        },
    }
}

fn v4(octets: [u8; 4], length: u8) -> Result<Pattern, AddressFault> {
    network(Ipv4Addr::from(octets).into(), length).map(Pattern::Net)
}

fn v6(address: Ipv6Addr, length: u8) -> Result<Pattern, AddressFault> {
    network(address.into(), length).map(Pattern::Net)
}

fn parse_owner(owner: &str) -> Result<Pattern, AddressFault> {
    let (kind, number) = owner.split_once('=').ok_or(AddressFault::Unix)?;
    let digits = number.bytes().all(|octet| octet.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits).ok_or(AddressFault::Unix)?;
    match kind {
        "uid" => Ok(Pattern::Uid(number)),
        "gid" => Ok(Pattern::Gid(number)),
        _ => Err(AddressFault::Unix),
    }
}

/// The fewest networks that make up a range.
fn parse_range(rule: &str, first: &str, last: &str) -> Result<Vec<Pattern>, AddressFault> {
    let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>()) else {
        let address = first.parse::<IpAddr>().is_ok();
        return Err(if address { AddressFault::Range } else { explain(rule) });
    };
    let nets: Vec<IpNet> = match (first.to_canonical(), last.to_canonical()) {
        (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
            Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
            Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
        }
        _ => return Err(AddressFault::Range),
    };
    Ok(nets.into_iter().map(Pattern::Net).collect())
}

fn parse_net(rule: &str) -> Result<IpNet, AddressFault> {
    let (address, length) = match rule.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (rule, None),
    };
    let address: IpAddr = address.parse().map_err(|_| explain(rule))?;
    let full = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) => parse_length(length, full)?,
        None => full,
    };
    network(address, length).map(canonical)
}

fn parse_length(length: &str, full: u8) -> Result<u8, AddressFault> {
    let digits = length.bytes().all(|octet| octet.is_ascii_digit());
    let length = length.parse().ok().filter(|length| digits && *length <= full);
    length.ok_or(AddressFault::Prefix(full))
}

fn network(address: IpAddr, length: u8) -> Result<IpNet, AddressFault> {
    let full = if address.is_ipv4() { 32 } else { 128 };
    let net = IpNet::new(address, length).map_err(|_| AddressFault::Prefix(full))?;
    if net.trunc() == net { Ok(net) } else { Err(AddressFault::HostBits(net.trunc())) }
}

/// IPv4 that was mapped into IPv6, mapped back. A network that holds all mapped addresses and others
/// stays as it is, and covers no IPv4 peer.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let mapped = v6.network().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    mapped.and_then(|(v4, length)| Ipv4Net::new(v4, length).ok()).map_or(net, IpNet::V4)
}

/// Why something is not an address.
fn explain(rule: &str) -> AddressFault {
    let address = rule.split_once('/').map_or(rule, |(address, _)| address);
    if rule.contains("://") || rule.starts_with('[') || rule.parse::<SocketAddr>().is_ok() {
        return AddressFault::Endpoint;
    }
    match address.split_once('%') {
        Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => return AddressFault::Zone,
        _ => {}
    }
    let host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = address.chars().all(host) && address.chars().any(char::is_alphabetic);
    match address.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.parse::<u16>().is_ok() => {
            AddressFault::Endpoint
        }
        _ if name => AddressFault::HostName,
        _ => AddressFault::Unknown,
    }
}
