//! libzmq 4.3.5 with libsodium, through its C interface.

use std::sync::OnceLock;

use libzmq_reference::{Context, Socket as Zmq, SocketType};

use super::{
    Body, CLIENT_PUBLIC, CLIENT_SECRET, End, Kind, Peer, SERVER_PUBLIC, SERVER_SECRET, Socket,
    Spec, socket_type,
};
use crate::Error;

pub struct Libzmq;

/// One context, because `inproc` names live in it.
fn context() -> &'static Context {
    static CONTEXT: OnceLock<Context> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let context = Context::new();
        let _ = context.set_i32(libzmq_reference::consts::ZMQ_MAX_SOCKETS, 65_535);
        context
    })
}

impl Peer for Libzmq {
    type Socket = Zmq;
    const BLOCKING: bool = true;

    async fn open(spec: Spec) -> Result<(Zmq, String), Error> {
        assert!(libzmq_reference::has("curve"), "libzmq was built without CURVE");
        let kind = socket_type!(spec.kind, SocketType);
        let socket = context().socket(kind)?;
        socket.rcvtimeo(-1)?.sndtimeo(-1)?;
        if spec.curve {
            match spec.end {
                End::Bind(_) => socket.curve_server(true)?.curve_secretkey(SERVER_SECRET)?,
                End::Connect(_) => socket
                    .curve_serverkey(SERVER_PUBLIC)?
                    .curve_publickey(CLIENT_PUBLIC)?
                    .curve_secretkey(CLIENT_SECRET)?,
            };
        }
        if let Kind::Sub(prefixes) = &spec.kind {
            for prefix in prefixes {
                socket.subscribe(prefix)?;
            }
        }
        let endpoint = match &spec.end {
            End::Bind(endpoint) => socket.bind(endpoint)?,
            End::Connect(endpoint) => {
                socket.connect(endpoint)?;
                endpoint.clone()
            }
        };
        Ok((socket, endpoint))
    }
}

impl Socket for Zmq {
    async fn send(&mut self, body: &Body) -> Result<(), Error> {
        Ok(Zmq::send(self, body.octets(), 0)?)
    }

    async fn recv(&mut self) -> Result<usize, Error> {
        Ok(self.recv_message(0)?.len())
    }
}
