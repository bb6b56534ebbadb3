//! Subscribers that misbehave, and what memory that costs. A program of its own, in which one test runs
//! after the other, because memory can only be measured for the whole.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ironhouse::{DepartedLimits, Disconnect, Event, Options, Pub, Pull, Sub, XPub};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, octets, rt};
use zmtp_core::error::{Misbehaved, Stage};

/// Runs a test while no other does.
fn alone(test: impl Future<Output = Done>) -> Done {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    rt::run(test)
}

/// Waits until the publisher knows of so many prefixes.
macro_rules! knows {
    ($publisher:expr, $count:expr) => {
        rt::until("subscriptions to arrive", || $publisher.subscriptions() == $count).await
    };
}

/// Octets of memory that this process uses.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

const ALLOWANCE: usize = 48 << 20;

async fn subscriber(endpoint: &ironhouse::Endpoint) -> Raw {
    let mut raw = Raw::connect(endpoint).await;
    raw.shake_hands_null("SUB").await;
    raw
}

// PUBSUB-PUB-01, CVE-2021-20237
#[test]
fn messages_to_a_pub_cost_nothing() -> Done {
    alone(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut raw = subscriber(&endpoint).await;
        let burst = octets::frame(0, b"hello").repeat(10_000);
        raw.write(&burst).await;
        let before = resident();
        for _ in 0..100 {
            raw.write(&burst).await;
        }
        for odd in [&b""[..], b"\x02", b"\x00", b"\x01"] {
            raw.write(&octets::frame(0, odd)).await;
        }
        raw.write(&octets::frame(1, b"\x01many")).await;
        raw.write(&octets::frame(0, b"parts")).await;
        knows!(publisher, 1);
        let grown = resident().saturating_sub(before);
        assert!(grown < ALLOWANCE, "a million messages left {grown} octets behind");
        publisher.send("still there").await?;
        raw.read_to(raw.seen.len() + 13).await;
        Ok(())
    })
}

// CVE-2021-20237
#[test]
fn an_xpub_that_never_reads_holds_up_who_sends_messages() -> Done {
    alone(async {
        let xpub = XPub::new(Options::new().receive_high_water_mark(100))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let mut raw = subscriber(&endpoint).await;
        let burst = octets::frame(0, &[7; 1000]).repeat(100);
        let before = resident();
        let mut bursts = 0;
        // 1,000 MB would be there if it took them all.
        while bursts < 10_000 {
            let written = raw.try_write(&burst);
            if tokio::time::timeout(Duration::from_millis(500), written).await.is_err() {
                break;
            }
            bursts += 1;
        }
        assert!(bursts < 10_000, "nobody reads, and everything is taken");
        let grown = resident().saturating_sub(before);
        assert!(grown < ALLOWANCE, "{grown} octets for one peer");
        // Others are served, and it goes on when the application does.
        let sub = Sub::new(Options::new())?;
        sub.subscribe("good");
        sub.connect(&endpoint)?.ready().await?;
        knows!(xpub, 1);
        xpub.send("good").await?;
        assert_eq!(rt::in_time("the good one", sub.recv()).await?.first(), "good");
        for _ in 0..200 {
            rt::in_time("what was held up", xpub.recv()).await?;
        }
        Ok(())
    })
}

// CVE-2021-20237: subscriptions hold nobody up and cost nothing either.
#[test]
fn an_xpub_that_never_reads_is_not_filled_by_coming_and_going() -> Done {
    alone(async {
        let xpub = XPub::new(Options::new())?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let mut raw = subscriber(&endpoint).await;
        let long = vec![b'x'; 10_000];
        let turn = [octets::command("SUBSCRIBE", &long), octets::command("CANCEL", &long)].concat();
        let burst = turn.repeat(50);
        let before = resident();
        for _ in 0..500 {
            raw.write(&burst).await;
        }
        raw.write(&octets::command("SUBSCRIBE", b"last")).await;
        knows!(xpub, 1);
        let grown = resident().saturating_sub(before);
        assert!(grown < ALLOWANCE, "25,000 times 10,000 octets left {grown} behind");
        rt::in_time("the last one", async {
            while xpub.recv().await.is_ok_and(|it| *it.first() != *b"\x01last") {}
        })
        .await;
        Ok(())
    })
}

// CVE-2021-20236
#[test]
fn deep_and_long_prefixes_are_no_danger() -> Done {
    alone(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut raw = subscriber(&endpoint).await;
        // With its name in front the command is just within the limit.
        let longest = vec![b'a'; (1 << 20) - 16];
        for _ in 0..3 {
            raw.write(&octets::command("SUBSCRIBE", &longest)).await;
            knows!(publisher, 1);
            raw.write(&octets::command("CANCEL", &longest)).await;
            knows!(publisher, 0);
        }
        raw.write(&octets::command("SUBSCRIBE", &longest)).await;
        for length in 0..5_000 {
            raw.write(&octets::command("SUBSCRIBE", &longest[..length])).await;
        }
        knows!(publisher, 5_001);
        publisher.send(&longest[..5_000]).await?;
        raw.read_to(raw.seen.len() + 5_009).await;
        drop(raw);
        knows!(publisher, 0);
        Ok(())
    })
}

// PUBSUB-WIRE-13
// hostile: R6
#[test]
fn a_million_subscriptions_end_at_the_limit() -> Done {
    alone(async {
        let publisher = Pub::new(Options::new())?;
        let mut monitor = publisher.monitor();
        let endpoint = publisher.bind(ANYWHERE).await?;
        let stays = Sub::new(Options::new())?;
        stays.subscribe("0000001");
        stays.connect(&endpoint)?.ready().await?;
        let mut raw = subscriber(&endpoint).await;
        let before = resident();
        for thousand in 0..1000 {
            let some: Vec<u8> = (0..1000)
                .flat_map(|one| {
                    octets::command("SUBSCRIBE", format!("{thousand:04}{one:03}").as_bytes())
                })
                .collect();
            if raw.try_write(&some).await.is_err() {
                break;
            }
        }
        let cause = watch::disconnected("a million", &mut monitor).await;
        let Disconnect::Protocol(error) = &cause else { panic!("{cause}") };
        let expected =
            Fault::peer(Stage::Traffic, Misbehaved::TooManySubscriptions, "PUBSUB-WIRE-13");
        assert_eq!(Fault::from(error), expected);
        knows!(publisher, 1);
        let grown = resident().saturating_sub(before);
        assert!(grown < ALLOWANCE, "a million subscriptions left {grown} octets behind");
        publisher.send("0000001").await?;
        assert_eq!(rt::in_time("the one that stays", stays.recv()).await?.first(), "0000001");
        Ok(())
    })
}

// PUBSUB-WIRE-13
#[test]
fn what_a_subscriber_held_is_released_when_it_leaves() -> Done {
    alone(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let stays = Sub::new(Options::new())?;
        stays.subscribe("0000001");
        stays.connect(&endpoint)?.ready().await?;
        let all: Vec<u8> = (0..100_000)
            .flat_map(|number| octets::command("SUBSCRIBE", format!("{number:07}").as_bytes()))
            .collect();
        let mut level = 0;
        for round in 0..5 {
            let mut raw = subscriber(&endpoint).await;
            raw.write(&all).await;
            knows!(publisher, 100_000);
            drop(raw);
            knows!(publisher, 1);
            match round {
                0 => level = resident(),
                _ => assert!(resident() < level + ALLOWANCE, "{} after {level}", resident()),
            }
        }
        publisher.send("0000001").await?;
        assert_eq!(rt::in_time("the one that stays", stays.recv()).await?.first(), "0000001");
        Ok(())
    })
}

/// Peers that come, fill their mark and leave cost no more than the bound for all of them. Without it this
/// would be 220 MB.
// hostile: R10
#[test]
fn coming_filling_and_leaving_again_is_bounded() -> Done {
    const VISITS: usize = 60;
    alone(async {
        let limits = DepartedLimits { octets: 7_000_000, ..DepartedLimits::default() };
        let pull = Pull::new(Options::new().departed_limits(limits))?;
        let mut events = pull.monitor();
        let endpoint = pull.bind(ANYWHERE).await?;
        let burst = octets::frame(0, &[7; 4096]).repeat(900);
        let before = resident();
        let mut waiting = Vec::new();
        for visit in 0..VISITS {
            let mut raw = Raw::connect(&endpoint).await;
            raw.shake_hands_null("PUSH").await;
            let writes = async {
                raw.write(&burst).await;
                raw.finish().await;
                raw.read_to_end().await;
            };
            // Two fit. Of the others more is written than is taken, and their connections stay.
            if visit < 2 {
                writes.await;
                if visit == 1 {
                    let full = |event: &Event| matches!(event, Event::BacklogFull { .. });
                    watch::event("full", &mut events, |event| full(event).then_some(())).await;
                }
            } else {
                _ = rt::in_time_or_not(Duration::from_millis(20), writes).await;
                waiting.push(raw);
            }
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < ALLOWANCE, "{grown} octets of {VISITS} visitors");
        drop(waiting);
        for _ in 0..1800 {
            assert_eq!(rt::in_time("what two left", pull.recv()).await?.octets(), 4096);
        }
        pull.close().await;
        Ok(())
    })
}
