//! omq-tokio, with both faces and its own thread for input and output, which is its default.

use std::sync::OnceLock;

use omq_tokio::{
    Context, CurveKeypair, CurvePublicKey, CurveSecretKey, Message, Options, SocketType,
};

use super::{
    Body, CLIENT_PUBLIC, CLIENT_SECRET, End, Kind, Peer, SERVER_PUBLIC, SERVER_SECRET, Socket,
    Spec, socket_type,
};
use crate::Error;

pub struct Omq;
pub struct Blocking;
pub struct BlockingSocket(omq_tokio::blocking::Socket);
pub struct AsyncSocket(omq_tokio::Socket);

fn context() -> &'static Context {
    static CONTEXT: OnceLock<Context> = OnceLock::new();
    CONTEXT.get_or_init(Context::new)
}

fn keys(public: &str, secret: &str) -> Result<CurveKeypair, Error> {
    let (public, secret) = (CurvePublicKey::from_z85(public)?, CurveSecretKey::from_z85(secret)?);
    Ok(CurveKeypair { public, secret })
}

fn options(spec: &Spec) -> Result<Options, Error> {
    let options = Options::default();
    Ok(match (spec.curve, &spec.end) {
        (false, _) => options,
        (true, End::Bind(_)) => options.curve_server(keys(SERVER_PUBLIC, SERVER_SECRET)?),
        (true, End::Connect(_)) => {
            let keys = keys(CLIENT_PUBLIC, CLIENT_SECRET)?;
            options.curve_client(keys, CurvePublicKey::from_z85(SERVER_PUBLIC)?)
        }
    })
}

fn message(body: &Body) -> Message {
    match body.shared() {
        Some(shared) => Message::single(shared),
        None => Message::from_slice(body.octets()),
    }
}

fn len(message: &Message) -> usize {
    message.part_slice(message.len().saturating_sub(1)).map_or(0, <[u8]>::len)
}

/// Its wildcard port is 0.
fn wildcard(endpoint: &str) -> String {
    endpoint.replace(":*", ":0")
}

impl Peer for Omq {
    type Socket = AsyncSocket;
    const BLOCKING: bool = false;

    async fn open(spec: Spec) -> Result<(AsyncSocket, String), Error> {
        let socket = context().socket(socket_type!(&spec.kind, SocketType), options(&spec)?);
        if let Kind::Sub(prefixes) = &spec.kind {
            for prefix in prefixes {
                socket.subscribe(prefix.clone()).await?;
            }
        }
        let endpoint = match &spec.end {
            End::Bind(endpoint) => socket.bind(wildcard(endpoint).as_str()).await?.to_string(),
            End::Connect(endpoint) => {
                socket.connect(endpoint.as_str()).await?;
                endpoint.clone()
            }
        };
        Ok((AsyncSocket(socket), endpoint))
    }
}

impl Socket for AsyncSocket {
    async fn send(&mut self, body: &Body) -> Result<(), Error> {
        Ok(self.0.send(message(body)).await?)
    }

    async fn recv(&mut self) -> Result<usize, Error> {
        Ok(len(&self.0.recv().await?))
    }
}

impl Peer for Blocking {
    type Socket = BlockingSocket;
    const BLOCKING: bool = true;

    async fn open(spec: Spec) -> Result<(BlockingSocket, String), Error> {
        let socket =
            context().blocking_socket(socket_type!(&spec.kind, SocketType), options(&spec)?);
        if let Kind::Sub(prefixes) = &spec.kind {
            for prefix in prefixes {
                socket.subscribe(prefix.clone())?;
            }
        }
        let endpoint = match &spec.end {
            End::Bind(endpoint) => socket.bind(wildcard(endpoint).as_str())?.to_string(),
            End::Connect(endpoint) => {
                socket.connect(endpoint.as_str())?;
                endpoint.clone()
            }
        };
        Ok((BlockingSocket(socket), endpoint))
    }
}

impl Socket for BlockingSocket {
    async fn send(&mut self, body: &Body) -> Result<(), Error> {
        Ok(self.0.send(message(body))?)
    }

    async fn recv(&mut self) -> Result<usize, Error> {
        Ok(len(&self.0.recv()?))
    }
}
