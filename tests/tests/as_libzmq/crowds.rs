//! Many sockets, and many at once: issue_566, many_sockets and shutdown_stress.

use std::sync::{Arc, Barrier};
use std::thread;

use ironhouse::error::SendError;
use ironhouse::{Dealer, Options, Pair, Pub, Router, Sub, blocking};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::theirs;
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;

/// Tries to reach a peer until it is there; any other error is none that may pass.
async fn reach(router: &Router, id: &str) -> Done {
    rt::until_some(id, || match router.try_send(parts([id, "HELLO"])) {
        Ok(()) => Some(Ok(())),
        Err(SendError::HostUnreachable(unknown)) => {
            assert_eq!(unknown.as_bytes(), id.as_bytes());
            None
        }
        Err(error) => Some(Err(error.into())),
    })
    .await
}

/// Peers that come one after the other are all reached, whichever library they use.
#[test]
fn one_dealer_after_the_other_is_reached() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let endpoint = router.bind(ANYWHERE).await?;
        for cycle in 0..50 {
            let id = format!("ours {cycle:04}");
            let dealer = Dealer::new(Options::new().routing_id(id.clone())?)?;
            dealer.connect(&endpoint)?;
            reach(&router, &id).await?;
            assert_eq!(rt::in_time(&id, dealer.recv()).await?.first(), "HELLO", "{id}");
        }
        let context = theirs::context();
        for cycle in 0..50 {
            let id = format!("theirs {cycle:04}");
            let dealer = context.socket(zmq::SocketType::Dealer)?;
            dealer.routing_id(&id)?.connect(&endpoint.to_string())?;
            reach(&router, &id).await?;
            assert_eq!(dealer.recv()?, b"HELLO", "{id}");
        }
        Ok(())
    })
}

/// Memory of this process in bytes, on systems that say.
fn memory() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    pages.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

/// There is no limit to sockets but memory: one that is neither bound nor connected costs no task, and
/// less than 16 KiB (2 KiB where this was written).
#[test]
fn there_may_be_any_number_of_sockets() -> Done {
    rt::run(async {
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let (before, memory_before) = (tasks(), memory());
        let mut sockets = Vec::new();
        for _ in 0..20_000 {
            sockets.push(Pair::new(Options::new())?);
        }
        assert_eq!(tasks(), before);
        if let (Some(memory), Some(memory_before)) = (memory(), memory_before) {
            let each = memory.saturating_sub(memory_before) / sockets.len();
            assert!(each < 16 * 1024, "a socket takes {each} bytes");
        }
        // And any of them works.
        let (first, last) = (&sockets[0], &sockets[19_999]);
        first.connect(last.bind("inproc://the last one").await?)?;
        rt::in_time("room", first.send("hello")).await?;
        assert_eq!(rt::in_time("hello", last.recv()).await?.first(), "hello");
        Ok(())
    })
}

/// Sockets that close while they connect, a hundred at a time, leave nothing behind and harm nobody.
#[test]
fn closing_while_connecting_leaves_nothing_behind() -> Done {
    rt::run(async {
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        for _ in 0..5 {
            let publisher = Pub::new(Options::new())?;
            let endpoint = publisher.bind(ANYWHERE).await?;
            let mut closing = Vec::new();
            for number in 0..100 {
                let endpoint = endpoint.clone();
                closing.push(tokio::spawn(async move {
                    let sub = Sub::new(Options::new())?;
                    sub.subscribe("");
                    sub.connect(&endpoint)?;
                    match number % 3 {
                        0 => drop(sub),
                        1 => _ = sub.close().await,
                        _ => {
                            tokio::task::yield_now().await;
                            sub.close().await;
                        }
                    }
                    Fallible::Ok(())
                }));
            }
            for one in closing {
                rt::in_time("the end of one", one).await??;
            }
            // It serves as before.
            let sub = Sub::new(Options::new())?;
            sub.subscribe("hello");
            sub.connect(&endpoint)?;
            rt::until("hello", || {
                _ = publisher.try_send("hello");
                sub.try_recv().is_ok()
            })
            .await;
            sub.close().await;
            rt::in_time("the end", publisher.close()).await;
        }
        rt::until("the end of all tasks", || tasks() == before).await;
        Ok(())
    })
}

/// The same from threads that have no runtime.
#[test]
fn threads_may_close_while_connecting() -> Done {
    let publisher = blocking::Pub::new(Options::new())?;
    let endpoint = publisher.bind(ANYWHERE)?;
    let start = Arc::new(Barrier::new(50));
    let threads: Vec<_> = (0..50)
        .map(|_| {
            let (start, endpoint) = (start.clone(), endpoint.clone());
            thread::spawn(move || {
                let sub = blocking::Sub::new(Options::new())?;
                start.wait();
                sub.connect(&endpoint)?;
                sub.close();
                Fallible::Ok(())
            })
        })
        .collect();
    for one in threads {
        one.join().expect("no panic")?;
    }
    publisher.close();
    Ok(())
}
