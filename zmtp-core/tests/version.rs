//! Versions: higher ones are taken as ours, 3.0 is spoken to in its own way, older ones are refused.

use zmtp_core::SocketType::{DEALER, ROUTER, SUB};
use zmtp_core::error::{Incompatible, Stage};
use zmtp_core::wire::greeting::Version;
use zmtp_core::wire::subscription::SubscriptionChange::{Cancel, Subscribe};

use crate::support::*;

fn peer_of_version(node: &mut Node, major: u8, minor: u8, socket_type: &str) {
    node.feed(&greeting_of("NULL", major, minor)).feed(&ready(socket_type));
    assert_eq!(node.peer().claimed.version, Version { major, minor });
}

// ZMTP-VERSION-01, ZMTP-VERSION-02, ZMTP-VERSION-03: a higher version changes nothing.
// hostile: G8
#[test]
fn higher_versions_are_spoken_to_in_ours() {
    let mut plain_talk = Node::new(null(DEALER));
    peer_of_version(&mut plain_talk, 3, 1, "ROUTER");
    let expected = plain_talk.send("x").written();
    for (major, minor) in [(3, 2), (3, 255), (4, 0), (255, 0), (255, 255)] {
        let mut node = Node::new(null(DEALER));
        peer_of_version(&mut node, major, minor, "ROUTER");
        assert_eq!(node.send("x").written(), expected);
        node.feed(&message(&[b"y"]));
        assert_eq!(node.messages().len(), 1);
    }
}

// ZMTP-VERSION-04, PUBSUB-WIRE-01, PUBSUB-WIRE-02, PUBSUB-WIRE-03: the peer's version decides the form.
#[test]
fn subscriptions_take_the_form_of_the_peer() {
    for (version, subscribe, cancel) in [
        ((3, 0), message(&[b"\x01ab"]), message(&[b"\x00ab"])),
        ((3, 1), command("SUBSCRIBE", b"ab"), command("CANCEL", b"ab")),
        ((4, 0), command("SUBSCRIBE", b"ab"), command("CANCEL", b"ab")),
    ] {
        let mut node = Node::new(null(SUB));
        peer_of_version(&mut node, version.0, version.1, "PUB");
        node.written();
        for (change, expected) in [(Subscribe, subscribe), (Cancel, cancel)] {
            node.connection.traffic().unwrap().outgoing.subscription(change, b"ab").unwrap();
            assert_eq!(node.written(), expected);
        }
    }
}

// ZMTP-VERSION-05, ZMTP-VERSION-11, ZMTP-SEC-01: refused on the octet that says so, READY never leaves.
// hostile: G1, G2, CVE-2014-9721
#[test]
fn older_versions_are_refused_under_every_mechanism() {
    for config in [null(ROUTER), guarded(ROUTER), plain_server(), plain_client()] {
        let ours = Node::new(config.clone()).written();
        for major in 0..3 {
            let mut octets = greeting_of("NULL", major, 5);
            let mut node = Node::new(config.clone());
            node.feed(&octets[..10]);
            assert_eq!(node.error, None);
            node.feed(&octets[10..11]);
            assert_eq!(node.refused().kind, Incompatible::Version { major }.into());

            // A socket type, an identity and a message of 2.0 behind it.
            octets.truncate(11);
            octets.extend(hex("05 00 00 00 06 73 6E 65 61 6B 79"));
            let verdict = same_however_cut(|| Node::new(config.clone()), &octets);
            assert_eq!(verdict.error.unwrap().stage, Stage::Greeting);
            assert_eq!(verdict.output, ours);
            assert!(verdict.events.is_empty() && verdict.asked.is_empty());
        }
    }
}

#[test]
fn a_version_prints_as_people_write_it() {
    assert_eq!(Version::V3_1.to_string(), "3.1");
    let version = Incompatible::Version { major: 2 }.to_string();
    assert_eq!(version, "the peer speaks ZMTP 2.x, this side 3.x only");
}
