//! Messages: parts that arrive together or not at all.

use zmtp_core::SocketType::{PULL, PUSH};
use zmtp_core::{INLINE_LEN, Message, Part};

use crate::support::*;

fn of(parts: &[&[u8]]) -> Message {
    Message::from_parts(parts.iter().copied()).unwrap()
}

// ZMTP-MSG-01: any number of parts, in both directions.
#[test]
fn messages_of_many_parts_pass() {
    for count in [1, 2, 100, 1024] {
        let bodies: Vec<Vec<u8>> =
            (0..count).map(|at: usize| at.to_string().into_bytes()).collect();
        let parts: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let mut pair = Pair::new(null(PUSH), null(PULL));
        pair.run().client.send(of(&parts));
        let written = pair.client.written();
        assert_eq!(written, message(&parts));
        pair.server.feed(&written);
        assert_eq!(pair.server.messages(), [of(&parts)]);
    }
}

// ZMTP-MSG-02, ZMTP-MSG-03: no part is seen before the last one is there.
// hostile: R5, CVE-2021-20234
#[test]
fn a_message_is_seen_whole_or_not_at_all() {
    let mut node = Node::established(PULL, "PUSH");
    node.feed(&frame(1, b"a")).feed(&frame(1, b"b"));
    assert!(node.messages().is_empty());
    node.feed(&frame(0, b"c"));
    assert_eq!(node.messages(), [of(&[b"a", b"b", b"c"])]);

    node.feed(&frame(1, b"lost")).end();
    assert!(node.messages().is_empty());
    assert_eq!(node.error, None);
}

// ZMTP-MSG-04: a message is encoded when it is whole; half of one cannot be given.
#[test]
fn a_message_leaves_whole() {
    let mut node = Node::established(PUSH, "PULL");
    let mut growing = Message::new("a");
    growing.push("b");
    assert!(node.written().is_empty());
    growing.push("c");
    assert_eq!(node.send(growing).written(), message(&[b"a", b"b", b"c"]));
}

// ZMTP-MSG-06: in the order in which they were sent.
#[test]
fn order_is_kept() {
    let mut pair = Pair::new(null(PUSH), null(PULL)).cut(Cut::At(5000));
    pair.run();
    for n in 0..1000_u32 {
        pair.client.send(n.to_string());
        if n % 300 == 0 {
            pair.run();
        }
    }
    let received = pair.run().server.messages();
    let expected: Vec<Message> = (0..1000).map(|n: u32| n.to_string().into()).collect();
    assert_eq!(received, expected);
}

// ZMTP-MSG-07, PLAIN-12: NULL and PLAIN carry messages in the clear, octet for octet the same.
#[test]
fn clear_mechanisms_share_their_framing() {
    let mut under_null = Node::established(PUSH, "PULL");
    let mut pair = Pair::new(plain_client(), plain_server());
    pair.run();
    let parts = of(&[b"", b"body", &[0xFF; 300]]);
    assert_eq!(pair.client.send(parts.clone()).written(), under_null.send(parts).written());
}

// ZMTP-MSG-09: bodies are opaque, and empty ones count.
#[test]
fn every_octet_and_no_octet_at_all() {
    let all: Vec<u8> = (0..=255).collect();
    let mut node = Node::established(PULL, "PUSH");
    node.feed(&message(&[&all])).feed(&message(&[b"", b"", b""])).feed(&message(&[b""]));
    assert_eq!(node.messages(), [of(&[&all]), of(&[b"", b"", b""]), of(&[b""])]);
}

#[test]
fn messages_know_the_peer_that_they_came_from() {
    let mut node = Node::new(null(PULL));
    node.feed(&hello_null("PUSH")).feed(&message(&[b"x"]));
    let message = node.messages().remove(0);
    assert_eq!(message.peer(), Some(&node.peer()));
    assert_eq!(Message::new("made here").peer(), None);
}

#[test]
fn parts_are_pushed_popped_and_split() {
    let mut it = of(&[b"b", b"c"]);
    it.push_front("a");
    it.push("d");
    assert_eq!(it, of(&[b"a", b"b", b"c", b"d"]));
    assert_eq!((it.len(), it.octets()), (4, 4));
    assert_eq!((it.first(), it.get(1).unwrap(), it.get(4)), (&"a".into(), &"b".into(), None));
    for at in [0, 4, 5, usize::MAX] {
        assert_eq!(it.clone().split_at(at), None);
        assert_eq!(it.clone().take_front(at), None);
    }
    for at in 1..4 {
        let (head, tail) = it.clone().split_at(at).unwrap();
        assert_eq!((head.len(), tail.len()), (at, 4 - at));
        assert!(head.parts().chain(tail.parts()).eq(it.parts()));
        assert_eq!(it.clone().take_front(at).unwrap(), (head.into_parts().collect(), tail));
    }
    assert_eq!(it.behind(&["".into(), "0".into()]), of(&[b"", b"0", b"a", b"b", b"c", b"d"]));
    assert_eq!(it.behind(&[]), it);
    for expected in ["a", "b", "c"] {
        assert_eq!(it.pop_front().unwrap(), expected);
    }
    assert_eq!(it.pop_front(), None, "the last part stays");
    assert_eq!(it, Message::new("d"));
    assert_eq!(Message::from_parts(Vec::<Part>::new()), None);
    assert_eq!(Message::from(("a", b"b", vec![b'c'])), of(&[b"a", b"b", b"c"]));
}

#[test]
fn a_split_keeps_the_peer_on_both_sides() {
    let mut node = Node::new(null(PULL));
    node.feed(&hello_null("PUSH")).feed(&message(&[b"a", b"b", b"c"]));
    let (head, tail) = node.messages().remove(0).split_at(2).unwrap();
    assert!(head.peer().is_some() && tail.peer() == head.peer());
    let (_, behind) = head.clone().take_front(1).unwrap();
    assert_eq!(behind.peer(), head.peer());
    assert_eq!(behind.behind(&[]).peer(), head.peer());
}

#[test]
fn a_part_is_its_octets_however_it_is_held() {
    for len in [0, 1, INLINE_LEN - 1, INLINE_LEN, INLINE_LEN + 1, 5000] {
        let octets = vec![b'z'; len];
        let held: [Part; 3] = [
            (&octets[..]).into(),
            octets.clone().into(),
            bytes::Bytes::from(octets.clone()).into(),
        ];
        for part in held {
            assert_eq!(part, octets);
            assert_eq!(part.clone().into_bytes(), octets);
        }
    }
    assert_eq!(format!("{:?}", Part::from("a\n\u{7f}")), r#"b"a\n\x7f""#);
    assert_eq!(Part::EMPTY, Part::default());
}
