//! Whoever waits for a message reads it from the connection itself; what else happens there is not missed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use ironhouse::error::Disconnect;
use ironhouse::{Options, Pull};
use ironhouse_tests::octets::{command, command_names, frame};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, Fallible, rt, watch};
use tokio::time::timeout;

/// Long enough for a driver to do whatever there is to do.
const A_WHILE: Duration = Duration::from_millis(20);

/// A PULL that has received often enough from one peer, one message after the other, to wait at its connection.
async fn acquainted() -> Fallible<(Pull, Raw)> {
    let pull = Pull::new(Options::new())?;
    let mut peer = Raw::connect(&pull.bind(ANYWHERE).await?).await;
    peer.shake_hands_null("PUSH").await;
    for _ in 0..4 {
        let (message, ()) = tokio::join!(pull.recv(), async {
            tokio::time::sleep(A_WHILE).await;
            peer.write(&frame(0, b"again")).await;
        });
        assert_eq!(message?.first(), "again");
    }
    Ok((pull, peer))
}

fn pongs(seen: &[u8]) -> usize {
    command_names(seen).iter().filter(|name| *name == "PONG").count()
}

#[test]
fn what_comes_when_nobody_waits_any_more_is_read() -> Done {
    rt::run_on_one_thread(async {
        let (pull, mut peer) = acquainted().await?;
        for round in 0..3 {
            assert!(timeout(A_WHILE, pull.recv()).await.is_err(), "nothing came");
            peer.write(&frame(0, b"later")).await;
            tokio::time::sleep(A_WHILE).await;
            let message = pull.try_recv();
            assert_eq!(message.as_ref().map(|it| it.first()), Ok(&"later".into()), "{round}");
        }
        Ok(())
    })
}

/// What is behind a message, before it, or in the middle of it.
#[test]
fn what_is_no_whole_message_is_left_to_the_driver() -> Done {
    rt::run_on_one_thread(async {
        let (pull, mut peer) = acquainted().await?;
        let parts = [frame(1, b"two"), frame(0, b"parts")].concat();
        let long = frame(0, &[7; 100_000]);
        // Behind the first PING, nobody is let in any more.
        for other in [command("FOO", b"\0\0context"), command("PING", b"\0\0context")] {
            let (one, empty) = (frame(0, b"one"), frame(0, b""));
            let all = [&*one, &other, &parts, &empty, &long].concat();
            for split in (0..300).chain(all.len() - 10..all.len()) {
                let (head, tail) = all.split_at(split);
                let received = async {
                    let mut received = Vec::new();
                    while received.len() < 4 {
                        received.push(pull.recv().await?);
                    }
                    Fallible::Ok(received)
                };
                let (received, ()) = tokio::join!(rt::in_time("four messages", received), async {
                    tokio::task::yield_now().await;
                    peer.write(head).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    peer.write(tail).await;
                });
                let parts = received?
                    .iter()
                    .map(|it| it.parts().map(|it| it.len()).collect())
                    .collect::<Vec<Vec<_>>>();
                assert_eq!(parts, [vec![3], vec![3, 5], vec![0], vec![100_000]], "{split}");
            }
        }
        peer.read_until("PONGs", |seen| pongs(seen) == 310).await;
        Ok(())
    })
}

#[test]
fn a_ping_is_answered_while_somebody_waits() -> Done {
    rt::run_on_one_thread(async {
        let (pull, mut peer) = acquainted().await?;
        for round in 0..3 {
            tokio::select! {
                message = pull.recv() => panic!("{message:?}"),
                () = async {
                    tokio::time::sleep(A_WHILE).await;
                    peer.write(&command("PING", b"\0\0context")).await;
                    peer.read_until("a PONG", |seen| pongs(seen) > round).await;
                } => {}
            }
        }
        Ok(())
    })
}

#[test]
fn the_end_of_a_peer_is_noticed_while_somebody_waits() -> Done {
    rt::run_on_one_thread(async {
        let (pull, mut peer) = acquainted().await?;
        let mut events = pull.monitor();
        tokio::select! {
            message = pull.recv() => panic!("{message:?}"),
            () = async {
                tokio::time::sleep(A_WHILE).await;
                peer.finish().await;
                let cause = watch::disconnected("the peer", &mut events).await;
                assert_eq!(cause, Disconnect::PeerClosed);
            } => {}
        }
        Ok(())
    })
}

/// A future that waits and is not polled: others get what comes, and when it is gone, events are told.
#[test]
fn who_waits_and_does_not_go_on_is_in_nobodys_way() -> Done {
    rt::run_on_one_thread(async {
        let (pull, mut peer) = acquainted().await?;
        let mut events = pull.monitor();
        for _ in 0..3 {
            let mut idle = Box::pin(pull.recv());
            assert!((&mut idle).now_or_never().is_none());
            peer.write(&frame(0, b"for another")).await;
            let message = rt::until_some("a message", || pull.try_recv().ok()).await;
            assert_eq!(message.first(), "for another");
        }
        let mut idle = Box::pin(pull.recv());
        assert!((&mut idle).now_or_never().is_none());
        peer.finish().await;
        drop(idle);
        assert_eq!(watch::disconnected("the peer", &mut events).await, Disconnect::PeerClosed);
        Ok(())
    })
}

#[test]
fn all_who_wait_are_served() -> Done {
    rt::run(async {
        let (pull, mut peer) = acquainted().await?;
        let pull = Arc::new(pull);
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let pull = pull.clone();
                tokio::spawn(async move {
                    for _ in 0..100 {
                        pull.recv().await.expect("a message");
                    }
                })
            })
            .collect();
        for round in 0..300 {
            peer.write(&frame(0, b"again")).await;
            if round % 3 == 0 {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
        // Each of them takes a third.
        for task in waiting {
            rt::in_time("everybody", task).await?;
        }
        Ok(())
    })
}
