//! TCP: names, options and listening.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use zmtp_core::peer::PeerAddress;

use super::error::{BindErrorKind, Failure, OsError, SetupError};
use super::{Keepalive, TransportOptions, interface, platform};
use crate::endpoint::{Host, TcpAddress};

/// Octets that the system takes before it can send them. It would take several megabytes, which are in no near
/// cache any more when it comes to them, and count for no high-water mark.
const MOST_UNSENT: u32 = 512 * 1024;

/// An IPv4 peer of a dual-stack listener is an IPv4 peer.
pub(super) fn peer_address(address: SocketAddr) -> PeerAddress {
    PeerAddress::Ip(canonical(address))
}

/// An IPv4 address that was mapped into IPv6 as itself.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Listens on the first address that the text stands for.
pub(super) async fn bind(
    address: &TcpAddress,
    options: &TransportOptions,
) -> Result<(TcpListener, SocketAddr), Failure<BindErrorKind>> {
    let any_ipv4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    let any_ipv6 = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), address.port());
    let socket = match address.host() {
        Host::Any if options.ipv6 => match listen(any_ipv6, options) {
            Err(error) if is_without_ipv6(&error) => listen(any_ipv4, options)?,
            other => other?,
        },
        Host::Any => listen(any_ipv4, options)?,
        Host::V4(_) | Host::V6(..) | Host::Name(_) => {
            let mut found = addresses_here(address, options)?;
            if found.is_empty() {
                found = resolve(address, options)
                    .await
                    .map_err(|cause| Failure { kind: BindErrorKind::Resolve, cause })?;
            }
            listen(*found.first().ok_or(BindErrorKind::Resolve)?, options)?
        }
    };
    let listener = TcpListener::from_std(socket.into())?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// A kernel built without IPv6 has no such sockets; one with IPv6 switched off has no such addresses.
fn is_without_ipv6(error: &Failure<BindErrorKind>) -> bool {
    error.kind == BindErrorKind::NotAvailable || error.cause.is_some_and(OsError::is_missing_family)
}

fn listen(
    address: SocketAddr,
    options: &TransportOptions,
) -> Result<Socket, Failure<BindErrorKind>> {
    let socket = socket(address, options)?;
    platform::prepare_listener(&socket)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog(options))?;
    Ok(socket)
}

/// The backlog as the system wants it.
pub(super) fn backlog(options: &TransportOptions) -> i32 {
    i32::try_from(options.backlog).unwrap_or(i32::MAX).max(1)
}

/// A socket that is neither bound nor connected, with the options that come before either.
pub(super) fn socket(
    address: SocketAddr,
    options: &TransportOptions,
) -> Result<Socket, SetupError> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    set_buffers(SockRef::from(&socket), options)?;
    if options.send_buffer.is_none() {
        platform::set_most_unsent(&socket, MOST_UNSENT);
    }
    if let Some(device) = &options.device {
        platform::bind_device(&socket, device).map_err(SetupError::of("device"))?;
    }
    if options.type_of_service != 0 {
        set_type_of_service(&socket, address, options.type_of_service.into())
            .map_err(SetupError::of("type_of_service"))?;
    }
    set_timers(SockRef::from(&socket), options)?;
    Ok(socket)
}

/// For TCP this comes before the connection is made, which fixes the scale of its window.
pub(super) fn set_buffers(
    socket: SockRef<'_>,
    options: &TransportOptions,
) -> Result<(), SetupError> {
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size).map_err(SetupError::of("send_buffer"))?;
    }
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(size).map_err(SetupError::of("receive_buffer"))?;
    }
    Ok(())
}

/// A dual-stack socket sends IPv4 packets as well, so that it takes both.
fn set_type_of_service(socket: &Socket, address: SocketAddr, octet: u32) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => socket.set_tos_v4(octet),
        SocketAddr::V6(_) => {
            // Not every system knows IPv4's on an IPv6 socket, and not every such socket needs it.
            let _ = socket.set_tos_v4(octet);
            platform::set_traffic_class(socket, octet)
        }
    }
}

/// What concerns an existing connection. Set before there is one, so that an option that the system
/// does not know is refused at bind, not for each connection.
fn set_timers(socket: SockRef<'_>, options: &TransportOptions) -> Result<(), SetupError> {
    match options.keepalive {
        Keepalive::System => {}
        Keepalive::Off => socket.set_keepalive(false).map_err(SetupError::of("keepalive"))?,
        Keepalive::On { idle, interval, count } => {
            let mut probes = TcpKeepalive::new();
            probes = idle.map_or(probes.clone(), |idle| probes.with_time(idle));
            probes = interval.map_or(probes.clone(), |interval| probes.with_interval(interval));
            probes = count.map_or(probes.clone(), |count| probes.with_retries(count));
            socket.set_tcp_keepalive(&probes).map_err(SetupError::of("keepalive"))?;
        }
    }
    if let Some(limit) = options.retransmit_timeout {
        platform::set_retransmit_timeout(&socket, limit)
            .map_err(SetupError::of("retransmit_timeout"))?;
    }
    Ok(())
}

/// What an accepted connection needs. Linux hands down all options of the listener; those that other
/// systems do not are set again.
pub(super) fn tune(stream: &TcpStream, options: &TransportOptions) -> Result<(), SetupError> {
    if cfg!(not(target_os = "linux")) {
        stream.set_nodelay(true)?;
        set_timers(SockRef::from(stream), options)?;
    }
    Ok(())
}

/// The addresses of a text that needs no resolver: an IP address, or an interface of this machine.
pub(super) fn addresses_here(
    address: &TcpAddress,
    options: &TransportOptions,
) -> io::Result<Vec<SocketAddr>> {
    let port = address.port();
    let mut found = match address.host() {
        Host::Any => Vec::new(),
        Host::V4(ip) => vec![SocketAddr::new((*ip).into(), port)],
        Host::V6(ip, None) => vec![SocketAddr::new((*ip).into(), port)],
        Host::V6(ip, Some(zone)) => {
            let zone = interface::scope_id(zone)?;
            zone.map(|zone| SocketAddrV6::new(*ip, port, 0, zone).into()).into_iter().collect()
        }
        Host::Name(name) => interface::addresses(name.as_str())?,
    };
    for address in &mut found {
        address.set_port(port);
    }
    prefer(&mut found, options);
    Ok(found)
}

/// The addresses of a host name, at least one. The error is what the system said, if it did.
pub(super) async fn resolve(
    address: &TcpAddress,
    options: &TransportOptions,
) -> Result<Vec<SocketAddr>, Option<OsError>> {
    let Host::Name(name) = address.host() else { return Err(None) };
    // A resolver's own errors have no number, and no kind that says more than "not found".
    let known = |error: io::Error| error.raw_os_error().is_some().then(|| error.into());
    let found = lookup_host((name.as_str(), address.port())).await.map_err(known)?;
    let mut found: Vec<_> = found.collect();
    prefer(&mut found, options);
    if found.is_empty() { Err(None) } else { Ok(found) }
}

fn prefer(addresses: &mut [SocketAddr], options: &TransportOptions) {
    if !options.ipv6 {
        addresses.sort_by_key(SocketAddr::is_ipv6);
    }
}
