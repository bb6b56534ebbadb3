//! The last word on a peer: before READY tells it that it is in.

use zmtp_core::SocketType::{DEALER, ROUTER};
use zmtp_core::auth::{AuthDecision, UserId};
use zmtp_core::connection::Doorkeeper;
use zmtp_core::error::{Misbehaved, ProtocolError, Side, Stage};
use zmtp_core::peer::Peer;

use crate::support::*;

/// Lets in whoever is not called `taken`; who it is, it must know by now.
#[derive(Debug)]
struct Door;

impl Doorkeeper for Door {
    fn admit(&mut self, peer: &Peer) -> Result<(), ProtocolError> {
        assert_eq!(peer.user_id().map(UserId::as_str), Some("alice"));
        match peer.claimed.routing_id.as_bytes() {
            b"taken" => Err(ProtocolError::peer(Stage::Ready, Misbehaved::RoutingIdTaken)),
            _ => Ok(()),
        }
    }
}

fn properties(id: &str) -> Vec<u8> {
    [property("Socket-Type", "DEALER"), property("Identity", id)].concat()
}

fn alice() -> AuthDecision {
    AuthDecision::accept_as(UserId::new("alice").unwrap())
}

fn has_ready(octets: &[u8]) -> bool {
    octets.windows(6).any(|six| six == b"\x05READY")
}

// PLAIN-09, ZMTP-IDENTITY-06: whoever asks for what it cannot have learns by the close that it is not in.
// hostile: M8
#[test]
fn plain_sends_no_ready_to_whom_the_doorkeeper_refuses() {
    for (id, admitted) in [("free", true), ("taken", false)] {
        let make = || {
            let mut node = Node::new(plain_server()).answering(alice()).kept_by(Door);
            node.feed(&greeting("PLAIN")).feed(&hello(b"alice", b"secret")).written();
            node
        };
        let octets = [command("INITIATE", &properties(id)), message(&[b"sneaky"])].concat();
        let verdict = same_however_cut(make, &octets);
        assert_eq!((has_ready(&verdict.output), verdict.error.is_none()), (admitted, admitted));
        assert_eq!(verdict.events.len(), if admitted { 2 } else { 0 }, "{id}");
        if let Some(error) = verdict.error {
            assert_eq!((error.side, error.stage), (Side::Peer, Stage::Ready));
            assert_eq!(error.kind, Misbehaved::RoutingIdTaken.into());
            // It may be free in a moment, so the peer should come again.
            assert_eq!((error.reply(), verdict.output), (None, Vec::new()));
        }
    }
}

// NULL-13: with a domain READY waits for the decision, and then for the doorkeeper if the peer's own READY
// is there to be judged.
// hostile: M8
#[test]
fn null_sends_no_ready_if_it_knows_better_by_then() {
    let ready = |id| command("READY", &properties(id));
    for (id, admitted) in [("free", true), ("taken", false)] {
        let mut node = Node::new(guarded(ROUTER)).answering(None).kept_by(Door);
        node.feed(&greeting("NULL")).feed(&ready(id)).feed(&message(&[b"sneaky"]));
        node.written();
        node.decide(alice());
        assert_eq!(has_ready(&node.written()), admitted, "{id}");
        assert_eq!(
            (node.events.len(), node.error.is_none()),
            (2 * usize::from(admitted), admitted)
        );
    }
    // Of two who wait for each other, nobody would ever begin.
    for (id, admitted) in [("free", true), ("taken", false)] {
        let mut node = Node::new(guarded(ROUTER)).answering(None).kept_by(Door);
        let (head, tail) = (&ready(id)[..20], &ready(id)[20..]);
        node.feed(&greeting("NULL")).feed(head).written();
        node.decide(alice());
        assert_eq!(frames(&node.written()).len(), 1, "READY, once");
        node.feed(tail);
        assert_eq!((node.try_peer().is_some(), node.written().len()), (admitted, 0), "{id}");
    }
    let mut pair = Pair::of(
        Node::new(guarded(DEALER)).answering(alice()),
        Node::new(guarded(ROUTER)).answering(alice()).kept_by(Door),
    );
    pair.run();
    assert!(pair.client.try_peer().is_some() && pair.server.try_peer().is_some());
}
