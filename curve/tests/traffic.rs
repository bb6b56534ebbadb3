//! MESSAGE after the handshake, against a peer made of other parts.

use zmtp_core::error::{BoxName, Kind, Malformed, Misbehaved, Side, Stage};
use zmtp_core::{Message, SocketType};

use crate::oracle::*;
use crate::support::*;
use crate::world::*;

/// The server under test and the client that talks to it.
fn served() -> (Node, RawTraffic) {
    let mut node = server_node();
    let (client, _) = RawClient::new(0x11).with_ready(&mut node);
    node.events.clear();
    (node, client.traffic())
}

/// The client under test and the server that it talks to.
fn connected() -> (Node, RawTraffic) {
    let mut node = client_node();
    let server = RawServer::new().with_ready(&mut node);
    node.events.clear();
    (node, server.traffic())
}

/// Both sides under test.
const SIDES: [fn() -> (Node, RawTraffic); 2] = [served, connected];

/// Both sides end the connection over what `make` sends, and deliver nothing of it.
#[track_caller]
fn refuse(make: impl Fn(&mut RawTraffic) -> Vec<u8>, kind: impl Into<Kind> + Clone) {
    for side in SIDES {
        let (_, mut peer) = side();
        let before = peer.message(0, b"before");
        let octets = [before, make(&mut peer.clone()), peer.message(0, b"after")];
        let (mut node, mut dribbled) = (side().0, side().0);
        node.feed(&octets.concat());
        dribbled.dribble(&octets.concat());
        let verdict = node.verdict();
        assert_eq!(dribbled.verdict(), verdict);
        let error = verdict.error.expect("refused");
        assert_eq!((error.side, error.stage), (Side::Peer, Stage::Traffic));
        assert_eq!(error.kind, kind.clone().into());
        // CURVEZMQ-39: no ERROR, no PONG, nothing.
        assert_eq!(verdict.output, b"");
        assert_eq!(verdict.events.len(), 1, "only what came before");
    }
}

// CURVE-05, CURVE-08, CURVEZMQ-34, CURVEZMQ-35, CURVEZMQ-36, CURVEZMQ-41: what we send.
// In plain frames: in command frames libzmq drops them.
#[test]
fn frames_are_sent_as_messages() {
    for (side, first) in [(SIDES[0], 2), (SIDES[1], 3)] {
        let (mut node, peer) = side();
        let large = vec![b'x'; 1 << 20];
        node.send("one");
        node.send(Message::from_parts(["two", "", "three"]).unwrap());
        node.send(&large[..222]).send(&large[..223]).send(large.clone());
        let written = node.written();
        assert_eq!(written[..10], *b"\0\x24\x07MESSAGE");
        let opened = peer.open_all(&written);
        let expected = [
            (0, first, 0, b"one".to_vec()),
            (0, first + 1, 1, b"two".to_vec()),
            (0, first + 2, 1, b"".to_vec()),
            (0, first + 3, 0, b"three".to_vec()),
            (0, first + 4, 0, large[..222].to_vec()),
            (2, first + 5, 0, large[..223].to_vec()),
            (2, first + 6, 0, large),
        ];
        assert!(opened == expected);
    }
}

// CURVE-07: of the four forms of the frame none means anything.
#[test]
fn the_outer_flags_do_not_matter() {
    for side in SIDES {
        for flags in [0, 1, 2, 3, 4, 6] {
            let (mut node, mut peer) = side();
            node.feed(&frame(flags, &peer.body(1, b"more to")));
            node.feed(&frame(flags, &peer.body(0, b"come")));
            assert_eq!(node.messages(), [Message::from_parts(["more to", "come"]).unwrap()]);
            // CURVE-10: a PING is a command by the flag inside.
            node.feed(&frame(flags, &peer.body(2, b"\x04PING\0\0ctx")));
            let [(0, _, 2, pong)] = &peer.open_all(&node.written())[..] else { panic!() };
            assert_eq!(pong, b"\x04PONGctx");
        }
    }
    // ZMTP-FRAME-12: what is no frame at all is refused before any box.
    let (mut node, mut peer) = served();
    node.feed(&frame(5, &peer.body(0, b"")));
    assert_eq!(node.refused().kind, Malformed::CommandWithMore.into());
}

// CURVE-10: subscriptions are commands in boxes for a 3.1 peer, messages in boxes for a 3.0 one.
#[test]
fn subscriptions_are_encrypted() {
    use zmtp_core::wire::subscription::SubscriptionChange::Subscribe;
    for (minor, expected) in
        [(1, (2, b"\x09SUBSCRIBEtopic".to_vec())), (0, (0, b"\x01topic".to_vec()))]
    {
        let config = client(SocketType::SUB, CLIENT, public(&SERVER));
        let mut node = Node::with_random(config, &mut Seeded(1));
        let mut server = RawServer::new();
        node.feed(&greeting_of("CURVE", 3, minor));
        server.hello(&node.written()[66..]);
        node.feed(&command("WELCOME", &server.welcome()));
        server.initiate(&node.written());
        node.feed(&command("READY", &server.ready(&property("Socket-Type", "PUB"))));
        let traffic = node.connection.traffic().unwrap();
        traffic.outgoing.subscription(Subscribe, b"topic").unwrap();
        let [(0, 3, flags, data)] = &server.traffic().open_all(&node.written())[..] else {
            panic!()
        };
        assert_eq!((*flags, data.clone()), expected);
    }
}

// CURVE-10, ZMTP-CMD-09: commands that nobody knows pass by, in boxes as in the clear.
#[test]
fn unknown_commands_are_skipped() {
    for side in SIDES {
        let (mut node, mut peer) = side();
        node.feed(&peer.message(2, b"\x07UNKNOWNdata")).feed(&peer.message(0, b"next"));
        assert_eq!(node.messages(), ["next".into()]);
    }
    refuse(|peer| peer.message(2, b"\x09PING"), Malformed::CommandName);
    refuse(|peer| peer.message(2, b"\x05ERROR\x03400"), Misbehaved::LateError);
}

// CURVE-09, CURVEZMQ-51: nothing but boxes. hostile: C9
#[test]
fn clear_frames_are_refused() {
    let hello = RawClient::new(0x11).hello().frame();
    for octets in [
        message(&[b"sneaky"]),
        frame(1, b"sneaky"),
        message(&[b""]),
        message(&[b"\x07MESSAGF and more than thirty-three octets"]),
        message(&[b"\x07MESSAG"]),
        ping(0, b""),
        pong(b""),
        command("SUBSCRIBE", b"topic"),
        command("READY", &of_dealer()),
        command("INITIATE", &[0; 300]),
        command("JUNK", b""),
        error("400"),
        hello,
    ] {
        refuse(|_| octets.clone(), Misbehaved::ClearFrame);
    }
}

// CURVEZMQ-34, CURVEZMQ-38. hostile: C8
#[test]
fn a_message_has_at_least_33_octets() {
    for len in 8..33 {
        let short = |peer: &mut RawTraffic| frame(0, &peer.body(0, b"")[..len]);
        refuse(short, Malformed::CommandSize("MESSAGE"));
    }
    for side in SIDES {
        let (mut node, mut peer) = side();
        let least = peer.message(0, b"");
        assert_eq!(least.len(), 2 + 33);
        node.feed(&least);
        assert_eq!(node.messages(), ["".into()]);
    }
}

// CURVEZMQ-36, CURVEZMQ-37. hostile: C8
#[test]
fn inner_flags_are_checked() {
    for flags in [4, 5, 6, 7, 8, 0x10, 0x20, 0x40, 0x80, 0x81, 0x82, 0xFC, 0xFF] {
        let sealed = |peer: &mut RawTraffic| peer.message(flags, b"data");
        refuse(sealed, Malformed::InnerFlags { flags });
    }
    refuse(|peer| peer.message(3, b"\x04PING\0\0"), Malformed::CommandWithMore);
}

// CURVEZMQ-35, CURVEZMQ-38: the box, by the right one of two, in the right direction.
#[test]
fn boxes_that_do_not_open_are_refused() {
    let unopenable = Kind::Unopenable(BoxName::Message);
    for bit in (0..23 * 8).step_by(5) {
        let altered = |peer: &mut RawTraffic| {
            let mut body = peer.body(0, b"data56");
            flip(&mut body[16..], bit);
            frame(0, &body)
        };
        refuse(altered, unopenable.clone());
    }
    let renumbered = |peer: &mut RawTraffic| {
        let mut body = peer.body(0, b"data");
        body[15] += 1;
        frame(0, &body)
    };
    refuse(renumbered, unopenable.clone());
    for prefix in ["CurveZMQMESSAGE-", "CurveZMQREADY---", "CurveZMQINITIATE"] {
        let misnamed = |peer: &mut RawTraffic| {
            peer.prefix = prefix;
            peer.message(0, b"")
        };
        refuse(misnamed, unopenable.clone());
    }
    // What the other side said itself, sent back.
    for side in SIDES {
        let (mut node, _) = side();
        let echo = node.send("mine").written();
        node.feed(&echo);
        // The client's MESSAGE is numbered 3, the server's 2: both are above the last of the peer
        // where that was READY, and not where it was INITIATE.
        let kind = &node.refused().kind;
        let expected = [unopenable.clone(), Misbehaved::NonceNotRising.into()];
        assert!(expected.contains(kind), "{kind}");
        assert_eq!(node.messages(), []);
    }
}

// CURVEZMQ-42, CURVEZMQ-43: the last number again, the one before it, and zero.
// hostile: C6, CVE-2014-7203
#[test]
fn numbers_rise() {
    let again = |peer: &mut RawTraffic| peer.message_numbered(peer.count, 0, b"again");
    refuse(again, Misbehaved::NonceNotRising);
    let back = |peer: &mut RawTraffic| peer.message_numbered(peer.count - 1, 0, b"back");
    refuse(back, Misbehaved::NonceNotRising);
    refuse(|peer| peer.message_numbered(0, 0, b"zero"), Misbehaved::NonceNotRising);
    // The first one as well: HELLO and INITIATE had 1 and 2, READY had 1.
    for (side, used) in [(SIDES[0], vec![0, 1, 2]), (SIDES[1], vec![0, 1])] {
        for count in used {
            let (mut node, peer) = side();
            node.feed(&peer.message_numbered(count, 0, b"used"));
            assert_eq!(node.refused().kind, Misbehaved::NonceNotRising.into());
            assert_eq!(node.messages(), []);
        }
    }
}

// CURVEZMQ-45, CURVEZMQ-46: gaps up to the very last number, and none behind it.
// hostile: C7
#[test]
fn numbers_may_jump_and_end() {
    let end = [3, 9, 1 << 40, u64::MAX - 1, u64::MAX];
    for side in SIDES {
        for again in [0, 1, u64::MAX - 1, u64::MAX] {
            let (mut node, peer) = side();
            for count in end {
                node.feed(&peer.message_numbered(count, 0, b"jump"));
            }
            assert_eq!((node.messages().len(), &node.error), (end.len(), &None));
            node.feed(&peer.message_numbered(again, 0, b"over"));
            assert_eq!(node.refused().kind, Misbehaved::NonceNotRising.into());
        }
    }
}

// CURVEZMQ-42: a number that only a forger wrote does not count.
#[test]
fn a_forged_number_is_not_the_reason() {
    for side in SIDES {
        let (mut node, mut peer) = side();
        let mut forged = peer.body(0, b"data");
        forged[8..16].copy_from_slice(&u64::MAX.to_be_bytes());
        node.feed(&frame(0, &forged));
        assert_eq!(node.refused().kind, Kind::Unopenable(BoxName::Message));
    }
}
