//! What a failure means, and what to change.

use ironhouse::error::ConnectFailure;
use ironhouse::{Disconnect, Endpoint, SocketType};
use transport::net::{DialError, DialErrorKind};
use zmtp_core::error::{Incompatible, Kind, Malformed, Misbehaved, ProtocolError, Stage};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::reason::ErrorReason;

use crate::exit::{Class, Failure, class_of, class_of_error, status_of};

/// An explanation for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) class: Class,
    pub(crate) meaning: String,
    pub(crate) steps: Vec<String>,
}

const CHECK_PORT: &str = "check that the port is that of the ZeroMQ server";
const CHECK_LOG: &str = "look at the log of the server";
const CHECK_SERVER_KEY: &str = "check that --server-key is the public key of this very server";

impl Advice {
    pub(crate) fn new(class: Class, meaning: impl Into<String>, steps: &[&str]) -> Self {
        let steps = steps.iter().map(|step| (*step).to_owned()).collect();
        Self { class, meaning: meaning.into(), steps }
    }
}

/// A connection that a socket could not make, explained to a user who came with mechanism `ours`.
pub(crate) fn explained(failure: &ConnectFailure, ours: MechanismName) -> Failure {
    let class = class_of(&failure.cause);
    let endpoint = &failure.endpoint;
    let (text, error, advice) = match &failure.cause {
        // It says itself what to look at.
        Disconnect::Unreachable(error) => (error.to_string(), None, None),
        Disconnect::Protocol(error) => {
            let what = match (class_of_error(error), status_of(error)) {
                (Class::Refused, Some(status)) => format!("refused with status {status}"),
                (Class::Refused, None) => "refused".to_owned(),
                _ => "failed".to_owned(),
            };
            let text = format!("{endpoint}: {what} at stage {}: {}", error.stage, error.kind);
            (text, Some(Box::new(error.clone())), Some(Box::new(of_handshake(error, ours))))
        }
        cause => (format!("{endpoint}: {cause}"), None, None),
    };
    Failure { error, advice, ..Failure::new(class, text) }
}

/// Nobody could be reached.
pub(crate) fn of_dial(error: &DialError, endpoint: &Endpoint) -> Advice {
    let steps: &[&str] = match error.kind() {
        DialErrorKind::Resolve => &["check the spelling of the host name and the resolver"],
        DialErrorKind::Refused => &[
            "start the server, or correct host and port",
            "a server bound to 127.0.0.1 cannot be reached from another machine: bind it to tcp://*:PORT",
        ],
        DialErrorKind::TimedOut | DialErrorKind::Unreachable => {
            &["check the address, the route and firewalls on the way"]
        }
        DialErrorKind::NoSuchPath => &["start the server, or correct the path"],
        DialErrorKind::PermissionDenied => &["check the rights on the path, or the firewall"],
        _ => &["correct the endpoint"],
    };
    Advice::new(Class::Unreachable, format!("nothing answers at {endpoint}"), steps)
}

/// No octet came in time.
fn of_silence(stage: Stage, ours: MechanismName) -> Advice {
    match stage {
        Stage::Greeting => Advice::new(
            Class::Silent,
            "something listens, but says nothing; a ZMTP peer sends its greeting at once",
            &[CHECK_PORT, "the server may be stuck or overloaded"],
        ),
        Stage::Mechanism => Advice::new(
            Class::Silent,
            "the peer began its greeting and did not end it",
            &["the server may be stuck", "the peer may wait for a greeting of another version"],
        ),
        Stage::Traffic => Advice::new(
            Class::Silent,
            "the connection stands, but PING stays without an answer",
            &["do not switch heartbeats on towards this peer", "the server may be stuck"],
        ),
        Stage::Hello | Stage::Initiate => Advice::new(
            Class::Silent,
            "the peer greeted, but does not go on as client of the mechanism",
            &["it may be configured as server, like this side", "the peer may be stuck"],
        ),
        _ if ours == MechanismName::NULL => Advice::new(
            Class::Silent,
            "the server greeted and then said nothing",
            &["its authenticator (ZAP handler) may be missing, stuck or slow", CHECK_LOG],
        ),
        _ => Advice::new(
            Class::Silent,
            "the server greeted and then said nothing; libzmq does so when it refuses for now (300)",
            &[
                "its authenticator (ZAP handler) may be missing, stuck or slow",
                "the peer may be configured as client of the mechanism, like this side",
            ],
        ),
    }
}

/// The first octets are no greeting: whose are they?
pub(crate) fn foreign(octets: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| octets.starts_with(with);
    Some(match octets {
        _ if begins(b"HTTP/") => "an HTTP server",
        _ if begins(b"SSH-") => "an SSH server",
        _ if begins(b"220 ") || begins(b"220-") => "a mail or FTP server",
        _ if begins(&[0x15, 0x03]) || begins(&[0x16, 0x03]) => "a TLS server",
        _ if begins(b"-ERR") || begins(b"+PONG") => "a Redis server",
        _ if begins(b"AMQP") => "an AMQP broker",
        [0x01, 0x00, ..] => "a ZeroMQ 2.x peer (ZMTP 1.0)",
        _ => return None,
    })
}

/// The handshake failed.
pub(crate) fn of_handshake(error: &ProtocolError, ours: MechanismName) -> Advice {
    let class = class_of_error(error);
    match &error.kind {
        Kind::Incompatible(Incompatible::Mechanism { theirs, .. }) => Advice::new(
            class,
            format!("the server wants {theirs}, this side came with {ours}"),
            &[flags_for(*theirs)],
        ),
        Kind::Incompatible(Incompatible::Version { major }) => Advice::new(
            class,
            format!("the peer speaks ZMTP {major}.x, of ZeroMQ before version 4"),
            &["update the peer to ZeroMQ 4 or later"],
        ),
        Kind::Incompatible(Incompatible::SocketType { theirs, .. }) => {
            of_socket_type(class, *theirs)
        }
        Kind::Incompatible(Incompatible::BothServers) => Advice::new(
            class,
            "both sides are the server of the mechanism",
            &["make one of the two the client: with --server-key or --plain-user"],
        ),
        Kind::Denied { .. } => Advice::new(
            class,
            "this side is the server and does not let that peer in",
            &["add its public key, password or address to what this side lets in"],
        ),
        Kind::ReportedByPeer(reason) => of_refusal(reason, ours),
        Kind::PeerClosed => of_close(error.stage, ours),
        Kind::Unopenable(_) if error.stage == Stage::Hello => Advice::new(
            class,
            "the client expects another server key, or its octets were altered",
            &["give the client the public key of this side (ironhouse public-key)"],
        ),
        Kind::Unopenable(_) => Advice::new(
            class,
            "what the server sent cannot be opened with the keys of this side",
            &[CHECK_SERVER_KEY],
        ),
        Kind::Malformed(Malformed::Signature) => {
            Advice::new(class, "what listens there does not speak ZMTP", &[CHECK_PORT])
        }
        Kind::Misbehaved(Misbehaved::UnexpectedCommand) if error.stage == Stage::Welcome => {
            Advice::new(
                class,
                format!("the peer most likely acts as client of {ours}, like this side"),
                &["make one of the two the server of the mechanism"],
            )
        }
        Kind::TimedOut => of_silence(error.stage, ours),
        _ => Advice::new(
            class,
            "the peer breaks the protocol",
            &["report this to those who make it, with the rule above"],
        ),
    }
}

fn flags_for(mechanism: MechanismName) -> &'static str {
    match mechanism {
        MechanismName::NULL => "leave the security flags out: the server has no security",
        MechanismName::PLAIN => "give --plain-user and --plain-password-file",
        MechanismName::CURVE => {
            "give --server-key, and --curve-secret if the server wants to know you"
        }
        _ => "this implementation does not speak that mechanism",
    }
}

fn of_socket_type(class: Class, theirs: Option<SocketType>) -> Advice {
    let Some(theirs) = theirs else {
        let meaning = "the peer does not say which socket type it is";
        return Advice::new(class, meaning, &["report this to those who make it"]);
    };
    let fitting = SocketType::ALL.into_iter().filter(|own| own.accepts(theirs));
    let fitting: Vec<_> = fitting.map(SocketType::as_str).collect();
    Advice {
        class,
        meaning: format!("the peer is a {theirs} socket, which this type does not talk to"),
        steps: vec![format!("a type that fits is {} (doctor --type)", fitting.join(" or "))],
    }
}

fn of_refusal(reason: &ErrorReason, ours: MechanismName) -> Advice {
    let status = reason.status().map(|status| status.code());
    let (meaning, step) = match (status, ours) {
        (Some("400"), MechanismName::PLAIN) => (
            "the server does not accept this user name and password",
            "check both, and the address rules of the server",
        ),
        (Some("400"), MechanismName::CURVE) => (
            "the server does not know this client key",
            "have the public half (NAME.key) added to the server's authorized keys",
        ),
        (Some("400"), _) => ("the server does not let this address in", "ask for it to be allowed"),
        (Some("500"), _) => ("the server's authenticator is missing or broken", CHECK_LOG),
        _ if reason.as_bytes() == b"Invalid-Socket-Type" => (
            "the peer's socket type does not talk to the one of this side",
            "ask which type it is, and choose one that fits (doctor --type)",
        ),
        _ => ("the server refused this side", CHECK_LOG),
    };
    Advice::new(Class::Refused, meaning, &[step])
}

/// The peer closed without a word; where it did says why, most likely.
fn of_close(stage: Stage, ours: MechanismName) -> Advice {
    let class = class_of_error(&ProtocolError::peer(stage, Kind::PeerClosed));
    match stage {
        Stage::Greeting => Advice::new(
            class,
            "the peer closed before it greeted",
            &[CHECK_PORT, "the server may refuse this address, or be at its limit of connections"],
        ),
        Stage::Mechanism => Advice::new(
            class,
            "the peer left in the middle of its greeting, as libzmq does when the mechanisms differ",
            &["ask which mechanism the server uses, and give its flags (see --help)"],
        ),
        Stage::Welcome if ours == MechanismName::CURVE => Advice::new(
            class,
            "the server could not open HELLO and closed: most likely the server key is wrong",
            &[CHECK_SERVER_KEY],
        ),
        Stage::Hello | Stage::Initiate => Advice::new(
            class,
            "the peer closed instead of going on as client of the mechanism",
            &[
                "it may be configured as server, like this side",
                "it may expect another server key: give it that of this side",
            ],
        ),
        Stage::Traffic => Advice::new(
            class,
            "the peer closed when it was sent a PING, as libzmq before 4.2.4 does",
            &["update the peer, or do not switch heartbeats on towards it"],
        ),
        _ => Advice::new(
            class,
            "the server saw who this is and closed without a reason",
            &[
                "it may refuse for now (300): try again later",
                "its authenticator may be missing: look at the log of the server",
                "the socket types may not fit: libzmq says nothing then (doctor --type)",
            ],
        ),
    }
}
