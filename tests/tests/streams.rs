//! Sockets as streams and sinks, in halves, and waited for together; and options that limit waiting.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt, TryStreamExt, future, stream};
use ironhouse::error::{RecvError, SendError};
use ironhouse::{
    Dealer, Event, Message, Observation, Options, Pull, Push, Rep, Req, Router, blocking, poll,
};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, ours, rt};

const SHORT: Duration = Duration::from_millis(60);
const COUNT: u32 = 5_000;

async fn pipeline(options: Options) -> Fallible<(Push, Pull)> {
    ours::pipeline(ANYWHERE, options.clone(), options).await
}

fn number(message: &Message) -> u32 {
    let octets = message.first().as_bytes().try_into().expect("four octets");
    u32::from_be_bytes(octets)
}

fn numbered(at: u32) -> Message {
    Message::new(at.to_be_bytes().to_vec())
}

// ZMTP-MSG-05, ZMTP-MSG-06
#[test]
fn a_sink_feeds_a_stream() -> Done {
    rt::run(async {
        // Marks so low that the sink has to wait.
        let options = Options::new().send_high_water_mark(3).receive_high_water_mark(3);
        let (push, pull) = pipeline(options).await?;
        let mut sink = push.into_sink();
        let mut stream = pull.into_stream();
        let send = async {
            let mut all = stream::iter((0..COUNT).map(|at| Ok(numbered(at))));
            sink.send_all(&mut all).await
        };
        let receive = async {
            for at in 0..COUNT {
                assert_eq!(number(&stream.next().await.expect("a message")?), at);
            }
            Ok::<_, RecvError>(())
        };
        let (sent, received) = rt::in_time("all messages", future::join(send, receive)).await;
        sent?;
        received?;
        assert_eq!(stream.next().now_or_never(), None, "nothing is left");
        Ok(())
    })
}

#[test]
fn a_borrowed_stream_leaves_the_socket_usable() -> Done {
    rt::run(async {
        let (push, pull) = pipeline(Options::new()).await?;
        for at in 0..10 {
            push.send(numbered(at)).await?;
        }
        let first: Vec<_> = rt::in_time("five", pull.stream().take(5).try_collect()).await?;
        assert_eq!(first.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(number(&rt::in_time("one", pull.recv()).await?), 5);
        Ok(())
    })
}

#[test]
fn a_sink_that_is_not_asked_keeps_what_it_has() -> Done {
    rt::run(async {
        let push = Push::new(Options::new().linger(Duration::ZERO))?;
        let mut sink = push.sink();
        sink.start_send_unpin(numbered(0))?;
        assert_eq!(sink.start_send_unpin(numbered(1)), Err(SendError::WouldBlock));
        assert_eq!(sink.flush().now_or_never(), None);
        let pull = Pull::new(Options::new())?;
        push.connect(pull.bind("inproc://stream-in-hand").await?)?;
        rt::in_time("the flush", sink.flush()).await?;
        assert_eq!(number(&rt::in_time("one", pull.recv()).await?), 0);
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        Ok(())
    })
}

#[test]
fn a_stream_ends_behind_an_error_that_stays() -> Done {
    rt::run(async {
        let wrong = ironhouse::AnySocket::new(ironhouse::SocketType::PUSH, Options::new())?;
        let all: Vec<_> = rt::in_time("the end", wrong.stream().collect()).await;
        assert!(matches!(all[..], [Err(RecvError::Unsupported(_))]), "{all:?}");

        // One that does not stay: the answer may come yet.
        let req = Req::new(Options::new())?;
        let mut stream = req.stream();
        for _ in 0..2 {
            let item = stream.next().await;
            assert!(matches!(item, Some(Err(RecvError::State { .. }))), "{item:?}");
        }
        Ok(())
    })
}

#[test]
fn a_monitor_is_a_stream() -> Done {
    rt::run(async {
        let (push, pull) = pipeline(Options::new()).await?;
        let events = push.monitor().into_stream();
        drop((push, pull));
        let all: Vec<_> = rt::in_time("the end of the socket", events.collect()).await;
        let down = |it: &&Observation| matches!(it, Observation::Event(Event::Disconnected { .. }));
        assert_eq!(all.iter().filter(down).count(), 1, "{all:?}");
        Ok(())
    })
}

// REQREP-DEALER-01
#[test]
fn halves_go_to_different_tasks() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let dealer = Dealer::new(Options::new())?;
        dealer.connect(router.bind(ANYWHERE).await?)?;
        let (send, recv) = dealer.split();
        let sender = tokio::spawn(async move {
            for at in 0..COUNT {
                send.send(numbered(at)).await?;
            }
            Ok::<_, SendError>(send)
        });
        let receiver = tokio::spawn(async move {
            for at in 0..COUNT {
                assert_eq!(number(&recv.recv().await?), at);
            }
            Ok::<_, RecvError>(recv)
        });
        let (answers, questions) = router.split();
        let mut answers = answers.into_sink();
        let echo = questions.into_stream().take(COUNT as usize);
        let echo = echo.map_err(|error| panic!("{error}")).forward(&mut answers);
        rt::in_time("the echo", echo).await?;
        let (send, recv) = (sender.await??, receiver.await??);
        assert_eq!(recv.try_recv(), Err(RecvError::WouldBlock));
        assert_eq!(recv.recv_timeout(SHORT).await, Err(RecvError::TimedOut));

        let (other, foreign) = Dealer::new(Options::new())?.split();
        let (send, foreign) = send.reunite(foreign).expect_err("two sockets");
        let dealer = send.reunite(recv).expect("one socket");
        other.reunite(foreign).expect("one socket");
        assert_eq!(rt::in_time("the end", dealer.close()).await, 0);
        Ok(())
    })
}

#[test]
fn a_socket_closes_with_its_last_half() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let dealer = Dealer::new(Options::new())?;
        let mut monitor = dealer.monitor();
        dealer.connect(router.bind(ANYWHERE).await?)?;
        let (send, recv) = dealer.split();
        drop(recv);
        send.send("last").await?;
        drop(send);
        assert_eq!(
            rt::in_time("a message", router.recv()).await?.get(1).map(|it| &**it),
            Some(&b"last"[..])
        );
        rt::in_time("the end", async { while monitor.next().await.is_some() {} }).await;
        Ok(())
    })
}

#[test]
fn waiting_has_an_end() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new().recv_timeout(SHORT))?;
        let recv = pull.recv();
        assert_eq!(rt::in_time("the limit", recv).await, Err(RecvError::TimedOut));
        let recv = pull.recv_timeout(Duration::ZERO);
        assert_eq!(rt::in_time("no time", recv).await, Err(RecvError::TimedOut));
        let push = Push::new(Options::new().send_timeout(SHORT))?;
        let send = push.send("nobody is there");
        assert_eq!(rt::in_time("the limit", send).await, Err(SendError::TimedOut));
        // A longer limit at the call counts for the call.
        push.connect(pull.bind("inproc://stream-limits").await?)?;
        rt::in_time("a peer", push.send_timeout("now", rt::LATE)).await?;
        let recv = pull.recv_timeout(rt::LATE);
        assert_eq!(rt::in_time("a message", recv).await?.first(), "now");
        Ok(())
    })
}

/// A socket that is never empty must not keep the rest of a task, or of its thread, from its turn.
#[test]
fn a_full_socket_lets_others_have_their_turn() -> Done {
    rt::run_on_one_thread(async {
        let options = || Options::new().send_high_water_mark(0).receive_high_water_mark(0);
        let (push, pull) = (Push::new(options())?, Pull::new(options())?);
        rt::in_time("it", push.connect(pull.bind("inproc://turns").await?)?.ready()).await?;
        for at in 0..10_000 {
            push.try_send(numbered(at))?;
        }
        let mut stream = pull.stream();
        let mut taken = 0;
        let mut all = Box::pin(async {
            loop {
                let _ = if taken < 200 { Some(pull.recv().await) } else { stream.next().await };
                taken += 1;
            }
        });
        // Each look is a turn: the rest of this task comes in between.
        for _ in 0..3 {
            assert!(
                future::poll_fn(|context| Poll::Ready(all.as_mut().poll(context)))
                    .await
                    .is_pending()
            );
            tokio::task::yield_now().await;
        }
        drop(all);
        assert!((200..9000).contains(&taken), "{taken} in three turns");
        Ok(())
    })
}

#[test]
fn poll_waits_for_mixed_types() -> Done {
    rt::run(async {
        let (push, pull) = pipeline(Options::new()).await?;
        let (rep, req) = (Rep::new(Options::new())?, Req::new(Options::new())?);
        req.connect(rep.bind("inproc://poll-mixed").await?)?;
        let blocking = blocking::Pull::new(Options::new())?;
        let endpoint = blocking.bind(ANYWHERE)?;
        let all: [&dyn ironhouse::Pollable; 4] = [&pull, &rep, &req, &blocking];

        assert!(poll(&all, Some(Duration::ZERO)).await.is_empty());
        assert!(poll(&all, Some(SHORT)).await.is_empty());
        req.send("question").await?;
        assert_eq!(rt::in_time("a question", poll(&all, None)).await, [1]);
        rep.try_recv()?;
        assert!(poll(&all, Some(SHORT)).await.is_empty(), "REP has to answer first");
        rep.send("answer").await?;
        assert_eq!(rt::in_time("an answer", poll(&all, None)).await, [2]);
        req.try_recv()?;
        assert!(poll(&all, Some(SHORT)).await.is_empty(), "REQ has to ask first");

        let (mut first, mut second) = (Box::pin(poll(&all, None)), Box::pin(poll(&all, None)));
        assert_eq!((&mut first).now_or_never(), None);
        assert_eq!((&mut second).now_or_never(), None);
        push.send("work").await?;
        assert_eq!(rt::in_time("work", first).await, [0]);
        assert_eq!(rt::in_time("work, seen by both", second).await, [0]);
        pull.try_recv()?;

        let late = Push::new(Options::new())?;
        late.connect(&endpoint)?;
        late.send("to a blocking one").await?;
        assert_eq!(rt::in_time("work", poll(&all, None)).await, [3]);
        assert_eq!(blocking.try_recv()?.first(), "to a blocking one");
        Ok(())
    })
}

/// One that polls and one that receives: neither sleeps while there is something.
#[test]
fn poll_does_not_swallow_the_wake_of_a_receiver() -> Done {
    rt::run(async {
        let (push, pull) = pipeline(Options::new()).await?;
        for _ in 0..100 {
            let mut polling: Pin<Box<dyn Future<Output = Vec<usize>> + Send>> =
                Box::pin(async { poll(&[&pull], None).await });
            assert_eq!((&mut polling).now_or_never(), None);
            let mut receiving = Box::pin(pull.recv());
            assert_eq!((&mut receiving).now_or_never(), None);
            push.send("one").await?;
            assert_eq!(rt::in_time("readable", polling).await, [0]);
            assert_eq!(rt::in_time("a message", receiving).await?.first(), "one");
        }
        Ok(())
    })
}

#[test]
fn a_lost_request_is_readable() -> Done {
    rt::run(async {
        let (rep, req) = (Rep::new(Options::new())?, Req::new(Options::new())?);
        rt::in_time("it", req.connect(rep.bind(ANYWHERE).await?)?.ready()).await?;
        req.send("question").await?;
        rt::in_time("a question", rep.recv()).await?;
        rep.close().await;
        assert_eq!(rt::in_time("the loss", poll(&[&req], None)).await, [0]);
        assert_eq!(req.try_recv(), Err(RecvError::RequestLost));
        Ok(())
    })
}

/// An answer that came is not lost with the peer that gave it.
// REQREP-REQ-01
#[test]
fn the_last_words_of_a_peer_are_an_answer() -> Done {
    rt::run(async {
        let (rep, req) = (Rep::new(Options::new())?, Req::new(Options::new())?);
        let mut monitor = req.monitor();
        rt::in_time("it", req.connect(rep.bind(ANYWHERE).await?)?.ready()).await?;
        req.send("question").await?;
        rt::in_time("a question", rep.recv()).await?;
        rep.send("last words").await?;
        assert_eq!(rt::in_time("the end", rep.close()).await, 0);
        let gone = |event: &Event| matches!(event, Event::Disconnected { .. }).then_some(());
        ironhouse_tests::watch::event("the loss", &mut monitor, gone).await;
        assert_eq!(rt::in_time("it", poll(&[&req], None)).await, [0]);
        assert_eq!(req.try_recv()?.first(), "last words");
        Ok(())
    })
}
