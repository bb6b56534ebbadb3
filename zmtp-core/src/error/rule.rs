//! The rule behind each way a connection can end.

use core::fmt;

use super::{BoxName, Incompatible, Kind, LocalFault, Malformed, Misbehaved, Stage};
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

const fn curve(id: &'static str, heading: &'static str) -> Rule {
    Rule { id, spec: "26/CURVEZMQ", heading }
}

const HELLO: &str = "The HELLO Command";
const WELCOME: &str = "The WELCOME Command";
const INITIATE: &str = "The INITIATE Command";
const READY: &str = "The READY Command";
const MESSAGE: &str = "The MESSAGE Command";

/// The one table: no arm for "anything else", so that a new failure cannot go without its rule.
pub(super) const fn of(kind: &Kind, stage: Stage) -> Rule {
    match kind {
        Kind::Malformed(what) => malformed(*what, stage),
        Kind::Misbehaved(what) => misbehaved(*what),
        Kind::Incompatible(what) => incompatible(*what),
        Kind::Unopenable(name) => unopenable(*name),
        Kind::Denied { .. } => Rule { id: "ZAP-25", spec: "27/ZAP", heading: "Message Format" },
        Kind::ReportedByPeer(_) => zmtp("ZMTP-ERROR-02", "Error Handling"),
        Kind::TimedOut => zmtp("ZMTP-SEC-05", "Security Considerations"),
        Kind::PeerClosed => zmtp("ZMTP-ERROR-05", "Error Handling"),
        Kind::Local(LocalFault::Random) => curve("CURVEZMQ-03", "General Design"),
        Kind::Local(LocalFault::NoncesExhausted) => curve("CURVEZMQ-46", "General Design"),
        Kind::Local(LocalFault::ServerKey) => curve("CURVEZMQ-53", "Security"),
        Kind::Local(LocalFault::UnaskedDecision) => {
            Rule { id: "ZAP-03", spec: "27/ZAP", heading: "Message Format" }
        }
        Kind::Local(LocalFault::Evicted) => zmtp("ZMTP-SEC-04", "Security Considerations"),
    }
}

const fn malformed(what: Malformed, stage: Stage) -> Rule {
    match what {
        Malformed::Signature => zmtp("ZMTP-GREETING-18", "Formal Grammar"),
        Malformed::AsServer => zmtp("ZMTP-GREETING-09", "Formal Grammar"),
        Malformed::FrameFlags { .. } => zmtp("ZMTP-FRAME-04", "Framing"),
        Malformed::CommandWithMore => zmtp("ZMTP-FRAME-12", "Framing"),
        Malformed::FrameSize => zmtp("ZMTP-FRAME-07", "Framing"),
        Malformed::CommandName => zmtp("ZMTP-CMD-04", "Formal Grammar"),
        Malformed::CommandSize(_) => match stage {
            Stage::Greeting | Stage::Mechanism | Stage::Hello => curve("CURVEZMQ-09", HELLO),
            Stage::Welcome => curve("CURVEZMQ-18", WELCOME),
            Stage::Initiate | Stage::Authentication => curve("CURVEZMQ-25", INITIATE),
            Stage::Ready => curve("CURVEZMQ-32", READY),
            Stage::Traffic => curve("CURVEZMQ-38", MESSAGE),
        },
        Malformed::Credentials => {
            Rule { id: "PLAIN-15", spec: "24/ZMTP-PLAIN", heading: "Implementation" }
        }
        Malformed::WelcomeBody => {
            Rule { id: "PLAIN-18", spec: "24/ZMTP-PLAIN", heading: "Implementation" }
        }
        Malformed::HelloVersion | Malformed::HelloPadding | Malformed::HelloContent => {
            curve("CURVEZMQ-09", HELLO)
        }
        Malformed::Metadata(error) => metadata(error),
        Malformed::ErrorReason => zmtp("ZMTP-ERROR-08", "Formal Grammar"),
        Malformed::Ping => zmtp("HEARTBEAT-07", "Connection Heartbeating"),
        Malformed::Pong => zmtp("HEARTBEAT-06", "Connection Heartbeating"),
        Malformed::InnerFlags { .. } => curve("CURVEZMQ-37", MESSAGE),
    }
}

const fn metadata(error: MetadataError) -> Rule {
    let id = match error {
        MetadataError::Name => "ZMTP-META-03",
        MetadataError::Truncated => "ZMTP-META-07",
        MetadataError::ValueLength => "ZMTP-META-06",
        MetadataError::TooLarge => "ZMTP-SEC-07",
        MetadataError::Duplicate => "ZMTP-META-11",
    };
    zmtp(id, "Connection Metadata")
}

const fn misbehaved(what: Misbehaved) -> Rule {
    match what {
        Misbehaved::MessageInHandshake => zmtp("ZMTP-CMD-10", "Formal Grammar"),
        Misbehaved::UnexpectedCommand => zmtp("ZMTP-CMD-08", "Formal Grammar"),
        Misbehaved::OversizedCommand => zmtp("ZMTP-SEC-07", "Security Considerations"),
        Misbehaved::IdentityTooLong => zmtp("ZMTP-IDENTITY-03", "The Identity Property"),
        Misbehaved::IdentityReserved => zmtp("ZMTP-IDENTITY-04", "The Identity Property"),
        Misbehaved::CookieMismatch => curve("CURVEZMQ-25", INITIATE),
        Misbehaved::CookieExpired => curve("CURVEZMQ-17", WELCOME),
        Misbehaved::VouchClientKey => curve("CURVEZMQ-26", INITIATE),
        Misbehaved::VouchServerKey => curve("CURVEZMQ-27", INITIATE),
        Misbehaved::LowOrderKey => curve("CURVEZMQ-53", "Security"),
        Misbehaved::NonceNotRising => curve("CURVEZMQ-42", "General Design"),
        Misbehaved::ClearFrame => {
            Rule { id: "CURVE-09", spec: "25/ZMTP-CURVE", heading: "Implementation" }
        }
        Misbehaved::LateError => zmtp("ZMTP-ERROR-09", "Error Handling"),
        Misbehaved::MessageTooLarge => zmtp("ZMTP-FRAME-15", "Framing"),
        Misbehaved::TooManyParts => zmtp("ZMTP-MSG-04", "Framing"),
        Misbehaved::CommandTooLarge => zmtp("ZMTP-FRAME-15", "Framing"),
        Misbehaved::TooManySubscriptions => zmtp("ZMTP-SEC-04", "Security Considerations"),
        Misbehaved::TtlExpired => zmtp("HEARTBEAT-08", "Connection Heartbeating"),
        Misbehaved::HeartbeatTimeout => zmtp("HEARTBEAT-12", "Connection Heartbeating"),
        Misbehaved::PingFlood => zmtp("HEARTBEAT-14", "Connection Heartbeating"),
        Misbehaved::RoutingIdTaken => zmtp("ZMTP-IDENTITY-06", "The Identity Property"),
    }
}

const fn incompatible(what: Incompatible) -> Rule {
    match what {
        Incompatible::Version { .. } => zmtp("ZMTP-VERSION-05", "Version Negotiation"),
        Incompatible::Mechanism { .. } => {
            zmtp("ZMTP-MECH-01", "Authentication and Confidentiality")
        }
        Incompatible::BothServers => zmtp("ZMTP-MECH-07", "Authentication and Confidentiality"),
        Incompatible::SocketType { .. } => zmtp("ZMTP-SOCKTYPE-13", "The Socket-Type Property"),
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
