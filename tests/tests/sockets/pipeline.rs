//! PUSH and PULL: whose turn it is, and what happens when a queue is full.

use std::collections::BTreeMap;
use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Options, Pull, Push, TransportOptions};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt, watch};

use crate::successes;

fn text(message: &ironhouse::Message) -> String {
    String::from_utf8_lossy(message.first()).into_owned()
}

// PIPELINE-PULL-01
#[test]
fn a_pull_takes_one_message_of_each_peer_in_turn() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let mut events = pull.monitor();
        let endpoint = pull.bind(ANYWHERE).await?;
        const EACH: usize = 200;
        for name in ["a", "b", "c"] {
            let push = Push::new(Options::new())?;
            push.connect(&endpoint)?;
            for number in 0..EACH {
                push.send(format!("{name}{number}")).await?;
            }
            assert_eq!(push.close().await, 0);
        }
        // All is in the queues when all have left.
        for _ in 0..3 {
            watch::disconnected("a pusher", &mut events).await;
        }
        let mut next = BTreeMap::new();
        for round in 0..EACH {
            let mut seen = Vec::new();
            for _ in 0..3 {
                let message = text(&rt::in_time("a message", pull.recv()).await?);
                let (name, number) = message.split_at(1);
                let expected = next.entry(name.to_owned()).or_insert(0);
                assert_eq!(number, expected.to_string(), "{name} in order");
                *expected += 1;
                seen.push(name.to_owned());
            }
            seen.sort();
            assert_eq!(seen, ["a", "b", "c"], "round {round}");
        }
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        Ok(())
    })
}

// PIPELINE-PUSH-01
#[test]
fn a_push_gives_one_message_to_each_peer_in_turn() -> Done {
    rt::run(async {
        let push = Push::new(Options::new())?;
        let mut events = push.monitor();
        let endpoint = push.bind(ANYWHERE).await?;
        let mut pulls = Vec::new();
        for _ in 0..3 {
            let pull = Pull::new(Options::new())?;
            pull.connect(&endpoint)?;
            pulls.push(pull);
        }
        successes("pulls", &mut events, 3).await;
        const EACH: usize = 50;
        for number in 0..3 * EACH {
            push.send(number.to_string()).await?;
        }
        for pull in &pulls {
            let mut last: Option<usize> = None;
            for _ in 0..EACH {
                let number = text(&rt::in_time("its share", pull.recv()).await?).parse()?;
                // Every third one.
                assert!(last.is_none_or(|last| number == last + 3), "{number} after {last:?}");
                last = Some(number);
            }
            assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        }
        Ok(())
    })
}

// PIPELINE-PUSH-01
#[test]
fn a_peer_that_leaves_loses_its_turn_and_nobody_elses() -> Done {
    rt::run(async {
        let push = Push::new(Options::new())?;
        let mut events = push.monitor();
        let endpoint = push.bind(ANYWHERE).await?;
        let pulls =
            [Pull::new(Options::new())?, Pull::new(Options::new())?, Pull::new(Options::new())?];
        for pull in &pulls {
            pull.connect(&endpoint)?;
        }
        successes("pulls", &mut events, 3).await;
        let [first, second, third] = pulls;
        second.close().await;
        watch::disconnected("the second", &mut events).await;
        for number in 0..20 {
            push.send(number.to_string()).await?;
        }
        for pull in [first, third] {
            for _ in 0..10 {
                rt::in_time("half of them", pull.recv()).await?;
            }
        }
        Ok(())
    })
}

/// Small buffers of the kernel, so that the marks are what counts.
fn narrow(mark: usize) -> Options {
    let mut transport = TransportOptions::default();
    transport.send_buffer = Some(4096);
    transport.receive_buffer = Some(4096);
    Options::new().send_high_water_mark(mark).receive_high_water_mark(mark).transport(transport)
}

// PIPELINE-PUSH-02, PIPELINE-PUSH-04
#[test]
fn a_full_queue_holds_the_sender_back_and_loses_nothing() -> Done {
    const MARK: usize = 10;
    const SIZE: usize = 1000;
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://a full queue"] {
            let pull = Pull::new(narrow(MARK))?;
            let endpoint = pull.bind(at).await?;
            let push = Push::new(narrow(MARK))?;
            push.connect(&endpoint)?.ready().await?;
            let message = |number: usize| format!("{number:SIZE$}");
            let mut sent = 0;
            // Until nothing moves any more.
            while rt::in_time_or_not(Duration::from_millis(100), push.send(message(sent)))
                .await
                .transpose()?
                .is_some()
            {
                sent += 1;
                assert!(sent < 1000, "{at}: no end");
            }
            // Who waits goes on at half of the mark, so that there may be some room before that.
            while push.try_send(message(sent)) != Err(SendError::WouldBlock) {
                sent += 1;
                assert!(sent < 1000, "{at}: no end");
            }
            if at.starts_with("inproc") {
                // The marks add up, as in libzmq; there is no other place for messages.
                assert_eq!(sent, 2 * MARK, "{at}");
            } else {
                assert!(sent >= 2 * MARK, "{at}: {sent}");
            }
            // Somebody who waits is let through as soon as there is room.
            let waiting = push.send(message(sent));
            let reader = async {
                for number in 0..=sent {
                    let received = rt::in_time(at, pull.recv()).await?;
                    assert_eq!(text(&received), message(number), "{at}");
                }
                Fallible::Ok(())
            };
            let (waiting, reader) = tokio::join!(waiting, reader);
            waiting?;
            reader?;
            assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock), "{at}");
        }
        Ok(())
    })
}

// PIPELINE-PUSH-01
#[test]
fn a_full_peer_is_passed_over() -> Done {
    const MARK: usize = 5;
    rt::run(async {
        let push = Push::new(narrow(MARK))?;
        let mut events = push.monitor();
        let endpoint = push.bind("inproc://passed over").await?;
        let (idle, busy) = (Pull::new(narrow(MARK))?, Pull::new(narrow(MARK))?);
        idle.connect(&endpoint)?;
        busy.connect(&endpoint)?;
        successes("two pulls", &mut events, 2).await;
        let mut taken = 0;
        for number in 0..200 {
            rt::in_time("room somewhere", push.send(number.to_string())).await?;
            while busy.try_recv().is_ok() {
                taken += 1;
            }
        }
        assert_eq!(taken, 200 - 2 * MARK, "the idle one holds the rest");
        Ok(())
    })
}

/// Without a mark there is no end to a queue.
// PIPELINE-PUSH-04
#[test]
fn a_mark_of_zero_is_none() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "inproc://no mark"] {
            let pull = Pull::new(narrow(0))?;
            let push = Push::new(narrow(0))?;
            push.connect(pull.bind(at).await?)?.ready().await?;
            for number in 0..5000 {
                assert_eq!(push.try_send(number.to_string()), Ok(()), "{at}");
            }
            for number in 0..5000 {
                let message = rt::in_time(at, pull.recv()).await?;
                assert_eq!(text(&message), number.to_string(), "{at}");
            }
        }
        Ok(())
    })
}

#[test]
fn several_receivers_of_one_socket_share_all_messages() -> Done {
    rt::run(async {
        let pull = std::sync::Arc::new(Pull::new(Options::new())?);
        let push = Push::new(Options::new())?;
        push.connect(pull.bind(ANYWHERE).await?)?.ready().await?;
        const COUNT: usize = 2000;
        let receivers: Vec<_> = (0..4)
            .map(|_| {
                let pull = pull.clone();
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while let Ok(message) = pull.recv().await {
                        match &text(&message)[..] {
                            "end" => break,
                            number => seen.push(number.parse::<usize>().expect("a number")),
                        }
                    }
                    seen
                })
            })
            .collect();
        for number in 0..COUNT {
            push.send(number.to_string()).await?;
        }
        for _ in 0..4 {
            push.send("end").await?;
        }
        let mut all = Vec::new();
        for receiver in receivers {
            all.extend(rt::in_time("a receiver", receiver).await?);
        }
        all.sort_unstable();
        assert!(all.into_iter().eq(0..COUNT), "each message once");
        Ok(())
    })
}
