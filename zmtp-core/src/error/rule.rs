//! The rule behind each way a connection can end.

use core::fmt;

use super::{BoxName, Incompatible, Kind, LocalFault, Malformed, Misbehaved, Stage};
use crate::socket_type::SocketType;
use crate::wire::metadata::MetadataError;

/// A requirement of the catalogue in `conformance/requirements.toml` and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Identifier in the catalogue, for example `ZMTP-MECH-01`.
    pub id: &'static str,
    /// The specification, for example `37/ZMTP`.
    pub spec: &'static str,
    /// The heading in the specification.
    pub heading: &'static str,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, \"{}\"", self.id, self.spec, self.heading)
    }
}

const fn zmtp(id: &'static str, heading: &'static str) -> Rule {
    Rule { id, spec: "37/ZMTP", heading }
}

const fn plain(id: &'static str) -> Rule {
    Rule { id, spec: "24/ZMTP-PLAIN", heading: "Implementation" }
}

const fn curve(id: &'static str, heading: &'static str) -> Rule {
    Rule { id, spec: "26/CURVEZMQ", heading }
}

const fn zap(id: &'static str) -> Rule {
    Rule { id, spec: "27/ZAP", heading: "Message Format" }
}

const GRAMMAR: &str = "Formal Grammar";
const FRAMING: &str = "Framing";
const AUTHENTICATION: &str = "Authentication and Confidentiality";
const ERRORS: &str = "Error Handling";
const NULL: &str = "The NULL Security Mechanism";
const METADATA: &str = "Connection Metadata";
const SOCKET_TYPE: &str = "The Socket-Type Property";
const IDENTITY: &str = "The Identity Property";
const HEARTBEAT: &str = "Connection Heartbeating";
const SECURITY: &str = "Security Considerations";

const HELLO: &str = "The HELLO Command";
const WELCOME: &str = "The WELCOME Command";
const INITIATE: &str = "The INITIATE Command";
const READY: &str = "The READY Command";
const MESSAGE: &str = "The MESSAGE Command";
const COMMANDS: &str = "CurveZMQ Commands";

/// The one table: no arm for "anything else", so that a new failure cannot go without its rule.
pub(super) const fn of(kind: &Kind, stage: Stage) -> Rule {
    match kind {
        Kind::Malformed(what) => malformed(*what, stage),
        Kind::Misbehaved(what) => misbehaved(*what, stage),
        Kind::Incompatible(what) => incompatible(*what),
        Kind::Unopenable(name) => unopenable(*name),
        Kind::Denied { .. } | Kind::Revoked { .. } => zap("ZAP-25"),
        Kind::ReportedByPeer(_) => zmtp("ZMTP-ERROR-02", ERRORS),
        Kind::TimedOut => zmtp("ZMTP-SEC-05", SECURITY),
        Kind::PeerClosed => zmtp("ZMTP-ERROR-05", ERRORS),
        Kind::Local(LocalFault::Random) => curve("CURVEZMQ-03", HELLO),
        Kind::Local(LocalFault::NoncesExhausted) => curve("CURVEZMQ-46", HELLO),
        Kind::Local(LocalFault::ServerKey) => curve("CURVEZMQ-53", COMMANDS),
        Kind::Local(LocalFault::UnaskedDecision) => zap("ZAP-03"),
        Kind::Local(LocalFault::Evicted) => zmtp("ZMTP-SEC-04", SECURITY),
        Kind::Local(LocalFault::Occupied) => {
            Rule { id: "EXPAIR-01", spec: "31/EXPAIR", heading: "The PAIR Socket Type" }
        }
    }
}

const fn malformed(what: Malformed, stage: Stage) -> Rule {
    match what {
        Malformed::Signature => zmtp("ZMTP-GREETING-02", GRAMMAR),
        Malformed::AsServer => zmtp("ZMTP-GREETING-09", GRAMMAR),
        Malformed::FrameFlags { .. } => zmtp("ZMTP-FRAME-04", FRAMING),
        Malformed::CommandWithMore => zmtp("ZMTP-FRAME-12", FRAMING),
        Malformed::FrameSize => zmtp("ZMTP-FRAME-07", FRAMING),
        Malformed::CommandName => zmtp("ZMTP-CMD-04", GRAMMAR),
        Malformed::CommandSize(_) => match stage {
            Stage::Greeting | Stage::Mechanism | Stage::Hello => curve("CURVEZMQ-09", HELLO),
            Stage::Welcome => curve("CURVEZMQ-18", WELCOME),
            Stage::Initiate | Stage::Authentication => curve("CURVEZMQ-25", INITIATE),
            Stage::Ready => curve("CURVEZMQ-32", READY),
            Stage::Traffic => curve("CURVEZMQ-38", MESSAGE),
        },
        Malformed::Credentials => plain("PLAIN-15"),
        Malformed::WelcomeBody => plain("PLAIN-18"),
        Malformed::HelloVersion | Malformed::HelloPadding | Malformed::HelloContent => {
            curve("CURVEZMQ-09", HELLO)
        }
        Malformed::Metadata(error) => metadata(error),
        Malformed::ErrorReason => zmtp("ZMTP-ERROR-08", NULL),
        Malformed::Ping => zmtp("HEARTBEAT-01", HEARTBEAT),
        Malformed::Pong => zmtp("HEARTBEAT-06", HEARTBEAT),
        Malformed::InnerFlags { .. } => curve("CURVEZMQ-37", MESSAGE),
    }
}

const fn metadata(error: MetadataError) -> Rule {
    match error {
        MetadataError::Name => zmtp("ZMTP-META-03", NULL),
        MetadataError::Truncated => zmtp("ZMTP-META-07", NULL),
        MetadataError::ValueLength => zmtp("ZMTP-META-06", NULL),
        MetadataError::TooLarge => zmtp("ZMTP-SEC-07", SECURITY),
        MetadataError::Duplicate => zmtp("ZMTP-META-11", METADATA),
        MetadataError::ReservedIdentity => zmtp("ZMTP-IDENTITY-04", IDENTITY),
    }
}

const fn misbehaved(what: Misbehaved, stage: Stage) -> Rule {
    match what {
        Misbehaved::MessageInHandshake => zmtp("ZMTP-CMD-10", GRAMMAR),
        Misbehaved::UnexpectedCommand => zmtp("ZMTP-CMD-08", AUTHENTICATION),
        Misbehaved::OversizedCommand => zmtp("ZMTP-SEC-07", SECURITY),
        Misbehaved::IdentityTooLong => zmtp("ZMTP-IDENTITY-03", IDENTITY),
        Misbehaved::IdentityReserved => zmtp("ZMTP-IDENTITY-04", IDENTITY),
        Misbehaved::CookieMismatch => curve("CURVEZMQ-25", INITIATE),
        Misbehaved::CookieExpired => curve("CURVEZMQ-17", WELCOME),
        Misbehaved::VouchClientKey => curve("CURVEZMQ-26", INITIATE),
        Misbehaved::VouchServerKey => curve("CURVEZMQ-27", INITIATE),
        Misbehaved::LowOrderKey => curve("CURVEZMQ-53", COMMANDS),
        Misbehaved::NonceNotRising => match stage {
            Stage::Initiate => curve("CURVEZMQ-44", HELLO),
            // The rule for both directions: which one it was depends on the role.
            _ => curve("CURVEZMQ-41", HELLO),
        },
        Misbehaved::ClearFrame => Rule { id: "CURVE-09", spec: "25/ZMTP-CURVE", heading: "Goals" },
        Misbehaved::LateError => zmtp("ZMTP-ERROR-09", ERRORS),
        Misbehaved::MessageTooLarge | Misbehaved::TooManyParts | Misbehaved::CommandTooLarge => {
            zmtp("ZMTP-FRAME-15", SECURITY)
        }
        Misbehaved::TooManySubscriptions => zmtp("PUBSUB-WIRE-13", SECURITY),
        Misbehaved::TtlExpired => zmtp("HEARTBEAT-08", HEARTBEAT),
        Misbehaved::HeartbeatTimeout => zmtp("HEARTBEAT-12", HEARTBEAT),
        Misbehaved::PingFlood => zmtp("HEARTBEAT-14", HEARTBEAT),
        Misbehaved::RoutingIdTaken => {
            Rule { id: "ZMTP-IDENTITY-06", spec: "28/REQREP", heading: "The ROUTER Socket Type" }
        }
    }
}

const fn incompatible(what: Incompatible) -> Rule {
    match what {
        Incompatible::Version { .. } => zmtp("ZMTP-VERSION-05", "Version Negotiation"),
        Incompatible::Mechanism { .. } => zmtp("ZMTP-MECH-01", AUTHENTICATION),
        Incompatible::BothServers => Rule {
            id: "ZMTP-MECH-07",
            spec: "24/ZMTP-PLAIN + 25/ZMTP-CURVE",
            heading: "Implementation",
        },
        Incompatible::SocketType { theirs: None, .. } => zmtp("ZMTP-SOCKTYPE-04", SOCKET_TYPE),
        Incompatible::SocketType { ours, theirs: Some(_) } => zmtp(peers_of(ours), SOCKET_TYPE),
    }
}

/// The requirement that lists the peers of a socket type.
const fn peers_of(ours: SocketType) -> &'static str {
    match ours {
        SocketType::REQ => "ZMTP-SOCKTYPE-05",
        SocketType::REP => "ZMTP-SOCKTYPE-06",
        SocketType::DEALER => "ZMTP-SOCKTYPE-07",
        SocketType::ROUTER => "ZMTP-SOCKTYPE-08",
        SocketType::PUB | SocketType::XPUB => "ZMTP-SOCKTYPE-09",
        SocketType::SUB | SocketType::XSUB => "ZMTP-SOCKTYPE-10",
        SocketType::PUSH | SocketType::PULL => "ZMTP-SOCKTYPE-11",
        SocketType::PAIR => "ZMTP-SOCKTYPE-12",
    }
}

const fn unopenable(name: BoxName) -> Rule {
    match name {
        BoxName::Hello => curve("CURVEZMQ-09", HELLO),
        BoxName::Welcome => curve("CURVEZMQ-18", WELCOME),
        BoxName::Cookie | BoxName::Initiate => curve("CURVEZMQ-25", INITIATE),
        BoxName::Vouch => curve("CURVEZMQ-26", INITIATE),
        BoxName::Ready => curve("CURVEZMQ-32", READY),
        BoxName::Message => curve("CURVEZMQ-38", MESSAGE),
    }
}

#[cfg(test)]
mod tests;
