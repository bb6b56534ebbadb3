//! What only some types can do. None of it waits, so the asynchronous socket does it.

use std::sync::Arc;

use zmtp_core::peer::Peer;
use zmtp_core::{Message, SocketType};

use super::{Connecting, RecvHalf, SendHalf, Socket};
use crate::error::{ConfigError, GrantError, SendError, StartError, Unsupported};
use crate::{AnySocket, IntoEndpoint, Options, Pub, Router, Sub, XPub, XSub};

macro_rules! subscribes {
    ($name:ident) => {
        impl Socket<$name> {
            /// Asks all publishers for the messages whose first part begins with `prefix`; see
            /// [`Sub::subscribe`].
            pub fn subscribe(&self, prefix: impl AsRef<[u8]>) {
                self.as_async().subscribe(prefix);
            }

            /// Takes one [`subscribe`](Self::subscribe) of this prefix back; `false` if there is none.
            pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> bool {
                self.as_async().unsubscribe(prefix)
            }
        }
    };
}

subscribes!(Sub);
subscribes!(XSub);

macro_rules! subscriptions {
    ($name:ident, $of:literal) => {
        impl Socket<$name> {
            #[doc = concat!("How many different prefixes ", $of, " subscribed to (`ZMQ_TOPICS_COUNT`).")]
            #[must_use]
            pub fn subscriptions(&self) -> usize {
                self.as_async().subscriptions()
            }
        }
    };
}

subscriptions!(Sub, "this socket is");
subscriptions!(XSub, "this socket is");
subscriptions!(Pub, "peers are");
subscriptions!(XPub, "peers are");
subscriptions!(AnySocket, "this socket is, or its peers are,");

macro_rules! drops {
    ($name:ident) => {
        impl Socket<$name> {
            /// Messages that were dropped so far because a peer was full, once for each such peer.
            #[must_use]
            pub fn dropped(&self) -> u64 {
                self.as_async().dropped()
            }
        }
    };
}

drops!(Pub);
drops!(XPub);
drops!(XSub);
drops!(AnySocket);

macro_rules! decides {
    ($name:ident, $others:literal) => {
        impl Socket<$name> {
            /// Subscribes a peer to a prefix, whatever it asked for; see [`XPub::grant`].
            ///
            /// # Errors
            #[doc = concat!("[`GrantError`]", $others)]
            pub fn grant(
                &self,
                peer: &Arc<Peer>,
                prefix: impl AsRef<[u8]>,
            ) -> Result<bool, GrantError> {
                self.as_async().grant(peer, prefix)
            }

            /// Takes a subscription of a peer back; see [`XPub::revoke`].
            ///
            /// # Errors
            #[doc = concat!("[`GrantError`]", $others)]
            pub fn revoke(
                &self,
                peer: &Arc<Peer>,
                prefix: impl AsRef<[u8]>,
            ) -> Result<bool, GrantError> {
                self.as_async().revoke(peer, prefix)
            }

            /// Sends a message to one peer alone; see [`XPub::try_send_to`].
            ///
            /// # Errors
            /// [`SendError::PeerGone`]; [`SendError::WouldBlock`] if nothing may be dropped and the peer
            #[doc = concat!("is full", $others)]
            pub fn try_send_to(
                &self,
                peer: &Arc<Peer>,
                message: impl Into<Message>,
            ) -> Result<(), SendError> {
                self.as_async().try_send_to(peer, message)
            }
        }
    };
}

decides!(XPub, ".");
decides!(AnySocket, "; `Unsupported` for all types but XPUB.");

macro_rules! names_peers {
    ($name:ident, $others:literal) => {
        impl Socket<$name> {
            /// As [`connect`](Self::connect), and the peer has the routing id `id` here; see
            /// [`Router::connect_with_routing_id`].
            ///
            /// # Errors
            #[doc = concat!("As there", $others)]
            pub fn connect_with_routing_id(
                &self,
                endpoint: impl IntoEndpoint,
                id: impl AsRef<[u8]>,
            ) -> Result<Connecting, StartError> {
                self.connect_by(|socket| socket.connect_with_routing_id(endpoint, id))
            }
        }
    };
}

names_peers!(Router, ".");
names_peers!(AnySocket, "; [`StartError::NoRoutingIds`] for all types but ROUTER.");

impl Socket<AnySocket> {
    /// A socket of this type with these options.
    ///
    /// # Errors
    /// As for `new`.
    pub fn of_type(socket_type: SocketType, options: Options) -> Result<Self, ConfigError> {
        Self::from_async(AnySocket::new(socket_type, options)?)
    }

    /// Subscribes to a prefix; see [`Sub::subscribe`].
    ///
    /// # Errors
    /// [`Unsupported`] for all types but SUB and XSUB.
    pub fn subscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), Unsupported> {
        self.as_async().subscribe(prefix)
    }

    /// Takes a subscription back; see [`Sub::unsubscribe`].
    ///
    /// # Errors
    /// [`Unsupported`] for all types but SUB and XSUB.
    pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> Result<bool, Unsupported> {
        self.as_async().unsubscribe(prefix)
    }

    /// Two halves that different threads can own; see [`AnySocket::split`].
    ///
    /// # Errors
    /// The socket, if its two directions depend on each other or if there is only one.
    #[expect(clippy::result_large_err, reason = "it is the socket that was given")]
    pub fn split(self) -> Result<(SendHalf<AnySocket>, RecvHalf<AnySocket>), Self> {
        if self.as_async().is_two_way() { Ok(self.into_halves()) } else { Err(self) }
    }
}
