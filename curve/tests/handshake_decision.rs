//! The authenticator's part: who gets READY, and what the others are told.

use zmtp_core::auth::{AuthDecision, Credentials, Refusal, UserId};
use zmtp_core::connection::Doorkeeper;
use zmtp_core::error::{Kind, Misbehaved, ProtocolError, Side, Stage};
use zmtp_core::peer::Peer;
use zmtp_core::wire::metadata::Metadata;
use zmtp_core::wire::reason::ErrorReason;

use crate::oracle::*;
use crate::support::*;
use crate::world::{CLIENT, Seeded, a_client, a_server, both, client_node, server_node};

// CURVEZMQ-30, CURVEZMQ-47, CURVEZMQ-48: 400 and 500 are told in an ERROR, 300 is a silent close; none
// of them gets READY, whatever follows.
#[test]
fn a_refused_client_never_gets_ready() {
    for (status, told) in [
        (Refusal::Temporary, None),
        (Refusal::Failure, Some("400")),
        (Refusal::Internal, Some("500")),
    ] {
        let mut node = server_node().answering(AuthDecision::refuse(status, "not this one"));
        let client = RawClient::new(0x11).with_welcome(&mut node);
        let eager = client.traffic().message(0, b"sneaky");
        node.feed(&client.initiate().frame()).feed(&eager);
        let error = node.refused();
        assert_eq!((error.side, error.stage), (Side::Local, Stage::Authentication));
        assert!(matches!(error.kind, Kind::Denied { .. }));
        assert_eq!(node.written(), told.map(crate::support::error).unwrap_or_default());
        assert_eq!(node.events, []);

        let mut pair = both();
        pair.server = server_node().answering(AuthDecision::refuse(status, "not this one"));
        pair.run();
        let error = pair.client.refused();
        assert_eq!((error.side, error.stage), (Side::Peer, Stage::Ready));
        let expected =
            told.map_or(Kind::PeerClosed, |code| Kind::ReportedByPeer(ErrorReason::new(code)));
        assert_eq!(error.kind, expected);
    }
}

// CURVEZMQ-40: what comes behind INITIATE waits for the decision.
#[test]
fn messages_wait_for_the_decision() {
    let mut node = server_node().answering(None);
    let client = RawClient::new(0x11).with_welcome(&mut node);
    let eager = client.traffic().message(0, b"eager");
    node.feed(&client.initiate().frame()).feed(&eager);
    assert!(node.connection.send(&"early".into()).is_none());
    assert_eq!((node.messages(), node.written(), node.unread()), (vec![], vec![], eager.len()));
    node.decide(AuthDecision::accept());
    assert_eq!(node.messages(), ["eager".into()]);
    client.ready(&node.written());
}

// CURVEZMQ-29: a list of keys, one key, or any.
#[test]
fn the_authenticator_has_the_key_to_judge() {
    let mut random = Seeded(5);
    for (secret, known) in [(CLIENT, true), ([0xAA; 32], false)] {
        let mut node = Node::with_random(a_server(), &mut random).answering(None);
        let client = RawClient { permanent: secret, ..RawClient::new(0x11) };
        let client = client.with_welcome(&mut node);
        node.feed(&client.initiate().frame());
        let listed = Credentials::Curve { public_key: public(&CLIENT) };
        if node.asked[0].credentials == listed {
            node.decide(AuthDecision::accept());
        } else {
            node.decide(AuthDecision::refuse(Refusal::Failure, "unknown key"));
        }
        assert_eq!(node.try_peer().is_some(), known);
    }
}

// What the authenticator says is kept apart from what the client says of itself.
// hostile: M7
#[test]
fn the_decision_reaches_the_facts() {
    let mut facts = Metadata::new();
    facts.push("Group", "staff").unwrap();
    let user_id = UserId::new("ada");
    let decision = AuthDecision::Accept { user_id: user_id.clone(), metadata: facts.clone() };
    let mut claims = Metadata::new();
    claims.push("User-Id", "root").unwrap();
    let config = a_client().with_metadata(&Default::default(), &claims).unwrap();
    let mut pair =
        Pair::of(Node::with_random(config, &mut Seeded(1)), server_node().answering(decision));
    pair.run();
    let peer = pair.server.peer();
    assert_eq!((&peer.verified.user_id, &peer.verified.metadata), (&user_id, &facts));
    assert_eq!(peer.claimed.metadata.get("User-Id").unwrap(), "root");
}

// The client asks nobody: it has compared the only key that it trusts.
#[test]
fn the_client_asks_nobody() {
    let mut node = client_node().answering(None);
    RawServer::new().with_ready(&mut node);
    assert_eq!(node.asked, []);
    node.peer();
}

/// Lets nobody in, and knows whom not.
#[derive(Debug)]
struct Closed;

impl Doorkeeper for Closed {
    fn admit(&mut self, peer: &Peer) -> Result<(), ProtocolError> {
        assert_eq!(peer.verified.public_key, Some(public(&CLIENT)));
        assert_eq!(peer.claimed.routing_id.as_bytes(), b"whisperer");
        Err(ProtocolError::peer(Stage::Ready, Misbehaved::RoutingIdTaken))
    }
}

// CURVEZMQ-30, ZMTP-IDENTITY-06: READY is the last word, and comes after that of the doorkeeper.
// hostile: M8
#[test]
fn a_client_that_is_not_admitted_never_gets_ready() {
    let mut pair = both();
    pair.server = server_node().kept_by(Closed);
    pair.run();
    assert_eq!(pair.server.asked.len(), 1, "it has authenticated");
    assert_eq!(pair.server.refused().kind, Misbehaved::RoutingIdTaken.into());
    assert_eq!(pair.server.events, []);
    let error = pair.client.refused();
    assert_eq!((error.stage, error.kind.clone()), (Stage::Ready, Kind::PeerClosed));
    assert_eq!(pair.client.events, []);
}
