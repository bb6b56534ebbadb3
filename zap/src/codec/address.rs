//! The address field of a request, read back.

use std::net::{IpAddr, SocketAddr};

use zmtp_core::peer::PeerAddress;

/// The address in the text that a server sent, or `None` if there is none.
///
/// 27/ZAP, "Message Format", knows IP addresses only. libzmq adds a zone to link-local ones, writes
/// `localhost:UID:GID:PID` for a peer on a Unix socket, bare `localhost` where the system does not
/// tell who it is, and nothing for other transports.
pub(super) fn parse(text: &str) -> Option<PeerAddress> {
    match text.strip_prefix("localhost") {
        Some("") => Some(PeerAddress::Unknown),
        Some(process) => parse_process(process.strip_prefix(':')?),
        None if text.is_empty() => Some(PeerAddress::Unknown),
        None => {
            let (address, _zone) = text.split_once('%').unwrap_or((text, ""));
            let address: IpAddr = address.parse().ok()?;
            Some(from_ip(address))
        }
    }
}

/// In canonical form and without port, as a request carries it.
pub(super) fn from_ip(address: IpAddr) -> PeerAddress {
    PeerAddress::Ip(SocketAddr::new(address.to_canonical(), 0))
}

fn parse_process(text: &str) -> Option<PeerAddress> {
    let mut fields = text.split(':');
    let (uid, gid, pid) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    // Where the system does not tell the process id, libzmq leaves it out and this library writes 0.
    let pid = if pid.is_empty() { 0 } else { number(pid)? };
    Some(PeerAddress::Process {
        uid: number(uid)?,
        gid: number(gid)?,
        pid: (pid != 0).then_some(pid),
    })
}

/// Digits only; the standard parser would also take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
