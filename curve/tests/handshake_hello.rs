//! The server up to WELCOME.

use std::collections::HashSet;

use zmtp_core::error::{BoxName, Kind, Malformed, Misbehaved, Side, Stage};

use crate::oracle::*;
use crate::support::*;
use crate::world::{Seeded, a_client, a_server, client_node, low_order_points, server_node};

/// The server under test, greeted.
fn greeted() -> Node {
    let mut node = server_node();
    node.feed(&greeting("CURVE"));
    node.written();
    node
}

/// The server refuses these octets in silence, however they are cut.
#[track_caller]
fn refuses(octets: &[u8], kind: impl Into<Kind>) {
    let verdict = same_however_cut(greeted, octets);
    let error = verdict.error.expect("refused");
    assert_eq!((error.side, error.stage, error.kind), (Side::Peer, Stage::Hello, kind.into()));
    assert_eq!(verdict.output, b"", "no WELCOME, no ERROR");
    assert_eq!((verdict.events, verdict.asked), (vec![], vec![]));
}

// CURVE-01: the name of the mechanism, and who is the server.
#[test]
fn greetings_tell_the_roles() {
    for (config, as_server) in [(a_client(), 0), (a_server(), 1)] {
        let greeting = Node::with_random(config, &mut Seeded(1)).written();
        assert_eq!(&greeting[12..32], b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(greeting[32], as_server);
    }
}

// CURVE-02: the client speaks first.
#[test]
fn the_server_waits_for_hello() {
    let mut node = server_node();
    node.feed(&greeting("CURVE"));
    assert_eq!(node.written().len(), 64, "the greeting alone");
    let mut node = client_node();
    node.feed(&greeting("CURVE"));
    assert_eq!(frames(&node.written()[64..]).len(), 1);
}

// CURVE-03, CURVE-04, CURVEZMQ-12, CURVEZMQ-13: the oracle takes WELCOME apart.
// CURVEZMQ-52: 202 octets came, 170 leave.
#[test]
fn welcome_is_as_written_in_the_grammar() {
    let mut node = greeted();
    let mut client = RawClient::new(0x11);
    let hello = client.hello().frame();
    node.feed(&hello);
    let written = node.written();
    assert_eq!((hello.len(), written.len()), (202, 170));
    assert_eq!(written[..10], *b"\x04\xA8\x07WELCOME");
    client.welcome(&written[2..]);
    assert_eq!(client.cookie.len(), 96);
    assert!(!low_order_points().contains(&client.server_transient));
}

// CURVEZMQ-09. hostile: C1
#[test]
fn hello_has_200_octets() {
    let data = RawClient::new(0x11).hello().data();
    for len in [0, 1, 2, 74, 106, 114, 193] {
        refuses(&command("HELLO", &data[..len]), Malformed::CommandSize("HELLO"));
    }
    // Too long is told by the header alone.
    let long = command("HELLO", &[&data as &[u8], &[0]].concat());
    refuses(&long, Misbehaved::OversizedCommand);
    refuses(&long[..2], Misbehaved::OversizedCommand);
}

// CURVEZMQ-09. hostile: C1
#[test]
fn hello_asks_for_version_1_0() {
    for version in [[0, 0], [0, 1], [1, 1], [2, 0], [1, 255]] {
        let hello = Hello { version, ..RawClient::new(0x11).hello() };
        refuses(&hello.frame(), Malformed::HelloVersion);
    }
}

// CURVEZMQ-09: libzmq looks neither at the padding nor into the box.
#[test]
fn the_padding_of_hello_is_zero() {
    for at in 0..72 {
        let mut hello = RawClient::new(0x11).hello();
        hello.padding[at] = 0x80;
        refuses(&hello.frame(), Malformed::HelloPadding);
    }
}

// CURVEZMQ-08, CURVEZMQ-09. hostile: C1
#[test]
fn the_box_of_hello_opens_to_zeros() {
    let client = RawClient::new(0x11);
    let unopenable = Kind::Unopenable(BoxName::Hello);
    for at in [0, 15, 16, 79] {
        let mut hello = client.hello();
        hello.sealed[at] ^= 1;
        refuses(&hello.frame(), unopenable.clone());
    }
    refuses(&Hello { nonce: 2, ..client.hello() }.frame(), unopenable.clone());
    refuses(&Hello { client: public(&[3; 32]), ..client.hello() }.frame(), unopenable.clone());
    // CURVEZMQ-02: for another server.
    let other = RawClient { server: public(&[3; 32]), ..client.clone() };
    refuses(&other.hello().frame(), unopenable);

    let mut last = [0; 64];
    last[63] = 1;
    for text in [[1; 64], last] {
        refuses(&client.hello_over(&text, 1).frame(), Malformed::HelloContent);
    }
}

// CURVEZMQ-53: everybody knows the key of such a box, so the box alone proves nothing.
// hostile: C2
#[test]
fn transient_keys_of_low_order_are_refused() {
    for point in low_order_points() {
        let hello = RawClient::new(0x11).hello();
        let sealed = seal(&[1; 32], &point, &short("CurveZMQHELLO---", 1), &[0; 64]);
        refuses(&Hello { client: point, sealed, ..hello }.frame(), Misbehaved::LowOrderKey);
    }
}

// CURVEZMQ-10, CURVEZMQ-14, CURVEZMQ-16: the same HELLO never gets the same answer.
#[test]
fn every_welcome_is_new() {
    let hello = RawClient::new(0x11).hello().frame();
    let mut seen = HashSet::new();
    let mut random = Seeded(9);
    for _ in 0..100 {
        let mut node = Node::with_random(a_server(), &mut random);
        node.feed(&greeting("CURVE")).feed(&hello);
        let welcome = node.written().split_off(64 + 2);
        let mut client = RawClient::new(0x11);
        client.welcome(&welcome);
        let (cookie_nonce, cookie_box) = client.cookie.split_at(16);
        for part in [&welcome[8..24], cookie_nonce, cookie_box, &client.server_transient] {
            assert!(seen.insert(part.to_vec()), "repeated");
        }
    }
    assert_eq!(seen.len(), 400);
}

// CURVEZMQ-41, CURVEZMQ-45: where the numbers start is nobody's business.
#[test]
fn hello_may_have_any_nonce() {
    for nonce in [0, 5, 1 << 40, u64::MAX] {
        let mut node = greeted();
        node.feed(&RawClient::new(0x11).hello_over(&[0; 64], nonce).frame());
        assert_eq!((node.written().len(), &node.error), (170, &None), "{nonce}");
    }
}

// CURVEZMQ-05, CURVEZMQ-51: only HELLO begins.
// CURVEZMQ-49: a server takes no ERROR.
#[test]
fn the_server_takes_nothing_else_first() {
    let mut client = RawClient::new(0x11);
    let mut node = server_node();
    client = client.with_welcome(&mut node);
    let hello = client.hello().data();
    for name in ["INITIATE", "WELCOME", "READY", "MESSAGE", "PING", "hello", "HELLOO"] {
        let octets = command(name, &hello[..190]);
        refuses(&octets, Misbehaved::UnexpectedCommand);
    }
    refuses(&error("400"), Misbehaved::UnexpectedCommand);
    // A whole INITIATE is larger than anything that may come now.
    refuses(&client.initiate().frame(), Misbehaved::OversizedCommand);
    refuses(&message(&[b"sneaky"]), Misbehaved::MessageInHandshake);
}

// CURVEZMQ-51: a second HELLO is no INITIATE.
#[test]
fn hello_comes_once() {
    let mut node = server_node();
    let client = RawClient::new(0x11).with_welcome(&mut node);
    node.feed(&client.hello().frame());
    let error = node.refused();
    assert_eq!(
        (error.stage, &error.kind),
        (Stage::Initiate, &Misbehaved::UnexpectedCommand.into())
    );
    assert_eq!(node.written(), b"");
}
