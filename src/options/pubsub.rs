//! Options of sockets that publish or subscribe.

use zmtp_core::Message;
use zmtp_core::wire::subscription::SubscriptionChange;

use super::Options;

/// Settings of PUB, SUB, XPUB and XSUB.
#[derive(Debug, Clone, Default)]
pub(crate) struct PubSub {
    pub(crate) told: Told,
    pub(crate) manual: bool,
    pub(crate) no_drop: bool,
    pub(crate) invert: bool,
    pub(crate) welcome: Option<Message>,
    pub(crate) verbose_upstream: bool,
}

/// Which subscriptions the application of an XPUB is told, beside those that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Told {
    #[default]
    Changes,
    Subscriptions,
    Everything,
}

impl Told {
    /// Whether those that change nothing are told as well.
    pub(crate) const fn tells_all(self, change: SubscriptionChange) -> bool {
        match self {
            Self::Changes => false,
            Self::Subscriptions => matches!(change, SubscriptionChange::Subscribe),
            Self::Everything => true,
        }
    }
}

impl Options {
    /// XPUB: `recv` gives every subscription, not only the first to a prefix (`ZMQ_XPUB_VERBOSE`).
    /// Default: off.
    pub fn xpub_verbose(mut self, on: bool) -> Self {
        self.pubsub.told = if on { Told::Subscriptions } else { Told::Changes };
        self
    }

    /// XPUB: `recv` gives every subscription and every cancellation, not only the first and the last of
    /// a prefix (`ZMQ_XPUB_VERBOSER`). Default: off.
    pub fn xpub_verboser(mut self, on: bool) -> Self {
        self.pubsub.told = if on { Told::Everything } else { Told::Changes };
        self
    }

    /// XPUB: peers only ask for subscriptions; the application gives them with
    /// [`XPub::grant`](crate::XPub::grant) and takes them back with
    /// [`XPub::revoke`](crate::XPub::revoke) (`ZMQ_XPUB_MANUAL`). Default: off.
    pub fn xpub_manual(mut self, on: bool) -> Self {
        self.pubsub.manual = on;
        self
    }

    /// PUB and XPUB: a message for a peer at its high-water mark is not dropped; nobody gets it before
    /// all can, and `send` waits (`ZMQ_XPUB_NODROP`). One peer that does not read stops all others.
    /// Default: off.
    pub fn xpub_nodrop(mut self, on: bool) -> Self {
        self.pubsub.no_drop = on;
        self
    }

    /// XPUB: what each new peer is sent before anything else; a SUB sees it if it subscribed to it
    /// (`ZMQ_XPUB_WELCOME_MSG`). Default: nothing.
    pub fn xpub_welcome(mut self, message: impl Into<Message>) -> Self {
        self.pubsub.welcome = Some(message.into());
        self
    }

    /// PUB, XPUB and SUB: a message goes to those without a matching subscription, and only to those
    /// (`ZMQ_INVERT_MATCHING`). It has to be set on both sides: a SUB filters too. Default: off.
    pub fn invert_matching(mut self, on: bool) -> Self {
        self.pubsub.invert = on;
        self
    }

    /// XSUB: publishers hear of every subscription and every cancellation that the application sends,
    /// not only of the first and the last of a prefix. For devices in front of an XPUB that is to be
    /// verbose (`ZMQ_XSUB_VERBOSE_UNSUBSCRIBE`, and what libzmq does with subscriptions anyway).
    /// Default: off.
    pub fn xsub_verbose(mut self, on: bool) -> Self {
        self.pubsub.verbose_upstream = on;
        self
    }
}
