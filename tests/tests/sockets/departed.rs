//! What peers wrote that have left before it was received: all of it is received, and there is not without
//! end of it.

use std::time::Duration;

use ironhouse::{
    Dealer, DepartedLimits, Endpoint, Event, Monitor, Options, Pull, Push, Router, XPub,
};
use ironhouse_tests::ours::frames;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, octets, rt, watch};

const QUIET: Duration = Duration::from_millis(150);

fn limits(messages: usize, octets: usize) -> Options {
    Options::new().departed_limits(DepartedLimits { messages, octets })
}

/// Comes, says so many times what it is called, and leaves; waits until that was seen.
async fn visits(endpoint: &Endpoint, events: &mut Monitor, name: &str, times: usize) {
    let mut raw = comes(endpoint, name, times).await;
    raw.finish().await;
    raw.read_to_end().await;
    watch::disconnected(name, events).await;
}

async fn comes(endpoint: &Endpoint, name: &str, times: usize) -> Raw {
    let mut raw = Raw::connect(endpoint).await;
    raw.shake_hands_null("PUSH").await;
    raw.write(&octets::frame(0, name.as_bytes()).repeat(times)).await;
    raw
}

async fn full(events: &mut Monitor) -> (usize, usize) {
    watch::event("a full backlog", events, |event| match event {
        Event::BacklogFull { messages, octets } => Some((*messages, *octets)),
        _ => None,
    })
    .await
}

/// One message below the limit nobody waits; at it and above it, new peers do, and nothing is lost.
// hostile: R10
#[test]
fn new_peers_wait_for_what_others_left_behind() -> Done {
    rt::run(async {
        for left in [99, 100, 101] {
            let what = format!("{left} of 100 messages");
            let pull = Pull::new(limits(100, 0))?;
            let mut events = pull.monitor();
            let endpoint = pull.bind(ANYWHERE).await?;
            let mut known = comes(&endpoint, "known", 1).await;
            assert_eq!(rt::in_time(&what, pull.recv()).await?.first(), "known");
            visits(&endpoint, &mut events, "first", 60).await;
            visits(&endpoint, &mut events, "second", left - 60).await;
            let held_back = left >= 100;
            if held_back {
                assert_eq!(full(&mut events).await.0, left, "{what}");
            }

            let newcomer = comes(&endpoint, "new", 1).await;
            watch::success(&what, &mut events).await;
            tokio::time::sleep(QUIET).await;
            // Who has sent something before is not new.
            known.write(&octets::frame(0, b"known")).await;
            let mut order = Vec::new();
            for _ in 0..left + 2 {
                let message = rt::in_time(&what, pull.recv()).await?;
                order.push(String::from_utf8(message.first().to_vec())?);
            }
            rt::never("more than was sent", Duration::ZERO, pull.recv()).await;
            let count = |name: &str| order.iter().filter(|it| *it == name).count();
            let counts = ["first", "second", "known", "new"].map(count);
            assert_eq!(counts, [60, left - 60, 1, 1], "{what}");
            let turn = order.iter().position(|it| it == "new").ok_or("new")?;
            // In turn with the others, or behind half of what they left.
            assert_eq!(turn >= left - 50, held_back, "{what}: {turn}");
            drop((known, newcomer));
        }
        Ok(())
    })
}

/// Being held back, a peer can be sent to, may subscribe, and gets answers to its PINGs.
#[test]
fn only_messages_are_held_back() -> Done {
    rt::run(async {
        let publisher = XPub::new(limits(10, 0))?;
        let mut events = publisher.monitor();
        let endpoint = publisher.bind(ANYWHERE).await?;
        let hostile = async |count: usize| {
            let mut raw = Raw::connect(&endpoint).await;
            raw.shake_hands_null("SUB").await;
            raw.write(&octets::frame(0, b"no subscription").repeat(count)).await;
            raw.finish().await;
            raw.read_to_end().await;
        };
        hostile(10).await;
        full(&mut events).await;
        let mut raw = Raw::connect(&endpoint).await;
        raw.shake_hands_null("SUB").await;
        raw.write(&octets::command("PING", b"\0\0ping")).await;
        raw.write(&octets::command("SUBSCRIBE", b"topic")).await;
        raw.write(&octets::frame(0, b"\x02upstream")).await;
        raw.read_command("PONG").await;
        rt::in_time("the subscription", async {
            while !octets::frames(&raw.seen[64..]).contains(&(0, b"topic 1".to_vec())) {
                publisher.send("topic 1").await.expect("a send");
                raw.read_some().await;
            }
        })
        .await;
        let mut received = Vec::new();
        for _ in 0..12 {
            received.push(rt::in_time("all", publisher.recv()).await?.first().to_vec());
        }
        assert_eq!(received.iter().filter(|it| *it == b"no subscription").count(), 10);
        assert!(received.contains(&b"\x01topic".to_vec()), "{received:?}");
        assert_eq!(received.last().map(|it| &it[..]), Some(&b"\x02upstream"[..]));
        Ok(())
    })
}

/// The octets of large messages count, and so does a peer with many properties and one message.
#[test]
fn octets_and_properties_count() -> Done {
    rt::run(async {
        for (body, property) in [(40_000, 0), (1, 40_000)] {
            let router = Router::new(limits(0, 200_000))?;
            let mut events = router.monitor();
            let endpoint = router.bind(ANYWHERE).await?;
            let properties =
                [octets::properties("DEALER", ""), octets::property("X-Much", &vec![0; property])];
            for visit in 1..=5 {
                let mut raw = Raw::connect(&endpoint).await;
                raw.write(&octets::greeting("NULL")).await;
                raw.write(&octets::command("READY", &properties.concat())).await;
                raw.read_command("READY").await;
                raw.write(&octets::frame(0, &vec![0; body])).await;
                raw.finish().await;
                raw.read_to_end().await;
                if visit < 5 {
                    watch::disconnected("a visitor", &mut events).await;
                }
            }
            let (messages, octets) = full(&mut events).await;
            assert_eq!(messages, 5);
            assert!((200_000..220_000).contains(&octets), "{octets}");
            for _ in 0..5 {
                let message = rt::in_time("what they left", router.recv()).await?;
                assert_eq!(frames(&message)[1].len(), body);
            }
        }
        Ok(())
    })
}

/// Honest peers that come, say what they have to and leave, many more than fit: each message arrives.
#[test]
fn nothing_is_lost_of_many_who_come_and_go() -> Done {
    const PEERS: usize = 60;
    const EACH: usize = 20;
    rt::run(async {
        let pull = Pull::new(limits(100, 0))?;
        let endpoint = pull.bind(ANYWHERE).await?;
        let visits = async {
            let mut gone = Vec::new();
            for peer in 0..PEERS {
                let push = Push::new(Options::new())?;
                push.connect(&endpoint)?;
                for number in 0..EACH {
                    push.send(format!("{peer} {number}")).await?;
                }
                gone.push(tokio::spawn(push.close()));
            }
            for lost in gone {
                assert_eq!(rt::in_time("a visitor to leave", lost).await?, 0);
            }
            Done::Ok(())
        };
        let receives = async {
            // What comes while nobody looks is what is bounded.
            tokio::time::sleep(QUIET).await;
            let mut next = [0; PEERS];
            for _ in 0..PEERS * EACH {
                let message = rt::in_time("all messages", pull.recv()).await?;
                let text = String::from_utf8(message.first().to_vec())?;
                let (peer, number) = text.split_once(' ').ok_or("two numbers")?;
                let peer: usize = peer.parse()?;
                assert_eq!(number.parse::<usize>()?, next[peer], "in order, none missing");
                next[peer] += 1;
            }
            Done::Ok(())
        };
        let (sent, received) = tokio::join!(visits, receives);
        sent.and(received)
    })
}

/// A peer that says 200 words, of which one is received, and resets the connection; then it is written to.
async fn resets(dealer: &Dealer, endpoint: &Endpoint) -> Done {
    let mut raw = Raw::connect(endpoint).await;
    raw.shake_hands_null("DEALER").await;
    raw.write(&octets::frame(0, b"word").repeat(200)).await;
    assert_eq!(rt::in_time("the first", dealer.recv()).await?.first(), "word");
    // What it has not read makes its end a reset.
    dealer.send("never read").await?;
    tokio::time::sleep(QUIET).await;
    drop(raw);
    tokio::time::sleep(QUIET).await;
    dealer.try_send("never written")?;
    Ok(())
}

/// A peer that cannot be written to any more has left, but what it wrote before is there: it waits in our
/// buffer while the high-water mark holds it up.
#[test]
fn what_a_peer_wrote_outlives_a_failure_to_write_to_it() -> Done {
    rt::run(async {
        let dealer = Dealer::new(Options::new().receive_high_water_mark(10))?;
        let mut events = dealer.monitor();
        let endpoint = dealer.bind(ANYWHERE).await?;
        resets(&dealer, &endpoint).await?;
        tokio::time::sleep(QUIET).await;
        for number in 1..200 {
            let message = rt::in_time("the rest", dealer.recv()).await?;
            assert_eq!(message.first(), "word", "{number}");
        }
        watch::disconnected("the peer", &mut events).await;

        // Whoever closes does not wait for what nobody will read.
        resets(&dealer, &endpoint).await?;
        rt::in_time("the end", dealer.close()).await;
        Ok(())
    })
}
