//! What all handshakes share: one deadline, one end, one error.

use zmtp_core::SocketType::{DEALER, PULL, ROUTER};
use zmtp_core::auth::{AuthDecision, Refusal};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Kind, LocalFault, Malformed, Side, Stage};
use zmtp_core::{Instant, Limits};

use crate::support::*;

/// Everything a peer says up to the end of the handshake, record by record.
fn dialogues() -> Vec<(ConnectionConfig, Vec<Vec<u8>>)> {
    let initiate = command("INITIATE", &property("Socket-Type", "DEALER"));
    vec![
        (null(ROUTER), vec![greeting("NULL"), ready("DEALER")]),
        (guarded(ROUTER), vec![greeting("NULL"), ready("DEALER")]),
        (plain_server(), vec![greeting("PLAIN"), hello(b"admin", b"secret"), initiate]),
        (plain_client(), vec![greeting("PLAIN"), command("WELCOME", b""), ready("ROUTER")]),
    ]
}

// ZMTP-FRAME-13, ZMTP-GREETING-16: all of it in any pieces.
#[test]
fn every_handshake_cut_at_every_octet() {
    for (config, records) in dialogues() {
        let octets = [records.concat(), message(&[b"first"])].concat();
        let verdict = same_however_cut(|| Node::new(config.clone()), &octets);
        assert_eq!((verdict.error, verdict.events.len()), (None, 2));
    }
}

// ZMTP-SEC-05: one deadline from the first moment, which no progress moves.
// hostile: G9
#[test]
fn a_stalled_handshake_is_ended_at_every_octet() {
    for (config, records) in dialogues() {
        let octets = records.concat();
        for len in 0..octets.len() {
            let mut node = Node::new(config.clone());
            // Late octets do not help.
            node.feed(&octets[..len / 2]).wait(seconds(9)).feed(&octets[len / 2..len]);
            assert_eq!(node.connection.poll_timeout(), Some(Instant::ORIGIN + seconds(10)));
            assert_eq!(node.wait(millis(999)).error, None);
            assert_eq!(node.wait(millis(1)).refused().kind, Kind::TimedOut);
            assert_eq!(node.refused().side, Side::Peer);
        }
        let mut node = Node::new(config);
        node.feed(&octets).wait(seconds(1000)).peer();
        assert_eq!((node.connection.poll_timeout(), &node.error), (None, &None));
    }
}

// ZMTP-SEC-05: the time of the authenticator counts, and its slowness is our own fault.
// hostile: Z3
#[test]
fn the_deadline_covers_the_authenticator() {
    let mut node = Node::new(guarded(ROUTER)).answering(None);
    node.feed(&hello_null("DEALER")).wait(seconds(10));
    let error = node.refused();
    assert_eq!((error.side, error.stage), (Side::Local, Stage::Authentication));
    let late = node.connection.handle_auth(node.now, AuthDecision::accept());
    assert_eq!(late, Err(node.refused().clone()), "too late");
    assert!(node.events.is_empty());
}

// A close before the end, at every octet.
// hostile: F8
#[test]
fn an_early_close_is_an_error_that_names_the_stage() {
    for (config, records) in dialogues() {
        let octets = records.concat();
        for len in 0..octets.len() {
            let mut node = Node::new(config.clone());
            node.feed(&octets[..len]).end();
            let stage = node.connection.stage();
            assert_eq!(node.refused().kind, Kind::PeerClosed);
            assert_eq!((node.refused().side, node.refused().stage), (Side::Peer, stage));
            assert_eq!(stage == Stage::Greeting, len < 10, "no signature, no ZMTP");
            assert_eq!(stage <= Stage::Mechanism, len < 64);
        }
        let mut node = Node::new(config);
        node.feed(&octets).end();
        assert_eq!(node.error, None, "afterwards it is a normal end");
    }
}

#[test]
fn stages_follow_each_other() {
    use Stage::{Authentication, Greeting, Hello, Initiate, Ready, Traffic, Welcome};
    let accept = AuthDecision::accept;
    let mut node = Node::new(plain_server()).answering(None);
    let mut stages = vec![node.connection.stage()];
    stages.push(node.feed(&greeting("PLAIN")).connection.stage());
    stages.push(node.feed(&hello(b"a", b"b")).connection.stage());
    stages.push(node.decide(accept()).connection.stage());
    let initiate = command("INITIATE", &property("Socket-Type", "DEALER"));
    stages.push(node.feed(&initiate).connection.stage());
    assert_eq!(stages, [Greeting, Hello, Authentication, Initiate, Traffic]);

    let mut node = Node::new(plain_client());
    let mut stages = vec![node.feed(&greeting("PLAIN")).connection.stage()];
    stages.push(node.feed(&command("WELCOME", b"")).connection.stage());
    stages.push(node.feed(&ready("ROUTER")).connection.stage());
    assert_eq!(stages, [Welcome, Ready, Traffic]);
}

// ZMTP-SEC-01, PLAIN-17: while the decision is pending, what is pipelined waits unread.
#[test]
fn pipelined_input_waits_for_the_decision() {
    let initiate = command("INITIATE", &property("Socket-Type", "DEALER"));
    let behind = [initiate, message(&[b"a"]), message(&[b"b"])].concat();
    for decision in [AuthDecision::accept(), AuthDecision::refuse(Refusal::Failure, "no")] {
        let mut node = Node::new(plain_server()).answering(None);
        node.feed(&greeting("PLAIN")).feed(&hello(b"a", b"b")).dribble(&behind);
        assert_eq!((node.unread(), node.asked.len()), (behind.len(), 1));
        assert!(node.events.is_empty());
        let accepted = decision == AuthDecision::accept();
        node.decide(decision);
        assert_eq!(node.messages().len(), if accepted { 2 } else { 0 });
        assert_eq!(node.error.is_none(), accepted);
    }
}

// hostile: F8, Z3
#[test]
fn a_peer_may_leave_while_the_decision_is_pending() {
    let mut node = Node::new(plain_server()).answering(None);
    node.feed(&greeting("PLAIN")).feed(&hello(b"a", b"b")).end();
    assert_eq!(node.refused().stage, Stage::Authentication);
    assert_eq!(node.refused().kind, Kind::PeerClosed);
    let error = node.refused().clone();
    assert_eq!(node.connection.handle_auth(node.now, AuthDecision::accept()), Err(error));
}

// The first error stays; nothing more is sent, received or timed.
#[test]
fn errors_are_sticky() {
    let mut node = Node::new(null(ROUTER));
    node.feed(b"GET").written();
    let error = node.refused().clone();
    assert_eq!(error.kind, Malformed::Signature.into());
    node.feed(&hello_null("DEALER")).end().fire();
    node.decide(AuthDecision::accept());
    assert_eq!(node.connection.send(&"x".into()), Some(Err(error)));
    assert!(node.written().is_empty() && node.events.is_empty());
    assert_eq!(node.connection.poll_timeout(), None);
    assert!(node.connection.traffic().is_none());
    assert!(node.connection.into_traffic().is_err());
}

// What arrived before the peer broke a rule is delivered; what we had to say can still be written.
#[test]
fn a_failure_loses_nothing_that_came_before() {
    let mut node = Node::established(DEALER, "ROUTER");
    node.connection.send(&"from us".into()).unwrap().unwrap();
    node.feed(&[message(&[b"from them"]), hex("FF FF")].concat()).refused();
    assert_eq!(node.messages().len(), 1);
    assert_eq!(node.written(), message(&[b"from us"]));
    assert!(node.written().is_empty());
}

#[test]
fn a_decision_that_nobody_asked_for_is_an_error() {
    let unasked = Kind::from(LocalFault::UnaskedDecision);
    for mut node in [Node::new(null(ROUTER)), Node::established(PULL, "PUSH")] {
        node.decide(AuthDecision::accept());
        assert_eq!((node.refused().side, &node.refused().kind), (Side::Local, &unasked));
    }
}

// Events that nobody takes stop the reading, and no sooner than they must.
#[test]
fn full_events_leave_the_input_alone() {
    let octets = message(&[b"x"]).repeat(1000);
    let mut node = Node::established(PULL, "PUSH");
    let mut input = bytes::BytesMut::from(&octets[..]);
    let mut taken = 0;
    while taken < 1000 {
        let before = input.len();
        node.connection.handle_input(node.now, &mut input).unwrap();
        let events = std::iter::from_fn(|| node.connection.poll_event()).count();
        assert!(events > 0 && events <= 256);
        assert_eq!(before - input.len(), events * 3);
        taken += events;
    }
    assert!(input.is_empty());
}

#[test]
fn the_halves_go_on_where_the_connection_stopped() {
    let mut node = Node::new(null(DEALER));
    node.feed(&hello_null("ROUTER")).written();
    let mut traffic = node.connection.into_traffic().unwrap();
    traffic.outgoing.send(&"x".into()).unwrap();
    assert_eq!(traffic.outgoing.output().poll().unwrap(), message(&[b"x"]));
    let mut input = bytes::BytesMut::from(&message(&[b"y"])[..]);
    assert!(traffic.incoming.next(&mut input).unwrap().is_some());
    assert_eq!(traffic.peer.claimed.socket_type, ROUTER);
}

// For a driver of the halves: what came with the last octet of the handshake is still there for them.
#[test]
fn what_follows_the_handshake_can_be_left_alone() {
    let behind = [message(&[b"a"]), message(&[b"b"]), hex("00")].concat();
    let mut node = Node::new(null(ROUTER));
    let octets = [hello_null("DEALER"), behind.clone()].concat();
    for (head, tail) in (0..octets.len()).map(|at| octets.split_at(at)) {
        node = Node::new(null(ROUTER));
        let mut input = bytes::BytesMut::new();
        for piece in [head, tail] {
            input.extend_from_slice(piece);
            node.connection.handle_handshake_input(node.now, &mut input).unwrap();
        }
        assert_eq!(input, behind);
    }
    node.work_off().peer();
    assert!(node.events.len() == 1 && node.connection.into_traffic().is_ok());
}

#[test]
fn the_deadline_is_that_of_the_limits() {
    assert_eq!(Limits::DEFAULT, Limits::default());
    assert_eq!(Limits::DEFAULT.handshake_timeout, seconds(10));
}
