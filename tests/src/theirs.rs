//! Sockets of libzmq, for tests against it.

use std::sync::Arc;

use ironhouse::SocketType;
use libzmq_reference as zmq;
use zmq::consts::ZMQ_BLOCKY;

/// A context whose end waits for nothing.
///
/// # Panics
/// If libzmq cannot make one.
#[must_use]
pub fn context() -> zmq::Context {
    let context = zmq::Context::new();
    context.set_i32(ZMQ_BLOCKY, 0).expect("an option of contexts");
    context
}

/// Its name for a type.
#[must_use]
pub fn socket_type(kind: SocketType) -> zmq::SocketType {
    match kind {
        SocketType::REQ => zmq::SocketType::Req,
        SocketType::REP => zmq::SocketType::Rep,
        SocketType::DEALER => zmq::SocketType::Dealer,
        SocketType::ROUTER => zmq::SocketType::Router,
        SocketType::PUB => zmq::SocketType::Pub,
        SocketType::XPUB => zmq::SocketType::Xpub,
        SocketType::SUB => zmq::SocketType::Sub,
        SocketType::XSUB => zmq::SocketType::Xsub,
        SocketType::PUSH => zmq::SocketType::Push,
        SocketType::PULL => zmq::SocketType::Pull,
        SocketType::PAIR => zmq::SocketType::Pair,
    }
}

/// What to set on a socket of libzmq before it is used.
pub type Setup = Arc<dyn Fn(&zmq::Socket) -> Result<(), zmq::Error> + Send + Sync>;

/// A setup.
pub fn setup(
    set: impl Fn(&zmq::Socket) -> Result<(), zmq::Error> + Send + Sync + 'static,
) -> Setup {
    Arc::new(set)
}
