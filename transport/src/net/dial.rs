//! Connecting to either transport.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use zmtp_core::peer::PeerAddress;

use super::error::{DialErrorKind, Failure};
use super::{DialError, SocksProxy, Stream, TransportOptions, platform, tcp};
use crate::endpoint::{Endpoint, Host, TcpAddress, TcpEndpoint};

/// How often a connection that met itself is tried again, with a new port on this side each time.
const SELF_CONNECTS: usize = 3;

/// For time limits that reach beyond the end of the clock.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Makes one attempt to connect, over all the addresses that the endpoint stands for, in order and
/// within [`connect_timeout`](TransportOptions::connect_timeout). Each address may use an equal
/// share of the time that is left, so that a silent one does not use up that of the next.
///
/// `0.0.0.0` and `[::]`, which listeners report for `*`, are this machine. The peer address is the
/// one that answered, which may be a proxy; over ipc, the process that listens.
///
/// Dropping the future gives the attempt up and closes what was opened; a resolver that was asked
/// finishes on its own thread, unheard.
///
/// # Errors
/// Typed, and naming the endpoint; with several addresses, of the one that was tried last, or of the
/// last one where another attempt may do better.
pub async fn dial(
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> Result<(Stream, PeerAddress), DialError> {
    let failed = |failure: Failure<DialErrorKind>| failure.at(endpoint, None);
    endpoint.check_connect().map_err(|error| failed(DialErrorKind::Invalid(error).into()))?;
    let now = Instant::now();
    let deadline = now.checked_add(options.connect_timeout).unwrap_or_else(|| now + FOREVER);
    match endpoint {
        Endpoint::Tcp(tcp) => {
            let dialled = match &options.socks_proxy {
                None => dial_tcp(endpoint, tcp, options, deadline).await,
                Some(proxy) => dial_through(proxy, endpoint, tcp, options, deadline).await,
            };
            dialled.map(|(stream, target)| (Stream::Tcp(stream), tcp::peer_address(target)))
        }
        Endpoint::Ipc(ipc) => {
            let attempt = timeout_at(deadline, platform::dial(ipc, options)).await;
            let attempt = attempt.unwrap_or_else(|_| Err(DialErrorKind::TimedOut.into()));
            attempt.map(|(stream, peer)| (Stream::Ipc(stream), peer)).map_err(failed)
        }
        Endpoint::Inproc(_) => Err(failed(DialErrorKind::WrongTransport.into())),
    }
}

/// Connects to the proxy, and lets it connect to the endpoint.
async fn dial_through(
    proxy: &SocksProxy,
    endpoint: &Endpoint,
    tcp: &TcpEndpoint,
    options: &TransportOptions,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), DialError> {
    let near = proxy.endpoint(tcp.source());
    let (stream, address) = dial_tcp(endpoint, &near, options, deadline).await?;
    let passed = timeout_at(deadline, proxy.pass(stream, tcp.address())).await;
    let passed = passed.unwrap_or_else(|_| Err(DialErrorKind::TimedOut.into()));
    passed.map(|stream| (stream, address)).map_err(|failure| failure.at(endpoint, Some(address)))
}

async fn dial_tcp(
    endpoint: &Endpoint,
    tcp: &TcpEndpoint,
    options: &TransportOptions,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), DialError> {
    let failed = |failure: Failure<DialErrorKind>| failure.at(endpoint, None);
    let routes = timeout_at(deadline, routes(tcp, options))
        .await
        .unwrap_or_else(|_| Err(DialErrorKind::TimedOut.into()))
        .map_err(failed)?;
    let mut last: Option<DialError> = None;
    let mut left = u32::try_from(routes.len()).unwrap_or(u32::MAX);
    for Route { source, target } in routes {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left.max(1);
        left = left.saturating_sub(1);
        let attempt = timeout_at(now + share, connect(source, target, options)).await;
        match attempt.unwrap_or_else(|_| Err(DialErrorKind::TimedOut.into())) {
            Ok(stream) => return Ok((stream, target)),
            Err(failure) => {
                let error = failure.at(endpoint, Some(target));
                // What may pass is worth another attempt, whatever becomes of the others.
                last = last
                    .filter(|last| error.is_permanent() && !last.is_permanent())
                    .or(Some(error));
            }
        }
    }
    Err(last.unwrap_or_else(|| failed(DialErrorKind::NotAvailable.into())))
}

/// One way to reach the host.
struct Route {
    source: Option<SocketAddr>,
    target: SocketAddr,
}

/// Every address of the host, with the first source address of the same kind.
async fn routes(
    endpoint: &TcpEndpoint,
    options: &TransportOptions,
) -> Result<Vec<Route>, Failure<DialErrorKind>> {
    let targets = targets(endpoint.address(), options).await?;
    let Some(source) = endpoint.source() else {
        let route = |target| Route { source: None, target };
        return Ok(targets.into_iter().map(route).collect());
    };
    let sources = sources(source, options)?;
    let route = |target: SocketAddr| {
        let source = sources.iter().find(|source| source.is_ipv4() == target.is_ipv4());
        source.map(|source| Route { source: Some(*source), target })
    };
    Ok(targets.into_iter().filter_map(route).collect())
}

async fn targets(
    address: &TcpAddress,
    options: &TransportOptions,
) -> Result<Vec<SocketAddr>, Failure<DialErrorKind>> {
    if let Host::Name(_) = address.host() {
        return tcp::resolve(address, options)
            .await
            .map_err(|cause| Failure { kind: DialErrorKind::Resolve, cause });
    }
    let mut found = tcp::addresses_here(address, options)?;
    if found.is_empty() {
        return Err(DialErrorKind::Resolve.into());
    }
    found.iter_mut().for_each(|address| *address = this_machine(*address));
    Ok(found)
}

/// Only addresses and interfaces of this machine: a resolver has no say in them.
fn sources(
    source: &TcpAddress,
    options: &TransportOptions,
) -> Result<Vec<SocketAddr>, Failure<DialErrorKind>> {
    let any = |ip: IpAddr| SocketAddr::new(ip, source.port());
    let found = match source.host() {
        Host::Any => vec![any(Ipv4Addr::UNSPECIFIED.into()), any(Ipv6Addr::UNSPECIFIED.into())],
        Host::V4(_) | Host::V6(..) | Host::Name(_) => tcp::addresses_here(source, options)?,
    };
    if found.is_empty() { Err(DialErrorKind::Resolve.into()) } else { Ok(found) }
}

/// Linux takes the unspecified address as the loopback one; the others do not.
fn this_machine(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => return address,
    };
    SocketAddr::new(loopback, address.port())
}

async fn connect(
    source: Option<SocketAddr>,
    target: SocketAddr,
    options: &TransportOptions,
) -> Result<TcpStream, Failure<DialErrorKind>> {
    for _ in 0..SELF_CONNECTS {
        let socket = tcp::socket(target, options)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            if source.port() != 0 {
                // Otherwise the connection before keeps the port for a minute after its end.
                socket.set_reuse_address(true)?;
            }
            socket.bind(&source.into())?;
        }
        let stream = TcpSocket::from_std_stream(socket.into()).connect(target).await?;
        if !has_met_itself(&stream, target)? {
            return Ok(stream);
        }
        // Closed with a reset: the port is free at once for the server that should have it.
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    }
    Err(DialErrorKind::SelfConnect.into())
}

/// Whoever connects to a free port of this machine may be given that port as his own, and TCP then
/// connects the socket with itself.
fn has_met_itself(stream: &TcpStream, target: SocketAddr) -> io::Result<bool> {
    let local = stream.local_addr()?;
    Ok(local.port() == target.port() && local.ip() == target.ip())
}
