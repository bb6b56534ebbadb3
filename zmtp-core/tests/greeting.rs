//! The 64 octets with which both sides open.

use std::sync::Arc;

use zmtp_core::SocketType::{DEALER, PULL, REP, ROUTER};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Incompatible, Kind, Malformed, Side, Stage};
use zmtp_core::mechanism::plain::{PlainClient, PlainServer};
use zmtp_core::wire::greeting::{GREETING_LEN, Greeting, MechanismName, Version};

use crate::support::*;

fn greeting_sent_by(config: ConnectionConfig) -> Vec<u8> {
    Node::new(config).written()
}

/// `octets` end the greeting of a NULL ROUTER with this.
#[track_caller]
fn refused_with(octets: &[u8], stage: Stage, kind: impl Into<Kind>) {
    let verdict = same_however_cut(|| Node::new(null(ROUTER)), octets);
    let error = verdict.error.expect("refused");
    assert_eq!((error.side, error.stage, error.kind), (Side::Peer, stage, kind.into()));
    assert!(verdict.events.is_empty());
    assert_eq!(verdict.output.len(), 64, "nothing but our own greeting");
}

// ZMTP-GREETING-01, ZMTP-GREETING-02, ZMTP-GREETING-03, ZMTP-GREETING-06, ZMTP-GREETING-10,
// ZMTP-GREETING-12, NULL-01: every field in its place, padding and filler zero, sent before
// anything is received.
#[test]
fn ours_is_sent_whole_and_at_once() {
    let expected = hex("FF 0000000000000000 7F 03 01 4E554C4C") // signature, version, "NULL"
        .into_iter()
        .chain([0; 16 + 1 + 31]) // rest of the mechanism, as-server, filler
        .collect::<Vec<u8>>();
    assert_eq!(expected.len(), 64);
    assert_eq!(greeting_sent_by(null(DEALER)), expected);
}

// ZMTP-GREETING-01: octet 64 begins the first frame.
#[test]
fn the_first_frame_follows_the_greeting() {
    let mut node = Node::new(null(DEALER));
    let written = node.feed(&greeting("NULL")).written();
    assert_eq!(written[64], 0x04);
}

// ZMTP-GREETING-07, ZMTP-GREETING-08, ZMTP-GREETING-09, ZMTP-MECH-04, PLAIN-01: the name left-aligned
// and filled with zeros; as-server tells the role.
#[test]
fn mechanism_and_role_are_announced() {
    let mechanism = |octets: &[u8]| (octets[12..32].to_vec(), octets[32]);
    let padded = |name: &[u8]| [name, &vec![0; 20 - name.len()]].concat();
    assert_eq!(mechanism(&greeting_sent_by(null(REP))), (padded(b"NULL"), 0));
    assert_eq!(mechanism(&greeting_sent_by(plain_client())), (padded(b"PLAIN"), 0));
    assert_eq!(mechanism(&greeting_sent_by(plain_server())), (padded(b"PLAIN"), 1));
}

// ZMTP-GREETING-08: only the letters of the grammar make a name.
#[test]
fn mechanism_names_have_a_grammar() {
    for name in ["NULL", "CURVE", "X-Y_Z.1+", "ABCDEFGHIJKLMNOPQRST"] {
        assert_eq!(MechanismName::new(name.as_bytes()).unwrap().as_str(), Some(name));
    }
    for name in ["", "null", "A B", "A\0B", "NULL\0", "\0", "ABCDEFGHIJKLMNOPQRSTU", "\u{c4}"] {
        assert_eq!(MechanismName::new(name.as_bytes()), None, "{name:?}");
    }
}

// ZMTP-GREETING-04, ZMTP-GREETING-11: padding and filler mean nothing.
// hostile: G8
#[test]
fn padding_and_filler_are_ignored() {
    for octet in [0x00, 0x01, 0x7F, 0xFF] {
        let mut octets = hello_null("DEALER");
        octets[1..9].fill(octet);
        octets[33..64].fill(octet);
        let verdict = same_however_cut(|| Node::new(null(ROUTER)), &octets);
        assert_eq!(verdict.error, None);
        assert_eq!(verdict.events.len(), 1);
    }
    // The padding of libzmq.
    let octets = [greeting_with("NULL", 8, 1), ready("DEALER")].concat();
    Node::new(null(ROUTER)).feed(&octets).peer();
}

// ZMTP-GREETING-18, ZMTP-SEC-01: judged on the very first octet.
// hostile: G3, V6
#[test]
fn another_first_octet_is_refused_at_once() {
    for first in 0..=0xFE {
        let mut node = Node::new(null(ROUTER));
        node.feed(&[first]);
        assert_eq!(node.refused().kind, Malformed::Signature.into());
    }
    refused_with(b"GET / HTTP/1.1\r\n", Stage::Greeting, Malformed::Signature);
    refused_with(&hex("16 03 01 02 00 01 00"), Stage::Greeting, Malformed::Signature);
    refused_with(&hex("01 00 06 00 68 65 6C 6C 6F"), Stage::Greeting, Malformed::Signature);
}

// ZMTP-GREETING-19, ZMTP-VERSION-11: 1.0 peers with a long identity and everything else that is not 7F.
#[test]
fn another_tenth_octet_is_refused_at_once() {
    for tenth in (0..=0xFF).filter(|octet| *octet != 0x7F) {
        let octets = greeting_with("NULL", 9, tenth);
        let mut node = Node::new(null(ROUTER));
        node.feed(&octets[..9]);
        assert_eq!(node.error, None);
        node.feed(&octets[9..10]);
        assert_eq!(node.refused().kind, Malformed::Signature.into());
    }
    refused_with(&greeting_with("NULL", 9, 0x01), Stage::Greeting, Malformed::Signature);
}

// ZMTP-GREETING-09: as-server is 0 or 1, judged when it arrives.
#[test]
fn as_server_is_zero_or_one() {
    for octet in 2..=0xFF {
        let mut node = Node::new(null(ROUTER));
        node.feed(&greeting_with("NULL", 32, octet)[..33]);
        assert_eq!(node.refused().kind, Malformed::AsServer.into());
    }
    refused_with(&greeting_with("NULL", 32, 2), Stage::Greeting, Malformed::AsServer);
}

// ZMTP-GREETING-14, ZMTP-MECH-01, ZMTP-SEC-02: the own greeting leaves whole, then nothing.
// hostile: G4, CVE-2014-7202
#[test]
fn another_mechanism_is_refused_after_our_whole_greeting() {
    let (null_, plain) = (MechanismName::NULL, MechanismName::PLAIN);
    for theirs in ["PLAIN", "CURVE", "XNULL"] {
        let octets = [&greeting(theirs), &ready("DEALER")[..], &message(&[b"sneaky"])].concat();
        let theirs = MechanismName::new(theirs.as_bytes()).unwrap();
        refused_with(&octets, Stage::Mechanism, Incompatible::Mechanism { ours: null_, theirs });
    }
    for (config, theirs) in
        [(plain_server(), "NULL"), (plain_client(), "NULL"), (plain_client(), "CURVE")]
    {
        let octets = [greeting(theirs), ready("DEALER"), message(&[b"sneaky"])].concat();
        let verdict = same_however_cut(|| Node::new(config.clone()), &octets);
        let theirs = MechanismName::new(theirs.as_bytes()).unwrap();
        let expected = Incompatible::Mechanism { ours: plain, theirs };
        assert_eq!(verdict.error.unwrap().kind, expected.into());
        assert_eq!(verdict.output, greeting_sent_by(config.clone()));
        assert!(verdict.events.is_empty() && verdict.asked.is_empty());
    }
}

// ZMTP-MECH-02: all 20 octets count.
// hostile: G7
#[test]
fn the_mechanism_is_compared_octet_for_octet() {
    let names: [&[u8]; 7] = [
        b"null",
        b"NULL\0X",
        b"NUL",
        b"NULLL",
        b"",
        b" NULL",
        b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
    ];
    for name in names {
        let mut theirs = [0; 20];
        theirs[..name.len()].copy_from_slice(name);
        let mut octets = greeting("");
        octets[12..32].copy_from_slice(&theirs);
        let theirs = MechanismName::from_octets(theirs);
        let expected = Incompatible::Mechanism { ours: MechanismName::NULL, theirs };
        refused_with(&octets, Stage::Mechanism, expected);
    }
}

// ZMTP-MECH-03: one mechanism per socket, however often somebody asks for another.
#[test]
fn the_mechanism_never_falls_back() {
    let config = Arc::new(plain_server());
    let ours = greeting_sent_by(config.as_ref().clone());
    for _ in 0..10 {
        let mut node = Node::new(config.as_ref().clone());
        node.feed(&hello_null("DEALER")).refused();
        assert_eq!(node.written(), ours);
    }
}

// ZMTP-GREETING-17: no credentials before the peer's mechanism was read and matched.
// hostile: G2, G10
#[test]
fn a_password_waits_for_the_whole_greeting() {
    let theirs = greeting("PLAIN");
    let mut node = Node::new(plain_client());
    node.written();
    for octet in &theirs[..63] {
        node.feed(&[*octet]);
        assert!(node.written().is_empty());
    }
    node.feed(&theirs[63..]);
    assert_eq!(node.written(), hello(b"admin", b"secret"));

    let mut node = Node::new(plain_client());
    node.feed(&theirs[..11]).feed(&greeting("NULL")[11..]).refused();
    assert_eq!(node.written().len(), 64);
}

// ZMTP-MECH-06: NULL has no roles, so its as-server octet says nothing.
// hostile: G6
#[test]
fn as_server_means_nothing_under_null() {
    let mut node = Node::new(null(ROUTER));
    node.feed(&greeting_with("NULL", 32, 1)).feed(&ready("DEALER"));
    assert!(node.peer().claimed.as_server);
}

// ZMTP-MECH-07: two servers cannot finish, and the one that is told knows at once.
// hostile: G5
#[test]
fn two_servers_part_at_the_greeting() {
    let mut pair = Pair::new(plain_server(), plain_server());
    pair.run();
    for node in [&pair.client, &pair.server] {
        assert_eq!(node.refused().stage, Stage::Mechanism);
        assert_eq!(node.refused().kind, Incompatible::BothServers.into());
    }
    // The server of libzmq announces 0; then only the deadline tells.
    let mut node = Node::new(plain_server());
    node.feed(&greeting("PLAIN")).wait(seconds(10));
    assert_eq!(node.refused().kind, Kind::TimedOut);
}

// ZMTP-MECH-07: of two clients each gets a HELLO that it does not expect.
#[test]
fn two_clients_part_at_hello() {
    let mut pair = Pair::new(plain_client(), plain_client());
    pair.run();
    for node in [&pair.client, &pair.server] {
        assert_eq!(node.refused().stage, Stage::Welcome);
    }
}

// ZMTP-MECH-05, ZMTP-MECH-07: a server that announces 0, as libzmq does in every role, is a server still.
#[test]
fn a_server_that_says_zero_is_believed_to_be_one() {
    let lie = |way, record: &mut Vec<u8>| {
        if way == Way::ToClient && record.len() == 64 {
            record[32] = 0;
        }
    };
    let mut pair = Pair::new(plain_client(), plain_server()).edit(lie);
    pair.run();
    assert!(!pair.client.peer().claimed.as_server);
    pair.server.peer();
}

// ZMTP-GREETING-15, ZMTP-GREETING-16: whatever the cut, nobody waits for the other.
#[test]
fn greetings_may_arrive_in_any_pieces() {
    let all = [hello_null("PUSH"), message(&[b"hi"])].concat();
    let verdict = same_however_cut(|| Node::new(null(PULL)), &all);
    assert_eq!((verdict.error, verdict.events.len()), (None, 2));
    for cut in (1..=64).map(Cut::At).chain([Cut::Whole, Cut::Octets]) {
        let mut pair = Pair::new(null(DEALER), null(ROUTER)).cut(cut);
        pair.run();
        pair.client.peer();
        pair.server.peer();
    }
}

#[test]
fn the_codec_gives_back_what_it_was_given() {
    let names = [MechanismName::NULL, MechanismName::PLAIN, MechanismName::CURVE];
    for (mechanism, as_server) in names.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        for version in [Version::V3_0, Version::V3_1, Version { major: 255, minor: 255 }] {
            let greeting = Greeting { version, mechanism, as_server };
            let octets = greeting.encode();
            assert_eq!(Greeting::decode(&octets), Ok(Some(greeting)));
            for len in 0..GREETING_LEN {
                assert_eq!(Greeting::decode(&octets[..len]), Ok(None));
            }
        }
    }
}

// PLAIN-04: what does not fit is refused when it is configured.
#[test]
fn credentials_are_checked_before_any_greeting() {
    assert!(PlainClient::new(&[b'u'; 255], &[b'p'; 255]).is_ok());
    assert!(PlainClient::new(&[b'u'; 256], b"").is_err());
    assert!(PlainClient::new(b"", &[b'p'; 256]).is_err());
    assert!(!PlainServer::default().misspell_error);
}
