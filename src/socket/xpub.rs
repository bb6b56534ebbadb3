//! XPub: a Pub that sees the subscriptions (29/PUBSUB).

use std::sync::Arc;

use zmtp_core::wire::subscription::SubscriptionChange;

use super::publisher::publishes;
use crate::error::{GrantError, SendError};
use crate::pattern::publish::Publisher;
use crate::peer::Peer;
use crate::socket::base::{Base, common, receives, refused, sends};

/// A [`Pub`](crate::Pub) that sees the subscriptions (29/PUBSUB).
///
/// `recv` gives a message that begins with the octet 1 and goes on with the prefix when the first peer
/// subscribes to it, and one that begins with 0 when the last one has cancelled or left; and whatever
/// XSUB peers send besides. [`Message::peer`](crate::Message::peer) says whose it was.
///
/// Messages of a peer that are not received hold that peer up at its high-water mark. Subscriptions
/// never do: when more than the receive high-water mark of them wait, a subscription and its
/// cancellation are both left out, if neither has been received.
#[derive(Debug)]
pub struct XPub {
    base: Base,
    pattern: Arc<Publisher>,
}

common!(XPub, XPUB, Publisher, |options| Publisher::telling(&options));
publishes!(XPub);
receives!(XPub, |this| this.pattern.queue.try_recv());

impl XPub {
    /// Subscribes a peer to a prefix, whatever it asked for; `false` if it was subscribed to it
    /// already. Only with [`Options::xpub_manual`](crate::Options::xpub_manual).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ironhouse::{Options, Sub, XPub};
    ///
    /// let xpub = XPub::new(Options::new().xpub_manual(true))?;
    /// let sub = Sub::new(Options::new())?;
    /// sub.connect(xpub.bind("tcp://127.0.0.1:*").await?)?;
    /// sub.subscribe("public/");
    ///
    /// let request = xpub.recv().await?;
    /// if let ([1, prefix @ ..], Some(peer)) = (request.first().as_bytes(), request.peer())
    ///     && prefix.starts_with(b"public/")
    /// {
    ///     xpub.grant(peer, prefix)?;
    /// }
    /// xpub.send("public/news").await?;
    /// assert_eq!(sub.recv().await?.first(), "public/news");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn grant(&self, peer: &Arc<Peer>, prefix: impl AsRef<[u8]>) -> Result<bool, GrantError> {
        self.pattern.decide(peer, SubscriptionChange::Subscribe, prefix.as_ref())
    }

    /// Takes a subscription of a peer back; `false` if it had none. Only with
    /// [`Options::xpub_manual`](crate::Options::xpub_manual).
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn revoke(&self, peer: &Arc<Peer>, prefix: impl AsRef<[u8]>) -> Result<bool, GrantError> {
        self.pattern.decide(peer, SubscriptionChange::Cancel, prefix.as_ref())
    }

    /// Sends a message to one peer alone, if its subscriptions match; for the last value of a topic to
    /// who has just subscribed to it (`ZMQ_XPUB_MANUAL_LAST_VALUE`).
    ///
    /// # Errors
    /// [`SendError::PeerGone`]; [`SendError::WouldBlock`] if nothing may be dropped and the peer is
    /// full.
    pub fn try_send_to(
        &self,
        peer: &Arc<Peer>,
        message: impl Into<crate::Message>,
    ) -> Result<(), SendError> {
        self.pattern.try_send_to(peer, &message.into())
    }
}
