//! What can go wrong at a call, by call.

use zmtp_core::SocketType;
use zmtp_core::peer::RoutingId;

pub use transport::{ConnectFailure, Disconnect, StartError};
/// What goes wrong on a connection, told by [`Disconnect::Protocol`] and the events of a monitor: by which side,
/// at which stage, what, and against which rule.
pub use zmtp_core::error::{
    BoxName, Incompatible, Kind, LocalFault, Malformed, Misbehaved, ProtocolError, Rule, Side,
    Stage,
};

/// A socket cannot be made with these options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A property of the socket cannot be expressed on the wire.
    #[error("the socket's properties cannot be announced: {0}")]
    Metadata(#[from] zmtp_core::wire::metadata::MetadataError),
    /// A routing id has 1 to 255 octets and does not begin with a zero octet.
    #[error("a routing id has 1 to 255 octets and does not begin with a zero octet")]
    RoutingId,
    /// A property of an application must begin with `X-`.
    #[error("the property \"{0}\" does not begin with \"X-\", as names of applications must")]
    PropertyName(String),
    /// The socket names a domain, so somebody must judge its peers.
    #[error("the socket has domain \"{0}\" but no authenticator to judge its peers")]
    NoAuthenticator(String),
    /// The option would have no effect on a socket of this type.
    #[error("the option {option} has no effect on a {socket_type} socket")]
    OptionNotForType {
        /// The method of [`Options`](crate::Options).
        option: &'static str,
        /// The type.
        socket_type: SocketType,
    },
    /// The option would have no effect without another one.
    #[error("the option {option} has no effect without {needs}")]
    OptionNeeds {
        /// The method of [`Options`](crate::Options).
        option: &'static str,
        /// The one that is missing.
        needs: &'static str,
    },
    /// The runtime of the blocking sockets cannot be started, for lack of descriptors or threads.
    #[error("the runtime of the blocking sockets cannot be started: {0}")]
    Runtime(std::io::ErrorKind),
}

/// No certificate was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The operating system has no randomness to give.
    #[error(transparent)]
    Random(#[from] zmtp_core::RandomError),
    /// No certificate can say that.
    #[error(transparent)]
    Metadata(#[from] zap::CertificateFault),
    /// The files exist or cannot be written.
    #[error(transparent)]
    Files(#[from] zap::CertificateError),
}

/// A socket of this type cannot do that, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {socket_type} socket cannot {operation}")]
pub struct Unsupported {
    /// The type.
    pub socket_type: SocketType,
    /// What was asked of it.
    pub operation: Operation,
}

/// Something that not every type of socket can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Send messages.
    Send,
    /// Receive messages.
    Receive,
    /// Subscribe, or take it back.
    Subscribe,
    /// Decide what a peer is subscribed to.
    Grant,
    /// Send to one subscriber alone.
    SendToSubscriber,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Subscribe => "subscribe",
            Self::Grant => "decide what its peers are subscribed to",
            Self::SendToSubscriber => "send to one subscriber alone",
        })
    }
}

/// What a socket that takes turns has to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expected {
    /// A REQ that has nothing to wait for.
    SendRequest,
    /// A REQ that was not answered yet.
    ReceiveAnswer,
    /// A REP that nobody asked.
    ReceiveRequest,
    /// A REP that was asked.
    SendAnswer,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SendRequest => "has to send a request first",
            Self::ReceiveAnswer => "has to receive the answer to its last request first",
            Self::ReceiveRequest => "has to receive a request first",
            Self::SendAnswer => "has to answer the last request first",
        })
    }
}

/// An XPUB did not change what a peer is subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Peers decide themselves, unless [`Options::xpub_manual`](crate::Options::xpub_manual) is on.
    #[error("subscriptions are granted by the application only with the option xpub_manual")]
    NotManual,
    /// The peer has left.
    #[error("the peer that asked for the subscription has left")]
    PeerGone,
    /// Sockets of this type do not decide that (only from [`AnySocket`](crate::AnySocket)).
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
}

/// A message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[repr(u64)] // see below
pub enum SendError {
    /// No peer takes a message now (only from `try_send`).
    #[error("no peer takes a message now")]
    WouldBlock,
    /// No peer took the message in time; nothing was sent.
    #[error("no peer took the message in time")]
    TimedOut,
    /// Sockets of this type do not send (only from [`AnySocket`](crate::AnySocket)).
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The socket may not send in its present state.
    #[error("a {socket_type} socket cannot send now: it {expects}")]
    State {
        /// The type.
        socket_type: SocketType,
        /// What it must do first.
        expects: Expected,
    },
    /// No peer has this routing id.
    #[error("no peer has the routing id \"{0}\"")]
    HostUnreachable(Box<RoutingId>),
    /// The peer that the message was for has left.
    #[error("the peer that the message was for has left")]
    PeerGone,
    /// The message for a ROUTER has no part behind the routing id.
    #[error("a message for a ROUTER socket needs a routing id and at least one part behind it")]
    NoBody,
    /// Every endpoint of the socket was refused for good.
    #[error("{0}")]
    Refused(Box<ConnectFailure>),
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
}

/// No message was received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[repr(u64)] // see below
pub enum RecvError {
    /// No message is there now (only from `try_recv`).
    #[error("no message is there now")]
    WouldBlock,
    /// No message came in time.
    #[error("no message came in time")]
    TimedOut,
    /// Sockets of this type do not receive (only from [`AnySocket`](crate::AnySocket)).
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The socket may not receive in its present state.
    #[error("a {socket_type} socket cannot receive now: it {expects}")]
    State {
        /// The type.
        socket_type: SocketType,
        /// What it must do first.
        expects: Expected,
    },
    /// The peer that had the request left without an answer. The request may be sent again.
    #[error("the peer left without answering the request")]
    RequestLost,
    /// Every endpoint of the socket was refused for good.
    #[error("{0}")]
    Refused(Box<ConnectFailure>),
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
}

// Results of calls are two words that are read as they were written, whole. A message stands in the same place as an
// error: it would be moved in the pieces of that, and each piece would wait for the writes before.
const _: () = assert!(size_of::<Result<(), SendError>>() <= 16 && size_of::<RecvError>() <= 16);

impl SendError {
    /// Whether the same call will fail again, whatever peers do.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Closed | Self::Unsupported(_))
    }
}

impl RecvError {
    /// Whether the same call will fail again, whatever peers do.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Closed | Self::Unsupported(_))
    }
}

/// A [`Proxy`](crate::Proxy) cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// No message can pass between these two sockets in either direction.
    #[error("nothing can pass between a {frontend} and a {backend} socket")]
    NoWay {
        /// In front.
        frontend: SocketType,
        /// Behind.
        backend: SocketType,
    },
    /// The socket for copies does not send.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// A socket receives no more.
    #[error("the proxy's {0} socket receives no more: {1}")]
    Receive(SocketType, #[source] RecvError),
    /// A socket sends no more.
    #[error("the proxy's {0} socket sends no more: {1}")]
    Send(SocketType, #[source] SendError),
}
