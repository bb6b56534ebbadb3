//! Pub: sends each message to every SUB and XSUB peer that subscribed to it (29/PUBSUB).

use std::sync::Arc;

use crate::pattern::publish::Publisher;
use crate::socket::base::{Base, common, refused, sends};

/// Sends each message to every SUB and XSUB peer that subscribed to it (29/PUBSUB).
///
/// A subscription is a prefix of the first part of a message. `send` does not wait for peers: one that
/// is at its high-water mark loses messages, whole ones, until it has caught up by half of that, and
/// [`dropped`](Self::dropped) counts them. Only with
/// [`Options::xpub_nodrop`](crate::Options::xpub_nodrop) `send` waits until all take the message. But
/// now and then it yields, so that connections get on with their work while somebody sends in a loop,
/// even on a runtime with a single thread; `try_send` does not yield.
///
/// What peers send is dropped.
#[derive(Debug)]
pub struct Pub {
    base: Base,
    pattern: Arc<Publisher>,
}

/// What sockets that publish have in common.
macro_rules! publishes {
    ($name:ident) => {
        sends!($name, |this, message| this.pattern.try_send(message), &this.pattern.changed);

        impl $name {
            /// Messages that were dropped so far because a peer was full, once for each such peer.
            #[must_use]
            pub fn dropped(&self) -> u64 {
                self.pattern.dropped()
            }

            /// How many different prefixes peers are subscribed to (`ZMQ_TOPICS_COUNT`).
            #[must_use]
            pub fn subscriptions(&self) -> usize {
                self.pattern.prefixes()
            }
        }
    };
}

pub(super) use publishes;

common!(Pub, PUB, Publisher, |options| Publisher::quiet(&options));
publishes!(Pub);
