//! Listening on either transport.

use tokio::net::TcpListener;
use zmtp_core::peer::PeerAddress;

use super::error::Failure;
use super::platform::IpcListener;
use super::{AcceptError, BindError, BindErrorKind, Stream, TransportOptions, tcp};
use crate::endpoint::Endpoint;

/// A bound endpoint that takes connections.
///
/// Dropping it stops listening and removes the path of an ipc endpoint, unless somebody has put
/// another socket there meanwhile. Connections that wait to be accepted are closed by the system.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    local: Endpoint,
    options: TransportOptions,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Ipc(IpcListener),
}

impl Listener {
    /// Binds and listens.
    ///
    /// A name is looked for among the interfaces of this machine, then resolved as a host; the first
    /// address counts. At an ipc path a socket that nobody listens on any more is replaced; a live
    /// socket, and a file of any other kind, is left alone and refused.
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    /// Typed, and naming the endpoint; see [`BindErrorKind`].
    pub async fn bind(endpoint: &Endpoint, options: &TransportOptions) -> Result<Self, BindError> {
        let failed = |failure: Failure<BindErrorKind>| failure.at(endpoint);
        endpoint.check_bind().map_err(|error| failed(BindErrorKind::Invalid(error).into()))?;
        let (socket, local) = match endpoint {
            Endpoint::Tcp(tcp) => {
                let (listener, local) = tcp::bind(tcp.address(), options).await.map_err(failed)?;
                (Socket::Tcp(listener), local.into())
            }
            Endpoint::Ipc(ipc) => {
                let listener = IpcListener::bind(ipc, options).await.map_err(failed)?;
                let local = Endpoint::Ipc(listener.local().clone());
                (Socket::Ipc(listener), local)
            }
            Endpoint::Inproc(_) => return Err(failed(BindErrorKind::WrongTransport.into())),
        };
        Ok(Self { socket, local, options: options.clone() })
    }

    /// Where it listens: with the real address, port or path in place of names and wildcards. For
    /// `tcp://*` that is `0.0.0.0` (or `[::]`), which [`dial`](super::dial()) takes as this machine.
    #[must_use]
    pub const fn local(&self) -> &Endpoint {
        &self.local
    }

    /// Waits for the next connection.
    ///
    /// Dropping the future loses no connection.
    ///
    /// # Errors
    /// The kind says whether to go on at once, after a pause, or not at all.
    pub async fn accept(&self) -> Result<(Stream, PeerAddress), AcceptError> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await.map_err(AcceptError::new)?;
                tcp::tune(&stream, &self.options)
                    .map_err(|error| AcceptError::of_connection(error.cause()))?;
                Ok((Stream::Tcp(stream), tcp::peer_address(peer)))
            }
            Socket::Ipc(listener) => {
                let (stream, peer) = listener.accept(&self.options).await?;
                Ok((Stream::Ipc(stream), peer))
            }
        }
    }
}
