//! What happens to the endpoints and connections of a socket, as typed events.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::broadcast;
use zmtp_core::error::ProtocolError;
use zmtp_core::peer::{Peer, PeerAddress, RoutingId};

use crate::endpoint::Endpoint;
use crate::net::{AcceptError, DialError};

/// Something that happened to an endpoint or a connection of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The socket accepts connections here.
    Listening {
        /// With the port that was really bound.
        endpoint: Endpoint,
    },
    /// A connection could not be accepted; the listener goes on after a pause.
    AcceptFailed {
        /// The listener.
        endpoint: Endpoint,
        /// Why.
        error: AcceptError,
    },
    /// An attempt to connect begins: the first one, or the next one after a loss.
    Connecting {
        /// Where to.
        endpoint: Endpoint,
    },
    /// The transport of a connection stands; the handshake begins.
    Connected {
        /// Our endpoint.
        endpoint: Endpoint,
        /// The other side.
        address: PeerAddress,
    },
    /// The handshake is complete.
    HandshakeSucceeded {
        /// Our endpoint.
        endpoint: Endpoint,
        /// Who it is.
        peer: Arc<Peer>,
        /// Of a ROUTER: the id by which messages to the peer are routed from now on, which may be one
        /// that the ROUTER made up. Empty for the other types.
        routing_id: RoutingId,
    },
    /// The handshake failed or the peer was refused, by either side.
    HandshakeFailed {
        /// Our endpoint.
        endpoint: Endpoint,
        /// The other side.
        address: PeerAddress,
        /// Side, stage, kind and rule.
        error: ProtocolError,
    },
    /// Another attempt to connect will be made.
    Retrying {
        /// Where to.
        endpoint: Endpoint,
        /// After this time.
        delay: Duration,
        /// Why the last one came to nothing.
        cause: Disconnect,
    },
    /// No other attempt to connect will be made.
    Stopped {
        /// Where to.
        endpoint: Endpoint,
        /// Why.
        cause: Disconnect,
    },
    /// An established connection is gone.
    Disconnected {
        /// Our endpoint.
        endpoint: Endpoint,
        /// The other side.
        address: PeerAddress,
        /// Why.
        cause: Disconnect,
        /// Messages that were handed over for sending and are lost.
        lost: usize,
    },
    /// Too much of peers that have left was not received yet: no message of a new peer is taken, which has
    /// to wait, until half of it was received.
    BacklogFull {
        /// Messages that wait.
        messages: usize,
        /// Octets that they, and who sent them, take.
        octets: usize,
    },
    /// New peers need not wait any more.
    BacklogRead,
    /// PUB and XPUB: the first peer is subscribed to a prefix.
    Subscribed {
        /// The prefix.
        prefix: Arc<[u8]>,
        /// Whose subscription it is.
        peer: Option<Arc<Peer>>,
    },
    /// PUB and XPUB: no peer is subscribed to a prefix any more.
    Unsubscribed {
        /// The prefix.
        prefix: Arc<[u8]>,
        /// Who cancelled or left last.
        peer: Option<Arc<Peer>>,
    },
    /// The socket does not accept connections here any more.
    Unbound {
        /// Where it did.
        endpoint: Endpoint,
    },
}

/// Why a connection ended or did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnect {
    /// The transport could not be established.
    #[error("{0}")]
    Unreachable(#[from] DialError),
    /// A rule was broken, by either side, or the peer was refused.
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
    /// The peer closed.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// The transport broke.
    #[error("the transport broke: {0}")]
    Io(std::io::ErrorKind),
    /// This side closed.
    #[error("closed by this side")]
    Local,
}

/// Where drivers report; never blocks them.
#[derive(Debug, Clone)]
pub struct EventSink {
    ring: Arc<Ring>,
}

/// Places for events, which exist when the first reader does: most sockets never have one, and the
/// places take a quarter of a megabyte.
#[derive(Debug)]
struct Ring {
    capacity: usize,
    sender: OnceLock<broadcast::Sender<Event>>,
}

impl EventSink {
    /// A sink that keeps the last `capacity` events for each reader.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let ring = Ring { capacity: capacity.max(1), sender: OnceLock::new() };
        Self { ring: Arc::new(ring) }
    }

    /// Reports; without a reader the event is dropped.
    pub fn emit(&self, event: Event) {
        log(&event);
        self.tell(|| event);
    }

    /// Reports to readers and not to the log, which may lead anywhere: also where locks are held.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sender) = self.ring.sender.get().filter(|it| it.receiver_count() > 0) {
            // An error only says that nobody listens any more.
            let _ = sender.send(event());
        }
    }

    /// Another reader, of everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        let make = || broadcast::Sender::new(self.ring.capacity);
        self.ring.sender.get_or_init(make).subscribe()
    }
}

/// Established peers at INFO, what an operator has to look at at WARN, the rest at DEBUG.
fn log(event: &Event) {
    match event {
        Event::HandshakeSucceeded { endpoint, peer, .. } => tracing::info!(
            %endpoint,
            address = %peer.verified.address,
            mechanism = %peer.verified.mechanism,
            user = peer.user_id().map(tracing::field::display),
            socket_type = %peer.claimed.socket_type,
            "connection established"
        ),
        Event::AcceptFailed { endpoint, error } => {
            tracing::warn!(%endpoint, %error, "a connection could not be accepted");
        }
        // The refusal itself was told.
        Event::Stopped { endpoint, cause: Disconnect::Protocol(_) } => {
            tracing::info!(%endpoint, "no further attempt to connect");
        }
        Event::Stopped { endpoint, cause } => {
            tracing::warn!(%endpoint, %cause, "no further attempt to connect");
        }
        // Told as warnings of their own, which know more.
        Event::HandshakeFailed { .. }
        | Event::Disconnected { cause: Disconnect::Protocol(_), .. } => {}
        Event::Disconnected { endpoint, address, cause, lost } => {
            tracing::debug!(%endpoint, %address, %cause, lost, "connection ended");
        }
        Event::BacklogFull { messages, octets } => {
            tracing::warn!(
                messages,
                octets,
                "messages of peers that left wait, new peers are held back"
            );
        }
        // What peers are interested in is nobody else's business.
        Event::Subscribed { .. } | Event::Unsubscribed { .. } => {}
        Event::BacklogRead
        | Event::Listening { .. }
        | Event::Connecting { .. }
        | Event::Connected { .. }
        | Event::Retrying { .. }
        | Event::Unbound { .. } => tracing::debug!(?event),
    }
}
