//! Nothing is left of a peer that was refused, put out or gone.

use std::time::Duration;

use ironhouse::{Dealer, Limits, Options, Pull, Reconnect};
use ironhouse_tests::driven::Outcome;
use ironhouse_tests::level::{Level, alone};
use ironhouse_tests::mechanisms::{KINDS, Kind};
use ironhouse_tests::octets::{frame, greeting, long_header, ready};
use ironhouse_tests::raw::{Raw, RawListener};
use ironhouse_tests::{Done, rt};

use crate::house::House;
use crate::knocks::{breaches, knocks};

/// The three checks.
async fn is_as_before(what: &str, house: &mut House, level: Level) -> Done {
    house.check_all_is_well(what).await?;
    house.events = house.monitor();
    level.is_back(what).await;
    Ok(())
}

/// A house in which everything that is made once was made.
async fn warm(kind: Kind) -> ironhouse_tests::Fallible<(House, Level)> {
    let mut house = House::build(kind, |options| options).await?;
    for _ in 0..3 {
        let mut raw = house.raw().await;
        raw.write(b"nonsense").await;
        raw.read_to_end().await;
        raw.finish().await;
        house.turned_away("nonsense", &raw).await;
        house.check_all_is_well("before").await?;
        house.events = house.monitor();
    }
    Ok((house, Level::now()))
}

// hostile: G1, G3, G4, G5, G7, F1, F2, F3, F4, F5, F6, M1, M2, M4, M5, M6, P1, C1
#[test]
fn strangers_that_are_turned_away_leave_nothing_behind() -> Done {
    for kind in KINDS {
        alone(async {
            // Made before memory is looked at: one of them is large.
            let knocks = knocks(kind);
            let (mut house, level) = warm(kind).await?;
            for knock in &knocks {
                let what = format!("{} at a {} listener", knock.name, kind.name());
                for _ in 0..3 {
                    let mut raw = house.raw().await;
                    raw.write(&knock.octets).await;
                    raw.read_to_end().await;
                    raw.finish().await;
                    assert_eq!(house.turned_away(&what, &raw).await, knock.fault, "{what}");
                }
                is_as_before(&what, &mut house, level).await?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

// hostile: F1, R3, R7, V5, CVE-2019-6250
#[test]
fn peers_that_break_a_rule_leave_nothing_behind() -> Done {
    alone(async {
        let breaches = breaches();
        let (mut house, level) = warm(Kind::Null).await?;
        for breach in &breaches {
            for _ in 0..3 {
                let mut raw = house.raw().await;
                raw.shake_hands_null("REQ").await;
                raw.write(&breach.octets).await;
                raw.read_to_end().await;
            }
            is_as_before(&breach.name, &mut house, level).await?;
        }
        Ok(())
    })
}

// hostile: F8, R5, V6
#[test]
fn peers_that_leave_at_any_moment_leave_nothing_behind() -> Done {
    for kind in KINDS {
        alone(async {
            let (mut house, level) = warm(kind).await?;
            for budget in [0, 1, 9, 10, 11, 63, 64, 65, 80, 100, 200, 270, 400, 600] {
                let what = format!("{budget} octets of {} and an end", kind.name());
                for _ in 0..3 {
                    let mut driven = house.driven().await;
                    if budget > 0 {
                        driven.shake_hands(usize::MAX, budget).await;
                    }
                    driven.raw.finish().await;
                    driven.raw.read_to_end().await;
                }
                is_as_before(&what, &mut house, level).await?;
            }
            for octets in [frame(1, b"half"), long_header(0, 1 << 20), long_header(1, 9)] {
                let mut driven = house.driven().await;
                let outcome = driven.shake_hands(usize::MAX, usize::MAX).await;
                assert_eq!(outcome, Outcome::Established);
                driven.raw.write(&octets).await;
                driven.raw.finish().await;
                driven.raw.read_to_end().await;
                is_as_before("half a frame and an end", &mut house, level).await?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A server that begins a message and leaves, again and again, at one client that comes back.
// CVE-2021-20234
#[test]
fn halves_of_messages_do_not_add_up() -> Done {
    alone(async {
        let soon = Duration::from_millis(1);
        let reconnect = Reconnect { interval: soon, max_interval: soon };
        let dealer = Dealer::new(Options::new().reconnect(reconnect))?;
        let stranger = RawListener::bind().await;
        dealer.connect(stranger.endpoint())?;
        let good = Dealer::new(Options::new())?;
        dealer.connect(good.bind("tcp://127.0.0.1:*").await?)?.ready().await?;
        let half = [greeting("NULL"), ready("DEALER"), frame(1, b"a")].concat();
        let mut level = Level::now();
        for round in 0..1000 {
            let mut raw = stranger.accept().await;
            raw.write(&half).await;
            raw.read_command("READY").await;
            raw.finish().await;
            if round == 100 {
                level = Level::now();
            }
        }
        level.is_back("900 halves of messages").await;
        good.send("whole").await?;
        let message = rt::in_time("the good one", dealer.recv()).await?;
        assert_eq!((message.len(), message.first()), (1, &"whole".into()));
        Ok(())
    })
}

/// What is announced costs nothing, what arrives costs what it is.
// hostile: V13
#[test]
fn a_hundred_announcements_of_a_gigabyte_cost_nothing() -> Done {
    alone(async {
        let mut limits = Limits::DEFAULT;
        limits.max_message = 2 << 30;
        let pull = Pull::new(Options::new().limits(limits))?;
        let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
        let mut peers = Vec::new();
        for _ in 0..100 {
            let mut raw = Raw::connect(&endpoint).await;
            raw.shake_hands_null("PUSH").await;
            peers.push(raw);
        }
        let level = Level::now();
        for raw in &mut peers {
            raw.write(&[&long_header(0, 1 << 30)[..], b"x"].concat()).await;
        }
        // They are heard when the one behind them is.
        let mut good = Raw::connect(&endpoint).await;
        good.shake_hands_null("PUSH").await;
        good.write(&frame(0, b"good")).await;
        assert_eq!(rt::in_time("the good one", pull.recv()).await?.first(), "good");
        for raw in &mut peers {
            raw.write(&[b'x'; 1000]).await;
        }
        good.write(&frame(0, b"still good")).await;
        assert_eq!(rt::in_time("the good one", pull.recv()).await?.first(), "still good");
        // Room for the next read, which is bounded, and not for what was announced.
        let grown = level.grown();
        assert!(grown < 100 * 256 * 1024, "100 GiB announced, 100 kB sent: {grown} octets more");
        Ok(())
    })
}
