//! What stands in for `unix` elsewhere: ipc endpoints are refused.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use socket2::{SockRef, Socket};
use zmtp_core::peer::PeerAddress;

use super::TransportOptions;
use super::error::{AcceptError, BindErrorKind, DialErrorKind, Failure};
use crate::endpoint::{Endpoint, IpcEndpoint};

const IPC: &str = "Unix domain sockets (ipc://); use tcp on the loopback address";

/// Never made here; the alias keeps [`Stream`](super::Stream) one type on every platform.
pub type IpcStream = tokio::net::TcpStream;

/// Never made here.
#[derive(Debug)]
pub(super) struct IpcListener(Infallible);

impl IpcListener {
    pub(super) async fn bind(
        _endpoint: &IpcEndpoint,
        _options: &TransportOptions,
    ) -> Result<Self, Failure<BindErrorKind>> {
        Err(BindErrorKind::Unsupported(IPC).into())
    }

    pub(super) fn local(&self) -> &IpcEndpoint {
        match self.0 {}
    }

    pub(super) async fn accept(
        &self,
        _options: &TransportOptions,
    ) -> Result<(IpcStream, PeerAddress), AcceptError> {
        match self.0 {}
    }
}

pub(super) async fn dial(
    _endpoint: &IpcEndpoint,
    _options: &TransportOptions,
) -> Result<(IpcStream, PeerAddress), Failure<DialErrorKind>> {
    Err(DialErrorKind::Unsupported(IPC).into())
}

pub(super) fn local_addr(_stream: &IpcStream) -> io::Result<Option<Endpoint>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn send(_socket: &Socket, _octets: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// `WSAEMFILE` and `WSAENOBUFS`.
pub(super) fn is_exhaustion(code: i32) -> bool {
    cfg!(windows) && [10024, 10055].contains(&code)
}

/// `WSAEAFNOSUPPORT`.
pub(super) fn is_missing_family(code: i32) -> bool {
    cfg!(windows) && code == 10047
}

/// The errors of a new connection all have portable kinds.
pub(super) const fn is_of_connection(_code: i32) -> bool {
    false
}

/// Windows gives a port to a second listener if both ask for reuse, so nobody asks.
pub(super) const fn prepare_listener(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

pub(super) fn bind_device(_socket: &Socket, _device: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn set_retransmit_timeout(_socket: &SockRef<'_>, _limit: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) const fn set_most_unsent(_socket: &Socket, _octets: u32) {}

pub(super) fn set_traffic_class(_socket: &Socket, _octet: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
