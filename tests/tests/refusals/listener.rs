//! Strangers at our listeners.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ironhouse_tests::driven::Outcome;
use ironhouse_tests::mechanisms::{KINDS, Kind};
use ironhouse_tests::octets::{
    command, frame, greeting, long_header, plain_hello, property, ready, server_greeting,
};
use ironhouse_tests::watch::Fault;
use ironhouse_tests::{Done, rt};
use zmtp_core::error::{Kind as Cause, LocalFault, Stage};

use crate::house::{AT_ONCE, DEADLINE, House, deadline};
use crate::knocks::{Knock, altered, first_stage, knocks};

// ZMTP-GREETING-02, ZMTP-GREETING-08, ZMTP-GREETING-09, ZMTP-GREETING-14, ZMTP-GREETING-18, ZMTP-
// GREETING-19, ZMTP-VERSION-05, ZMTP-VERSION-11, ZMTP-SEC-01, ZMTP-SEC-02, ZMTP-SEC-07, ZMTP-
// MECH-01, ZMTP-MECH-02, ZMTP-MECH-07, ZMTP-CMD-03, ZMTP-CMD-04, ZMTP-CMD-08, ZMTP-CMD-10, ZMTP-
// FRAME-04, ZMTP-FRAME-07, ZMTP-FRAME-12, ZMTP-FRAME-15, ZMTP-META-02, ZMTP-META-06, ZMTP-META-07,
// ZMTP-META-11, ZMTP-IDENTITY-03, ZMTP-IDENTITY-04, ZMTP-SOCKTYPE-03, ZMTP-SOCKTYPE-04, NULL-06,
// NULL-11, PLAIN-15, PLAIN-16, CURVEZMQ-09, CURVEZMQ-49
#[test]
fn strangers_that_speak_otherwise_are_turned_away_at_once_and_disturb_nobody() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            for Knock { name, octets, fault } in knocks(*kind) {
                let what = format!("{name} at a {} listener", kind.name());
                let mut raw = house.raw().await;
                raw.write(&octets).await;
                raw.closes_within(&what, AT_ONCE).await;
                raw.finish().await;
                assert_eq!(house.turned_away(&what, &raw).await, fault, "{what}");
            }
            house.check_all_is_well(kind.name()).await
        })
    })
}

/// The same with each octet in a segment of its own: the same end, and not later.
// ZMTP-GREETING-16, ZMTP-FRAME-13
#[test]
fn strangers_that_speak_octet_by_octet_are_turned_away_for_the_same_reasons() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            for Knock { name, octets, fault } in knocks(*kind) {
                let what = format!("{name}, octet by octet, at a {} listener", kind.name());
                let mut raw = house.raw().await;
                for octet in octets.iter().take(400) {
                    if raw.try_write(&[*octet]).await.is_err() {
                        break;
                    }
                }
                if octets.len() > 400 {
                    raw.write(&octets[400..]).await;
                }
                raw.closes_within(&what, AT_ONCE).await;
                raw.finish().await;
                assert_eq!(house.turned_away(&what, &raw).await, fault, "{what}");
            }
            house.check_all_is_well(kind.name()).await
        })
    })
}

/// How far silence of a stranger goes before it is noticed.
fn silences(kind: Kind) -> Vec<(String, Vec<u8>, Stage)> {
    let greeting = greeting(kind.name());
    let mut silences: Vec<_> = [0, 1, 9, 10, 11, 12, 32, 33, 63]
        .map(|count| {
            // Who has sent a signature speaks ZMTP; which mechanism is open.
            let stage = if count < 10 { Stage::Greeting } else { Stage::Mechanism };
            (format!("{count} octets"), greeting[..count].to_vec(), stage)
        })
        .into();
    silences.push(("a greeting".to_owned(), greeting.clone(), first_stage(kind)));
    let half = [&greeting[..], &command("READY", &[0; 50])[..9]].concat();
    silences.push(("a greeting and half a command".to_owned(), half, first_stage(kind)));
    if kind == Kind::Plain {
        let hello = [greeting, plain_hello("u", "p")].concat();
        silences.push(("a greeting and HELLO".to_owned(), hello, Stage::Initiate));
    }
    silences
}

// ZMTP-SEC-05, ZMTP-GREETING-20
// hostile: G9
#[test]
fn silence_is_ended_by_one_deadline_however_far_the_stranger_came() -> Done {
    let tries: Vec<_> = KINDS
        .into_iter()
        .flat_map(|kind| silences(kind).into_iter().map(move |it| (kind, it)))
        .collect();
    rt::all_at_once(&tries, |(kind, (name, octets, stage))| {
        let what = format!("{name}, then silence, at a {} listener", kind.name());
        rt::run(async {
            let mut house =
                House::build(*kind, |options| options.limits(deadline(DEADLINE))).await?;
            let mut raw = house.raw().await;
            let begin = Instant::now();
            raw.write(octets).await;
            raw.closes_within(&what, DEADLINE * 4).await;
            // A little tolerance: the stranger's clock starts a moment later.
            assert!(begin.elapsed() > DEADLINE * 9 / 10, "{what}: {:?}", begin.elapsed());
            let fault = Fault::peer(*stage, Cause::TimedOut, "ZMTP-SEC-05");
            assert_eq!(house.turned_away(&what, &raw).await, fault, "{what}");
            house.check_all_is_well(&what).await
        })
    })
}

// ZMTP-SEC-05
// hostile: G9
#[test]
fn dribbling_does_not_extend_the_deadline() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        let what = format!("dribbling at a {} listener", kind.name());
        rt::run(async {
            let mut house =
                House::build(*kind, |options| options.limits(deadline(DEADLINE))).await?;
            let mut raw = house.raw().await;
            let octets = greeting(kind.name());
            let dribble = async {
                for octet in octets.iter().cycle() {
                    if raw.try_write(&[*octet]).await.is_err() {
                        return;
                    }
                    // The pause is what is tested.
                    tokio::time::sleep(DEADLINE / 20).await;
                }
            };
            rt::takes_less(&what, DEADLINE * 4, dribble).await;
            let fault = house.turned_away(&what, &raw).await;
            assert_eq!(fault.kind, Cause::TimedOut, "{what}: {fault:?}");
            house.check_all_is_well(&what).await
        })
    })
}

// ZMTP-GREETING-04, ZMTP-GREETING-11, ZMTP-VERSION-02, ZMTP-VERSION-03, ZMTP-MECH-06, ZMTP-
// FRAME-09, ZMTP-META-04
// hostile: G8
#[test]
fn oddities_that_are_legal_are_let_in() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let mut version_4 = altered("NULL", 10, 4);
        version_4[33..].fill(0xAA);
        let mut padding = greeting("NULL");
        padding[1..9].fill(0xEE);
        let body = ready("REQ").split_off(2);
        let long_form = [long_header(4, body.len() as u64), body].concat();
        for (what, greeting, ready) in [
            ("version 4 and filler", version_4, ready("REQ")),
            ("padding", padding, ready("REQ")),
            // hostile: G6
            ("as-server under NULL", server_greeting("NULL"), ready("REQ")),
            // hostile: F7
            ("a long form of a short command", greeting("NULL"), long_form),
            // hostile: M3
            (
                "names of properties in other case",
                greeting("NULL"),
                command("READY", &property("sOCKET-tYPE", b"REQ")),
            ),
        ] {
            let mut raw = house.raw().await;
            raw.write(&greeting).await;
            raw.write(&ready).await;
            raw.read_command("READY").await;
            raw.write(&[frame(1, b""), frame(0, b"hello")].concat()).await;
            raw.read_until(what, |seen| seen.ends_with(b"\x01\x00\x00\x05hello")).await;
        }
        house.check_all_is_well("oddities").await
    })
}

// NULL-08, ZMTP-GREETING-16
#[test]
fn a_message_in_one_segment_with_ready_is_not_lost() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let message = [frame(1, b""), frame(0, b"hello")].concat();
        for _ in 0..20 {
            let mut raw = house.raw().await;
            raw.write(&greeting("NULL")).await;
            raw.read_command("READY").await;
            raw.write(&[ready("REQ"), message.clone()].concat()).await;
            raw.read_until("the echo", |seen| seen.ends_with(&message)).await;
        }
        house.check_all_is_well("afterwards").await
    })
}

/// Octets that a proper client writes until READY arrives.
async fn length_of_handshake(house: &House) -> usize {
    let mut most = 1;
    // Doubling, then halving the step: a handshake that was cut is over quickly.
    let mut step = 1 << 12;
    while step > 0 {
        let mut driven = house.driven().await;
        if driven.shake_hands(usize::MAX, most + step).await == Outcome::Spent {
            most += step;
        }
        step /= 2;
    }
    most
}

// ZMTP-GREETING-20, ZMTP-FRAME-14
// hostile: F8
#[test]
fn closing_at_any_octet_of_the_handshake_frees_everything() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            let length = length_of_handshake(&house).await;
            assert!(length > 64, "{}: {length}", kind.name());
            house.check_all_is_well(kind.name()).await?;
            let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
            let before = alive();
            let mut last = Stage::Greeting;
            for cut in 1..length {
                let what = format!("{cut} octets of {} and an end", kind.name());
                house.events = house.monitor();
                let mut driven = house.driven().await;
                assert_eq!(driven.shake_hands(usize::MAX, cut).await, Outcome::Spent, "{what}");
                driven.raw.finish().await;
                let fault = house.turned_away(&what, &driven.raw).await;
                assert_eq!(fault.kind, Cause::PeerClosed, "{what}: {fault:?}");
                assert_eq!(fault.rule, "ZMTP-ERROR-05", "{what}");
                assert!(fault.stage >= last, "{what}: back to {} from {last}", fault.stage);
                last = fault.stage;
            }
            rt::until("all tasks to end", || alive() <= before).await;
            house.check_all_is_well(kind.name()).await
        })
    })
}

// ZMTP-GREETING-15, ZMTP-GREETING-16, ZMTP-FRAME-13
#[test]
fn a_handshake_octet_by_octet_succeeds() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            let mut driven = house.driven().await;
            let outcome = driven.shake_hands(1, usize::MAX).await;
            assert_eq!(outcome, Outcome::Established, "{}", kind.name());
            house.check_all_is_well(kind.name()).await
        })
    })
}

// ZMTP-SEC-04
// hostile: R1
#[test]
fn silent_strangers_make_room_for_an_honest_newcomer() -> Done {
    const PLACES: usize = 8;
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            // Longer than the test: only eviction can make room.
            let limits = deadline(Duration::from_secs(120));
            let mut house =
                House::build(*kind, |options| options.limits(limits).max_half_open(PLACES)).await?;
            let mut strangers = Vec::new();
            for number in 0..PLACES + 12 {
                let mut stranger = house.raw().await;
                // It was accepted: our greeting is there.
                stranger.read_to(64).await;
                strangers.push((number, stranger));
            }
            // The oldest have left, each for the one reason.
            let mut evicted = BTreeSet::new();
            for (number, stranger) in &mut strangers[..12] {
                let what = format!("stranger {number}, one of the oldest");
                stranger.closes_within(&what, AT_ONCE).await;
                evicted.insert(stranger.address().to_string());
            }
            while !evicted.is_empty() {
                let (address, fault) = house.turns_away("the oldest").await;
                let expected = Fault::local(Stage::Greeting, LocalFault::Evicted, "ZMTP-SEC-04");
                assert_eq!(fault, expected);
                assert!(evicted.remove(&address), "{address} was evicted twice or too early");
            }
            rt::takes_less("the newcomer", AT_ONCE, house.check_all_is_well(kind.name())).await?;
            let (_, youngest) = strangers.last_mut().expect("one stays");
            rt::never("the youngest is closed", Duration::from_millis(100), youngest.read_some())
                .await;
            Ok(())
        })
    })
}
