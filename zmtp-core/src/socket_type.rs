//! The socket types and which of them may talk to which (28/REQREP to 31/EXPAIR).

use core::fmt;

/// A kind of socket, as named in the Socket-Type property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketType {
    /// Asks, then waits for the answer.
    REQ,
    /// Waits for a question, then answers it.
    REP,
    /// Asks without waiting.
    DEALER,
    /// Answers by routing id.
    ROUTER,
    /// Publishes to subscribers.
    PUB,
    /// Publishes and sees the subscriptions.
    XPUB,
    /// Subscribes.
    SUB,
    /// Subscribes by sending messages.
    XSUB,
    /// Hands out work.
    PUSH,
    /// Takes work in.
    PULL,
    /// Talks to one other PAIR.
    PAIR,
}

impl SocketType {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::REQ,
        Self::REP,
        Self::DEALER,
        Self::ROUTER,
        Self::PUB,
        Self::XPUB,
        Self::SUB,
        Self::XSUB,
        Self::PUSH,
        Self::PULL,
        Self::PAIR,
    ];

    /// The value of the Socket-Type property.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::REQ => "REQ",
            Self::REP => "REP",
            Self::DEALER => "DEALER",
            Self::ROUTER => "ROUTER",
            Self::PUB => "PUB",
            Self::XPUB => "XPUB",
            Self::SUB => "SUB",
            Self::XSUB => "XSUB",
            Self::PUSH => "PUSH",
            Self::PULL => "PULL",
            Self::PAIR => "PAIR",
        }
    }

    /// The type that a property value names; case and length count.
    #[must_use]
    pub fn from_property(value: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().as_bytes() == value)
    }

    /// Whether a connection between the two makes sense. It is the same seen from either side.
    #[must_use]
    pub const fn accepts(self, peer: Self) -> bool {
        use SocketType::{DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, SUB, XPUB, XSUB};
        match self {
            REQ => matches!(peer, REP | ROUTER),
            REP => matches!(peer, REQ | DEALER),
            DEALER => matches!(peer, REP | DEALER | ROUTER),
            ROUTER => matches!(peer, REQ | DEALER | ROUTER),
            PUB | XPUB => matches!(peer, SUB | XSUB),
            SUB | XSUB => matches!(peer, PUB | XPUB),
            PUSH => matches!(peer, PULL),
            PULL => matches!(peer, PUSH),
            PAIR => matches!(peer, PAIR),
        }
    }

    /// Whether this type announces an Identity (37/ZMTP, "The Identity Property").
    #[must_use]
    pub const fn announces_identity(self) -> bool {
        matches!(self, Self::REQ | Self::DEALER | Self::ROUTER)
    }

    /// Whether this type keeps what its peers subscribed to.
    #[must_use]
    pub const fn publishes(self) -> bool {
        matches!(self, Self::PUB | Self::XPUB)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
