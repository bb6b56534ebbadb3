//! What a peer may cost: one below each limit, at it, one above.

use zmtp_core::SocketType::{PUB, PULL, ROUTER};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Kind, Malformed, Misbehaved};
use zmtp_core::wire::heartbeat::PingContext;
use zmtp_core::wire::metadata::{Metadata, MetadataError};
use zmtp_core::{Limits, Message};

use crate::support::*;

fn with(limits: Limits) -> Node {
    Node::with_traffic(null(PULL).with_limits(limits), "PUSH")
}

fn too_many_parts() -> Option<Kind> {
    Some(Misbehaved::TooManyParts.into())
}

fn too_large() -> Option<Kind> {
    Some(Misbehaved::MessageTooLarge.into())
}

/// What becomes of `octets` after the handshake, however they are cut.
#[track_caller]
fn outcome(limits: &Limits, octets: &[u8]) -> Option<Kind> {
    let verdict = same_however_cut(|| with(limits.clone()), octets);
    assert_eq!(verdict.events.is_empty(), verdict.error.is_some());
    verdict.error.map(|error| error.kind)
}

// ZMTP-FRAME-15: all parts of a message together.
#[test]
fn octets_of_a_message() {
    let limits = limits(|it| it.max_message = 1024);
    for (len, expected) in [(1023, None), (1024, None), (1025, too_large())] {
        assert_eq!(outcome(&limits, &message(&[&vec![0; len]])), expected);
        assert_eq!(outcome(&limits, &message(&[&[0; 1000], b"", &vec![0; len - 1000]])), expected);
    }
    // The next message starts from zero.
    let twice = message(&[&[0; 1000], &[0; 24]]).repeat(2);
    assert_eq!(outcome(&limits, &twice), None);
}

// ZMTP-FRAME-15: refused on the header, whatever part of a message it is.
#[test]
fn octets_are_judged_on_the_header() {
    let limits = limits(|it| it.max_message = 1024);
    assert_eq!(outcome(&limits, &header(2, 1025)), too_large());
    assert_eq!(outcome(&limits, &[frame(1, b"abc"), header(2, 1022)].concat()), too_large());
    let mut node = with(limits.clone());
    node.feed(&frame(1, b"abc")).feed(&header(2, 1021));
    assert_eq!(node.error, None);
}

// ZMTP-FRAME-15: parts are counted by their headers too; a part with MORE needs room for another.
// hostile: R3
#[test]
fn parts_of_a_message() {
    let limits = limits(|it| it.max_parts = 4);
    let parts = |count: usize| message(&vec![&b""[..]; count]);
    for (count, expected) in [(3, None), (4, None), (5, too_many_parts())] {
        assert_eq!(outcome(&limits, &parts(count)), expected);
    }
    assert_eq!(outcome(&limits, &[parts(4), parts(4)].concat()), None);
    let mut node = with(limits.clone());
    node.feed(&parts(4)[..6]).feed(&header(1, 200));
    assert_eq!(Some(node.refused().kind.clone()), too_many_parts());

    let endless = frame(1, b"").repeat(2000);
    assert_eq!(outcome(&Limits::DEFAULT, &endless), too_many_parts());
}

#[test]
fn a_message_of_one_part_always_has_room() {
    for max_parts in [0, 1] {
        let limits = limits(|it| it.max_parts = max_parts);
        assert_eq!(outcome(&limits, &message(&[b"x"])), None);
        assert_eq!(outcome(&limits, &message(&[b"x", b"y"])), too_many_parts());
    }
}

// ZMTP-FRAME-15: commands have a limit of their own.
#[test]
fn octets_of_a_command() {
    let limits = limits(|it| it.max_command = 100);
    let name = 1 + "SUBSCRIBE".len();
    for (len, refused) in [(99, false), (100, false), (101, true)] {
        let octets = command("SUBSCRIBE", &vec![0; len - name]);
        let make = || Node::with_traffic(null(PUB).with_limits(limits.clone()), "SUB");
        let verdict = same_however_cut(make, &octets);
        let expected = refused.then(|| Misbehaved::CommandTooLarge.into());
        assert_eq!(verdict.error.map(|error| error.kind), expected);
    }
    let mut node = with(limits);
    node.feed(&header(4, 101));
    assert_eq!(node.refused().kind, Misbehaved::CommandTooLarge.into());
}

// ZMTP-FRAME-15: the defaults themselves, judged on the header where they are large.
#[test]
fn the_defaults_are_exact() {
    let default = Limits::DEFAULT;
    for (len, expected) in [((64 << 20) - 1, None), (64 << 20, None), ((64 << 20) + 1, too_large())]
    {
        let mut node = with(default.clone());
        node.feed(&header(2, len));
        assert_eq!(node.error.map(|error| error.kind), expected, "a message of {len}");
    }
    for (count, expected) in [(1023, None), (1024, None), (1025, too_many_parts())] {
        let mut node = with(default.clone());
        node.feed(&message(&vec![&b""[..]; count]));
        assert_eq!(node.messages().len(), usize::from(expected.is_none()), "{count} parts");
        assert_eq!(node.error.map(|error| error.kind), expected, "{count} parts");
    }
    for (len, refused) in [((1 << 20) - 1, false), (1 << 20, false), ((1 << 20) + 1, true)] {
        let mut node = with(default.clone());
        node.feed(&header(6, len));
        let expected = refused.then(|| Misbehaved::CommandTooLarge.into());
        assert_eq!(node.error.map(|error| error.kind), expected, "a command of {len}");
    }
    for (count, refused) in [(63, false), (64, false), (65, true)] {
        let expected = refused.then(|| Malformed::Metadata(MetadataError::TooLarge).into());
        let mut node = Node::new(null(ROUTER));
        node.feed(&greeting("NULL")).feed(&command("READY", &block_of(count)));
        assert_eq!(node.error.map(|error| error.kind), expected, "{count} properties");
    }
    for (time, over) in [(9_999, false), (10_000, true), (10_001, true)] {
        let error = Node::new(null(ROUTER)).wait(millis(time)).error.clone();
        assert_eq!(error.map(|error| error.kind), over.then_some(Kind::TimedOut), "{time} ms");
    }
}

// HEARTBEAT-14: PONGs that wait because the peer reads nothing.
// hostile: R7
#[test]
fn pongs_that_wait() {
    for (count, refused) in [(8_191, false), (8_192, false), (8_193, true)] {
        let mut node = Node::established(PULL, "PUSH");
        let outgoing = &mut node.connection.traffic().unwrap().outgoing;
        let answered = (0..count).try_for_each(|_| outgoing.pong(&PingContext::default()));
        let expected = refused.then(|| Misbehaved::PingFlood.into());
        assert_eq!(answered.err().map(|error| error.kind), expected, "{count}");
    }
}

// A PING between the parts of a message that has no octet left.
#[test]
fn commands_do_not_count_as_message() {
    let limits = limits(|it| it.max_message = 3);
    let octets = [frame(1, b"abc"), ping(0, b"context"), frame(0, b"")].concat();
    assert_eq!(outcome(&limits, &octets), None);
}

/// A block of `len` octets with a Socket-Type in it.
fn block(len: usize) -> Vec<u8> {
    let socket_type = property("Socket-Type", "DEALER");
    let padding = vec![0; len - socket_type.len() - property("X", "").len()];
    [socket_type, property("X", padding)].concat()
}

/// A block of so many properties with a Socket-Type among them.
fn block_of(count: usize) -> Vec<u8> {
    let unknown = (1..count).flat_map(|_| property("X", ""));
    property("Socket-Type", "DEALER").into_iter().chain(unknown).collect()
}

fn handshake(config: &ConnectionConfig, metadata: &[u8]) -> Option<Kind> {
    let octets = [greeting("NULL"), command("READY", metadata)].concat();
    let verdict = same_however_cut(|| Node::new(config.clone()), &octets);
    assert_eq!(verdict.events.is_empty(), verdict.error.is_some());
    verdict.error.map(|error| error.kind)
}

// ZMTP-SEC-07: octets of metadata, with a small limit and with the default.
// hostile: F2
#[test]
fn octets_of_metadata() {
    for max in [256, 300, Limits::DEFAULT.max_metadata] {
        let config = null(ROUTER).with_limits(limits(|it| it.max_metadata = max));
        for (len, refused) in [(max - 1, false), (max, false), (max + 1, true)] {
            let expected = refused.then(|| Misbehaved::OversizedCommand.into());
            assert_eq!(handshake(&config, &block(len)), expected, "{len} of {max}");
        }
    }
    // Below the size of the longest ERROR the header cannot tell; the block is refused all the same.
    let config = null(ROUTER).with_limits(limits(|it| it.max_metadata = 100));
    assert_eq!(handshake(&config, &block(100)), None);
    let expected = Malformed::Metadata(MetadataError::TooLarge).into();
    assert_eq!(handshake(&config, &block(101)), Some(expected));
}

// A small limit for metadata does not cut a refusal off.
#[test]
fn the_longest_error_always_has_room() {
    for max_metadata in [0, 1, 100] {
        let config = null(ROUTER).with_limits(limits(|it| it.max_metadata = max_metadata));
        let mut node = Node::new(config);
        node.feed(&greeting("NULL")).feed(&error(&"x".repeat(255)));
        assert!(matches!(node.refused().kind, Kind::ReportedByPeer(_)));
    }
    let mut node = Node::new(plain_client());
    node.feed(&greeting("PLAIN")).feed(&header(6, 263));
    assert_eq!(node.refused().kind, Misbehaved::OversizedCommand.into());
}

// hostile: M4
#[test]
fn properties() {
    let limits = limits(|it| it.max_properties = 5);
    let config = null(ROUTER).with_limits(limits.clone());
    let refused = Some(Malformed::Metadata(MetadataError::TooLarge).into());
    for (count, expected) in [(4, None), (5, None), (6, refused)] {
        assert_eq!(handshake(&config, &block_of(count)), expected);
        assert_eq!(Metadata::decode(&block_of(count), &limits).is_ok(), expected.is_none());
    }
}

// ZMTP-SEC-05: the deadline of the handshake; the rest of it is in handshake.rs.
#[test]
fn time() {
    let config = null(ROUTER).with_limits(limits(|it| it.handshake_timeout = millis(100)));
    assert_eq!(Node::new(config.clone()).wait(millis(99)).error, None);
    assert_eq!(Node::new(config).wait(millis(100)).refused().kind, Kind::TimedOut);
}

// Whatever the numbers, nothing overflows.
#[test]
fn no_limit_at_all_is_a_limit_like_any_other() {
    let unlimited = limits(|it| {
        it.handshake_timeout = std::time::Duration::MAX;
        it.max_metadata = usize::MAX;
        it.max_properties = usize::MAX;
        it.max_message = usize::MAX;
        it.max_parts = usize::MAX;
        it.max_command = usize::MAX;
    });
    for (config, mechanism) in
        [(null(ROUTER), "NULL"), (plain_server(), "PLAIN"), (plain_client(), "PLAIN")]
    {
        let mut node = Node::new(config.with_limits(unlimited.clone()));
        node.feed(&greeting(mechanism)).feed(&header(6, 500)).wait(seconds(1 << 40));
        let is_client = node.connection.stage() == zmtp_core::error::Stage::Welcome;
        assert_eq!(node.error.is_some(), is_client, "only WELCOME has a fixed size");
    }
    let parts = message(&[b"a", b"", &[1; 300]]);
    let mut node = with(unlimited.clone());
    node.feed(&parts).feed(&header(3, i64::MAX as u64)).feed(b"abc");
    assert_eq!(node.error, None);
    assert_eq!(node.messages(), [Message::from_parts([&b"a"[..], b"", &[1; 300]]).unwrap()]);
}
