//! The peers behind one face.
//!
//! A blocking peer's futures are ready when they are polled first: they block inside, on a thread of
//! their own. So the same loops serve both faces.

pub(crate) mod ironhouse;
pub(crate) mod libzmq;
#[cfg(feature = "rivals")]
pub(crate) mod omq;
pub(crate) mod raw;
#[cfg(feature = "rivals")]
pub(crate) mod rzmq;
#[cfg(feature = "rivals")]
pub(crate) mod zeromq;

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use clap::ValueEnum;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use crate::Error;
use crate::cases::{Case, Cores, Via, Work};

/// The key pairs of the examples in libzmq's manual: nothing secret.
pub const SERVER_PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
pub const SERVER_SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
pub const CLIENT_PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
pub const CLIENT_SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

/// Bodies from here on are shared with the library that sends them, if it can; smaller ones are copied
/// into each message, as by a program that has just made them.
const SHARE_FROM: usize = 4096;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PeerName {
    Libzmq,
    Ironhouse,
    IronhouseBlocking,
    #[cfg(feature = "rivals")]
    Omq,
    #[cfg(feature = "rivals")]
    OmqBlocking,
    #[cfg(feature = "rivals")]
    Rzmq,
    #[cfg(feature = "rivals")]
    RzmqUring,
    #[cfg(feature = "rivals")]
    Zeromq,
    /// Sockets of the system without any framing: the limit.
    Raw,
}

impl PeerName {
    /// Those that were built.
    pub fn built() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Why it cannot do this at all.
    pub fn unable(self, case: &Case) -> Option<&'static str> {
        let raw = matches!(case.work, Work::Pipeline | Work::Publish | Work::Request);
        match self {
            Self::Libzmq | Self::Ironhouse | Self::IronhouseBlocking => None,
            Self::Raw if !raw || case.curve || case.via == Via::Inproc => {
                Some("a socket of the system knows nothing of it")
            }
            Self::Raw => None,
            #[cfg(feature = "rivals")]
            Self::Omq | Self::OmqBlocking => None,
            #[cfg(feature = "rivals")]
            Self::Rzmq if case.work == Work::Idle => {
                Some("it had accepted some hundred of 10,000 connections after half a minute")
            }
            #[cfg(feature = "rivals")]
            Self::Rzmq => None,
            #[cfg(feature = "rivals")]
            Self::RzmqUring
                if case.curve || case.via != Via::Tcp || case.work != Work::Pipeline =>
            {
                Some("its io_uring is for PUSH/PULL over tcp")
            }
            #[cfg(feature = "rivals")]
            Self::RzmqUring => None,
            #[cfg(feature = "rivals")]
            Self::Zeromq if case.curve => Some("it has no CURVE"),
            #[cfg(feature = "rivals")]
            Self::Zeromq if case.via == Via::Inproc => Some("it has no inproc"),
            #[cfg(feature = "rivals")]
            Self::Zeromq if case.work == Work::Topics => {
                Some("it compares with 100,000 subscriptions one by one; nothing came in 15 s")
            }
            #[cfg(feature = "rivals")]
            Self::Zeromq => None,
        }
    }

    /// Whether it is measured here.
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Ironhouse | Self::IronhouseBlocking)
    }
}

/// Calls a generic function with the peer of a name.
macro_rules! with_peer {
    ($name:expr, $function:ident($($argument:expr),*)) => {
        match $name {
            PeerName::Libzmq => $function::<crate::peer::libzmq::Libzmq>($($argument),*),
            PeerName::Ironhouse => $function::<crate::peer::ironhouse::Ironhouse>($($argument),*),
            PeerName::IronhouseBlocking => {
                $function::<crate::peer::ironhouse::Blocking>($($argument),*)
            }
            PeerName::Raw => $function::<crate::peer::raw::Raw>($($argument),*),
            #[cfg(feature = "rivals")]
            PeerName::Omq => $function::<crate::peer::omq::Omq>($($argument),*),
            #[cfg(feature = "rivals")]
            PeerName::OmqBlocking => $function::<crate::peer::omq::Blocking>($($argument),*),
            #[cfg(feature = "rivals")]
            PeerName::Rzmq => $function::<crate::peer::rzmq::Rzmq<false>>($($argument),*),
            #[cfg(feature = "rivals")]
            PeerName::RzmqUring => $function::<crate::peer::rzmq::Rzmq<true>>($($argument),*),
            #[cfg(feature = "rivals")]
            PeerName::Zeromq => $function::<crate::peer::zeromq::Zeromq>($($argument),*),
        }
    };
}
pub(crate) use with_peer;

/// The type of a socket.
#[derive(Debug, Clone)]
pub enum Kind {
    Push,
    Pull,
    Pub,
    Sub(Vec<Bytes>),
    Req,
    Rep,
    Router,
}

/// The socket type of another library, whose variants have the same names.
macro_rules! socket_type {
    ($kind:expr, $theirs:ident) => {
        match $kind {
            $crate::peer::Kind::Push => $theirs::Push,
            $crate::peer::Kind::Pull => $theirs::Pull,
            $crate::peer::Kind::Pub => $theirs::Pub,
            $crate::peer::Kind::Sub(_) => $theirs::Sub,
            $crate::peer::Kind::Req => $theirs::Req,
            $crate::peer::Kind::Rep => $theirs::Rep,
            $crate::peer::Kind::Router => $theirs::Router,
        }
    };
}
pub(crate) use socket_type;

/// Which end a socket is.
#[derive(Debug, Clone)]
pub enum End {
    /// It binds there and is a server under CURVE.
    Bind(String),
    /// It connects there and is a client under CURVE.
    Connect(String),
}

/// How to make a socket.
#[derive(Debug, Clone)]
pub struct Spec {
    pub kind: Kind,
    pub end: End,
    pub curve: bool,
    /// Whether it looks for messages again and again before it sleeps, if it can.
    pub spin: bool,
    /// Octets of a body, for peers that have no framing.
    pub body: usize,
}

/// An implementation.
pub trait Peer: 'static {
    /// A socket of it.
    type Socket: Socket;
    /// Whether its calls block the thread.
    const BLOCKING: bool;

    /// Makes a socket and says where it is bound, if it is.
    fn open(spec: Spec) -> impl Future<Output = Result<(Self::Socket, String), Error>> + Send;
}

/// A socket.
pub trait Socket: Send + 'static {
    /// Sends one message.
    fn send(&mut self, body: &Body) -> impl Future<Output = Result<(), Error>> + Send;
    /// Receives one message and gives the octets of its last part.
    fn recv(&mut self) -> impl Future<Output = Result<usize, Error>> + Send;
}

/// The body of a message.
#[derive(Debug, Clone)]
pub struct Body(Bytes);

impl Body {
    /// A body of so many octets that begins with `head`.
    pub fn new(head: &[u8], len: usize) -> Self {
        let mut octets = vec![0x5A; len];
        if let Some(place) = octets.get_mut(..head.len()) {
            place.copy_from_slice(head);
        }
        Self(octets.into())
    }

    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The body as a shared buffer, if it is large enough for that to pay.
    pub fn shared(&self) -> Option<Bytes> {
        (self.0.len() >= SHARE_FROM).then(|| self.0.clone())
    }
}

/// The runtime of asynchronous peers.
pub fn runtime(cores: Cores) -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = match cores {
            Cores::All => Builder::new_multi_thread(),
            Cores::One | Cores::Each => Builder::new_current_thread(),
        };
        builder.enable_all().build().expect("a runtime")
    })
}

/// Runs `future` to its end, in the way of this peer.
pub fn block_on<P: Peer, F>(cores: Cores, future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    if P::BLOCKING {
        return at_once(future);
    }
    let runtime = runtime(cores);
    // As a task, as those of programs are: what the runtime itself waits for is woken in another way.
    runtime.block_on(runtime.spawn(future)).expect("no panic")
}

/// Runs `future` beside others, in the way of this peer.
pub fn spawn<P: Peer>(future: impl Future<Output = ()> + Send + 'static) {
    if P::BLOCKING {
        std::thread::spawn(|| at_once(future));
    } else {
        tokio::spawn(future);
    }
}

/// Polls a future that blocks inside.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a blocking peer waited"),
    }
}
