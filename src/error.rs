//! What can go wrong at a call, by call.

use zmtp_core::SocketType;
use zmtp_core::peer::RoutingId;

pub use transport::{ConnectFailure, Disconnect, StartError};

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
}

/// A message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No peer takes a message now (only from `try_send`).
    #[error("no peer takes a message now")]
    WouldBlock,
    /// The socket may not send in its present state.
    #[error("a {socket_type} socket cannot send now: it {expects}")]
    State {
        /// The type.
        socket_type: SocketType,
        /// What it must do first.
        expects: &'static str,
    },
    /// No peer has this routing id.
    #[error("no peer has the routing id \"{0}\"")]
    HostUnreachable(RoutingId),
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
pub enum RecvError {
    /// No message is there now (only from `try_recv`).
    #[error("no message is there now")]
    WouldBlock,
    /// The socket may not receive in its present state.
    #[error("a {socket_type} socket cannot receive now: it {expects}")]
    State {
        /// The type.
        socket_type: SocketType,
        /// What it must do first.
        expects: &'static str,
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
