//! Subscriptions, as commands and as messages.

use zmtp_core::SocketType::{PUB, PULL, SUB, XPUB};
use zmtp_core::connection::Event;
use zmtp_core::wire::subscription::SubscriptionChange::{self, Cancel, Subscribe};
use zmtp_core::{Message, SocketType};

use crate::support::*;

fn publisher(ours: SocketType) -> Node {
    Node::established(ours, "SUB")
}

fn changes(events: &[Event]) -> Vec<(SubscriptionChange, Vec<u8>)> {
    let change = |event: &Event| match event {
        Event::Subscription(change, prefix) => Some((*change, prefix.to_vec())),
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

// PUBSUB-WIRE-01, PUBSUB-WIRE-02, PUBSUB-WIRE-03, PUBSUB-WIRE-10: a publisher takes both forms from
// anybody, each change in order.
#[test]
fn a_publisher_takes_both_forms() {
    let octets = [
        command("SUBSCRIBE", b"a"),
        message(&[b"\x01b"]),
        command("CANCEL", b"b"),
        message(&[b"\x00a"]),
        command("SUBSCRIBE", b""),
        message(&[b"\x01"]),
    ]
    .concat();
    let expected = [
        (Subscribe, b"a".to_vec()),
        (Subscribe, b"b".to_vec()),
        (Cancel, b"b".to_vec()),
        (Cancel, b"a".to_vec()),
        (Subscribe, Vec::new()),
        (Subscribe, Vec::new()),
    ];
    for ours in [PUB, XPUB] {
        for minor in [0, 1] {
            let make = || {
                let mut node = Node::new(null(ours));
                node.feed(&greeting_of("NULL", 3, minor)).feed(&ready("SUB"));
                node.events.clear();
                node
            };
            let verdict = same_however_cut(make, &octets);
            assert_eq!(verdict.error, None);
            assert_eq!(changes(&verdict.events), expected);
        }
    }
}

// CVE-2021-20237: a publisher gets everything else as a message, which it may drop.
#[test]
fn what_is_no_subscription_is_a_message() {
    for parts in [&[&b""[..]][..], &[b"\x02a"], &[b"hello"], &[b"\x01a", b"b"], &[b"", b"\x01"]] {
        let mut node = publisher(XPUB);
        node.feed(&message(parts));
        assert_eq!(node.messages(), [Message::from_parts(parts.iter().copied()).unwrap()]);
        assert!(node.events.is_empty());
    }
}

// PUBSUB-WIRE-03: the octets 00 and 01 mean nothing to anybody else.
#[test]
fn only_publishers_read_subscriptions() {
    let mut node = Node::established(PULL, "PUSH");
    node.feed(&message(&[b"\x01a"]));
    assert_eq!(node.messages(), [Message::new(&b"\x01a"[..])]);
}

// PUBSUB-WIRE-03, ZMTP-FRAME-08: the marker counts, so a prefix of 255 octets needs the long form.
#[test]
fn long_prefixes_keep_the_stream_in_step() {
    for minor in [0, 1] {
        for len in [0, 1, 244, 245, 246, 254, 255, 256, 70_000] {
            let prefix = vec![b'p'; len];
            let mut subscriber = Node::new(null(SUB));
            subscriber.feed(&greeting_of("NULL", 3, minor)).feed(&ready("PUB")).written();
            let outgoing = &mut subscriber.connection.traffic().unwrap().outgoing;
            outgoing.subscription(Subscribe, &prefix).unwrap();
            outgoing.subscription(Cancel, &prefix).unwrap();
            let written = subscriber.written();
            assert_eq!(frames(&written).len(), 2);
            let mut node = publisher(PUB);
            node.feed(&written);
            let expected = [(Subscribe, prefix.clone()), (Cancel, prefix)];
            assert_eq!(changes(&node.events), expected);
        }
    }
}
