//! PAIR: one peer and no other, ours with each other and with libzmq.

use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Event, Hub, Monitor, Options, Pair, Reconnect};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::theirs;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, Fallible, octets, rt};
use libzmq_reference as zmq;
use zmtp_core::error::{LocalFault, Stage};

const QUIET: Duration = Duration::from_millis(150);

/// What the one that is second brings about.
fn occupied() -> Fault {
    Fault::local(Stage::Ready, LocalFault::Occupied, "EXPAIR-01")
}

async fn refused(what: &str, monitor: &mut Monitor) {
    let error = watch::failure(what, monitor).await;
    assert_eq!(Fault::from(&error), occupied(), "{what}");
}

async fn hears(what: &str, pair: &Pair, expected: &str) -> Done {
    assert_eq!(rt::in_time(what, pair.recv()).await?.first(), expected, "{what}");
    Ok(())
}

/// The transports between ours and ours.
fn addresses(directory: &TempDir) -> [String; 3] {
    [ANYWHERE.to_owned(), directory.ipc("pair"), "inproc://pair".to_owned()]
}

// EXPAIR-02
#[test]
fn two_talk_in_both_directions_at_once() -> Done {
    const COUNT: usize = 3_000;
    rt::run(async {
        let directory = TempDir::new();
        for at in addresses(&directory) {
            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let (a, b) = (Pair::new(options())?, Pair::new(options())?);
            b.connect(a.bind(&at).await?)?;
            let talk = async |socket: &Pair| -> Fallible<()> {
                let speak = async {
                    for number in 0..COUNT {
                        let number = number.to_string();
                        socket.send(parts([number.as_str(), "", number.as_str()])).await?;
                    }
                    Fallible::Ok(())
                };
                let listen = async {
                    for number in 0..COUNT {
                        let message = rt::in_time("the next", socket.recv()).await?;
                        let number = number.to_string().into_bytes();
                        assert_eq!(frames(&message), [number.clone(), Vec::new(), number]);
                    }
                    Fallible::Ok(())
                };
                let (spoken, listened) = tokio::join!(speak, listen);
                spoken.and(listened)
            };
            let (first, second) = tokio::join!(talk(&a), talk(&b));
            first.and(second)?;
        }
        Ok(())
    })
}

// EXPAIR-01
#[test]
fn a_second_one_is_refused_while_the_first_lives() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        for at in addresses(&directory) {
            let hub = Hub::new();
            let quick = Reconnect {
                interval: Duration::from_millis(5),
                max_interval: Duration::from_millis(20),
            };
            let options = || Options::new().hub(hub.clone()).reconnect(quick.clone());
            let server = Pair::new(options())?;
            let endpoint = server.bind(&at).await?;
            let first = Pair::new(options())?;
            first.connect(&endpoint)?.ready().await?;
            first.send("from the first").await?;
            hears(&at, &server, "from the first").await?;

            let mut monitor = server.monitor();
            let second = Pair::new(options())?;
            second.connect(&endpoint)?;
            second.send("from the second").await?;
            refused(&at, &mut monitor).await;
            server.send("to the first").await?;
            hears(&at, &first, "to the first").await?;
            rt::never("a message of the second", QUIET, server.recv()).await;
            assert_eq!(second.try_recv(), Err(RecvError::WouldBlock));

            first.close().await;
            rt::in_time("the second to be let in", async {
                loop {
                    let message = watch_success(&mut monitor).await;
                    if message {
                        return;
                    }
                }
            })
            .await;
            server.send("to the second").await?;
            hears(&at, &second, "to the second").await?;
        }
        Ok(())
    })
}

async fn watch_success(monitor: &mut Monitor) -> bool {
    matches!(monitor.next_event().await, Some(Event::HandshakeSucceeded { .. }))
}

// EXPAIR-01: also when this side is the one that connects.
#[test]
fn a_second_endpoint_gets_no_place() -> Done {
    rt::run(async {
        let peers = [Pair::new(Options::new())?, Pair::new(Options::new())?];
        let client = Pair::new(Options::new())?;
        client.connect(peers[0].bind(ANYWHERE).await?)?.ready().await?;
        let mut monitor = client.monitor();
        client.connect(peers[1].bind(ANYWHERE).await?)?;
        refused("a second endpoint", &mut monitor).await;
        for number in 0..10 {
            client.send(number.to_string()).await?;
        }
        for number in 0..10 {
            hears("the first", &peers[0], &number.to_string()).await?;
        }
        assert_eq!(peers[1].try_recv(), Err(RecvError::WouldBlock));
        Ok(())
    })
}

// EXPAIR-03, EXPAIR-05
#[test]
fn without_a_peer_or_with_a_full_one_sending_waits() -> Done {
    rt::run(async {
        let server = Pair::new(Options::new().send_high_water_mark(10))?;
        assert_eq!(server.try_send("nobody"), Err(SendError::WouldBlock));
        rt::never("a message for nobody", QUIET, server.send("nobody")).await;
        let endpoint = server.bind(ANYWHERE).await?;
        let waiting = async { server.send("somebody").await };
        let mut raw = Raw::connect(&endpoint).await;
        let (sent, ()) = tokio::join!(waiting, raw.shake_hands_null("PAIR"));
        sent?;
        rt::in_time("what waited", async {
            while octets::frames(&raw.seen[64..]).last().is_none_or(|it| it.1 != b"somebody") {
                raw.read_to(raw.seen.len() + 1).await;
            }
        })
        .await;

        let body = vec![0; 64 * 1024];
        let mut count = 0_usize;
        while server.try_send(&body[..]).is_ok() {
            count += 1;
        }
        assert!(count > 0);
        let (sent, _) = tokio::join!(server.send("last"), async {
            raw.read_to(count * body.len()).await;
        });
        sent?;
        rt::in_time("all that was taken", async {
            loop {
                let frames = octets::frames(&raw.seen[64..]);
                if frames.last().is_some_and(|(_, body)| body == b"last") {
                    let whole = frames.iter().filter(|(_, it)| it.len() == body.len()).count();
                    assert_eq!(whole, count, "nothing that was taken is lost");
                    return;
                }
                raw.read_to(raw.seen.len() + 1).await;
            }
        })
        .await;
        Ok(())
    })
}

// EXPAIR-04
#[test]
fn what_was_sent_before_there_is_a_connection_waits_for_it() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        let at = directory.ipc("later");
        let client = Pair::new(Options::new().send_high_water_mark(3))?;
        client.connect(&at)?;
        for text in ["1", "2", "3"] {
            client.try_send(text)?;
        }
        assert_eq!(client.try_send("4"), Err(SendError::WouldBlock));
        for round in 0..2 {
            let server = Pair::new(Options::new())?;
            rt::in_time("a place to bind", async { while server.bind(&at).await.is_err() {} })
                .await;
            for text in ["1", "2", "3"] {
                hears("what waited", &server, text).await?;
            }
            let mut monitor = client.monitor();
            server.close().await;
            watch::disconnected(&format!("round {round}"), &mut monitor).await;
            for text in ["1", "2", "3"] {
                client.try_send(text)?;
            }
        }
        Ok(())
    })
}

// EXPAIR-04
#[test]
fn a_new_peer_sees_nothing_of_the_old_one() -> Done {
    rt::run(async {
        let server = Pair::new(Options::new())?;
        let endpoint = server.bind(ANYWHERE).await?;
        let mut monitor = server.monitor();
        let mut old = Raw::connect(&endpoint).await;
        old.shake_hands_null("PAIR").await;
        let body = vec![0; 64 * 1024];
        for _ in 0..500 {
            if server.try_send(&body[..]).is_err() {
                break;
            }
        }
        drop(old);
        watch::disconnected("the old one", &mut monitor).await;
        let new = Pair::new(Options::new())?;
        new.connect(&endpoint)?.ready().await?;
        server.send("for the new one").await?;
        hears("the new one", &new, "for the new one").await
    })
}

#[test]
fn immediate_waits_for_a_connection() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        let at = directory.ipc("immediate");
        let client = Pair::new(Options::new().immediate(true))?;
        client.connect(&at)?;
        assert_eq!(client.try_send("early"), Err(SendError::WouldBlock));
        let server = Pair::new(Options::new())?;
        server.bind(&at).await?;
        rt::in_time("a connection", client.send("now")).await?;
        hears("the server", &server, "now").await
    })
}

// EXPAIR-01
#[test]
fn a_second_one_of_libzmq_is_refused() -> Done {
    rt::run(async {
        let context = theirs::context();
        let ours = Pair::new(Options::new())?;
        let endpoint = ours.bind(ANYWHERE).await?.to_string();
        let first = context.socket(zmq::SocketType::Pair)?;
        first.connect(&endpoint)?;
        first.send("first", 0)?;
        hears("the first", &ours, "first").await?;
        let mut monitor = ours.monitor();
        let second = context.socket(zmq::SocketType::Pair)?;
        second.connect(&endpoint)?;
        second.send("second", 0)?;
        refused("the second", &mut monitor).await;
        rt::never("a message of the second", QUIET, ours.recv()).await;
        ours.send("back").await?;
        assert_eq!(first.recv()?, b"back");
        Ok(())
    })
}
