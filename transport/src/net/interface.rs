//! The interfaces of this machine, by name.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use if_addrs::{IfAddr, get_if_addrs};

use crate::endpoint::Zone;

/// The addresses of an interface, with port 0; empty if there is no such interface.
pub(super) fn addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    let interfaces = get_if_addrs()?.into_iter().filter(|interface| interface.name == name);
    Ok(interfaces.map(|interface| with_scope(interface.addr, interface.index)).collect())
}

/// A link-local address means nothing without its interface.
fn with_scope(address: IfAddr, index: Option<u32>) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, 0, 0, index.unwrap_or(0)).into()
        }
        ip => SocketAddr::new(ip, 0),
    }
}

/// The number of a zone that is given by number or by the name of an interface.
pub(super) fn scope_id(zone: &Zone) -> io::Result<Option<u32>> {
    if let Ok(number) = zone.as_str().parse::<u32>() {
        return Ok((number != 0).then_some(number));
    }
    let mut interfaces = get_if_addrs()?.into_iter();
    Ok(interfaces.find(|found| found.name == zone.as_str()).and_then(|found| found.index))
}
