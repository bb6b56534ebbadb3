//! High-water marks and what is done with the messages in a queue: hwm, hwm_pubsub, immediate,
//! router_mandatory_hwm, and those of spec_dealer, spec_pushpull and spec_router that end queues.

use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{
    AnySocket, Dealer, Event, Hub, Options, Pub, Pull, Push, Router, SocketType, Sub, XPub,
};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, Fallible, octets, rt, watch};

use crate::{QUIET, SOON, bind_again, everywhere, marks, nobody, successes};

/// More than any queue with marks holds in these tests.
const MANY: usize = 3_000;

/// Sends until there is no room; gives how many that were.
fn fill(socket: &AnySocket) -> usize {
    (0..MANY).take_while(|number| socket.try_send(number.to_string()).is_ok()).count()
}

/// Receives so many, and sees that there are no more.
async fn drain(what: &str, socket: &AnySocket, count: usize) -> Done {
    for number in 0..count {
        let message = rt::in_time(what, socket.recv()).await?;
        assert_eq!(*message.first(), *number.to_string(), "{what}");
    }
    assert_eq!(socket.try_recv(), Err(RecvError::WouldBlock), "{what}: one too many");
    Ok(())
}

/// The marks of both sides add up, and one of zero has no end, whoever comes first.
// REQREP-DEALER-03, REQREP-DEALER-07, PIPELINE-PUSH-02, PIPELINE-PUSH-04
#[test]
fn the_marks_of_both_sides_add_up_within_the_process() -> Done {
    use SocketType::{DEALER, PAIR, PULL, PUSH};
    rt::run(async {
        for (sender, receiver) in [(PUSH, PULL), (DEALER, DEALER), (PAIR, PAIR)] {
            for (send, receive, expected) in [
                (1000, 1000, 2000),
                (1, 1, 2),
                (10, 7, 17),
                (1, 0, MANY),
                (0, 1, MANY),
                (0, 0, MANY),
            ] {
                for bind_first in [true, false] {
                    let what = format!("{sender}, marks {send} and {receive}, {bind_first}");
                    let hub = Hub::new();
                    let from = AnySocket::new(sender, marks(send, 1).hub(hub.clone()))?;
                    let to = AnySocket::new(receiver, marks(1, receive).hub(hub))?;
                    let mut connecting = if bind_first {
                        to.bind("inproc://a").await?;
                        from.connect("inproc://a")?
                    } else {
                        let connecting = from.connect("inproc://a")?;
                        to.bind("inproc://a").await?;
                        connecting
                    };
                    rt::in_time(&what, connecting.ready()).await?;
                    assert_eq!(fill(&from), expected, "{what}");
                    drain(&what, &to, expected).await?;
                    from.try_send("0").map_err(|error| format!("{what}: {error}"))?;
                    drain(&what, &to, 1).await?;
                }
            }
        }
        Ok(())
    })
}

/// Before there is a peer, only the mark of the side that connects counts; what was sent by then arrives
/// although the socket is closed before somebody binds.
#[test]
fn what_waits_for_a_name_to_be_bound_outlives_its_socket() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let push = AnySocket::new(SocketType::PUSH, marks(3, 1).hub(hub.clone()))?;
        push.connect("inproc://a")?;
        assert_eq!(fill(&push), 3);
        drop(push);
        let pull = AnySocket::new(SocketType::PULL, marks(1, 0).hub(hub.clone()))?;
        pull.bind("inproc://a").await?;
        drain("what waited", &pull, 3).await?;
        // The side that binds has no queue before somebody comes.
        let push = AnySocket::new(SocketType::PUSH, marks(3, 1).hub(hub))?;
        push.bind("inproc://b").await?;
        assert_eq!(fill(&push), 0);
        Ok(())
    })
}

/// An XPUB that does not drop is held up by a subscriber that is full, and nothing is lost.
#[test]
fn a_publisher_that_waits_for_the_slowest_loses_nothing() -> Done {
    const COUNT: usize = 600;
    rt::run(async {
        for at in everywhere("slowest") {
            let xpub = XPub::new(marks(11, 11).xpub_nodrop(true))?;
            let sub = Sub::new(marks(11, 11))?;
            sub.subscribe("");
            sub.connect(xpub.bind(&at).await?)?;
            assert_eq!(rt::in_time(&at, xpub.recv()).await?.first(), "\u{1}");
            let (mut sent, mut got, mut blocked) = (0, 0, 0);
            // Long enough that the buffers of the system fill up, too.
            let message =
                |number: usize| parts([number.to_string().into_bytes(), vec![7; 16 * 1024]]);
            while sent < COUNT {
                match xpub.try_send(message(sent)) {
                    Ok(()) => sent += 1,
                    Err(SendError::WouldBlock) => {
                        blocked += 1;
                        if got == sent {
                            // What was received is about to be counted off.
                            tokio::task::yield_now().await;
                            continue;
                        }
                        let next = rt::in_time(&at, sub.recv()).await?;
                        assert!(next == message(got), "{at}: number {got}");
                        got += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            assert!(blocked > 0, "{at}: never held up");
            for number in got..COUNT {
                let next = rt::in_time(&at, sub.recv()).await?;
                assert!(next == message(number), "{at}: number {number}");
            }
            assert_eq!(xpub.dropped(), 0, "{at}");
        }
        Ok(())
    })
}

/// What was received makes room: a mark is for what waits, not for what was ever sent.
#[test]
fn what_a_subscriber_has_received_counts_no_more() -> Done {
    rt::run(async {
        for at in everywhere("counts no more") {
            let publisher = Pub::new(marks(1100, 1100))?;
            let sub = Sub::new(marks(1100, 1100))?;
            sub.subscribe("");
            sub.connect(publisher.bind(&at).await?)?;
            rt::until(&at, || publisher.subscriptions() == 1).await;
            for count in [999, 110, 1100] {
                for number in 0..count {
                    publisher.send(number.to_string()).await?;
                }
                for number in 0..count {
                    let message = rt::in_time(&at, sub.recv()).await?;
                    assert_eq!(*message.first(), *number.to_string(), "{at}");
                }
            }
            assert_eq!(publisher.dropped(), 0, "{at}");
        }
        Ok(())
    })
}

/// Of two endpoints only one answers. Both get their turn, unless only connections that stand count.
#[test]
fn an_endpoint_that_does_not_answer_holds_its_share_unless_told_otherwise() -> Done {
    rt::run(async {
        for (immediate, arrive) in [(false, 5), (true, 10)] {
            let pull = Pull::new(Options::new())?;
            let options = Options::new().immediate(immediate).linger(Duration::ZERO);
            let push = Push::new(options)?;
            let (_nobody, silent) = nobody().await?;
            push.connect(silent)?;
            rt::in_time("ready", push.connect(pull.bind(ANYWHERE).await?)?.ready()).await?;
            for number in 0..10 {
                push.send(number.to_string()).await?;
            }
            for _ in 0..arrive {
                rt::in_time("its share", pull.recv()).await?;
            }
            assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock), "immediate: {immediate}");
            assert_eq!(push.close().await, 10 - arrive, "the rest is still there");
        }
        Ok(())
    })
}

/// A connection that broke takes nothing until it stands again.
#[test]
fn a_broken_connection_takes_nothing_where_only_standing_ones_count() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        for at in [ANYWHERE.to_owned(), directory.ipc("again"), "inproc://again".to_owned()] {
            let dealer = Dealer::new(Options::new().immediate(true).reconnect(SOON))?;
            let mut events = dealer.monitor();
            let mut back = AnySocket::new(SocketType::DEALER, Options::new())?;
            let endpoint = back.bind(&at).await?;
            assert_eq!(dealer.try_send("too early"), Err(SendError::WouldBlock), "{at}");
            dealer.connect(&endpoint)?;
            for round in 0..3 {
                watch::success(&at, &mut events).await;
                rt::in_time(&at, back.send("hello")).await?;
                assert_eq!(rt::in_time(&at, dealer.recv()).await?.first(), "hello");
                assert_eq!(dealer.try_send("there"), Ok(()), "{at}, round {round}");
                assert_eq!(rt::in_time(&at, back.recv()).await?.first(), "there");
                back.close().await;
                watch::disconnected(&at, &mut events).await;
                rt::until("it to be noticed", || dealer.try_send("lost?").is_err()).await;
                assert_eq!(dealer.try_send("nowhere"), Err(SendError::WouldBlock), "{at}");
                back = AnySocket::new(SocketType::DEALER, Options::new())?;
                bind_again(&back, &endpoint).await;
            }
        }
        Ok(())
    })
}

/// A ROUTER whose peer is full does not drop, wait or name another reason, and serves the others.
// REQREP-ROUTER-03
#[test]
fn a_router_refuses_what_a_full_peer_cannot_take() -> Done {
    rt::run(async {
        for mandatory in [true, false] {
            let hub = Hub::new();
            let router = Router::new(marks(5, 1).hub(hub.clone()).router_mandatory(mandatory))?;
            let mut events = router.monitor();
            router.bind("inproc://full").await?;
            let dealer = |id: &str| -> Fallible<Dealer> {
                let dealer = Dealer::new(marks(1, 4).hub(hub.clone()).routing_id(id)?)?;
                dealer.connect("inproc://full")?;
                Ok(dealer)
            };
            let (idle, busy) = (dealer("idle")?, dealer("busy")?);
            successes("both", &mut events, 2).await;
            for number in 0..9 {
                router.try_send(parts(["idle", &number.to_string()]))?;
            }
            let refused = router.try_send(parts(["idle", "one too many"]));
            assert_eq!(refused, Err(SendError::WouldBlock), "mandatory: {mandatory}");
            router.try_send(parts(["busy", "hello"]))?;
            assert_eq!(rt::in_time("hello", busy.recv()).await?.first(), "hello");
            for number in 0..9 {
                let message = rt::in_time("all of them", idle.recv()).await?;
                assert_eq!(*message.first(), *number.to_string());
            }
            router.try_send(parts(["idle", "room again"]))?;
            assert_eq!(rt::in_time("it", idle.recv()).await?.first(), "room again");
        }
        Ok(())
    })
}

/// What waits for a peer that had connected goes away with it: the next one, whatever it calls itself,
/// sees nothing of it, and the number is told.
// REQREP-DEALER-06, PIPELINE-PUSH-03
#[test]
fn what_waits_for_a_peer_that_connected_goes_with_it() -> Done {
    use SocketType::{DEALER, PULL, PUSH, ROUTER};
    rt::run(async {
        for (ours, theirs) in [(PUSH, PULL), (DEALER, DEALER), (ROUTER, DEALER)] {
            let socket = AnySocket::new(ours, marks(20, 1))?;
            let mut events = socket.monitor();
            let endpoint = socket.bind(ANYWHERE).await?;
            let message = |body: &[u8]| match ours {
                ROUTER => parts([b"me", body]),
                _ => parts([body]),
            };
            let ready = [
                octets::property("Socket-Type", theirs.as_str().as_bytes()),
                octets::property("Identity", b"me"),
            ];
            let greet = octets::greeting("NULL");
            let hello = [greet, octets::command("READY", &ready.concat())].concat();
            let mut first = Raw::connect(&endpoint).await;
            first.write(&hello).await;
            watch::success("the first", &mut events).await;
            let body = vec![1; 64 * 1024];
            // Until the buffers of the system are full as well.
            while rt::in_time_or_not(QUIET, socket.send(message(&body)))
                .await
                .transpose()?
                .is_some()
            {}
            drop(first);
            let lost = watch::event("the first", &mut events, |event| match event {
                Event::Disconnected { lost, .. } => Some(*lost),
                _ => None,
            });
            let lost = lost.await;
            assert!(lost >= 10, "{ours}: {lost}");
            let mut second = Raw::connect(&endpoint).await;
            second.write(&hello).await;
            watch::success("the second", &mut events).await;
            rt::in_time("room", socket.send(message(b"new"))).await?;
            second.read_until("the new one", |seen| seen.ends_with(b"new")).await;
            let frames = octets::frames(&second.seen[64..]);
            assert_eq!(frames.last(), Some(&(0, b"new".to_vec())), "{ours}");
            assert_eq!(frames.len(), 2, "{ours}: READY and the new one, of {frames:?}");
        }
        Ok(())
    })
}

/// An endpoint that is connected to has its queue from the call on, and keeps it while it is away.
// REQREP-DEALER-05, PIPELINE-PUSH-03
#[test]
fn what_waits_for_an_endpoint_outlives_its_connections() -> Done {
    use SocketType::{DEALER, PAIR, PULL, PUSH, ROUTER};
    rt::run(async {
        for (ours, theirs) in [(PUSH, PULL), (DEALER, DEALER), (DEALER, ROUTER), (PAIR, PAIR)] {
            let directory = TempDir::new();
            let name = format!("inproc://outlives {ours} {theirs}");
            for at in [ANYWHERE.to_owned(), directory.ipc("outlives"), name] {
                let what = format!("{ours} to {theirs} at {at}");
                let endpoint = {
                    let first = AnySocket::new(theirs, Options::new())?;
                    let endpoint = first.bind(&at).await?;
                    first.close().await;
                    endpoint
                };
                let socket = AnySocket::new(ours, Options::new().reconnect(SOON))?;
                let mut events = socket.monitor();
                socket.connect(&endpoint)?;
                for _life in 0..3 {
                    for number in 0..5 {
                        rt::in_time(&what, socket.send(number.to_string())).await?;
                    }
                    let peer = AnySocket::new(theirs, Options::new())?;
                    bind_again(&peer, &endpoint).await;
                    for number in 0..5 {
                        let message = rt::in_time(&what, peer.recv()).await?;
                        let body = message.parts().last().map(|part| part.to_vec());
                        assert_eq!(body, Some(number.to_string().into_bytes()), "{what}");
                    }
                    peer.close().await;
                    watch::disconnected(&what, &mut events).await;
                }
            }
        }
        Ok(())
    })
}
