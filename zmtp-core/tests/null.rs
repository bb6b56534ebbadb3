//! NULL: READY both ways, and nothing else.

use zmtp_core::SocketType::{DEALER, PULL, PUSH, ROUTER};
use zmtp_core::auth::{AuthDecision, Credentials, Refusal};
use zmtp_core::connection::Event;
use zmtp_core::error::{Kind, Side, Stage};
use zmtp_core::wire::greeting::MechanismName;

use crate::support::*;

// NULL-02, NULL-03, NULL-04, NULL-05: each side sends its one READY without waiting for the other,
// so whoever is client gets the first word and nobody can deadlock.
#[test]
fn ready_leaves_as_soon_as_the_greeting_is_read() {
    for ours in [DEALER, ROUTER] {
        let mut node = Node::new(null(ours));
        node.written();
        let written = node.feed(&greeting("NULL")).written();
        assert_eq!(frames(&written).len(), 1);
        assert!(written[2..].starts_with(b"\x05READY"));
        assert!(node.try_peer().is_none());
        node.feed(&ready("DEALER")).peer();
        assert!(node.written().is_empty(), "exactly one");
    }
}

// NULL-07: messages only after both READYs.
#[test]
fn nothing_can_be_sent_before_the_handshake_is_over() {
    let mut node = Node::new(null(PUSH));
    assert_eq!(node.connection.send(&"early".into()), None);
    node.feed(&greeting("NULL"));
    assert_eq!(node.connection.send(&"early".into()), None);
    node.feed(&ready("PULL")).written();
    assert_eq!(node.send("now").written(), message(&[b"now"]));
}

// NULL-08, ZMTP-GREETING-16: everything in one segment, as a 3.0 peer may send it.
#[test]
fn messages_may_stand_right_behind_ready() {
    let mut octets = [greeting_of("NULL", 3, 0), ready("PUSH")].concat();
    octets.extend((0..10).flat_map(|n: u8| message(&[&[n]])));
    let verdict = same_however_cut(|| Node::new(null(PULL)), &octets);
    assert_eq!((verdict.error, verdict.events.len()), (None, 11));
    assert!(matches!(verdict.events[0], Event::Established(_)));
}

// NULL-02: the same two connections, cut at every octet of either stream.
#[test]
fn a_handshake_does_not_depend_on_segments() {
    let verdicts = |cut| {
        let mut pair = Pair::new(null(DEALER), null(ROUTER)).cut(cut);
        pair.run().client.send("hello");
        pair.run().server.send("world");
        pair.run();
        (pair.client.verdict(), pair.server.verdict())
    };
    let whole = verdicts(Cut::Whole);
    assert_eq!((whole.0.events.len(), whole.1.events.len()), (2, 2));
    for cut in (1..130).map(Cut::At).chain([Cut::Octets]) {
        assert_eq!(verdicts(cut), whole, "{cut:?}");
    }
}

// NULL-13: with a domain READY is held back until the authenticator has accepted.
#[test]
fn a_domain_holds_ready_back() {
    let mut node = Node::new(guarded(ROUTER)).answering(None);
    node.written();
    node.feed(&hello_null("DEALER"));
    assert!(node.written().is_empty() && node.events.is_empty());
    assert_eq!(node.connection.stage(), Stage::Authentication);
    let request = &node.asked[0];
    assert_eq!(request.domain.as_str(), "test");
    assert_eq!(&*request.listener, "tcp://test");
    assert_eq!(request.mechanism, MechanismName::NULL);
    assert_eq!(request.credentials, Credentials::Null);

    node.decide(AuthDecision::accept()).peer();
    assert_eq!(frames(&node.written()).len(), 1);
    assert_eq!(node.asked.len(), 1, "asked once");
}

// NULL-13: without one nobody is asked.
#[test]
fn no_domain_no_question() {
    let mut node = Node::new(null(ROUTER)).answering(None);
    node.feed(&hello_null("DEALER")).peer();
    assert!(node.asked.is_empty());
}

// NULL-09, NULL-13, ZMTP-ERROR-01, ZMTP-ERROR-04: 400 and 500 are told, 300 is silence; READY never
// leaves, and nothing that the peer pipelined is delivered.
// hostile: V2
#[test]
fn refusals_are_told_but_for_300() {
    for (status, told) in [
        (Refusal::Failure, error("400")),
        (Refusal::Internal, error("500")),
        (Refusal::Temporary, Vec::new()),
    ] {
        let octets = [hello_null("DEALER"), message(&[b"sneaky"])].concat();
        let refuse = AuthDecision::refuse(status, "not today");
        let verdict =
            same_however_cut(|| Node::new(guarded(ROUTER)).answering(refuse.clone()), &octets);
        assert_eq!(verdict.output[64..], told);
        assert!(verdict.events.is_empty());
        let refused = verdict.error.unwrap();
        assert_eq!((refused.side, refused.stage), (Side::Local, Stage::Authentication));
        assert_eq!(refused.kind, Kind::Denied { status, text: "not today".into() });
    }
}

// NULL-09, ZMTP-ERROR-02: both sides know why, whichever of them has the authenticator.
#[test]
fn the_refused_side_learns_the_code() {
    let refuse = AuthDecision::refuse(Refusal::Failure, "unknown address");
    for asked_by_client in [true, false] {
        let (asks, refused) =
            (Node::new(guarded(DEALER)).answering(refuse.clone()), Node::new(null(DEALER)));
        let mut pair =
            if asked_by_client { Pair::of(asks, refused) } else { Pair::of(refused, asks) };
        pair.run();
        let (asks, refused) = if asked_by_client {
            (&pair.client, &pair.server)
        } else {
            (&pair.server, &pair.client)
        };
        assert_eq!(asks.refused().stage, Stage::Authentication);
        assert_eq!(
            refused.refused().to_string(),
            concat!(
                "the peer refused this connection with ERROR \"400\" ",
                "[peer side, READY stage, ZMTP-ERROR-02: 37/ZMTP, \"Error Handling\"]"
            )
        );
    }
}

// ZMTP-ERROR-04: a temporary refusal looks like any other close.
#[test]
fn a_temporary_refusal_is_a_silent_close() {
    let refuse = AuthDecision::refuse(Refusal::Temporary, "overloaded");
    let mut pair = Pair::of(Node::new(null(DEALER)), Node::new(guarded(DEALER)).answering(refuse));
    pair.run();
    assert_eq!(pair.client.refused().kind, Kind::PeerClosed);
    assert_eq!(pair.client.refused().stage, Stage::Ready);
}

// NULL-11: pipelined behind the greeting, a wrong command waits for the decision like READY does.
#[test]
fn what_is_pipelined_is_judged_after_the_decision() {
    let mut node = Node::new(guarded(ROUTER)).answering(None);
    let ping = ping(0, b"");
    node.feed(&greeting("NULL")).feed(&ping);
    assert_eq!((node.unread(), &node.error), (ping.len(), &None));
    node.decide(AuthDecision::accept());
    assert_eq!(node.refused().stage, Stage::Ready);
}
