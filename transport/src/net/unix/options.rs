//! Options that not every system has.

#![cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    expect(unused_variables, reason = "what the system lacks takes arguments as well")
)]

use std::io;
use std::time::Duration;

use socket2::{SockRef, Socket};

/// The connections of a server that was stopped keep its port for a minute; the next server may
/// have it all the same.
pub(in crate::net) fn prepare_listener(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

pub(in crate::net) fn bind_device(socket: &Socket, device: &str) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return socket.bind_device(Some(device.as_bytes()));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return Err(io::ErrorKind::Unsupported.into());
}

pub(in crate::net) fn set_retransmit_timeout(
    socket: &SockRef<'_>,
    limit: Duration,
) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return socket.set_tcp_user_timeout(Some(limit));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return Err(io::ErrorKind::Unsupported.into());
}

/// Octets that TCP takes before it can send them, where that can be said.
pub(in crate::net) fn set_most_unsent(socket: &Socket, octets: u32) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // Without it, everything works as well.
    let _ = socket.set_tcp_notsent_lowat(octets);
}

/// The octet of IPv6 that IPv4 calls type of service.
pub(in crate::net) fn set_traffic_class(socket: &Socket, octet: u32) -> io::Result<()> {
    socket.set_tclass_v6(octet)
}
