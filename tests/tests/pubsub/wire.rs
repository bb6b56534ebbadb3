//! The octets that ours send and take.

use ironhouse::{Dealer, Options, Pub, Pull, Router, Sub, XPub, XSub};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::{Raw, RawListener};
use ironhouse_tests::{Done, octets, rt};

use crate::{QUIET, knows, told};

/// A publisher that speaks octets and announces this minor version.
async fn publisher(listener: &RawListener, minor: u8) -> Raw {
    let mut raw = listener.accept().await;
    let mut greeting = octets::greeting("NULL");
    greeting[11] = minor;
    raw.write(&greeting).await;
    raw.write(&octets::ready("XPUB")).await;
    raw.read_command("READY").await;
    raw
}

/// A publisher of this minor version that a socket of ours has connected to.
macro_rules! meet {
    ($ours:expr, $minor:expr) => {{
        let listener = RawListener::bind().await;
        let mut connecting = $ours.connect(listener.endpoint())?;
        let raw = publisher(&listener, $minor).await;
        rt::in_time("READY", connecting.ready()).await?;
        raw
    }};
}

/// Waits for so many frames behind READY, and gives them.
async fn frames_behind_ready(raw: &mut Raw, count: usize) -> Vec<(u8, Vec<u8>)> {
    loop {
        let frames = octets::frames(&raw.seen[64..]);
        if frames.len() > count {
            assert_eq!(frames.len(), count + 1, "more than that: {frames:?}");
            return frames[1..].to_vec();
        }
        raw.read_to(raw.seen.len() + 1).await;
    }
}

fn command(name: &str, data: &[u8]) -> (u8, Vec<u8>) {
    (4, [octets::short_string(name.as_bytes()), data.to_vec()].concat())
}

// PUBSUB-WIRE-01, PUBSUB-WIRE-02, PUBSUB-WIRE-08, PUBSUB-SUB-01
#[test]
fn subscriptions_are_commands_for_3_1() -> Done {
    rt::run(async {
        let sub = Sub::new(Options::new())?;
        let mut raw = meet!(sub, 1);
        for prefix in ["A", "A", ""] {
            sub.subscribe(prefix);
        }
        for prefix in ["A", "A", "A", ""] {
            sub.unsubscribe(prefix);
        }
        let expected = [
            command("SUBSCRIBE", b"A"),
            command("SUBSCRIBE", b""),
            command("CANCEL", b"A"),
            command("CANCEL", b""),
        ];
        assert_eq!(frames_behind_ready(&mut raw, 4).await, expected);
        let mut exact = octets::ready("SUB");
        exact.extend(
            b"\x04\x0b\x09SUBSCRIBEA\x04\x0a\x09SUBSCRIBE\x04\x08\x06CANCELA\x04\x07\x06CANCEL",
        );
        assert_eq!(raw.seen[64..], exact);
        Ok(())
    })
}

// PUBSUB-WIRE-03
#[test]
fn subscriptions_are_messages_for_3_0() -> Done {
    rt::run(async {
        let sub = Sub::new(Options::new())?;
        let mut raw = meet!(sub, 0);
        sub.subscribe("A");
        sub.unsubscribe("A");
        let expected = [(0, b"\x01A".to_vec()), (0, b"\x00A".to_vec())];
        assert_eq!(frames_behind_ready(&mut raw, 2).await, expected);
        Ok(())
    })
}

// PUBSUB-WIRE-03: the octet in front counts for the size of the frame (D16).
#[test]
fn long_prefixes_have_the_right_size_in_both_forms() -> Done {
    rt::run(async {
        for minor in [0, 1] {
            let sub = Sub::new(Options::new())?;
            let mut raw = meet!(sub, minor);
            let lengths = [244, 245, 246, 247, 253, 254, 255, 256, 70_000];
            for length in lengths {
                sub.subscribe(vec![b'x'; length]);
            }
            let frames = frames_behind_ready(&mut raw, lengths.len()).await;
            for ((flags, body), length) in frames.iter().zip(lengths) {
                let head = if minor == 0 { 1 } else { 10 };
                assert_eq!(body.len(), head + length, "3.{minor}, {length}");
                let long = if body.len() > 255 { 2 } else { 0 };
                let kind = if minor == 0 { 0 } else { 4 };
                assert_eq!(*flags, kind | long, "3.{minor}, {length}");
            }
        }
        Ok(())
    })
}

// PUBSUB-WIRE-12
#[test]
fn subscriptions_are_sent_again_on_a_new_connection() -> Done {
    rt::run(async {
        let listener = RawListener::bind().await;
        let sub = Sub::new(Options::new())?;
        for prefix in ["A", "B", "cancelled", "C", "C"] {
            sub.subscribe(prefix);
        }
        sub.unsubscribe("cancelled");
        sub.connect(listener.endpoint())?;
        for round in 0..3 {
            let mut raw = publisher(&listener, 1).await;
            let mut frames = frames_behind_ready(&mut raw, 3).await;
            frames.sort();
            let expected = ["A", "B", "C"].map(|it| command("SUBSCRIBE", it.as_bytes()));
            assert_eq!(frames, expected, "round {round}");
        }
        Ok(())
    })
}

// PUBSUB-XSUB-02
#[test]
fn an_xsub_sends_commands_too() -> Done {
    rt::run(async {
        let xsub = XSub::new(Options::new())?;
        let mut raw = meet!(xsub, 1);
        for message in ["\u{1}A", "plain", "\0A"] {
            xsub.send(message).await?;
        }
        xsub.send(parts([&b"\x01"[..], b"second"])).await?;
        let expected = [
            command("SUBSCRIBE", b"A"),
            (0, b"plain".to_vec()),
            command("CANCEL", b"A"),
            (1, b"\x01".to_vec()),
            (0, b"second".to_vec()),
        ];
        assert_eq!(frames_behind_ready(&mut raw, 5).await, expected);
        Ok(())
    })
}

// PUBSUB-SUB-03
#[test]
fn what_nobody_asked_for_is_passed_over() -> Done {
    rt::run(async {
        let listener = RawListener::bind().await;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("A");
        sub.connect(listener.endpoint())?;
        let mut raw = publisher(&listener, 1).await;
        // Far more than is looked at in one go.
        for _ in 0..5_000 {
            raw.write(&octets::frame(0, b"B")).await;
        }
        raw.write(&octets::frame(0, b"AB")).await;
        assert_eq!(rt::in_time("the one", sub.recv()).await?.first(), "AB");
        Ok(())
    })
}

// PUBSUB-SUB-04
#[test]
fn a_publisher_that_leaves_at_once_is_heard_and_can_come_back() -> Done {
    rt::run(async {
        let sub = Sub::new(Options::new())?;
        sub.subscribe("");
        let endpoint = sub.bind(ANYWHERE).await?;
        for round in 0..3 {
            let mut raw = Raw::connect(&endpoint).await;
            raw.shake_hands_null("PUB").await;
            let messages: Vec<u8> = (0..5).flat_map(|at| octets::frame(0, &[round, at])).collect();
            raw.write(&messages).await;
            raw.write(&octets::frame(1, b"the rest never comes")).await;
            drop(raw);
            for at in 0..5 {
                assert_eq!(*rt::in_time("a message", sub.recv()).await?.first(), [round, at]);
            }
        }
        rt::never("half a message", QUIET, sub.recv()).await;
        Ok(())
    })
}

// PUBSUB-WIRE-10, PUBSUB-WIRE-11
#[test]
fn both_forms_are_understood_from_every_version() -> Done {
    rt::run(async {
        for minor in [0, 1, 7] {
            let xpub = XPub::new(Options::new())?;
            let endpoint = xpub.bind(ANYWHERE).await?;
            let mut raw = Raw::connect(&endpoint).await;
            let mut greeting = octets::greeting("NULL");
            greeting[11] = minor;
            raw.write(&greeting).await;
            raw.write(&octets::ready("SUB")).await;
            raw.read_command("READY").await;
            for nothing in [octets::command("CANCEL", b"A"), octets::frame(0, b"\x00A")] {
                raw.write(&nothing).await;
            }
            raw.write(&octets::command("SUBSCRIBE", b"A")).await;
            assert_eq!(told(&xpub).await?, b"\x01A", "3.{minor}");
            raw.write(&octets::frame(0, b"\x00A")).await;
            assert_eq!(told(&xpub).await?, b"\x00A", "3.{minor}");
            raw.write(&octets::frame(0, b"\x01B")).await;
            assert_eq!(told(&xpub).await?, b"\x01B", "3.{minor}");
            raw.write(&octets::command("CANCEL", b"B")).await;
            assert_eq!(told(&xpub).await?, b"\x00B", "3.{minor}");
        }
        Ok(())
    })
}

/// As the design decides, a publisher keeps a set per peer: a repetition changes nothing, and the first
/// cancellation ends it, as with libzmq (D18).
#[test]
fn a_publisher_counts_a_repetition_once() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut raw = Raw::connect(&endpoint).await;
        raw.shake_hands_null("SUB").await;
        for _ in 0..2 {
            raw.write(&octets::command("SUBSCRIBE", b"A")).await;
        }
        raw.write(&octets::command("SUBSCRIBE", b"B")).await;
        knows(&publisher, 2).await;
        raw.write(&octets::command("CANCEL", b"A")).await;
        knows(&publisher, 1).await;
        Ok(())
    })
}

/// Nobody else is told of subscriptions (D15), and the connection goes on.
#[test]
fn subscriptions_never_reach_sockets_that_do_not_publish() -> Done {
    rt::run(async {
        macro_rules! check {
            ($socket:ident, $peer:expr) => {{
                let socket = $socket::new(Options::new())?;
                let endpoint = socket.bind(ANYWHERE).await?;
                let mut raw = Raw::connect(&endpoint).await;
                raw.shake_hands_null($peer).await;
                raw.write(&octets::command("SUBSCRIBE", b"A")).await;
                raw.write(&octets::command("CANCEL", b"A")).await;
                rt::never("a subscription as a message", QUIET, socket.recv()).await;
                raw.write(&octets::frame(0, b"\x01A")).await;
                let message = rt::in_time("a message", socket.recv()).await?;
                assert!(message.parts().next_back().is_some_and(|part| *part == *b"\x01A"));
            }};
        }
        check!(Pull, "PUSH");
        check!(Dealer, "DEALER");
        check!(Router, "DEALER");
        Ok(())
    })
}
