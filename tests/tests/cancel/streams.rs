//! Streams, sinks, halves, polling and monitors.

use std::future::poll_fn;

use futures_util::{SinkExt, StreamExt};
use ironhouse::error::SendError;
use ironhouse::{Dealer, Options, Pull, Push, Router, poll};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

use crate::{COUNT, check, cut, everywhere, numbered, pipeline, tight};

#[test]
fn stream_and_sink() -> Done {
    rt::run(async {
        for at in everywhere("stream") {
            let (push, pull) = pipeline(&at).await?;
            let receiver = tokio::spawn(async move {
                let mut stream = pull.into_stream();
                for at in 0..COUNT {
                    let item = insist!(stream.next()).await;
                    check(item.expect("it goes on"), at);
                }
                stream
            });
            let mut sink = push.sink();
            for at in 0..COUNT {
                // Asking for room in the hand of the sink, and flushing, may be cut anywhere.
                let ready = insist!(poll_fn(|context| sink.poll_ready_unpin(context)));
                rt::in_time("room", ready).await?;
                sink.start_send_unpin(numbered(at))?;
                if at % 7 == 0 {
                    rt::in_time("room", insist!(sink.flush())).await?;
                }
            }
            rt::in_time("room", sink.close()).await?;
            let mut stream = rt::in_time("all", receiver).await?;
            assert!(cut(1, stream.next()).await.is_none(), "nothing is left");
        }
        Ok(())
    })
}

/// Streams that are made and dropped for every message.
#[test]
fn streams_that_come_and_go() -> Done {
    rt::run(async {
        for at in everywhere("streams") {
            let (push, pull) = pipeline(&at).await?;
            let sender = tokio::spawn(async move {
                for at in 0..COUNT {
                    push.send(numbered(at)).await?;
                }
                Ok::<_, SendError>(push)
            });
            for at in 0..COUNT {
                let next = insist!(pull.stream().next());
                check(rt::in_time("a message", next).await.expect("it goes on"), at);
            }
            sender.await??;
        }
        Ok(())
    })
}

#[test]
fn halves() -> Done {
    rt::run(async {
        for at in everywhere("halves") {
            let (router, dealer) = (Router::new(tight())?, Dealer::new(tight())?);
            dealer.connect(router.bind(&at).await?)?;
            let ((send, recv), (answer, question)) = (dealer.split(), router.split());
            let sender = tokio::spawn(async move {
                for at in 0..COUNT {
                    insist!(send.send(numbered(at))).await?;
                }
                Ok::<_, SendError>(send)
            });
            let echo = tokio::spawn(async move {
                for _ in 0..COUNT {
                    let next = insist!(question.recv()).await;
                    let next = next.expect("a question");
                    insist!(answer.send(next.clone())).await?;
                }
                Ok::<_, SendError>((question, answer))
            });
            for at in 0..COUNT {
                let recv = insist!(recv.recv());
                check(rt::in_time("an answer", recv).await, at);
            }
            sender.await??;
            echo.await??;
        }
        Ok(())
    })
}

#[test]
fn polling() -> Done {
    rt::run(async {
        for at in everywhere("poll") {
            let (push, pull) = pipeline(&at).await?;
            let (_quiet, other) =
                pipeline(&format!("{at}-other").replace(":*-other", ":*")).await?;
            let sender = tokio::spawn(async move {
                for at in 0..COUNT {
                    push.send(numbered(at)).await?;
                }
                Ok::<_, SendError>(push)
            });
            for at in 0..COUNT {
                let limit = Some(rt::LATE).filter(|_| at % 2 == 0);
                let readable = insist!(poll(&[&other, &pull], limit));
                assert_eq!(rt::in_time("a message", readable).await, [1]);
                check(pull.try_recv(), at);
            }
            sender.await??;
        }
        Ok(())
    })
}

#[test]
fn monitor() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let (mut cut_off, mut whole) = (pull.monitor(), pull.monitor());
        let endpoint = pull.bind(ANYWHERE).await?;
        tokio::spawn(async move {
            for _ in 0..20 {
                let push = Push::new(Options::new())?;
                push.connect(&endpoint)?.ready().await.map_err(Box::new)?;
                push.close().await;
            }
            drop(pull);
            Fallible::Ok(())
        });
        loop {
            let next = insist!(cut_off.next());
            let next = rt::in_time("an event", next).await;
            assert_eq!(next, whole.next().await);
            if next.is_none() {
                return Ok(());
            }
        }
    })
}
