//! The crate zeromq.

use std::cell::Cell;

use zeromq::{
    PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket as _,
    SocketRecv as _, SocketSend as _, SubSocket, ZmqMessage,
};

use super::{Body, End, Kind, Peer, Socket, Spec};
use crate::Error;

pub struct Zeromq;

thread_local! {
    /// Messages that were published.
    static SENT: Cell<u32> = const { Cell::new(0) };
}

#[expect(clippy::large_enum_variant, reason = "there are few")]
pub enum ZeromqSocket {
    Push(PushSocket),
    Pull(PullSocket),
    Pub(PubSocket),
    Sub(SubSocket),
    Req(ReqSocket),
    Rep(RepSocket),
    #[expect(dead_code, reason = "it is held, and idle")]
    Router(RouterSocket),
}

impl Peer for Zeromq {
    type Socket = ZeromqSocket;
    const BLOCKING: bool = false;

    async fn open(spec: Spec) -> Result<(ZeromqSocket, String), Error> {
        macro_rules! start {
            ($kind:ident, $socket:expr) => {{
                let mut socket = $socket;
                let endpoint = match &spec.end {
                    End::Bind(endpoint) => {
                        socket.bind(&endpoint.replace(":*", ":0")).await?.to_string()
                    }
                    End::Connect(endpoint) => {
                        socket.connect(endpoint).await?;
                        endpoint.clone()
                    }
                };
                (ZeromqSocket::$kind(socket), endpoint)
            }};
        }
        Ok(match &spec.kind {
            Kind::Push => start!(Push, PushSocket::new()),
            Kind::Pull => start!(Pull, PullSocket::new()),
            Kind::Pub => start!(Pub, PubSocket::new()),
            Kind::Sub(prefixes) => {
                // It tells only those whom it is connected to already.
                let (socket, endpoint) = start!(Sub, SubSocket::new());
                let ZeromqSocket::Sub(mut socket) = socket else { return Err("no SUB".into()) };
                for prefix in prefixes {
                    socket.subscribe(std::str::from_utf8(prefix)?).await?;
                }
                (ZeromqSocket::Sub(socket), endpoint)
            }
            Kind::Req => start!(Req, ReqSocket::new()),
            Kind::Rep => start!(Rep, RepSocket::new()),
            Kind::Router => start!(Router, RouterSocket::new()),
        })
    }
}

impl Socket for ZeromqSocket {
    async fn send(&mut self, body: &Body) -> Result<(), Error> {
        let message = match body.shared() {
            Some(shared) => ZmqMessage::from(shared),
            None => ZmqMessage::from(body.octets().to_vec()),
        };
        match self {
            Self::Push(socket) => socket.send(message).await?,
            Self::Pub(socket) => {
                socket.send(message).await?;
                // It never waits, and what subscribers ask for is read by tasks of the same runtime.
                SENT.set(SENT.get().wrapping_add(1));
                if SENT.get().is_multiple_of(64) {
                    tokio::task::yield_now().await;
                }
            }
            Self::Req(socket) => socket.send(message).await?,
            Self::Rep(socket) => socket.send(message).await?,
            _ => return Err("it does not send".into()),
        }
        Ok(())
    }

    async fn recv(&mut self) -> Result<usize, Error> {
        let message = match self {
            Self::Pull(socket) => socket.recv().await?,
            Self::Sub(socket) => socket.recv().await?,
            Self::Req(socket) => socket.recv().await?,
            Self::Rep(socket) => socket.recv().await?,
            _ => return Err("it does not receive".into()),
        };
        Ok(message.get(message.len() - 1).map_or(0, bytes::Bytes::len))
    }
}
