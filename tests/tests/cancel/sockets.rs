//! Sockets: bind, connect, send, receive, close.

use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Event, Observation, Options, Pull, Push, Rep, Req};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt};

use crate::{COUNT, check, cut, everywhere, numbered, pipeline, tight};

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
