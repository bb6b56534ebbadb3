//! What a failure means, and what to change.

use ironhouse::Endpoint;
use transport::net::{DialError, DialErrorKind};
use zmtp_core::error::{Incompatible, Kind, Malformed, ProtocolError, Stage};
use zmtp_core::wire::greeting::MechanismName;

use crate::exit::{Class, class_of_error};

/// An explanation for people.
pub(super) struct Advice {
    pub(super) class: Class,
    pub(super) meaning: String,
    pub(super) steps: Vec<String>,
}

impl Advice {
    fn new(class: Class, meaning: impl Into<String>, steps: &[&str]) -> Self {
        let steps = steps.iter().map(|step| (*step).to_owned()).collect();
        Self { class, meaning: meaning.into(), steps }
    }
}

/// Nobody could be reached.
pub(super) fn of_dial(error: &DialError, endpoint: &Endpoint) -> Advice {
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
        _ => &["correct the endpoint"],
    };
    Advice::new(Class::Unreachable, format!("nothing answers at {endpoint}"), steps)
}

/// No octet came in time.
pub(super) fn of_silence(stage: Stage) -> Advice {
    match stage {
        Stage::Greeting => Advice::new(
            Class::Silent,
            "something listens, but says nothing; a ZMTP peer sends its greeting at once",
            &[
                "check that the port is that of the ZeroMQ server",
                "the server may be stuck or overloaded",
            ],
        ),
        _ => Advice::new(
            Class::Silent,
            "the server took the greeting and then said nothing",
            &[
                "its authenticator (ZAP handler) may be missing, stuck or slow",
                "both sides may be configured as server of the mechanism: libzmq then stays silent",
            ],
        ),
    }
}

/// The first octets are no greeting: whose are they?
pub(super) fn foreign(octets: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| octets.starts_with(with);
    Some(match octets {
        _ if begins(b"HTTP/") => "an HTTP server",
        _ if begins(b"SSH-") => "an SSH server",
        _ if begins(b"220 ") || begins(b"220-") => "a mail or FTP server",
        _ if begins(&[0x15, 0x03]) || begins(&[0x16, 0x03]) => "a TLS server",
        _ if begins(b"-ERR") || begins(b"+PONG") => "a Redis server",
        [0x01, 0x00, ..] => "a ZeroMQ 2.x peer (ZMTP 1.0)",
        _ => return None,
    })
}

/// The handshake failed.
pub(super) fn of_handshake(error: &ProtocolError, ours: MechanismName) -> Advice {
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
        Kind::Incompatible(Incompatible::SocketType { theirs, .. }) => Advice::new(
            class,
            match theirs {
                Some(theirs) => {
                    format!("the peer is a {theirs} socket, which this type does not talk to")
                }
                None => "the peer does not say which socket type it is".to_owned(),
            },
            &["choose a type that fits with --type"],
        ),
        Kind::ReportedByPeer(reason) => of_refusal(reason.status().map(|it| it.code()), ours),
        Kind::PeerClosed => of_close(error.stage, ours),
        Kind::Unopenable(_) => Advice::new(
            class,
            "what the server sent cannot be opened with the keys of this side",
            &["check that --server-key is the public key of this very server"],
        ),
        Kind::Malformed(Malformed::Signature) => Advice::new(
            class,
            "what listens there does not speak ZMTP",
            &["check that the port is that of the ZeroMQ server"],
        ),
        Kind::TimedOut => of_silence(error.stage),
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

fn of_refusal(status: Option<&str>, ours: MechanismName) -> Advice {
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
        (Some("500"), _) => {
            ("the server's authenticator is missing or broken", "look at the log of the server")
        }
        _ => ("the server refused this side", "look at the log of the server"),
    };
    Advice::new(Class::Refused, meaning, &[step])
}

/// The peer closed without a word; where it did says why, most likely.
fn of_close(stage: Stage, ours: MechanismName) -> Advice {
    match stage {
        Stage::Greeting => Advice::new(
            Class::NotZmtp,
            "the peer closed before it greeted",
            &[
                "check that the port is that of the ZeroMQ server",
                "the server may refuse this address, or be at its limit of connections",
            ],
        ),
        Stage::Mechanism => Advice::new(
            Class::Mismatch,
            "the peer left in the middle of its greeting, as libzmq does when the mechanisms differ",
            &["ask which mechanism the server uses, and give its flags (see --help)"],
        ),
        Stage::Welcome if ours == MechanismName::CURVE => Advice::new(
            Class::Refused,
            "the server could not open HELLO and closed: most likely the server key is wrong",
            &["check that --server-key is the public key of this very server"],
        ),
        _ => Advice::new(
            Class::Refused,
            "the server saw who this is and closed without a reason: it refuses for now (300), or has no working authenticator",
            &[
                "try again later",
                "look at the log of the server",
                "check that the socket types fit (--type)",
            ],
        ),
    }
}
