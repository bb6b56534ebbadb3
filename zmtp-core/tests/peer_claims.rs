//! What a peer says of itself, and what is made of it.

use zmtp_core::SocketType::{self, DEALER, PAIR, PULL, REP, REQ, ROUTER, SUB};
use zmtp_core::auth::{AuthDecision, UserId};
use zmtp_core::error::{Incompatible, Misbehaved, Stage};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::metadata::Metadata;

use crate::support::*;

/// The pairs of the specification, row by row.
const PEERS: [(SocketType, &[&str]); 11] = [
    (REQ, &["REP", "ROUTER"]),
    (REP, &["REQ", "DEALER"]),
    (DEALER, &["REP", "DEALER", "ROUTER"]),
    (ROUTER, &["REQ", "DEALER", "ROUTER"]),
    (SocketType::PUB, &["SUB", "XSUB"]),
    (SocketType::XPUB, &["SUB", "XSUB"]),
    (SUB, &["PUB", "XPUB"]),
    (SocketType::XSUB, &["PUB", "XPUB"]),
    (SocketType::PUSH, &["PULL"]),
    (PULL, &["PUSH"]),
    (PAIR, &["PAIR"]),
];

fn refused_type(ours: SocketType, theirs: Option<SocketType>) -> zmtp_core::error::Kind {
    Incompatible::SocketType { ours, theirs }.into()
}

// ZMTP-SOCKTYPE-05, ZMTP-SOCKTYPE-06, ZMTP-SOCKTYPE-07, ZMTP-SOCKTYPE-08, ZMTP-SOCKTYPE-09,
// ZMTP-SOCKTYPE-10, ZMTP-SOCKTYPE-11, ZMTP-SOCKTYPE-12, ZMTP-SOCKTYPE-13: all 121 pairs, from either
// side; who is refused is told.
// hostile: M6
#[test]
fn the_table_of_pairs() {
    for (ours, peers) in PEERS {
        for theirs in SocketType::ALL {
            let fits = peers.contains(&theirs.as_str());
            assert_eq!(ours.accepts(theirs), fits, "{ours} {theirs}");
            assert_eq!(theirs.accepts(ours), fits, "the same from the other side");
            let mut pair = Pair::new(null(ours), null(theirs));
            pair.run();
            for (node, own, other) in [(&pair.client, ours, theirs), (&pair.server, theirs, ours)] {
                if fits {
                    assert_eq!(node.peer().claimed.socket_type, other);
                } else {
                    assert_eq!(node.refused().stage, Stage::Ready);
                    assert_eq!(node.refused().kind, refused_type(own, Some(other)));
                }
            }
        }
    }
}

// ZMTP-SOCKTYPE-13, ZMTP-META-14, PLAIN-09: under PLAIN it is the server who tells.
#[test]
fn plain_enforces_the_table_too() {
    let mut node = Node::new(plain_server());
    node.feed(&greeting("PLAIN")).feed(&hello(b"admin", b"secret")).written();
    node.feed(&command("INITIATE", &property("Socket-Type", "PUB")));
    assert_eq!(node.refused().stage, Stage::Initiate);
    assert_eq!(node.written(), error("Invalid-Socket-Type"));

    let mut node = Node::new(plain_client());
    node.feed(&greeting("PLAIN")).feed(&command("WELCOME", b"")).written();
    node.feed(&ready("SUB"));
    assert_eq!(node.refused().kind, refused_type(DEALER, Some(SUB)));
    assert!(node.written().is_empty(), "a client sends no ERROR");
}

// ZMTP-SOCKTYPE-03, ZMTP-SOCKTYPE-04: no type and types that do not exist are refused.
#[test]
fn an_unknown_type_is_no_type() {
    for value in ["FOO", "", "dealer", "DEALER\0", "DEALE", "ROUTER "] {
        let mut node = Node::new(null(DEALER));
        node.feed(&hello_null(value));
        assert_eq!(node.refused().kind, refused_type(DEALER, None), "{value:?}");
        assert_eq!(node.refused().rule().id, "ZMTP-SOCKTYPE-04");
    }
    let mut node = Node::new(null(DEALER));
    node.feed(&greeting("NULL")).feed(&command("READY", b""));
    assert_eq!(node.refused().kind, refused_type(DEALER, None));
}

// ZMTP-SOCKTYPE-14: a refused peer delivers nothing, whatever it sends behind.
#[test]
fn nothing_of_a_refused_type_is_delivered() {
    let octets = [hello_null("PUB"), message(&[b"sneaky"])].concat();
    let verdict = same_however_cut(|| Node::new(null(PULL)), &octets);
    assert!(verdict.error.is_some() && verdict.events.is_empty());
}

fn with_identity(ours: SocketType, theirs: &str, identity: &[u8]) -> Node {
    let metadata = [property("Socket-Type", theirs), property("Identity", identity)].concat();
    let mut node = Node::new(null(ours));
    node.feed(&greeting("NULL")).feed(&command("READY", &metadata));
    node
}

// ZMTP-IDENTITY-01, ZMTP-IDENTITY-03: 0 to 255 octets.
// hostile: M5
#[test]
fn an_identity_has_up_to_255_octets() {
    for theirs in ["REQ", "DEALER", "ROUTER"] {
        for len in [0, 1, 254, 255] {
            let node = with_identity(ROUTER, theirs, &vec![b'i'; len]);
            assert_eq!(node.peer().claimed.routing_id.as_bytes().len(), len);
        }
        let node = with_identity(ROUTER, theirs, &[b'i'; 256]);
        assert_eq!(node.refused().kind, Misbehaved::IdentityTooLong.into());
    }
}

// ZMTP-IDENTITY-04: a leading zero is for ids that an implementation makes itself.
// hostile: M5
#[test]
fn a_reserved_identity_is_refused() {
    for identity in [&b"\0"[..], b"\0a", &[0; 5]] {
        let node = with_identity(ROUTER, "DEALER", identity);
        assert_eq!(node.refused().kind, Misbehaved::IdentityReserved.into());
    }
    assert_eq!(
        with_identity(ROUTER, "DEALER", b"a\0").peer().claimed.routing_id.as_bytes(),
        b"a\0"
    );
}

// ZMTP-IDENTITY-02: elsewhere it is a property like any other, even one that would be illegal.
#[test]
fn the_identity_of_other_types_is_ignored() {
    for (ours, theirs) in [(PULL, "PUSH"), (SUB, "PUB"), (PAIR, "PAIR"), (DEALER, "REP")] {
        for identity in [&b"BOB"[..], b"\0BOB", &[b'i'; 300]] {
            let node = with_identity(ours, theirs, identity);
            assert_eq!(node.peer().claimed.routing_id, RoutingId::default());
        }
    }
    with_identity(REP, "REQ", b"BOB").peer();
}

// ZMTP-RESOURCE-02: any resource is accepted, there being none.
#[test]
fn a_resource_is_a_property_like_any_other() {
    for resource in ["system/name-service/test", "no/such/thing", ""] {
        let metadata = [property("Socket-Type", "DEALER"), property("Resource", resource)].concat();
        let mut node = Node::new(null(ROUTER));
        node.feed(&greeting("NULL")).feed(&command("READY", &metadata)).peer();
    }
}

// NULL-12: what was announced first stays.
#[test]
fn a_second_ready_changes_nothing() {
    let mut node = with_identity(ROUTER, "DEALER", b"first");
    let metadata = [property("Socket-Type", "REQ"), property("Identity", "second")].concat();
    node.feed(&command("READY", &metadata)).feed(&message(&[b"x"]));
    let messages = node.messages();
    let claimed = &messages[0].peer().unwrap().claimed;
    assert_eq!(claimed.routing_id.as_bytes(), b"first");
    assert_eq!(claimed.socket_type, DEALER);
}

// Only the authenticator names users, and only the transport addresses.
// hostile: M7
#[test]
fn claims_are_never_facts() {
    let metadata = [
        property("Socket-Type", "DEALER"),
        property("User-Id", "root"),
        property("Peer-Address", "127.0.0.1"),
    ]
    .concat();
    let octets = [greeting("NULL"), command("READY", &metadata)].concat();
    let peer = Node::new(null(ROUTER)).feed(&octets).peer();
    assert_eq!(peer.user_id(), None);
    assert_eq!(peer.verified.address, PeerAddress::Unknown);
    assert!(peer.verified.metadata.is_empty());
    assert_eq!(peer.claimed.metadata.get("User-Id").unwrap(), &b"root"[..]);

    let mut facts = Metadata::new();
    facts.push("Team", "blue").unwrap();
    let user_id = UserId::new("alice");
    let alice = AuthDecision::Accept { user_id, metadata: facts };
    let mut node = Node::new(guarded(ROUTER)).answering(alice);
    node.feed(&octets).feed(&message(&[b"x"]));
    let message = node.messages().remove(0);
    assert_eq!(message.user_id().unwrap().as_str(), "alice");
    assert_eq!(message.peer_address(), Some(&PeerAddress::Unknown));
    assert_eq!(message.verified_property("team").unwrap(), &b"blue"[..]);
    assert_eq!(message.claimed_property("user-id").unwrap(), &b"root"[..]);
    assert_eq!(message.verified_property("User-Id"), None);
    assert_eq!(message.claimed_property("Team"), None);
}
