//! Frames: flags, size, body.

use bytes::BytesMut;
use zmtp_core::SocketType::{DEALER, PULL, PUSH, ROUTER};
use zmtp_core::error::{Kind, Malformed, Misbehaved, Stage};
use zmtp_core::wire::frame::{FrameHeader, FrameKind};
use zmtp_core::{Limits, Message};

use crate::support::*;

const SIZES: [usize; 6] = [0, 1, 254, 255, 256, 65536];

fn pull() -> Node {
    Node::established(PULL, "PUSH")
}

/// What the grammar says of a flags octet.
fn kind_of(flags: u8) -> Result<FrameKind, Malformed> {
    match flags {
        0 | 2 => Ok(FrameKind::Message { more: false }),
        1 | 3 => Ok(FrameKind::Message { more: true }),
        4 | 6 => Ok(FrameKind::Command),
        5 | 7 => Err(Malformed::CommandWithMore),
        _ => Err(Malformed::FrameFlags { flags }),
    }
}

// ZMTP-FRAME-01, ZMTP-FRAME-02, ZMTP-FRAME-04, ZMTP-FRAME-05, ZMTP-FRAME-06, ZMTP-FRAME-12: all 256
// flags octets with every size that matters.
// hostile: F4
#[test]
fn every_flags_octet_with_every_size() {
    for flags in 0..=255_u8 {
        for size in SIZES.into_iter().filter(|size| flags & 2 != 0 || *size <= 255) {
            let octets = header(flags, size as u64);
            let expected = kind_of(flags)
                .map(|kind| Some((FrameHeader { kind, len: size as u64 }, octets.len())));
            assert_eq!(FrameHeader::decode(&octets), expected);
            // The flags are judged as soon as they are there.
            let first = kind_of(flags).map(|_| None);
            assert_eq!(FrameHeader::decode(&octets[..1]), first);
        }
    }
    assert_eq!(FrameHeader::decode(&[]), Ok(None));
}

// ZMTP-FRAME-04, ZMTP-FRAME-12: the connection ends on the flags octet, in the handshake and later.
// hostile: F4
#[test]
fn illegal_flags_end_the_connection() {
    for flags in 0..=255_u8 {
        let Err(expected) = kind_of(flags) else { continue };
        for mut node in [pull(), {
            let mut node = Node::new(null(PULL));
            node.feed(&greeting("NULL"));
            node
        }] {
            node.feed(&[flags]);
            assert_eq!(node.refused().kind, expected.into(), "{flags:#x}");
            assert!(node.messages().is_empty());
        }
    }
    let verdict = same_however_cut(pull, &frame(0x80, b"hi"));
    assert_eq!(verdict.error.unwrap().stage, Stage::Traffic);
}

// ZMTP-FRAME-01, ZMTP-FRAME-05, ZMTP-FRAME-06, ZMTP-FRAME-08, ZMTP-FRAME-10: what arrives, and that it
// leaves in the shortest form.
#[test]
fn bodies_of_every_size_arrive_and_leave() {
    for size in SIZES {
        let body: Vec<u8> = (0..size).map(|at| at as u8).collect();
        let shortest = frame(if size > 255 { 2 } else { 0 }, &body);
        let verdict = same_however_cut(pull, &shortest);
        assert_eq!(verdict.error, None);
        assert_eq!(verdict.events.len(), 1);

        let mut sender = Node::established(PUSH, "PULL");
        assert_eq!(sender.send(&body[..]).written(), shortest);
        let mut node = pull();
        node.feed(&shortest);
        assert_eq!(node.messages(), [Message::new(body)]);
    }
}

// ZMTP-FRAME-09: the long form of a short body is legal, for messages and for commands.
// hostile: F7
#[test]
fn the_long_form_of_a_short_body_is_accepted() {
    let ready = frame(6, &command_body("READY", &property("Socket-Type", "PUSH")));
    let octets = [greeting("NULL"), ready, frame(2, b"hi"), frame(3, b""), frame(2, b"")].concat();
    let verdict = same_however_cut(|| Node::new(null(PULL)), &octets);
    assert_eq!(verdict.error, None);
    assert_eq!(verdict.events.len(), 3);
}

// ZMTP-FRAME-10: commands too take the long form from 256 octets on, and not before.
#[test]
fn commands_take_the_shortest_form() {
    for (data, flags) in [(255 - 6, 4), (256 - 6, 6)] {
        let metadata = vec![0; data];
        let mut out = BytesMut::new();
        zmtp_core::wire::command::Command { name: b"READY", data: &metadata }
            .encode_frame(&mut out);
        assert_eq!(out[..], frame(flags, &command_body("READY", &metadata)));
    }
}

// ZMTP-FRAME-02, ZMTP-FRAME-03, ZMTP-FRAME-11: every flags octet that leaves.
#[test]
fn only_legal_flags_leave() {
    let mut dealer = Node::new(null(DEALER));
    let mut written = dealer.feed(&hello_null("ROUTER")).written().split_off(64);
    written.extend(dealer.feed(&ping(0, b"context")).written());
    for body in SIZES {
        let part = vec![0; body];
        let parts = Message::from_parts([part.clone(), part.clone(), part]).unwrap();
        written.extend(dealer.send(parts).written());
    }
    let (commands, messages): (Vec<_>, Vec<_>) =
        frames(&written).into_iter().partition(|(flags, _)| flags & 4 != 0);
    assert_eq!(commands.iter().map(|(flags, _)| *flags).collect::<Vec<_>>(), [4, 4]);
    for three in messages.chunks(3) {
        let long = if three[0].1.len() > 255 { 2 } else { 0 };
        assert_eq!([three[0].0, three[1].0, three[2].0], [1 | long, 1 | long, long]);
    }
}

// ZMTP-FRAME-07: the top bit of a size is refused with its first octet.
// hostile: F1, CVE-2019-6250
#[test]
fn sizes_from_two_to_the_63_are_refused_on_the_second_octet() {
    for flags in [2, 3, 6] {
        for size in [1 << 63, u64::MAX, u64::MAX - 9, u64::MAX - 8192] {
            let mut node = pull();
            node.feed(&header(flags, size)[..2]);
            assert_eq!(node.refused().kind, Malformed::FrameSize.into());
        }
        assert_eq!(FrameHeader::decode(&[flags, 0x7F]), Ok(None));
        assert_eq!(FrameHeader::decode(&[flags, 0x80]), Err(Malformed::FrameSize));
    }
}

// ZMTP-FRAME-07, ZMTP-FRAME-15: what is announced is judged before any of it is there, and allocates
// nothing.
// hostile: F1, CVE-2019-6250, V13
#[test]
fn huge_sizes_are_refused_on_the_header() {
    for size in [1 << 30, 1 << 46, 1 << 62, i64::MAX as u64, i64::MAX as u64 - 8192] {
        for (flags, expected) in [
            (2, Misbehaved::MessageTooLarge),
            (3, Misbehaved::MessageTooLarge),
            (6, Misbehaved::CommandTooLarge),
        ] {
            let verdict = same_however_cut(pull, &header(flags, size));
            assert_eq!(verdict.error.unwrap().kind, expected.into());
        }
        // As the second frame of a message.
        let octets = [frame(1, b"a"), header(3, size)].concat();
        let verdict = same_however_cut(pull, &octets);
        assert_eq!(verdict.error.unwrap().kind, Misbehaved::MessageTooLarge.into());
    }
}

// ZMTP-FRAME-15: within the limits, memory follows what arrives and not what is announced.
// hostile: V13
#[test]
fn an_announced_size_is_never_an_allocation() {
    let size = Limits::DEFAULT.max_message as u64;
    let mut input = BytesMut::from(&header(2, size)[..]);
    let mut node = pull();
    let incoming = &mut node.connection.traffic().unwrap().incoming;
    assert_eq!(incoming.next(&mut input), Ok(None));
    assert!(input.capacity() < 1024);
    assert_eq!(incoming.missing(&input), size);
    assert_eq!(incoming.missing(&[]), 1);
    assert_eq!(incoming.missing(&[0, 3, b'a']), 2);
}

// ZMTP-FRAME-13: however the stream is cut.
#[test]
fn frames_do_not_depend_on_segments() {
    let three = message(&[b"one", b"", &[3; 300]]);
    let octets = [hello_null("PUSH"), three.clone(), ping(7, b"ctx"), three].concat();
    let verdict = same_however_cut(|| Node::new(null(PULL)), &octets);
    assert_eq!((verdict.error, verdict.events.len()), (None, 3));

    let thousand: Vec<u8> = (0..1000_u32).flat_map(|n| message(&[&n.to_be_bytes()])).collect();
    let mut node = pull();
    node.feed(&thousand);
    assert_eq!(node.messages().len(), 1000);
}

// ZMTP-FRAME-14: half a frame is nothing.
// hostile: R5
#[test]
fn a_stream_that_ends_inside_a_frame_delivers_nothing() {
    let octets = frame(2, b"0123456789");
    for len in 0..octets.len() {
        let mut node = pull();
        node.feed(&octets[..len]).end();
        assert!(node.messages().is_empty());
        assert_eq!(node.error, None, "a normal end");
    }
}

// ZMTP-FRAME-13: many small reads of a large frame cost no more than their sum.
// hostile: R4
#[test]
fn a_large_frame_octet_by_octet_is_linear_work() {
    let body = vec![7; 1 << 20];
    let mut node = pull();
    node.feed(&header(2, body.len() as u64)).dribble(&body);
    assert_eq!(node.messages()[0].octets(), body.len());
}

// ZMTP-FRAME-13, CVE-2020-36400: large and small frames in turn, in pieces of all sizes.
#[test]
fn large_and_small_frames_in_uneven_pieces() {
    let mut stream = message(&[&vec![1; 70_000]]);
    stream.extend((0..500).flat_map(|_| message(&[b"small"])));
    stream.extend(message(&[&vec![2; 70_000]]));
    let mut node = pull();
    let mut rest = &stream[..];
    for len in (1..).map(|step| (step * 7919) % 9001 + 1) {
        let (head, tail) = rest.split_at(len.min(rest.len()));
        node.feed(head);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    let lengths: Vec<usize> = node.messages().iter().map(Message::octets).collect();
    assert_eq!(lengths.len(), 502);
    assert_eq!((lengths[0], lengths[1], lengths[501]), (70_000, 5, 70_000));
}

// ZMTP-CMD-09, ZMTP-CMD-10: before the handshake is complete nothing but a command will do.
// hostile: F3, F5
#[test]
fn message_frames_in_the_handshake_are_refused_on_the_header() {
    let ready = command_body("READY", &property("Socket-Type", "DEALER"));
    for octets in [frame(0, &ready), frame(1, &ready), frame(2, &ready), message(&[b"hello"])] {
        let octets = [greeting("NULL"), octets].concat();
        let verdict = same_however_cut(|| Node::new(null(ROUTER)), &octets);
        assert_eq!(verdict.error.unwrap().kind, Misbehaved::MessageInHandshake.into());
        assert!(verdict.events.is_empty());
    }
    for config in [null(ROUTER), plain_server(), plain_client()] {
        let mechanism = if config.security().role().is_some() { "PLAIN" } else { "NULL" };
        let mut node = Node::new(config);
        node.feed(&greeting(mechanism)).feed(&hex("01 00"));
        assert_eq!(node.refused().kind, Kind::from(Misbehaved::MessageInHandshake));
    }
}
