//! Why a connection ended: who broke it, at which stage, what happened, and which rule says so.

mod rule;

use core::fmt;

pub use rule::Rule;

use crate::auth::Refusal;
use crate::socket_type::SocketType;
use crate::wire::greeting::MechanismName;
use crate::wire::metadata::MetadataError;
use crate::wire::reason::ErrorReason;

/// The end of a connection that is not a normal close.
///
/// `Display` gives one sentence for people, with everything that came from the peer escaped. The
/// broken rule is for our own logs: telling it to a peer can help an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolError {
    /// Who broke it.
    pub side: Side,
    /// How far the connection had come.
    pub stage: Stage,
    /// What happened.
    pub kind: Kind,
}

impl ProtocolError {
    /// A fault of the peer.
    #[must_use]
    pub fn peer(stage: Stage, kind: impl Into<Kind>) -> Self {
        Self { side: Side::Peer, stage, kind: kind.into() }
    }

    /// A fault or decision of this side.
    #[must_use]
    pub fn local(stage: Stage, kind: impl Into<Kind>) -> Self {
        Self { side: Side::Local, stage, kind: kind.into() }
    }

    /// The requirement that was broken or that demanded the end.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        rule::of(&self.kind, self.stage)
    }

    /// What the peer is told before the connection closes: nothing, unless it was refused by the
    /// authenticator with 400 or 500 or has a socket type that does not fit.
    #[must_use]
    pub fn reply(&self) -> Option<ErrorReason> {
        match &self.kind {
            Kind::Denied { status: Refusal::Failure, .. } => Some(ErrorReason::new("400")),
            Kind::Denied { status: Refusal::Internal, .. } => Some(ErrorReason::new("500")),
            Kind::Incompatible(Incompatible::SocketType { .. }) => {
                Some(ErrorReason::new("Invalid-Socket-Type"))
            }
            Kind::Denied { status: Refusal::Temporary, .. }
            | Kind::Revoked { .. }
            | Kind::Malformed(_)
            | Kind::Misbehaved(_)
            | Kind::Incompatible(_)
            | Kind::Unopenable(_)
            | Kind::ReportedByPeer(_)
            | Kind::TimedOut
            | Kind::PeerClosed
            | Kind::Local(_) => None,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{} side, {} stage, {}]", self.kind, self.side, self.stage, self.rule())
    }
}

impl core::error::Error for ProtocolError {}

/// Whose fault or decision it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// This one.
    Local,
    /// The other one.
    Peer,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Peer => "peer",
        })
    }
}

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// Exchanging the 64 octets.
    Greeting,
    /// Comparing mechanisms and roles.
    Mechanism,
    /// PLAIN and CURVE: the client's first command.
    Hello,
    /// PLAIN and CURVE: the server's answer.
    Welcome,
    /// PLAIN and CURVE: the client's second command.
    Initiate,
    /// Waiting for the decision of an authenticator.
    Authentication,
    /// The last command of the handshake.
    Ready,
    /// After the handshake.
    Traffic,
}

impl Stage {
    /// The stage in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Mechanism => "mechanism",
            Self::Hello => "HELLO",
            Self::Welcome => "WELCOME",
            Self::Initiate => "INITIATE",
            Self::Authentication => "authentication",
            Self::Ready => "READY",
            Self::Traffic => "traffic",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// Octets that do not parse.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Well-formed octets that break a rule.
    #[error(transparent)]
    Misbehaved(#[from] Misbehaved),
    /// Both sides are right and do not fit together.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// A box that does not open: wrong key, wrong nonce or altered octets.
    #[error("the {0} box does not open: wrong key or altered octets")]
    Unopenable(BoxName),
    /// The authenticator on this side said no.
    #[error("refused by the authenticator with status {status}: {}", text.escape_debug())]
    Denied {
        /// The status of the refusal.
        status: Refusal,
        /// The authenticator's reason.
        text: alloc::sync::Arc<str>,
    },
    /// The peer was in, and the authenticator on this side would not let it in now.
    #[error("put out by the authenticator with status {status}: {}", text.escape_debug())]
    Revoked {
        /// The status of the refusal.
        status: Refusal,
        /// The authenticator's reason.
        text: alloc::sync::Arc<str>,
    },
    /// The peer refused this side with an ERROR command.
    #[error("the peer refused this connection with ERROR \"{0}\"")]
    ReportedByPeer(ErrorReason),
    /// The time for this stage is over.
    #[error("no progress within the time limit")]
    TimedOut,
    /// The peer closed the connection before the stage was complete.
    #[error("the peer closed the connection without a reason")]
    PeerClosed,
    /// This side could not go on.
    #[error(transparent)]
    Local(#[from] LocalFault),
}

/// Octets that do not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Octet 0 is not FF or octet 9 is not 7F.
    #[error("the first octets are not the signature of a ZMTP 3 greeting")]
    Signature,
    /// as-server is neither 0 nor 1.
    #[error("the as-server octet of the greeting is neither 0 nor 1")]
    AsServer,
    /// Bits 3 to 7 of the flags octet are in use.
    #[error("a frame has reserved flag bits set (flags {flags:#04x})")]
    FrameFlags {
        /// The whole octet.
        flags: u8,
    },
    /// COMMAND and MORE together.
    #[error("a command frame has the MORE bit set")]
    CommandWithMore,
    /// A size of 2^63 or more.
    #[error("a frame announces 2^63 octets or more")]
    FrameSize,
    /// The command has no name, one of length zero, one that runs past the end or one with other
    /// characters than letters.
    #[error("a command has no valid name")]
    CommandName,
    /// A command of the wrong length.
    #[error("the {0} command has the wrong length")]
    CommandSize(&'static str),
    /// Lengths of user name and password do not add up to the body of HELLO.
    #[error("the lengths of user name and password do not add up")]
    Credentials,
    /// PLAIN WELCOME with octets behind its name.
    #[error("the WELCOME command of PLAIN has a body")]
    WelcomeBody,
    /// CURVE HELLO with a version other than 1.0.
    #[error("the HELLO command asks for a version of CurveZMQ other than 1.0")]
    HelloVersion,
    /// CURVE HELLO with octets in its padding.
    #[error("the padding of the HELLO command is not zero")]
    HelloPadding,
    /// CURVE HELLO whose box does not hold 64 zeros.
    #[error("the box of the HELLO command does not hold zeros")]
    HelloContent,
    /// Properties that do not parse.
    #[error("malformed metadata: {0}")]
    Metadata(#[from] MetadataError),
    /// ERROR without length or with one that does not fit.
    #[error("the ERROR command does not parse")]
    ErrorReason,
    /// PING without a whole TTL or with more than 16 octets of context.
    #[error("the PING command has no TTL or a context of more than 16 octets")]
    Ping,
    /// PONG with more than 16 octets of context.
    #[error("the PONG command has a context of more than 16 octets")]
    Pong,
    /// CURVE flags inside the box other than MORE and COMMAND.
    #[error("reserved flag bits are set inside a MESSAGE box (flags {flags:#04x})")]
    InnerFlags {
        /// The whole octet.
        flags: u8,
    },
}

/// Well-formed octets that break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaved {
    /// A message frame before the handshake was complete.
    #[error("a message frame arrived before the handshake was complete")]
    MessageInHandshake,
    /// A command that the mechanism does not expect now.
    #[error("a command arrived that the mechanism does not expect at this stage")]
    UnexpectedCommand,
    /// A handshake command over the size that is possible at this stage.
    #[error("a handshake command announces more octets than this stage allows")]
    OversizedCommand,
    /// An Identity of more than 255 octets.
    #[error("the Identity property is longer than 255 octets")]
    IdentityTooLong,
    /// An Identity that begins with a zero octet.
    #[error("the Identity property begins with a zero octet")]
    IdentityReserved,
    /// A cookie that this connection did not issue.
    #[error("the cookie is not the one that this connection issued")]
    CookieMismatch,
    /// A cookie older than its lifetime.
    #[error("the cookie has expired")]
    CookieExpired,
    /// A vouch for another transient key.
    #[error("the vouch is for another transient key")]
    VouchClientKey,
    /// A vouch for another server.
    #[error("the vouch is for another server")]
    VouchServerKey,
    /// A public key of small order.
    #[error("a public key is one of the values that give a predictable secret")]
    LowOrderKey,
    /// A short nonce that is not above the last one.
    #[error("a nonce is not above the one before")]
    NonceNotRising,
    /// A frame outside of any box on an encrypted connection.
    #[error("a frame arrived outside of a MESSAGE box on an encrypted connection")]
    ClearFrame,
    /// ERROR after the handshake.
    #[error("an ERROR command arrived after the handshake")]
    LateError,
    /// A message over [`Limits::max_message`](crate::Limits::max_message).
    #[error("a message announces more octets than this side accepts")]
    MessageTooLarge,
    /// More parts than [`Limits::max_parts`](crate::Limits::max_parts).
    #[error("a message has more parts than this side accepts")]
    TooManyParts,
    /// A command over [`Limits::max_command`](crate::Limits::max_command).
    #[error("a command announces more octets than this side accepts")]
    CommandTooLarge,
    /// More subscriptions than [`Limits`](crate::Limits) allow.
    #[error("the peer holds more subscriptions than this side accepts")]
    TooManySubscriptions,
    /// No traffic within the TTL that the peer itself announced in a PING.
    #[error("the peer sent nothing within the TTL of its own PING")]
    TtlExpired,
    /// No traffic within the time limit after our PING.
    #[error("the peer sent nothing within the time limit of a PING")]
    HeartbeatTimeout,
    /// Thousands of PINGs whose answers the peer does not read.
    #[error("the peer sends PING after PING and does not read the answers")]
    PingFlood,
    /// Another live peer of the same socket holds the routing id.
    #[error("the routing id is held by another live peer")]
    RoutingIdTaken,
}

/// Both sides are right and do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incompatible {
    /// The peer speaks a version below 3.0.
    Version {
        /// Major version of the peer.
        major: u8,
    },
    /// The mechanisms differ.
    Mechanism {
        /// What this side announced.
        ours: MechanismName,
        /// What the peer announced.
        theirs: MechanismName,
    },
    /// Both sides announced the server role.
    BothServers,
    /// The socket types do not talk to each other.
    SocketType {
        /// Of this side.
        ours: SocketType,
        /// Of the peer; `None` if it named none that exists.
        theirs: Option<SocketType>,
    },
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { major } => {
                write!(f, "the peer speaks ZMTP {major}.x, this side 3.x only")
            }
            Self::Mechanism { ours, theirs } => {
                write!(f, "the peer announces mechanism {theirs}, this side {ours}")
            }
            Self::BothServers => {
                f.write_str("both sides are configured as server of the mechanism")
            }
            Self::SocketType { ours, theirs: Some(theirs) } => {
                write!(f, "a {ours} socket does not talk to the peer's {theirs} socket")
            }
            Self::SocketType { ours, theirs: None } => {
                write!(f, "the peer of this {ours} socket names no known socket type")
            }
        }
    }
}

impl core::error::Error for Incompatible {}

/// This side could not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalFault {
    /// The random source failed.
    #[error("the source of randomness could not deliver")]
    Random,
    /// The 64-bit nonce of this direction is used up.
    #[error("the nonces of this connection are used up")]
    NoncesExhausted,
    /// The configured key of the peer is one that gives a predictable secret.
    #[error("the configured server key is not usable")]
    ServerKey,
    /// A decision arrived though nobody asked.
    #[error("a decision was given although none was asked for")]
    UnaskedDecision,
    /// Another half-open connection of the same listener needed the place.
    #[error("evicted to make room for another connection")]
    Evicted,
    /// A PAIR socket talks to one peer only, and has one.
    #[error("this PAIR socket has a peer already")]
    Occupied,
}

/// Which box of 26/CURVEZMQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoxName {
    /// In HELLO, from C' to S.
    Hello,
    /// In WELCOME, from S to C'.
    Welcome,
    /// In WELCOME and INITIATE, under the cookie key.
    Cookie,
    /// In INITIATE, from C' to S'.
    Initiate,
    /// Inside the INITIATE box, from C to S'.
    Vouch,
    /// In READY, from S' to C'.
    Ready,
    /// In MESSAGE.
    Message,
}

impl fmt::Display for BoxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "HELLO",
            Self::Welcome => "WELCOME",
            Self::Cookie => "cookie",
            Self::Initiate => "INITIATE",
            Self::Vouch => "vouch",
            Self::Ready => "READY",
            Self::Message => "MESSAGE",
        })
    }
}

impl From<MetadataError> for Kind {
    fn from(error: MetadataError) -> Self {
        Self::Malformed(error.into())
    }
}
