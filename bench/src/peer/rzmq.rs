//! rzmq, on tokio's own input and output or on io_uring.

use std::sync::OnceLock;

use rzmq::socket::options as names;
use rzmq::{Context, Msg, SocketType};

use super::{
    Body, CLIENT_SECRET, End, Kind, Peer, SERVER_PUBLIC, SERVER_SECRET, Socket, Spec, socket_type,
};
use crate::Error;

pub struct Rzmq<const URING: bool>;

pub struct RzmqSocket(rzmq::Socket);

fn context() -> &'static Context {
    static CONTEXT: OnceLock<Context> = OnceLock::new();
    CONTEXT.get_or_init(|| Context::new().expect("a context"))
}

impl<const URING: bool> Peer for Rzmq<URING> {
    type Socket = RzmqSocket;
    const BLOCKING: bool = false;

    async fn open(spec: Spec) -> Result<(RzmqSocket, String), Error> {
        if URING {
            let _ = rzmq::uring::initialize_uring_backend(rzmq::uring::UringConfig::default());
        }
        let kind = socket_type!(spec.kind, SocketType);
        let socket = context().socket(kind)?;
        if URING {
            socket.set_option(names::IO_URING_SESSION_ENABLED, true).await?;
        }
        match (spec.curve, &spec.end) {
            (false, _) => {}
            (true, End::Bind(_)) => {
                socket.set_option(names::CURVE_SERVER, 1_i32).await?;
                socket.set_option_raw(names::CURVE_SECRET_KEY, SERVER_SECRET.as_bytes()).await?;
            }
            (true, End::Connect(_)) => {
                socket.set_option_raw(names::CURVE_SECRET_KEY, CLIENT_SECRET.as_bytes()).await?;
                socket.set_option_raw(names::CURVE_SERVER_KEY, SERVER_PUBLIC.as_bytes()).await?;
            }
        }
        let endpoint = match &spec.end {
            End::Bind(endpoint) => {
                socket.bind(&endpoint.replace(":*", ":0")).await?;
                let bound = String::from_utf8(socket.get_option(names::LAST_ENDPOINT).await?)?;
                let bound = bound.trim_end_matches('\0').to_owned();
                if bound.is_empty() { endpoint.clone() } else { bound }
            }
            End::Connect(endpoint) => {
                socket.connect(endpoint).await?;
                endpoint.clone()
            }
        };
        if let Kind::Sub(prefixes) = &spec.kind {
            for prefix in prefixes {
                socket.set_option_raw(names::SUBSCRIBE, prefix).await?;
            }
        }
        Ok((RzmqSocket(socket), endpoint))
    }
}

impl Socket for RzmqSocket {
    async fn send(&mut self, body: &Body) -> Result<(), Error> {
        let message = match body.shared() {
            Some(shared) => Msg::from_bytes(shared),
            None => Msg::from_vec(body.octets().to_vec()),
        };
        Ok(self.0.send(message).await?)
    }

    async fn recv(&mut self) -> Result<usize, Error> {
        Ok(self.0.recv().await?.size())
    }
}
