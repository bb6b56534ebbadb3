//! What waits to be written.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use zmtp_core::SocketType::PUSH;
use zmtp_core::traffic::{OutputBuffer, PIECE};

use crate::support::*;

fn all_of(output: &OutputBuffer) -> Vec<u8> {
    output.chunks().flatten().copied().collect()
}

#[test]
fn large_bodies_are_chained_and_not_copied() {
    let body = Bytes::from(vec![7; 100_000]);
    let mut node = Node::established(PUSH, "PULL");
    let output = {
        let traffic = node.connection.traffic().unwrap();
        traffic.outgoing.send(&body.clone().into()).unwrap();
        traffic.outgoing.send(&"small".into()).unwrap();
        traffic.outgoing.output()
    };
    let chunks: Vec<&[u8]> = output.chunks().collect();
    assert_eq!(chunks.len(), 3);
    assert_eq!(chunks[1].as_ptr(), body.as_ptr());
    let expected = [message(&[&body]), message(&[b"small"])].concat();
    assert_eq!(all_of(output), expected);
}

#[test]
fn an_idle_buffer_holds_no_memory() {
    for drain in [
        (|output: &mut OutputBuffer| output.advance(usize::MAX)) as fn(&mut OutputBuffer),
        |output| (0..100).for_each(|_| output.advance(1000)),
        |output| while output.poll().is_some() {},
        |output| output.append_to(&mut OutputBuffer::new()),
    ] {
        let mut output = OutputBuffer::new();
        output.tail().extend_from_slice(&[1; 100_000]);
        drain(&mut output);
        assert!(output.is_empty() && output.poll().is_none());
        output.release();
        output.tail().reserve(1);
        assert!(output.tail().capacity() <= 4096, "{}", output.tail().capacity());
    }
}

#[test]
fn encoding_never_moves_what_waits() {
    let mut node = Node::established(PUSH, "PULL");
    let outgoing = &mut node.connection.traffic().unwrap().outgoing;
    let body = [7; 1000];
    let mut first = None;
    for _ in 0..1000 {
        outgoing.send(&body.as_slice().into()).unwrap();
        let at = outgoing.output().chunks().next().unwrap().as_ptr();
        assert_eq!(*first.get_or_insert(at), at);
    }
    let output = outgoing.output();
    assert!(output.chunks().all(|piece| piece.len() <= PIECE));
    assert!(output.chunks().count() < 1_009_000 / PIECE + 6, "{}", output.chunks().count());
    assert_eq!(all_of(output), message(&[&body]).repeat(1000));
}

#[test]
fn emptied_pieces_are_used_again_until_they_are_released() {
    let mut output = OutputBuffer::new();
    output.supply(BytesMut::with_capacity(PIECE));
    let place = {
        let piece = output.room_for(10);
        piece.extend_from_slice(&[1; 10]);
        piece.as_ptr()
    };
    output.room_for(PIECE).extend_from_slice(&[2; 10]);
    output.advance(10);
    assert_eq!(output.take_spare().map(|spare| spare.as_ptr()), Some(place));
    output.advance(10);
    output.supply(BytesMut::with_capacity(PIECE));
    output.release();
    assert!(output.take_spare().is_none());
}

/// A stream of messages that are larger than a piece takes turns with what is left of pieces.
#[test]
fn an_emptied_piece_is_used_again_whatever_smaller_ones_came_later() {
    const LARGE: usize = PIECE + 5000;
    let mut output = OutputBuffer::new();
    let place = {
        let piece = output.room_for(LARGE);
        piece.extend_from_slice(&[1; LARGE]);
        piece.as_ptr()
    };
    output.room_for(LARGE).extend_from_slice(&[2; LARGE]);
    output.advance(LARGE);
    output.supply(BytesMut::with_capacity(PIECE));
    assert_eq!(output.room_for(LARGE).as_ptr(), place);
}

#[test]
fn nothing_is_no_piece() {
    let mut output = OutputBuffer::new();
    output.push_shared(Bytes::new());
    output.advance(5);
    assert_eq!((output.len(), output.chunks().count(), output.poll()), (0, 0, None));
}

/// Something that is done with a buffer.
#[derive(Debug, Clone)]
enum Step {
    Append(Vec<u8>),
    Chain(Vec<u8>),
    Advance(usize),
    Poll,
    Move,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let octets = || proptest::collection::vec(any::<u8>(), 0..50);
    let step = prop_oneof![
        octets().prop_map(Step::Append),
        octets().prop_map(Step::Chain),
        (0..100_usize).prop_map(Step::Advance),
        Just(Step::Poll),
        Just(Step::Move),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    // Whatever is done in whatever order, octets leave in the order in which they came.
    #[test]
    fn a_buffer_is_a_queue(steps in steps()) {
        let mut output = OutputBuffer::new();
        let mut model = BytesMut::new();
        for step in steps {
            match step {
                Step::Append(octets) => {
                    output.tail().extend_from_slice(&octets);
                    model.extend_from_slice(&octets);
                }
                Step::Chain(octets) => {
                    model.extend_from_slice(&octets);
                    output.push_shared(octets.into());
                }
                Step::Advance(count) => {
                    output.advance(count);
                    let _ = model.split_to(count.min(model.len()));
                }
                Step::Poll => {
                    if let Some(piece) = output.poll() {
                        prop_assert_eq!(&model.split_to(piece.len()), &piece);
                        prop_assert!(!piece.is_empty());
                    }
                }
                Step::Move => {
                    let mut other = OutputBuffer::new();
                    output.append_to(&mut other);
                    output = other;
                }
            }
            prop_assert_eq!(output.len(), model.len());
            prop_assert_eq!(output.is_empty(), model.is_empty());
            prop_assert_eq!(&all_of(&output), &model);
        }
    }
}
