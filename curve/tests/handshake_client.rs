//! The client.

use std::collections::HashSet;

use curve::{CurveClient, KeyError, PublicKey};
use zmtp_core::SocketType::{DEALER, REQ, ROUTER};
use zmtp_core::error::{BoxName, Incompatible, Kind, Malformed, Misbehaved, Side, Stage};
use zmtp_core::wire::metadata::MetadataError;
use zmtp_core::wire::reason::ErrorReason;

use crate::oracle::*;
use crate::support::*;
use crate::world::{CLIENT, Seeded, a_client, client_node, flip, low_order_points, pair};

/// The client under test behind its HELLO, and the server that it was for.
fn greeted() -> (Node, RawServer) {
    let mut node = client_node();
    let server = RawServer::new().with_hello(&mut node);
    (node, server)
}

/// The client under test behind its INITIATE.
fn welcomed() -> (Node, RawServer) {
    let mut node = client_node();
    let (server, _) = RawServer::new().with_initiate(&mut node);
    (node, server)
}

#[track_caller]
fn refuses(node: Node, octets: &[u8], stage: Stage, kind: impl Into<Kind>) {
    let mut node = node;
    node.feed(octets);
    let error = node.refused();
    assert_eq!((error.side, error.stage, &error.kind), (Side::Peer, stage, &kind.into()));
    // CURVEZMQ-49: a client sends no ERROR, whatever happens.
    assert_eq!(node.written(), b"");
    assert_eq!((&node.events, &node.asked), (&vec![], &vec![]));
}

/// The client refuses this data of WELCOME.
#[track_caller]
fn refuses_welcome(spoil: impl Fn(&RawServer) -> Vec<u8>, kind: impl Into<Kind>) {
    let (node, server) = greeted();
    refuses(node, &command("WELCOME", &spoil(&server)), Stage::Welcome, kind);
}

/// The client refuses this data of READY.
#[track_caller]
fn refuses_ready(spoil: impl Fn(&RawServer) -> Vec<u8>, kind: impl Into<Kind>) {
    let (node, server) = welcomed();
    refuses(node, &command("READY", &spoil(&server)), Stage::Ready, kind);
}

// CURVEZMQ-02, CURVEZMQ-53: there is no client without a server key, nor with one of these.
#[test]
fn server_keys_of_low_order_cannot_be_configured() {
    for point in low_order_points() {
        let client = CurveClient::new(pair(CLIENT), PublicKey::from_bytes(point));
        assert_eq!(client.unwrap_err(), KeyError::LowOrder);
    }
}

// CURVEZMQ-06, CURVEZMQ-07, CURVEZMQ-08: the oracle takes HELLO apart.
// CURVEZMQ-19, CURVEZMQ-20, CURVEZMQ-21, CURVEZMQ-22: and INITIATE, with the cookie in it unchanged.
#[test]
fn hello_and_initiate_are_as_written_in_the_grammar() {
    let mut node = client_node();
    let (server, content) = RawServer::new().with_initiate(&mut node);
    assert_eq!(content.client, public(&CLIENT));
    assert!(content.metadata.starts_with(&property("Socket-Type", "DEALER")));
    node.feed(&command("READY", &server.ready(&of_router())));
    let peer = node.peer();
    assert_eq!(peer.verified.public_key, Some(public(&server.permanent)));
    assert_eq!(peer.claimed.socket_type, ROUTER);
}

// CURVEZMQ-03, CURVEZMQ-23: keys and nonces are new for each connection.
#[test]
fn every_hello_and_vouch_is_new() {
    let mut seen = HashSet::new();
    let mut random = Seeded(3);
    for _ in 0..100 {
        let mut node = Node::with_random(a_client(), &mut random);
        let (server, content) = RawServer::new().with_initiate(&mut node);
        assert!(seen.insert(server.client_transient.to_vec()), "C' repeated");
        assert!(seen.insert(content.vouch_nonce.to_vec()), "nonce of the vouch repeated");
    }
}

// CURVEZMQ-05, CURVEZMQ-40: no INITIATE before WELCOME, no MESSAGE before READY.
#[test]
fn the_client_waits_for_each_answer() {
    let (mut node, server) = greeted();
    node.wait(seconds(9));
    assert_eq!(node.written(), b"");
    assert!(node.connection.send(&"early".into()).is_none());
    node.feed(&command("WELCOME", &server.welcome()));
    server.initiate(&node.written());
    assert!(node.connection.send(&"early".into()).is_none());
    assert_eq!(node.written(), b"");
}

// CURVEZMQ-18
#[test]
fn welcome_has_168_octets_and_opens() {
    let size = Malformed::CommandSize("WELCOME");
    for len in [0, 15, 16, 31, 159] {
        refuses_welcome(|server| server.welcome()[..len].to_vec(), size);
    }
    refuses_welcome(|server| [server.welcome(), vec![0]].concat(), size);
    refuses_welcome(|server| [server.welcome(), vec![0; 94]].concat(), size);
    // Longer than any ERROR.
    let (node, server) = greeted();
    let long = command("WELCOME", &[server.welcome(), vec![0; 95]].concat());
    refuses(node, &long[..9], Stage::Welcome, Misbehaved::OversizedCommand);

    let unopenable = Kind::Unopenable(BoxName::Welcome);
    for bit in (0..160 * 8).step_by(11) {
        let altered = |server: &RawServer| {
            let mut data = server.welcome();
            flip(&mut data, bit);
            data
        };
        refuses_welcome(altered, unopenable.clone());
    }
    // CURVEZMQ-02: of another server, which cannot be the one whose key is known.
    let other = |server: &RawServer| RawServer { permanent: [3; 32], ..server.clone() };
    refuses_welcome(|server| other(server).welcome(), unopenable.clone());
    // For another client.
    let other =
        |server: &RawServer| RawServer { client_transient: public(&[3; 32]), ..server.clone() };
    refuses_welcome(|server| other(server).welcome(), unopenable);
}

// CURVEZMQ-53. hostile: C2
#[test]
fn transient_server_keys_of_low_order_are_refused() {
    for point in low_order_points() {
        let forged =
            |server: &RawServer| server.welcome_over(&[&point as &[u8], &server.cookie].concat());
        refuses_welcome(forged, Misbehaved::LowOrderKey);
    }
}

// CURVEZMQ-31, CURVEZMQ-32
#[test]
fn ready_has_30_octets_and_opens() {
    let size = Malformed::CommandSize("READY");
    for len in [0, 7, 8, 23] {
        refuses_ready(|server| server.ready(&of_router())[..len].to_vec(), size);
    }
    let unopenable = Kind::Unopenable(BoxName::Ready);
    for bit in (0..59 * 8).step_by(5) {
        let altered = |server: &RawServer| {
            let mut data = server.ready(&of_router());
            flip(&mut data, bit);
            data
        };
        refuses_ready(altered, unopenable.clone());
    }
    for prefix in ["CurveZMQMESSAGES", "CurveZMQMESSAGEC", "CurveZMQHELLO---"] {
        refuses_ready(|server| server.ready_with(prefix, &of_router()), unopenable.clone());
    }
    let other = |server: &RawServer| RawServer { transient: [3; 32], ..server.clone() };
    refuses_ready(|server| other(server).ready(&of_router()), unopenable);
}

// CURVEZMQ-24, CURVEZMQ-32, CURVEZMQ-33, CURVE-11: the metadata of the server is judged as well.
#[test]
fn the_metadata_of_ready_is_judged() {
    let incompatible = |theirs| Incompatible::SocketType { ours: DEALER, theirs };
    // The least READY there is, 30 octets, opens and names no socket type.
    refuses_ready(|server| server.ready(b""), incompatible(None));
    let req = property("Socket-Type", "REQ");
    refuses_ready(|server| server.ready(&req), incompatible(Some(REQ)));
    for (more, error) in [
        ("00", MetadataError::Name),
        ("01 41 00 00 00", MetadataError::Truncated),
        ("01 41 00 00 00 01", MetadataError::Truncated),
        ("01 41 FF FF FF FF", MetadataError::ValueLength),
    ] {
        let metadata = [of_router(), hex(more)].concat();
        refuses_ready(|server| server.ready(&metadata), Malformed::Metadata(error));
    }
    // Up to the limit, and not beyond.
    let long = [
        of_router(),
        property("X-Filler", vec![0; 65_536 - of_router().len() - property("X-Filler", "").len()]),
    ]
    .concat();
    let (mut node, server) = welcomed();
    node.feed(&command("READY", &server.ready(&long))).peer();
    let (node, server) = welcomed();
    let frame = command("READY", &server.ready(&[long, vec![0]].concat()));
    refuses(node, &frame[..9], Stage::Ready, Misbehaved::OversizedCommand);
}

// CURVEZMQ-33: MESSAGE right behind READY.
#[test]
fn messages_may_follow_ready_at_once() {
    let (mut node, server) = welcomed();
    let ready = command("READY", &server.ready(&of_router()));
    node.feed(&[ready, server.traffic().message(0, b"at once")].concat());
    assert_eq!(node.messages(), ["at once".into()]);
}

// CURVEZMQ-43, CURVEZMQ-45: READY may have any nonce; what follows is above it.
#[test]
fn messages_are_numbered_behind_ready() {
    for nonce in [0, 1, 1000, u64::MAX - 1] {
        let mut node = client_node();
        let server = RawServer { nonce, ..RawServer::new() }.with_ready(&mut node);
        let mut peer = server.traffic();
        node.feed(&peer.message(0, b"above"));
        assert_eq!(node.messages(), ["above".into()]);

        let mut node = client_node();
        let server = RawServer { nonce, ..RawServer::new() }.with_ready(&mut node);
        let repeated = server.traffic().message_numbered(nonce, 0, b"the same");
        node.feed(&repeated);
        assert_eq!(node.messages(), []);
        assert_eq!(node.refused().kind, Misbehaved::NonceNotRising.into());
    }
}

// CURVEZMQ-05, CURVEZMQ-51: each command is taken in its place only.
#[test]
fn the_client_takes_commands_in_order() {
    for name in ["HELLO", "INITIATE", "READY", "MESSAGE", "PING", "welcome"] {
        let (node, server) = greeted();
        let octets = command(name, &server.welcome());
        refuses(node, &octets, Stage::Welcome, Misbehaved::UnexpectedCommand);
    }
    for name in ["HELLO", "INITIATE", "WELCOME", "MESSAGE", "PING", "ready"] {
        let (node, server) = welcomed();
        let octets = command(name, &server.ready(&of_router()));
        refuses(node, &octets, Stage::Ready, Misbehaved::UnexpectedCommand);
    }
    let (node, _) = greeted();
    let sneaky = message(&[b"sneaky"]);
    refuses(node, &sneaky, Stage::Welcome, Misbehaved::MessageInHandshake);
    let (node, _) = welcomed();
    refuses(node, &sneaky, Stage::Ready, Misbehaved::MessageInHandshake);
}

// CURVEZMQ-47: nobody signs an ERROR. Who sent one before WELCOME has proved nothing; behind it the
// other side was the server, and only somebody on the way could still have put it there. The stage
// tells these apart. hostile: C11
#[test]
fn an_error_before_welcome_is_told_from_a_later_one() {
    for reason in ["400", "", &"x".repeat(255)] {
        let reported = Kind::ReportedByPeer(ErrorReason::new(reason));
        refuses(greeted().0, &error(reason), Stage::Welcome, reported.clone());
        refuses(welcomed().0, &error(reason), Stage::Ready, reported);
    }
    refuses(greeted().0, &command("ERROR", b"\x04400"), Stage::Welcome, Malformed::ErrorReason);
}

// A small limit for metadata does not cut ERROR off.
#[test]
fn an_error_of_any_length_is_understood() {
    let tight = |limits: &mut zmtp_core::Limits| limits.max_metadata = 50;
    let config = a_client().with_limits(limits(tight));
    let mut node = Node::with_random(config, &mut Seeded(1));
    RawServer::new().with_initiate(&mut node);
    let reason = "y".repeat(255);
    node.feed(&error(&reason));
    assert_eq!(node.refused().kind, Kind::ReportedByPeer(ErrorReason::new(&reason)));
}

// CURVEZMQ-49
#[test]
fn a_client_that_cannot_go_on_says_nothing() {
    let (mut node, server) = welcomed();
    node.feed(&command("READY", &server.ready(&property("Socket-Type", "PUB"))));
    assert!(node.refused().reply().is_some(), "another mechanism would tell");
    assert_eq!(node.written(), b"");
}
