//! Many of everything, and futures that are dropped at any moment.

use std::collections::BTreeSet;
use std::process::Command;

use ironhouse::{Dealer, Options, Pull, Push, Router};
use ironhouse_tests::dice::Dice;
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

use crate::{successes, tasks};

/// Descriptors that this process may have.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    soft.and_then(|it| it.parse().ok()).unwrap_or(usize::MAX)
}

/// 1,000 clients at one server: both ends are in this process, which takes 2,000 descriptors. Where the
/// usual limit is lower, the test runs itself again with all that the system grants.
#[test]
fn a_thousand_clients_are_served_at_once() -> Done {
    const CLIENTS: usize = 1000;
    const NAME: &str = "many::a_thousand_clients_are_served_at_once";
    if descriptors() < 2 * CLIENTS + 100 && std::env::var_os("IRONHOUSE_TEST_AGAIN").is_none() {
        let status = Command::new("sh")
            .args(["-c", "ulimit -n $(ulimit -H -n) && exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe()?)
            .arg(NAME)
            .env("IRONHOUSE_TEST_AGAIN", "yes")
            .status()?;
        assert!(status.success(), "with more descriptors");
        return Ok(());
    }
    rt::run(async {
        let before = tasks();
        let router = Router::new(Options::new())?;
        let mut events = router.monitor();
        let endpoint = router.bind(ANYWHERE).await?;
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let dealer = Dealer::new(Options::new().routing_id(format!("client {number}"))?)?;
            dealer.connect(&endpoint)?;
            clients.push(dealer);
            // As fast as they are taken in: the queue of the system has an end.
            if number % 100 == 99 {
                successes("clients", &mut events, 100).await;
            }
        }
        for (number, client) in clients.iter().enumerate() {
            client.send(number.to_string()).await?;
        }
        let mut seen = BTreeSet::new();
        for _ in 0..CLIENTS {
            let message = rt::in_time("a message", router.recv()).await?;
            let [id, body] = &frames(&message)[..] else { panic!("{message:?}") };
            assert_eq!(*id, [b"client ", &body[..]].concat());
            router.send(parts([id, &b"answer"[..]])).await?;
            assert!(seen.insert(body.clone()), "each of them once");
        }
        for client in &clients {
            assert_eq!(rt::in_time("an answer", client.recv()).await?.first(), "answer");
        }
        for client in clients {
            assert_eq!(client.close().await, 0);
        }
        router.close().await;
        rt::until("the end of all tasks", || tasks() == before).await;
        Ok(())
    })
}

/// Sends and receives that are given up after a random time lose nothing and repeat nothing.
#[test]
fn dropped_futures_lose_nothing_and_repeat_nothing() -> Done {
    const COUNT: u32 = 3000;
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://dice"] {
            let options = || Options::new().send_high_water_mark(7).receive_high_water_mark(5);
            let pull = Pull::new(options())?;
            let endpoint = pull.bind(at).await?;
            let push = Push::new(options())?;
            push.connect(&endpoint)?;
            let sender = tokio::spawn(async move {
                let mut dice = Dice::new(1);
                let mut given_up = 0;
                for number in 0..COUNT {
                    loop {
                        let patience = dice.roll(4);
                        match rt::unless_bored(patience, push.send(number.to_string())).await {
                            Some(sent) => break sent?,
                            None => given_up += 1,
                        }
                    }
                }
                assert_eq!(push.close().await, 0);
                Fallible::Ok(given_up)
            });
            let mut dice = Dice::new(2);
            let mut given_up = 0;
            for number in 0..COUNT {
                let message = loop {
                    match rt::unless_bored(dice.roll(4), pull.recv()).await {
                        Some(message) => break message?,
                        None => given_up += 1,
                    }
                };
                assert_eq!(*message.first(), *number.to_string(), "{at}");
            }
            given_up += rt::in_time("the sender", sender).await??;
            assert!(given_up > 0, "{at}: nothing was given up, so nothing was tested");
        }
        Ok(())
    })
}

/// `bind`, `ready`, `close` and the monitor can be given up as well.
#[test]
fn other_dropped_futures_leave_nothing_half_done() -> Done {
    rt::run(async {
        let before = tasks();
        let mut dice = Dice::new(3);
        for _ in 0..100 {
            let (pull, push) = (Pull::new(Options::new())?, Push::new(Options::new())?);
            let mut monitor = pull.monitor();
            _ = rt::unless_bored(dice.roll(3), pull.bind(ANYWHERE)).await;
            let endpoint = pull.bind(ANYWHERE).await?;
            let mut connecting = push.connect(&endpoint)?;
            _ = rt::unless_bored(dice.roll(10), connecting.ready()).await;
            _ = rt::unless_bored(dice.roll(10), monitor.next_event()).await;
            rt::in_time("ready", connecting.ready()).await?;
            push.send("hello").await?;
            _ = rt::unless_bored(dice.roll(4), push.close()).await;
            assert_eq!(rt::in_time("hello", pull.recv()).await?.first(), "hello");
        }
        rt::until("the end of all tasks", || tasks() == before).await;
        Ok(())
    })
}
