//! Sub: receives what it subscribed to from PUB and XPUB peers, fairly (29/PUBSUB).

use std::sync::Arc;

use crate::pattern::subscribe::Subscriptions;
use crate::socket::base::{Base, common, receives, refused};

/// Receives what it subscribed to from PUB and XPUB peers, fairly (29/PUBSUB).
///
/// Without a subscription nothing is received. Publishers are told about all subscriptions whenever a
/// connection is made, and what they send beyond that is passed over.
#[derive(Debug)]
pub struct Sub {
    base: Base,
    pattern: Arc<Subscriptions>,
}

common!(Sub, SUB, Subscriptions, |options| Subscriptions::filtering(&options));
receives!(Sub, |this| this.pattern.try_recv(), this.pattern.has_message());

/// What SUB and XSUB have in common.
macro_rules! subscribes {
    ($name:ident) => {
        impl $name {
            /// Asks all publishers, now and after every reconnection, for the messages whose first part
            /// begins with `prefix`; an empty one asks for all (`ZMQ_SUBSCRIBE`). Whoever subscribes
            /// twice has to cancel twice.
            ///
            /// It takes a while until publishers know: what they send before that does not come. A
            /// publisher ends the connection with one who subscribes to more than it accepts, which for
            /// ours is [`Limits::max_subscriptions`](crate::Limits::max_subscriptions) and
            /// [`max_subscription_octets`](crate::Limits::max_subscription_octets).
            pub fn subscribe(&self, prefix: impl AsRef<[u8]>) {
                self.pattern.subscribe(prefix.as_ref());
            }

            /// Takes one [`subscribe`](Self::subscribe) of this prefix back; `false` if there is none
            /// (`ZMQ_UNSUBSCRIBE`).
            pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> bool {
                self.pattern.unsubscribe(prefix.as_ref())
            }

            /// How many different prefixes this socket is subscribed to (`ZMQ_TOPICS_COUNT`).
            #[must_use]
            pub fn subscriptions(&self) -> usize {
                self.pattern.prefixes()
            }
        }
    };
}

pub(super) use subscribes;

subscribes!(Sub);
