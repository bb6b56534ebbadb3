//! XSub: a Sub that subscribes by sending messages (29/PUBSUB).

use std::sync::Arc;

use super::sub::subscribes;
use crate::pattern::subscribe::Subscriptions;
use crate::socket::base::{Base, common, receives, refused, sends};

/// A [`Sub`](crate::Sub) that subscribes by sending messages, as an [`XPub`](crate::XPub) receives them,
/// and may send others too (29/PUBSUB).
///
/// A message of one part that begins with the octet 1 subscribes to what follows, one that begins with
/// 0 cancels. Every other message goes to all publishers, without waiting for any: those that are at
/// their high-water mark do not get it, and [`dropped`](Self::dropped) counts that. All that arrives is
/// received: nothing is filtered on this side.
#[derive(Debug)]
pub struct XSub {
    base: Base,
    pattern: Arc<Subscriptions>,
}

common!(XSub, XSUB, Subscriptions, |options| Subscriptions::raw(&options));
subscribes!(XSub);
sends!(
    XSub,
    |this, message| {
        this.pattern.send(message);
        Ok(())
    },
    &this.pattern.never
);
receives!(XSub, |this| this.pattern.try_recv());

impl XSub {
    /// Messages that were dropped so far because a publisher was full, once for each such publisher.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.pattern.dropped()
    }
}
