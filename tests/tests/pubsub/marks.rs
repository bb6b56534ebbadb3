//! Subscribers that do not keep up.

use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Endpoint, Hub, Options, Pub, Sub, XPub, XSub};
use ironhouse_tests::octets;
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, Fallible, rt};

use crate::{QUIET, knows};

/// Big enough to fill the buffers of the system soon.
const BODY: usize = 64 * 1024;

/// A subscriber to everything that speaks octets, and reads only when told to.
async fn lazy(publisher: &Pub, endpoint: &Endpoint) -> Raw {
    let mut raw = Raw::connect(endpoint).await;
    raw.shake_hands_null("SUB").await;
    raw.write(&octets::command("SUBSCRIBE", b"")).await;
    knows(publisher, 1).await;
    raw
}

// PUBSUB-PUB-02, PUBSUB-PUB-05
#[test]
fn messages_for_one_that_is_full_are_dropped_whole_and_counted() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new().send_high_water_mark(10))?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut raw = lazy(&publisher, &endpoint).await;
        let begin = raw.seen.len();
        let mut sent = 0_u32;
        while publisher.dropped() < 100 {
            let message = parts([&sent.to_be_bytes()[..], &vec![7; BODY]]);
            rt::in_time("send not to wait", publisher.send(message)).await?;
            sent += 1;
        }
        let got = usize::try_from(u64::from(sent) - publisher.dropped())?;
        // It reads again: all that was not dropped is there, whole and in order, without anything else.
        raw.read_to(begin + got * (2 + 4 + 9 + BODY)).await;
        let frames = octets::frames(&raw.seen[begin..]);
        let mut last = None;
        for message in frames.chunks(2) {
            let [(1, number), (2, body)] = message else { panic!("a broken message") };
            assert!(Some(number) > last, "{number:?} behind {last:?}");
            assert_eq!(body.len(), BODY);
            last = Some(number);
        }
        assert_eq!(frames.len(), got * 2);
        // It has caught up, so it gets what comes next.
        rt::in_time("something new", async {
            let more = raw.seen.len() + 1;
            loop {
                publisher.send("again").await?;
                if tokio::time::timeout(QUIET, raw.read_to(more)).await.is_ok() {
                    return Fallible::Ok(());
                }
            }
        })
        .await?;
        Ok(())
    })
}

/// Both marks count within the process, and a subscriber gets nothing until it has caught up by half.
#[test]
fn a_full_one_gets_nothing_until_half_is_free() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let publisher = Pub::new(Options::new().hub(hub.clone()).send_high_water_mark(10))?;
        publisher.bind("inproc://marks").await?;
        let options = Options::new().hub(hub).receive_high_water_mark(10);
        let sub = Sub::new(options)?;
        sub.subscribe("");
        sub.connect("inproc://marks")?.ready().await?;
        knows(&publisher, 1).await;
        for number in 0..30_u8 {
            publisher.send(&[number]).await?;
        }
        assert_eq!(publisher.dropped(), 10);
        for number in 0..20_u8 {
            assert_eq!(*sub.try_recv()?.first(), [number]);
        }
        assert_eq!(sub.try_recv(), Err(RecvError::WouldBlock));
        publisher.send("caught up").await?;
        assert_eq!(rt::in_time("the next", sub.recv()).await?.first(), "caught up");
        assert_eq!(publisher.dropped(), 10);
        Ok(())
    })
}

#[test]
fn a_slow_one_does_not_slow_others_down() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new().send_high_water_mark(100))?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let _lazy = lazy(&publisher, &endpoint).await;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("number");
        sub.connect(&endpoint)?.ready().await?;
        knows(&publisher, 2).await;
        let body = vec![0; 8 * 1024];
        for number in 0..2_000_u32 {
            publisher.send(parts([&b"number"[..], &number.to_be_bytes(), &body])).await?;
            let message = rt::in_time("the same number", sub.recv()).await?;
            assert!(message.get(1).is_some_and(|part| *part == number.to_be_bytes()));
        }
        assert!(publisher.dropped() > 0, "the lazy one lost something");
        Ok(())
    })
}

#[test]
fn without_dropping_a_full_one_stops_all() -> Done {
    rt::run(async {
        let options = Options::new().xpub_nodrop(true).send_high_water_mark(10);
        let publisher = Pub::new(options)?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut raw = lazy(&publisher, &endpoint).await;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("both");
        sub.subscribe("only this one");
        sub.connect(&endpoint)?.ready().await?;
        knows(&publisher, 3).await;
        let body = vec![0; BODY];
        let mut sent = 0;
        while publisher.try_send(parts([&b"both"[..], &body])).is_ok() {
            sent += 1;
            rt::in_time("the one that reads", sub.recv()).await?;
        }
        assert_eq!(publisher.try_send("both"), Err(SendError::WouldBlock));
        assert_eq!(sub.try_recv(), Err(RecvError::WouldBlock), "nobody gets it");
        rt::never("a message that fits nowhere", QUIET, publisher.send("both")).await;

        let waiting = async { publisher.send("both, at last").await };
        let reading = raw.read_to(64 + sent * BODY);
        let (waited, _) = tokio::join!(rt::in_time("room", waiting), reading);
        waited?;
        assert_eq!(rt::in_time("it", sub.recv()).await?.first(), "both, at last");
        assert_eq!(publisher.dropped(), 0);
        Ok(())
    })
}

/// One that leaves is not waited for.
#[test]
fn without_dropping_one_that_leaves_frees_all() -> Done {
    rt::run(async {
        let options = Options::new().xpub_nodrop(true).send_high_water_mark(10);
        let publisher = Pub::new(options)?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let raw = lazy(&publisher, &endpoint).await;
        let body = vec![0; BODY];
        while publisher.try_send(&body[..]).is_ok() {}
        let waiting = tokio::spawn(async move { publisher.send("").await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(raw);
        rt::in_time("the end of the wait", waiting).await??;
        Ok(())
    })
}

// PUBSUB-XSUB-01
#[test]
fn an_xsub_drops_what_a_full_publisher_does_not_take() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let options = || Options::new().hub(hub.clone());
        // Nobody reads from this one.
        let xpub = XPub::new(options().receive_high_water_mark(7))?;
        xpub.bind("inproc://upstream").await?;
        let xsub = XSub::new(options().send_high_water_mark(5))?;
        xsub.connect("inproc://upstream")?.ready().await?;
        rt::until("the connection", || xsub.try_send("hello").is_ok() && xpub.try_recv().is_ok())
            .await;
        while xpub.try_recv().is_ok() {}
        for number in 0..20_u8 {
            xsub.send(&[2, number]).await?;
        }
        assert_eq!(xsub.dropped(), 8, "both marks count");
        // Subscriptions pass all the same.
        xsub.send("\u{1}A").await?;
        knows(&xpub, 1).await;
        for number in 0..12_u8 {
            assert_eq!(*rt::in_time("a message", xpub.recv()).await?.first(), [2, number]);
        }
        assert_eq!(crate::told(&xpub).await?, b"\x01A");
        xsub.send("there is room").await?;
        assert_eq!(rt::in_time("it", xpub.recv()).await?.first(), "there is room");
        Ok(())
    })
}

/// A loop that only sends leaves a single thread enough time to write what is sent.
#[test]
fn a_tight_loop_lets_connections_work_on_a_single_thread() -> Done {
    rt::run_on_one_thread(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("");
        sub.connect(&endpoint)?.ready().await?;
        knows(&publisher, 1).await;
        let reader = tokio::spawn(async move {
            let mut count = 0_u64;
            while *sub.recv().await?.first() != *"end" {
                count += 1;
            }
            Fallible::Ok(count)
        });
        for number in 0..20_000_u64 {
            publisher.send(&number.to_be_bytes()).await?;
        }
        rt::in_time("the end", async {
            while !reader.is_finished() {
                publisher.send("end").await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Fallible::Ok(())
        })
        .await?;
        let count = reader.await??;
        assert!(count > 15_000, "only {count} of 20,000 arrived");
        assert!(count + publisher.dropped() >= 20_000, "what is lost is counted");
        Ok(())
    })
}
