//! Peers that were let in and then break a rule: they lose their connection, and nobody else anything.

use std::time::Duration;

use ironhouse::error::Disconnect;
use ironhouse::{Event, Options, Pull, Router};
use ironhouse_tests::mechanisms::Kind;
use ironhouse_tests::octets::{command, frame, long_header};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, rt};
use zmtp_core::error::{Malformed, Misbehaved};

use crate::house::{AT_ONCE, House};
use crate::knocks::{Knock, breaches, broken};

/// Why the connection to this peer ended.
async fn ended(what: &str, house: &mut House, raw: &Raw) -> Disconnect {
    let from = raw.address().to_string();
    watch::event(what, &mut house.events, |event| match event {
        Event::Disconnected { address, cause, .. } if address.to_string() == from => {
            Some(cause.clone())
        }
        _ => None,
    })
    .await
}

// ZMTP-FRAME-04, ZMTP-FRAME-07, ZMTP-FRAME-12, ZMTP-FRAME-15, ZMTP-CMD-04, ZMTP-ERROR-09,
// HEARTBEAT-06, HEARTBEAT-07
// hostile: F1, R3, R7
#[test]
fn who_breaks_a_rule_after_the_handshake_is_disconnected_for_it() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        for Knock { name: what, octets, fault } in breaches() {
            let mut driven = house.established(&what).await;
            driven.raw.write(&octets).await;
            driven.raw.closes_within(&what, AT_ONCE).await;
            match ended(&what, &mut house, &driven.raw).await {
                Disconnect::Protocol(error) => assert_eq!(Fault::from(&error), fault, "{what}"),
                other => panic!("{what}: ended by {other}"),
            }
        }
        house.check_all_is_well("after all of them").await
    })
}

// ZMTP-CMD-06, ZMTP-CMD-07, HEARTBEAT-04, HEARTBEAT-10, HEARTBEAT-16
#[test]
fn what_is_unknown_or_unsolicited_but_well_formed_is_passed_over() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let mut driven = house.established("a peer").await;
        for octets in [
            command("SURPRISE", b"data"),
            command("PONG", b"nobody asked"),
            command("SUBSCRIBE", b"to what?"),
            command("PING", b"\0\0sixteen octets!!"),
        ] {
            driven.raw.write(&octets).await;
        }
        driven.raw.read_command("PONG").await;
        driven.raw.write(&[frame(1, b""), frame(0, b"still here?")].concat()).await;
        driven.raw.read_until("an answer", |seen| seen.ends_with(b"still here?")).await;
        assert!(driven.raw.seen.windows(20).any(|it| it == b"PONGsixteen octets!!"));
        house.check_all_is_well("afterwards").await
    })
}

// CURVE-09, HEARTBEAT-18, CURVEZMQ-38, CURVEZMQ-39, CURVEZMQ-42
// hostile: C8, C9
#[test]
fn who_breaks_a_rule_of_curve_after_the_handshake_is_disconnected_for_it() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Curve, |options| options).await?;
        let clear = || broken(Misbehaved::ClearFrame, "CURVE-09");
        for (what, octets, fault) in [
            ("a message in clear text", frame(0, b"clear text"), clear()),
            ("a PING in clear text", command("PING", b"\0\0"), clear()),
            (
                "a MESSAGE that is too short",
                frame(0, b"\x07MESSAGE\0\0\0\0\0\0\0\x09short"),
                broken(Malformed::CommandSize("MESSAGE"), "CURVEZMQ-38"),
            ),
        ] {
            let mut driven = house.established(what).await;
            driven.raw.write(&octets).await;
            driven.raw.closes_within(what, AT_ONCE).await;
            match ended(what, &mut house, &driven.raw).await {
                Disconnect::Protocol(error) => assert_eq!(Fault::from(&error), fault, "{what}"),
                other => panic!("{what}: ended by {other}"),
            }
        }
        // hostile: C6
        let what = "a MESSAGE that comes twice";
        let mut driven = house.established(what).await;
        let octets = driven.encode("question");
        driven.raw.write(&octets.repeat(2)).await;
        driven.raw.closes_within(what, AT_ONCE).await;
        let fault = broken(Misbehaved::NonceNotRising, "CURVEZMQ-41");
        match ended(what, &mut house, &driven.raw).await {
            Disconnect::Protocol(error) => assert_eq!(Fault::from(&error), fault, "{what}"),
            other => panic!("{what}: ended by {other}"),
        }
        let what = "an altered MESSAGE";
        let mut driven = house.established(what).await;
        let mut octets = driven.encode("question");
        *octets.last_mut().expect("octets") ^= 1;
        driven.raw.write(&octets).await;
        driven.raw.closes_within(what, AT_ONCE).await;
        match ended(what, &mut house, &driven.raw).await {
            Disconnect::Protocol(error) => assert_eq!(error.rule().id, "CURVEZMQ-38", "{what}"),
            other => panic!("{what}: ended by {other}"),
        }
        house.check_all_is_well("after all of them").await
    })
}

// ZMTP-FRAME-14
// hostile: R5
#[test]
fn half_a_message_never_reaches_the_application() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let pull = Pull::new(Options::new())?;
        let router = Router::new(Options::new())?;
        let (at_pull, at_router) =
            (pull.bind("tcp://127.0.0.1:*").await?, router.bind("tcp://127.0.0.1:*").await?);
        let whole = [frame(1, b""), frame(1, b"first"), frame(0, &[b'x'; 300])].concat();
        for cut in 1..whole.len() {
            for (endpoint, kind) in
                [(&at_pull, "PUSH"), (&at_router, "DEALER"), (&house.endpoint, "REQ")]
            {
                let mut raw = Raw::connect(endpoint).await;
                raw.shake_hands_null(kind).await;
                raw.write(&whole[..cut]).await;
                raw.finish().await;
                raw.read_to_end().await;
            }
        }
        // What comes next is whole, and from somebody else.
        for (endpoint, kind) in [(&at_pull, "PUSH"), (&at_router, "DEALER")] {
            let mut raw = Raw::connect(endpoint).await;
            raw.shake_hands_null(kind).await;
            raw.write(&frame(0, b"whole")).await;
            let message = match kind {
                "PUSH" => rt::in_time("a message", pull.recv()).await?,
                _ => rt::in_time("a message", router.recv()).await?,
            };
            assert_eq!(message.parts().next_back().map(|it| &it[..]), Some(&b"whole"[..]));
        }
        house.check_all_is_well("afterwards").await
    })
}

// hostile: R7
#[test]
fn pings_without_end_whose_answers_nobody_reads_are_ended() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let mut driven = house.established("a flood").await;
        let pings = command("PING", b"\0\0sixteen octets!!").repeat(1000);
        let flood = async { while driven.raw.try_write(&pings).await.is_ok() {} };
        rt::in_time("the end of the flood", flood).await;
        match ended("a flood", &mut house, &driven.raw).await {
            Disconnect::Protocol(error) => assert_eq!(error.kind, Misbehaved::PingFlood.into()),
            other => panic!("ended by {other}"),
        }
        house.check_all_is_well("afterwards").await
    })
}

/// A slow tail of a large frame costs no more than its octets.
// ZMTP-FRAME-13
// hostile: R4
#[test]
fn a_large_frame_in_small_pieces_is_linear_work() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
        let mut raw = Raw::connect(&endpoint).await;
        raw.shake_hands_null("PUSH").await;
        const SIZE: usize = 16 * 1024 * 1024;
        const TAIL: usize = 4096;
        raw.write(&long_header(0, SIZE as u64)).await;
        raw.write(&vec![7; SIZE - TAIL]).await;
        let tail = async {
            for _ in 0..TAIL {
                raw.write(&[7]).await;
            }
            rt::in_time("the message", pull.recv()).await
        };
        let message = rt::takes_less("the tail", Duration::from_secs(10), tail).await?;
        assert_eq!(message.first().len(), SIZE);
        Ok(())
    })
}
