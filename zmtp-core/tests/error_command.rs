//! ERROR: a refusal, in both spellings.

use zmtp_core::SocketType::{DEALER, PULL, ROUTER};
use zmtp_core::auth::AuthStatus;
use zmtp_core::error::{Kind, Malformed, Misbehaved, Side, Stage};
use zmtp_core::wire::reason::ErrorReason;

use crate::support::*;

/// The form of libzmq's PLAIN server: the name has lost its length and its first letter.
fn misspelt(reason: &str) -> Vec<u8> {
    let mut body = error(reason)[2..].to_vec();
    assert_eq!(body.remove(0), 5);
    body[0] = b'^';
    frame(4, &body)
}

fn client_after_hello() -> Node {
    let mut node = Node::new(plain_client());
    node.feed(&greeting("PLAIN"));
    node
}

fn client_after_initiate() -> Node {
    let mut node = client_after_hello();
    node.feed(&command("WELCOME", b""));
    node
}

fn null_after_greeting() -> Node {
    let mut node = Node::new(null(ROUTER));
    node.feed(&greeting("NULL"));
    node
}

// ZMTP-ERROR-01, ZMTP-ERROR-02, NULL-09, PLAIN-19: in place of READY and of WELCOME, it is the end.
// hostile: P2
#[test]
fn an_error_is_fatal_in_either_spelling() {
    let stages: [(fn() -> Node, Stage); 3] = [
        (null_after_greeting, Stage::Ready),
        (client_after_hello, Stage::Welcome),
        (client_after_initiate, Stage::Ready),
    ];
    for (node, stage) in stages {
        for octets in [error("400"), misspelt("400"), frame(6, &error("400")[2..])] {
            let verdict = same_however_cut(node, &octets);
            let error = verdict.error.unwrap();
            assert_eq!((error.side, error.stage), (Side::Peer, stage));
            assert_eq!(error.kind, Kind::ReportedByPeer(ErrorReason::new("400")));
            assert_eq!(error.reply(), None, "nobody answers a refusal");
        }
    }
}

// ZMTP-ERROR-07: the reason is for people; nothing depends on it, and it cannot forge a log line.
// hostile: R8
#[test]
fn the_reason_changes_nothing_and_is_escaped() {
    let longest = "x".repeat(255);
    for reason in ["", "400", "no such user", "%s%n{}", "a\r\nb\x1B[2J\u{7f}", &longest] {
        let mut node = client_after_hello();
        node.feed(&error(reason));
        let refused = node.refused();
        let Kind::ReportedByPeer(got) = &refused.kind else { panic!("{refused}") };
        assert_eq!(got.as_bytes(), reason.as_bytes());
        assert!(refused.to_string().bytes().all(|octet| (0x20..0x7F).contains(&octet)));
        assert!(format!("{refused:?}").bytes().all(|octet| (0x20..0x7F).contains(&octet)));
    }
}

// ZMTP-ERROR-08: lengths that do not fit.
#[test]
fn a_malformed_error_ends_the_handshake_too() {
    for data in ["", "09 61 62 63", "02 61 62 63", "FF"].map(hex) {
        for node in [null_after_greeting, client_after_hello, client_after_initiate] {
            let verdict = same_however_cut(node, &command("ERROR", &data));
            assert_eq!(verdict.error.unwrap().kind, Malformed::ErrorReason.into());
        }
    }
}

// ZMTP-ERROR-09: after the handshake ERROR is fatal as well, and no message.
#[test]
fn a_late_error_is_refused() {
    let octets = [message(&[b"before"]), error("400"), message(&[b"x"])].concat();
    let verdict = same_however_cut(|| Node::established(PULL, "PUSH"), &octets);
    assert_eq!(verdict.error.unwrap().kind, Misbehaved::LateError.into());
    assert_eq!(verdict.events.len(), 1);
}

// PLAIN-16: clients never refuse.
#[test]
fn a_client_has_no_errors_to_send() {
    for octets in [error("400"), misspelt("400")] {
        let mut node = Node::new(plain_server());
        node.feed(&greeting("PLAIN")).feed(&octets);
        assert_eq!(node.refused().kind, Misbehaved::UnexpectedCommand.into());
    }
}

// ZMTP-ERROR-01: a length octet and visible ASCII, whatever is asked for.
#[test]
fn reasons_of_ours_keep_to_the_grammar() {
    for (text, expected) in [
        ("400", "\x03400".to_owned()),
        ("", "\0".to_owned()),
        ("no such user\n", "\x0Dno-such-user-".to_owned()),
        (&"y".repeat(300), format!("\u{ff}{}", "y".repeat(255))),
    ] {
        let expected: Vec<u8> = expected.chars().map(|octet| octet as u8).collect();
        let reason = ErrorReason::new(text);
        assert_eq!(reason.encode(), expected);
        assert_eq!(ErrorReason::decode(&expected), Ok(reason));
    }
}

#[test]
fn a_status_is_recognised_at_the_start_of_a_reason() {
    let status = |text: &str| ErrorReason::new(text).status();
    assert_eq!(status("400"), Some(AuthStatus::Failure));
    assert_eq!(status("500 internal"), Some(AuthStatus::InternalError));
    assert_eq!(status("300"), Some(AuthStatus::TemporaryError));
    for other in ["", "40", "4000", "400x", "201", "Invalid-Socket-Type"] {
        assert_eq!(status(other), None, "{other}");
    }
}

// ZMTP-SOCKTYPE-13: queued before the failure is reported, so that it can still be written.
#[test]
fn our_error_can_be_drained_after_the_failure() {
    let mut node = Node::new(null(DEALER));
    let written = node.feed(&hello_null("PUB")).written();
    node.refused();
    let last = frames(&written[64..]).pop().unwrap();
    assert_eq!(frame(last.0, &last.1), error("Invalid-Socket-Type"));
    assert!(node.written().is_empty(), "once");
}
