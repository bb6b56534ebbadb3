//! Sockets of ironhouse whose type is chosen at run time, so that tests can be tables.

use ironhouse::error::{ConfigError, RecvError, SendError, StartError};
use ironhouse::{
    Connecting, Dealer, Endpoint, IntoEndpoint, Message, Monitor, Options, Pull, Push, Rep, Req,
    Router, SocketType,
};

/// The types that there are so far.
pub const TYPES: [SocketType; 6] = [
    SocketType::REQ,
    SocketType::REP,
    SocketType::PUSH,
    SocketType::PULL,
    SocketType::DEALER,
    SocketType::ROUTER,
];

/// Any socket of ours.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Ours {
    Req(Req),
    Rep(Rep),
    Push(Push),
    Pull(Pull),
    Dealer(Dealer),
    Router(Router),
}

/// The same call on whatever it is.
macro_rules! each {
    ($socket:expr, $inner:ident => $call:expr) => {
        match $socket {
            Ours::Req($inner) => $call,
            Ours::Rep($inner) => $call,
            Ours::Push($inner) => $call,
            Ours::Pull($inner) => $call,
            Ours::Dealer($inner) => $call,
            Ours::Router($inner) => $call,
        }
    };
}

/// # Errors
/// Those of the calls of the same names in ironhouse.
impl Ours {
    /// A socket of this type.
    ///
    /// # Panics
    /// For a type that does not exist yet.
    pub fn new(socket_type: SocketType, options: Options) -> Result<Self, ConfigError> {
        Ok(match socket_type {
            SocketType::REQ => Self::Req(Req::new(options)?),
            SocketType::REP => Self::Rep(Rep::new(options)?),
            SocketType::PUSH => Self::Push(Push::new(options)?),
            SocketType::PULL => Self::Pull(Pull::new(options)?),
            SocketType::DEALER => Self::Dealer(Dealer::new(options)?),
            SocketType::ROUTER => Self::Router(Router::new(options)?),
            other => panic!("{other} sockets do not exist yet"),
        })
    }

    /// See the sockets.
    pub async fn bind(&self, endpoint: impl IntoEndpoint) -> Result<Endpoint, StartError> {
        each!(self, socket => socket.bind(endpoint).await)
    }

    /// See the sockets.
    pub fn connect(&self, endpoint: impl IntoEndpoint) -> Result<Connecting, StartError> {
        each!(self, socket => socket.connect(endpoint))
    }

    /// See the sockets.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        each!(self, socket => socket.monitor())
    }

    /// See the sockets.
    pub async fn close(self) -> usize {
        each!(self, socket => socket.close().await)
    }

    /// See the sockets.
    ///
    /// # Panics
    /// On a PULL socket, which cannot send.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        match self {
            Self::Req(socket) => socket.send(message).await,
            Self::Rep(socket) => socket.send(message).await,
            Self::Push(socket) => socket.send(message).await,
            Self::Dealer(socket) => socket.send(message).await,
            Self::Router(socket) => socket.send(message).await,
            Self::Pull(_) => panic!("a PULL socket sends nothing"),
        }
    }

    /// See the sockets.
    ///
    /// # Panics
    /// On a PUSH socket, which cannot receive.
    pub async fn recv(&self) -> Result<Message, RecvError> {
        match self {
            Self::Req(socket) => socket.recv().await,
            Self::Rep(socket) => socket.recv().await,
            Self::Pull(socket) => socket.recv().await,
            Self::Dealer(socket) => socket.recv().await,
            Self::Router(socket) => socket.recv().await,
            Self::Push(_) => panic!("a PUSH socket receives nothing"),
        }
    }
}

/// A message of these parts.
///
/// # Panics
/// If there are none.
pub fn parts<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Message {
    let parts = parts.into_iter().map(|part| part.as_ref().to_vec());
    Message::from_parts(parts).expect("a message has a part")
}

/// The parts of a message, to compare with.
#[must_use]
pub fn frames(message: &Message) -> Vec<Vec<u8>> {
    message.parts().map(|part| part.to_vec()).collect()
}
