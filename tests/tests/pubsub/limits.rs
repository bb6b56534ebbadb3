//! What a subscriber may ask for (PUBSUB-WIRE-13).

use ironhouse::{Disconnect, Hub, Limits, Options, Pub, Sub, XPub};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, octets, rt};
use zmtp_core::error::{Misbehaved, Stage};

use crate::knows;

const LIMIT: usize = 20;

fn limits(subscriptions: usize, octets: usize) -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.max_subscriptions = subscriptions;
    limits.max_subscription_octets = octets;
    limits
}

fn too_many() -> Fault {
    Fault::peer(Stage::Traffic, Misbehaved::TooManySubscriptions, "PUBSUB-WIRE-13")
}

fn is_too_many(cause: &Disconnect) -> bool {
    matches!(cause, Disconnect::Protocol(error) if Fault::from(error) == too_many())
}

/// Each connection subscribes to so many prefixes of ten octets; whether it may stay.
#[test]
fn the_limits_are_exact() -> Done {
    rt::run(async {
        for (what, limits) in
            [("count", limits(LIMIT, 1 << 20)), ("octets", limits(1 << 20, LIMIT * 10))]
        {
            for form in ["command", "message"] {
                for (count, stays) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false)] {
                    let what = format!("{what}, {form}, {count}");
                    let publisher = Pub::new(Options::new().limits(limits.clone()))?;
                    let mut monitor = publisher.monitor();
                    let endpoint = publisher.bind(ANYWHERE).await?;
                    let mut raw = Raw::connect(&endpoint).await;
                    raw.shake_hands_null("SUB").await;
                    for number in 0..count {
                        let prefix = format!("{number:010}");
                        // Twice: a repetition costs nothing.
                        for _ in 0..2 {
                            raw.write(&subscription(form, &prefix)).await;
                        }
                    }
                    if stays {
                        knows(&publisher, count).await;
                        publisher.send("0000000000").await?;
                        raw.read_to(raw.seen.len() + 12).await;
                    } else {
                        let cause = watch::disconnected(&what, &mut monitor).await;
                        assert!(is_too_many(&cause), "{what}: {cause}");
                        raw.read_to_end().await;
                        knows(&publisher, 0).await;
                    }
                }
            }
        }
        Ok(())
    })
}

fn subscription(form: &str, prefix: &str) -> Vec<u8> {
    match form {
        "command" => octets::command("SUBSCRIBE", prefix.as_bytes()),
        _ => octets::frame(0, &[b"\x01", prefix.as_bytes()].concat()),
    }
}

/// What is cancelled makes room.
#[test]
fn a_cancellation_makes_room() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new().limits(limits(2, 1 << 20)))?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let sub = Sub::new(Options::new())?;
        sub.connect(&endpoint)?.ready().await?;
        sub.subscribe("stays");
        for number in 0..100 {
            sub.subscribe(number.to_string());
            sub.unsubscribe(number.to_string());
        }
        sub.subscribe("last");
        rt::until("the last one", || publisher.try_send("last").is_ok() && sub.try_recv().is_ok())
            .await;
        assert_eq!(publisher.subscriptions(), 2);
        Ok(())
    })
}

#[test]
fn one_that_asks_for_too_much_does_not_disturb_others() -> Done {
    rt::run(async {
        let publisher = XPub::new(Options::new().xpub_manual(true).limits(limits(3, 1 << 20)))?;
        let mut monitor = publisher.monitor();
        let endpoint = publisher.bind(ANYWHERE).await?;
        let good = Sub::new(Options::new())?;
        good.connect(&endpoint)?.ready().await?;
        good.subscribe("good");
        let request = rt::in_time("a request", publisher.recv()).await?;
        publisher.grant(request.peer().ok_or("nobody")?, "good")?;
        let bad = Sub::new(Options::new())?;
        for number in 0..4 {
            bad.subscribe(number.to_string());
        }
        bad.connect(&endpoint)?;
        let cause = watch::disconnected("asking too much", &mut monitor).await;
        assert!(is_too_many(&cause), "{cause}");
        publisher.send("good").await?;
        assert_eq!(rt::in_time("the good one", good.recv()).await?.first(), "good");
        Ok(())
    })
}

#[test]
fn the_limits_hold_within_the_process() -> Done {
    rt::run(async {
        for publisher_binds in [true, false] {
            let hub = Hub::new();
            let publisher = Pub::new(Options::new().hub(hub.clone()).limits(limits(2, 1 << 20)))?;
            let mut monitor = publisher.monitor();
            let sub = Sub::new(Options::new().hub(hub))?;
            let mut their_monitor = sub.monitor();
            if publisher_binds {
                publisher.bind("inproc://limits").await?;
                sub.connect("inproc://limits")?.ready().await?;
            } else {
                sub.bind("inproc://limits").await?;
                publisher.connect("inproc://limits")?.ready().await?;
            }
            sub.subscribe("1");
            sub.subscribe("2");
            knows(&publisher, 2).await;
            sub.subscribe("3");
            let cause = watch::disconnected("too much", &mut monitor).await;
            assert!(is_too_many(&cause), "{cause}");
            let cause = watch::disconnected("too much", &mut their_monitor).await;
            assert_eq!(cause, Disconnect::PeerClosed, "the other side is told nothing");
        }
        Ok(())
    })
}
