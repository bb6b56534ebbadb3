//! Every future of the API, dropped at every point where it waits, under load: nothing is lost, nothing
//! comes twice, nothing is left half done.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ironhouse::error::{RecvError, SendError};
use ironhouse::{
    Dealer, Event, Message, Observation, Options, Proxy, Pull, Push, Rep, Req, Router, poll, proxy,
};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

const COUNT: u32 = 3_000;

/// Polls `future` up to `polls` times and drops it then, wherever it waits; gives what came of it
/// before.
async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Makes the same call again and again, cut after one poll, two polls, .. until it is done. In between,
/// others have their turn.
macro_rules! insist {
    ($call:expr) => {
        async {
            let mut round = 0;
            loop {
                if let Some(output) = cut(round % 4 + 1, $call).await {
                    break output;
                }
                round += 1;
                tokio::task::yield_now().await;
            }
        }
    };
}

/// Marks so low that both sides wait all the time.
fn tight() -> Options {
    Options::new().send_high_water_mark(2).receive_high_water_mark(2)
}

async fn pipeline(at: &str) -> Fallible<(Push, Pull)> {
    let (push, pull) = (Push::new(tight())?, Pull::new(tight())?);
    let endpoint = pull.bind(at).await?;
    rt::in_time("the connection", push.connect(&endpoint)?.ready()).await?;
    Ok((push, pull))
}

fn numbered(at: u32) -> Message {
    Message::from((at.to_be_bytes().to_vec(), ""))
}

fn check(message: Result<Message, RecvError>, at: u32) {
    assert_eq!(message.expect("a message").first(), &at.to_be_bytes(), "number {at}");
}

/// Every test goes over a transport and within the process.
fn everywhere(name: &str) -> [String; 2] {
    [ANYWHERE.to_owned(), format!("inproc://cancel-{name}")]
}

// ZMTP-MSG-05, ZMTP-MSG-06
#[test]
fn recv() -> Done {
    rt::run(async {
        for at in everywhere("recv") {
            let (push, pull) = pipeline(&at).await?;
            let sender = tokio::spawn(async move {
                for at in 0..COUNT {
                    push.send(numbered(at)).await?;
                }
                Ok::<_, SendError>(push)
            });
            for at in 0..COUNT {
                let recv = insist!(async {
                    if at % 3 == 0 { pull.recv().await } else { pull.recv_timeout(rt::LATE).await }
                });
                check(rt::in_time("a message", recv).await, at);
            }
            sender.await??;
            assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        }
        Ok(())
    })
}

#[test]
fn send() -> Done {
    rt::run(async {
        for at in everywhere("send") {
            let (push, pull) = pipeline(&at).await?;
            let receiver = tokio::spawn(async move {
                for at in 0..COUNT {
                    check(pull.recv().await, at);
                }
                pull
            });
            for at in 0..COUNT {
                let send = insist!(async {
                    match at % 3 {
                        0 => push.send(numbered(at)).await,
                        _ => push.send_timeout(numbered(at), rt::LATE).await,
                    }
                });
                rt::in_time("room", send).await?;
            }
            let pull = receiver.await?;
            assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        }
        Ok(())
    })
}

/// One receiver gives up all the time; the other one, which waits, misses nothing.
#[test]
fn recv_beside_another_receiver() -> Done {
    rt::run(async {
        for at in everywhere("two-receivers") {
            let (push, pull) = pipeline(&at).await?;
            let pull = std::sync::Arc::new(pull);
            let fickle = {
                let pull = pull.clone();
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        match insist!(pull.recv()).await {
                            Ok(message) if message.first() == "end" => return mine,
                            message => mine.push(message),
                        }
                    }
                })
            };
            let steady = tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    match pull.recv().await {
                        Ok(message) if message.first() == "end" => return mine,
                        message => mine.push(message),
                    }
                }
            });
            for at in 0..COUNT {
                push.send(numbered(at)).await?;
            }
            push.send("end").await?;
            push.send("end").await?;
            let mut all = rt::in_time("the fickle one", fickle).await?;
            all.extend(rt::in_time("the steady one", steady).await?);
            all.sort_by_key(|message| message.as_ref().map(|it| it.first().to_vec()).ok());
            assert_eq!(all.len(), COUNT as usize);
            for (at, message) in (0..COUNT).zip(all) {
                check(message, at);
            }
        }
        Ok(())
    })
}

// REQREP-REQ-01, REQREP-REP-01: the turns stay as they are.
#[test]
fn questions_and_answers() -> Done {
    rt::run(async {
        for at in everywhere("turns") {
            let (req, rep) = (Req::new(tight())?, Rep::new(tight())?);
            req.connect(rep.bind(&at).await?)?;
            let answering = tokio::spawn(async move {
                for at in 0..COUNT / 4 {
                    check(insist!(rep.recv()).await, at);
                    insist!(rep.send(numbered(at))).await?;
                }
                Ok::<_, SendError>(rep)
            });
            for at in 0..COUNT / 4 {
                insist!(req.send(numbered(at))).await?;
                let answer = insist!(req.recv());
                check(rt::in_time("an answer", answer).await, at);
            }
            answering.await??;
        }
        Ok(())
    })
}

#[test]
fn bind() -> Done {
    rt::run(async {
        for at in ["tcp://localhost:*", ANYWHERE, "inproc://cancel-bind"] {
            for polls in 1..5 {
                let pull = Pull::new(Options::new())?;
                let mut monitor = pull.monitor();
                let cut_off = cut(polls, pull.bind(at)).await.transpose()?;
                let endpoint = match &cut_off {
                    Some(endpoint) => endpoint.clone(),
                    None => rt::in_time("the second attempt", pull.bind(at)).await?,
                };
                let push = Push::new(Options::new())?;
                rt::in_time("the connection", push.connect(&endpoint)?.ready()).await?;
                assert_eq!(rt::in_time("the end", pull.close()).await, 0);
                let mut listening = 0;
                while let Some(event) = rt::in_time("events", monitor.next()).await {
                    listening +=
                        usize::from(matches!(event, Observation::Event(Event::Listening { .. })));
                }
                assert_eq!(listening, 1, "{at}: what was dropped left nothing bound");
            }
        }
        Ok(())
    })
}

#[test]
fn connecting() -> Done {
    rt::run(async {
        for at in everywhere("connect") {
            for polls in 1..6 {
                let pull = Pull::new(Options::new())?;
                let endpoint = pull.bind(&at).await?;
                let push = Push::new(Options::new())?;
                let mut connecting = push.connect(&endpoint)?;
                let early = cut(polls, connecting.ready()).await;
                let peer = rt::in_time("READY", connecting.ready()).await?;
                assert!(early.is_none_or(|early| early.as_ref() == Ok(&peer)));
                push.send("hello").await?;
                assert_eq!(rt::in_time("a message", pull.recv()).await?.first(), "hello");
                pull.close().await;
            }
        }
        Ok(())
    })
}

/// What was sent arrives, although nobody waits for the end of closing.
#[test]
fn close() -> Done {
    rt::run(async {
        for polls in 1..6 {
            let pull = Pull::new(tight())?;
            let endpoint = pull.bind(ANYWHERE).await?;
            let push = Push::new(Options::new())?;
            push.connect(&endpoint)?;
            for at in 0..100 {
                push.send(numbered(at)).await?;
            }
            let mut monitor = push.monitor();
            let closed = cut(polls, push.close()).await;
            assert!(closed.is_none_or(|given_up| given_up == 0));
            for at in 0..100 {
                check(rt::in_time("a message", pull.recv()).await, at);
            }
            rt::in_time("the end", async { while monitor.next().await.is_some() {} }).await;
        }
        Ok(())
    })
}

/// A dropped `close` still ends, by its linger time, what can never be sent.
#[test]
fn close_with_nobody_there() -> Done {
    rt::run(async {
        for polls in 1..4 {
            let push = Push::new(Options::new().linger(Duration::from_millis(50)))?;
            push.connect("inproc://cancel-nobody")?;
            push.send("never").await?;
            let mut monitor = push.monitor();
            cut(polls, push.close()).await;
            rt::in_time("the end", async { while monitor.next().await.is_some() {} }).await;
        }
        Ok(())
    })
}

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

/// A proxy in both directions whose `run` is dropped after every few polls, or that is dropped itself.
async fn through_a_proxy(at: &str, renewed: bool) -> Done {
    let (client, front) = (Dealer::new(tight())?, Router::new(tight())?);
    let (back, worker) = (Dealer::new(tight())?, Dealer::new(tight())?);
    let (capture, observer) = (Push::new(tight())?, Pull::new(tight())?);
    client.connect(front.bind(at).await?)?;
    let at = |name: &str| format!("{at}-{name}").replace(&format!(":*-{name}"), ":*");
    worker.connect(back.bind(at("back")).await?)?;
    capture.connect(observer.bind(at("capture")).await?)?;
    let (send, recv) = client.split();
    let asking = tokio::spawn(async move {
        for at in 0..COUNT {
            send.send(numbered(at)).await?;
        }
        Ok::<_, SendError>(send)
    });
    let working = tokio::spawn(async move {
        for at in 0..COUNT {
            let question = worker.recv().await.expect("a question");
            assert_eq!(question.get(1).map(|it| &**it), Some(&at.to_be_bytes()[..]));
            worker.send(question).await?;
        }
        Ok::<_, SendError>(worker)
    });
    let copied = tokio::spawn(async move {
        if !renewed {
            for _ in 0..2 * COUNT {
                observer.recv().await.expect("a copy");
            }
        }
        observer
    });
    let answered = async {
        for at in 0..COUNT {
            check(recv.recv().await, at);
        }
    };
    let device = async {
        if renewed {
            insist!(proxy(&front, &back)).await
        } else {
            let mut device = Proxy::new(&front, &back)?.capture(&capture)?;
            insist!(device.run()).await
        }
    };
    let both = async {
        answered.await;
        copied.await.expect("the observer")
    };
    tokio::select! {
        ended = device => panic!("{ended:?}"),
        observer = rt::in_time("all answers", both) => {
            assert_eq!(observer.try_recv(), Err(RecvError::WouldBlock), "no copy comes twice");
        }
    }
    asking.await??;
    working.await??;
    Ok(())
}

// ZMTP-MSG-05, ZMTP-MSG-06
#[test]
fn proxy_runs_that_are_dropped() -> Done {
    rt::run(async {
        for at in everywhere("proxy-run") {
            through_a_proxy(&at, false).await?;
        }
        Ok(())
    })
}

#[test]
fn proxies_that_are_dropped() -> Done {
    rt::run(async {
        for at in everywhere("proxy") {
            through_a_proxy(&at, true).await?;
        }
        Ok(())
    })
}
