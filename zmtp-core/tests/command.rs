//! Commands: one frame, a name with its length, data.

use bytes::BytesMut;
use zmtp_core::SocketType::{DEALER, PULL, ROUTER, SUB};
use zmtp_core::error::{Malformed, Misbehaved, Stage};
use zmtp_core::wire::command::Command;

use crate::support::*;

/// Bodies without a name that the grammar has.
fn malformed() -> [Vec<u8>; 8] {
    ["", "00", "04", "04 50", "03 09 41 42", "FF 41 42 43", "01 20", "03 46 4F 30"].map(hex)
}

// ZMTP-CMD-01, ZMTP-CMD-02, ZMTP-CMD-03: a length, letters, the rest is data.
#[test]
fn the_name_stands_behind_its_length() {
    let body = hex("05 52 45 41 44 59 01 02");
    let command = Command::decode(&body).unwrap();
    assert_eq!((command.name, command.data), (&b"READY"[..], &[1, 2][..]));
    let mut out = BytesMut::new();
    command.encode_body(&mut out);
    assert_eq!(out[..], body);
    assert_eq!(command.body_len(), body.len());
    let longest = command_body(&"n".repeat(255), b"");
    assert_eq!(Command::decode(&longest).unwrap().name.len(), 255);
}

// ZMTP-CMD-02, ZMTP-CMD-03, ZMTP-CMD-04: anything else is no name.
// hostile: F6, V5
#[test]
fn a_command_without_a_name_is_refused() {
    for body in malformed() {
        assert_eq!(Command::decode(&body), Err(Malformed::CommandName), "{body:?}");
        let octets = [greeting("NULL"), frame(4, &body)].concat();
        let verdict = same_however_cut(|| Node::new(null(ROUTER)), &octets);
        let error = verdict.error.unwrap();
        assert_eq!((error.stage, error.kind), (Stage::Ready, Malformed::CommandName.into()));
        // After the handshake as well.
        let verdict = same_however_cut(|| Node::established(PULL, "PUSH"), &frame(4, &body));
        let error = verdict.error.unwrap();
        assert_eq!((error.stage, error.kind), (Stage::Traffic, Malformed::CommandName.into()));
    }
    for octet in (0..=255_u8).filter(|octet| !octet.is_ascii_alphabetic()) {
        assert!(Command::decode(&[1, octet]).is_err());
    }
}

// ZMTP-CMD-05: names are compared octet for octet.
#[test]
fn the_case_of_a_name_counts() {
    for name in ["ready", "Ready", "READYY", "READ"] {
        let mut node = Node::new(null(ROUTER));
        node.feed(&greeting("NULL"));
        node.feed(&command(name, &property("Socket-Type", "DEALER")));
        assert_eq!(node.refused().kind, Misbehaved::UnexpectedCommand.into(), "{name}");
    }
}

// ZMTP-CMD-08, HEARTBEAT-03, NULL-11, PLAIN-16, PLAIN-18: what the mechanism does not wait for.
#[test]
fn commands_that_are_not_expected_end_the_handshake() {
    let names = ["FOO", "PING", "SUBSCRIBE", "MESSAGE", "HELLO", "WELCOME", "INITIATE", "READY"];
    for (config, mechanism, expected) in [
        (null(ROUTER), "NULL", "READY"),
        (plain_server(), "PLAIN", "HELLO"),
        (plain_client(), "PLAIN", "WELCOME"),
    ] {
        for name in names.into_iter().filter(|name| *name != expected) {
            let mut node = Node::new(config.clone());
            node.feed(&greeting(mechanism)).feed(&command(name, b""));
            assert_eq!(node.refused().kind, Misbehaved::UnexpectedCommand.into(), "{name}");
            assert!(node.asked.is_empty() && node.events.is_empty());
        }
    }
}

// ZMTP-CMD-06, ZMTP-CMD-07, NULL-12: the application sees no command, and unknown ones do no harm.
#[test]
fn unknown_commands_are_skipped_after_the_handshake() {
    let second_ready =
        command("READY", &[property("Socket-Type", "REP"), property("Identity", "other")].concat());
    let long = command("BAR", &[0; 1000]);
    let octets =
        [ping(0, b""), command("FOO", b""), long, second_ready, message(&[b"x"]), pong(b"")]
            .concat();
    for (ours, theirs) in [(DEALER, "ROUTER"), (PULL, "PUSH")] {
        let verdict = same_however_cut(|| Node::established(ours, theirs), &octets);
        assert_eq!((verdict.error, verdict.events.len()), (None, 1));
        assert_eq!(verdict.output, pong(b""));
    }
}

// ZMTP-CMD-06: subscriptions are for publishers; nobody else hears of them, nor their application.
#[test]
fn subscriptions_reach_nobody_else() {
    for (ours, theirs) in [(PULL, "PUSH"), (DEALER, "ROUTER"), (SUB, "PUB")] {
        let octets = [command("SUBSCRIBE", b"a"), command("CANCEL", b"a")].concat();
        let mut node = Node::established(ours, theirs);
        node.feed(&octets);
        assert_eq!((&node.error, node.events.len()), (&None, 0));
    }
}

// ZMTP-CMD-11: messages and commands in any order.
#[test]
fn messages_and_commands_mix() {
    let octets = [
        message(&[b"one"]),
        ping(0, b"1"),
        message(&[b"two", b"three"]),
        ping(0, b"2"),
        message(&[b"four"]),
    ]
    .concat();
    let verdict = same_however_cut(|| Node::established(PULL, "PUSH"), &octets);
    assert_eq!(verdict.events.len(), 3);
    assert_eq!(verdict.output, [pong(b"1"), pong(b"2")].concat());
}

// ZMTP-CMD-12: what this side sends of one message stays together, whatever it has to answer.
#[test]
fn no_command_leaves_between_the_parts_of_a_message() {
    let mut node = Node::established(DEALER, "ROUTER");
    let parts = [vec![1; 10], vec![2; 10_000], vec![3; 300]];
    node.feed(&ping(0, b"before"));
    node.send(zmtp_core::Message::from_parts(parts.clone()).unwrap()).feed(&ping(0, b"after"));
    let [one, two, three] = &parts;
    let expected = [pong(b"before"), message(&[one, two, three]), pong(b"after")].concat();
    assert_eq!(node.written(), expected);
}

// ZMTP-CMD-13: a peer that puts one there is understood.
#[test]
fn a_command_between_the_parts_of_a_message_is_tolerated() {
    let between = [ping(0, b"!"), command("FOO", b"bar"), pong(b"")].concat();
    let octets = [frame(1, b"a"), between, frame(0, b"b")].concat();
    let verdict = same_however_cut(|| Node::established(PULL, "PUSH"), &octets);
    assert_eq!((&verdict.error, verdict.events.len()), (&None, 1));
    assert_eq!(verdict.output, pong(b"!"));
    let mut node = Node::established(PULL, "PUSH");
    node.feed(&octets);
    assert!(node.messages()[0].parts().eq(&["a", "b"]));
}
