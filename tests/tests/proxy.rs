//! Devices: proxies between sockets, plain, with copies, and steered.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use ironhouse::error::ProxyError;
use ironhouse::{
    AnySocket, Dealer, Options, Proxy, Pull, Push, Req, Router, SocketType, XPub, XSub, blocking,
    proxy,
};
use ironhouse_tests::ours::frames;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt, theirs};
use libzmq_reference as zmq;

const SHORT: Duration = Duration::from_millis(60);

/// Options that hold little, so that pressure is felt.
fn tight() -> Options {
    let marks = Options::new().send_high_water_mark(5).receive_high_water_mark(5);
    marks.linger(Duration::ZERO)
}

async fn connected(push: &Push, pull: &Pull, name: &str) -> Fallible<()> {
    let endpoint = pull.bind(format!("inproc://proxy-{name}")).await?;
    rt::in_time(name, push.connect(endpoint)?.ready()).await?;
    Ok(())
}

/// The queue device: REQ of libzmq, ROUTER and DEALER of ours, REP of libzmq.
// REQREP-ROUTER-01, REQREP-ROUTER-02, REQREP-DEALER-01, REQREP-REP-03
#[test]
fn a_queue_between_clients_and_workers_of_libzmq() -> Done {
    const CLIENTS: usize = 3;
    const EACH: usize = 200;
    rt::run(async {
        let (router, dealer) = (Router::new(Options::new())?, Dealer::new(Options::new())?);
        let front = router.bind(ANYWHERE).await?.to_string();
        let back = dealer.bind(ANYWHERE).await?.to_string();
        let device = tokio::spawn(async move { proxy(&router, &dealer).await });
        let context = theirs::context();
        for _ in 0..2 {
            let worker = context.socket(zmq::SocketType::Rep)?;
            worker.connect(&back)?;
            thread::spawn(move || {
                while let Ok(mut question) = worker.recv_multipart() {
                    question.push(b"answered".to_vec());
                    worker.send_multipart(question).expect("a way back");
                }
            });
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|who| {
                let client = context.socket(zmq::SocketType::Req).expect("a socket");
                client.connect(&front).expect("a way");
                thread::spawn(move || {
                    for at in 0..EACH {
                        let question = format!("{who} {at}");
                        client.send_multipart([question.as_bytes(), b""]).expect("room");
                        let answer = client.recv_multipart().expect("an answer");
                        assert_eq!(answer, [question.as_bytes(), b"", b"answered"]);
                    }
                })
            })
            .collect();
        for client in clients {
            tokio::task::spawn_blocking(|| client.join().expect("a client")).await?;
        }
        device.abort();
        context.shutdown()?;
        Ok(())
    })
}

/// The streamer device, with libzmq at both ends and messages of many parts.
// PIPELINE-PUSH-01, PIPELINE-PULL-01, ZMTP-MSG-02, ZMTP-MSG-06
#[test]
fn a_streamer_between_sockets_of_libzmq() -> Done {
    const COUNT: usize = 2_000;
    rt::run(async {
        let (pull, push) = (Pull::new(tight())?, Push::new(tight())?);
        let context = theirs::context();
        let (source, drain) =
            (context.socket(zmq::SocketType::Push)?, context.socket(zmq::SocketType::Pull)?);
        source.connect(&pull.bind(ANYWHERE).await?.to_string())?;
        drain.connect(&push.bind(ANYWHERE).await?.to_string())?;
        let device = tokio::spawn(async move { proxy(&pull, &push).await });
        let sender = thread::spawn(move || {
            for at in 0..COUNT {
                let parts = vec![at.to_string().into_bytes(); at % 4 + 1];
                source.send_multipart(parts).expect("room");
            }
            source
        });
        for at in 0..COUNT {
            assert_eq!(drain.recv_multipart()?, vec![at.to_string().into_bytes(); at % 4 + 1]);
        }
        sender.join().expect("the sender");
        device.abort();
        Ok(())
    })
}

/// The forwarder device: publications go on, subscriptions come back.
// PUBSUB-XPUB-01, PUBSUB-XSUB-01, PUBSUB-XSUB-02, PUBSUB-WIRE-09
#[test]
fn a_forwarder_between_sockets_of_libzmq() -> Done {
    rt::run(async {
        let (xsub, xpub) = (XSub::new(Options::new())?, XPub::new(Options::new())?);
        let front = xsub.bind(ANYWHERE).await?.to_string();
        let back = xpub.bind(ANYWHERE).await?.to_string();
        let device = tokio::spawn(async move { proxy(&xsub, &xpub).await });
        let context = theirs::context();
        let publisher = context.socket(zmq::SocketType::Xpub)?;
        publisher.connect(&front)?;
        let subscribers =
            [context.socket(zmq::SocketType::Sub)?, context.socket(zmq::SocketType::Sub)?];
        for (subscriber, prefix) in subscribers.iter().zip(["a", "b"]) {
            subscriber.connect(&back)?;
            subscriber.subscribe(prefix)?;
        }
        let mut told = [publisher.recv()?, publisher.recv()?];
        told.sort_unstable();
        assert_eq!(told, [b"\x01a", b"\x01b"]);
        for at in 0..500 {
            for topic in ["a", "b", "c"] {
                publisher.send_multipart([topic.to_owned(), at.to_string()])?;
            }
        }
        for at in 0..500 {
            for (subscriber, prefix) in subscribers.iter().zip(["a", "b"]) {
                let expected = [prefix.to_owned(), at.to_string()].map(String::into_bytes);
                assert_eq!(subscriber.recv_multipart()?, expected);
            }
        }
        subscribers[1].unsubscribe("b")?;
        assert_eq!(publisher.recv()?, b"\x00b");
        // A subscriber that leaves cancels.
        drop(subscribers);
        assert_eq!(publisher.recv()?, b"\x00a");
        device.abort();
        Ok(())
    })
}

/// The proxy of libzmq between sockets of ours.
#[test]
fn through_the_proxy_of_libzmq() -> Done {
    rt::run(async {
        let context = theirs::context();
        let (front, back) =
            (context.socket(zmq::SocketType::Router)?, context.socket(zmq::SocketType::Dealer)?);
        let (front_at, back_at) = (front.bind(ANYWHERE)?, back.bind(ANYWHERE)?);
        let theirs = thread::spawn(move || zmq::proxy(&front, &back, None));
        let (client, worker) = (Dealer::new(Options::new())?, Dealer::new(Options::new())?);
        client.connect(&front_at)?;
        worker.connect(&back_at)?;
        for at in 0..500 {
            client.send((format!("{at}"), "")).await?;
            let question = rt::in_time("a question", worker.recv()).await?;
            worker.send(question).await?;
            let answer = rt::in_time("an answer", client.recv()).await?;
            assert_eq!(frames(&answer), [format!("{at}").as_bytes(), b""]);
        }
        context.shutdown()?;
        theirs.join().expect("the proxy")?;
        Ok(())
    })
}

/// A backend that takes nothing stops the frontend: no queue grows between them.
#[test]
fn a_full_backend_stops_the_frontend() -> Done {
    rt::run(async {
        let (source, pull) = (Push::new(tight())?, Pull::new(tight())?);
        let (push, drain) = (Push::new(tight())?, Pull::new(tight())?);
        connected(&source, &pull, "pressure-in").await?;
        connected(&push, &drain, "pressure-out").await?;
        let mut device = Proxy::new(&pull, &push)?;
        let handle = device.handle();
        let mut sent = 0_u32;
        let fill = async {
            while source.send_timeout(format!("{sent}"), SHORT).await.is_ok() {
                sent += 1;
            }
        };
        tokio::select! {
            _ = device.run() => panic!("the proxy ended"),
            () = fill => {}
        }
        // Two connections of 5 + 5, batches in hand of receivers, and one message in the proxy.
        assert!(sent <= 32, "{sent} messages are somewhere");
        assert!(sent >= 20, "only {sent} messages found room");
        tokio::select! {
            _ = device.run() => panic!("the proxy ended"),
            () = async {
                for at in 0..sent {
                    let message = rt::in_time("a message", drain.recv()).await.expect("one");
                    assert_eq!(message.first(), format!("{at}").as_bytes());
                }
            } => {}
        }
        let statistics = handle.statistics();
        assert_eq!(statistics.frontend.received, u64::from(sent));
        assert_eq!(statistics.backend.sent, u64::from(sent));
        assert_eq!(statistics.backend.received + statistics.frontend.sent, 0);
        Ok(())
    })
}

#[test]
fn copies_of_both_directions_are_captured() -> Done {
    rt::run(async {
        let (router, dealer) = (Router::new(Options::new())?, Dealer::new(Options::new())?);
        let (client, worker) = (Dealer::new(Options::new())?, Dealer::new(Options::new())?);
        let (capture, observer) = (Push::new(tight())?, Pull::new(tight())?);
        client.connect(router.bind("inproc://proxy-capture-front").await?)?;
        worker.connect(dealer.bind("inproc://proxy-capture-back").await?)?;
        connected(&capture, &observer, "capture").await?;
        let talk = async {
            for at in 0..100 {
                client.send(format!("{at}")).await?;
                let question = worker.recv().await?;
                assert_eq!(question.len(), 2, "behind its routing id");
                let copy = observer.recv().await?;
                assert_eq!(copy, question);
                worker.send(question.clone()).await?;
                assert_eq!(client.recv().await?.first(), format!("{at}").as_bytes());
                assert_eq!(observer.recv().await?, question);
            }
            Fallible::Ok(())
        };
        let mut device = Proxy::new(&router, &dealer)?.capture(&capture)?;
        tokio::select! {
            _ = device.run() => panic!("the proxy ended"),
            talked = rt::in_time("the talk", talk) => talked?,
        }
        let refused = Proxy::new(&router, &dealer)?.capture(&observer);
        assert!(matches!(refused, Err(ProxyError::Unsupported(_))), "a PULL takes no copies");
        Ok(())
    })
}

#[test]
fn a_handle_pauses_resumes_counts_and_terminates() -> Done {
    rt::run(async {
        let (source, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
        let (push, drain) = (Push::new(Options::new())?, Pull::new(Options::new())?);
        connected(&source, &pull, "steer-in").await?;
        connected(&push, &drain, "steer-out").await?;
        let (told, handle) = tokio::sync::oneshot::channel();
        let device = tokio::spawn(async move {
            let mut device = Proxy::new(&pull, &push)?;
            told.send(device.handle()).expect("somebody listens");
            let statistics = device.run().await?;
            assert_eq!(device.run().await?, statistics, "it stays terminated");
            drop(device);
            Ok::<_, ProxyError>((statistics, pull))
        });
        let handle = handle.await?;
        source.send(("one", "a")).await?;
        assert_eq!(rt::in_time("one", drain.recv()).await?.len(), 2);
        handle.pause();
        handle.pause();
        source.send("two").await?;
        rt::never("paused", SHORT, drain.recv()).await;
        handle.resume();
        assert_eq!(rt::in_time("two", drain.recv()).await?.first(), "two");
        handle.terminate();
        handle.resume();
        let (statistics, pull) = rt::in_time("the end", device).await??;
        assert_eq!((statistics.frontend.received, statistics.frontend.received_octets), (2, 7));
        assert_eq!((statistics.backend.sent, statistics.backend.sent_octets), (2, 7));
        assert_eq!(statistics, handle.statistics());
        source.send("three").await?;
        assert_eq!(rt::in_time("three", pull.recv()).await?.first(), "three");
        Ok(())
    })
}

// REQREP-ROUTER-03
#[test]
fn what_can_reach_nobody_is_counted() -> Done {
    rt::run(async {
        let (source, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
        let router = Router::new(Options::new())?;
        connected(&source, &pull, "nobody").await?;
        let mut device = Proxy::new(&pull, &router)?;
        let handle = device.handle();
        source.send(("no such id", "body")).await?;
        source.send("no body").await?;
        tokio::select! {
            _ = device.run() => panic!("the proxy ended"),
            () = rt::until("both", || handle.statistics().backend.undeliverable == 2) => {}
        }
        assert_eq!(handle.statistics().backend.sent, 0);
        Ok(())
    })
}

#[test]
fn what_cannot_pass_is_refused_at_once() -> Done {
    let (one, two) = (Pull::new(Options::new())?, Pull::new(Options::new())?);
    let error = Proxy::new(&one, &two).expect_err("nothing passes");
    let (frontend, backend) = (SocketType::PULL, SocketType::PULL);
    assert_eq!(error, ProxyError::NoWay { frontend, backend });
    assert_eq!(error.to_string(), "nothing can pass between a PULL and a PULL socket");
    // REQ takes turns: what it received could not be put back.
    let req = AnySocket::from(Req::new(Options::new())?);
    let dealer = AnySocket::from(Dealer::new(Options::new())?);
    assert!(matches!(Proxy::new(&req, &dealer), Err(ProxyError::NoWay { .. })));
    Ok(())
}

/// What the proxy had in hand is back in the socket when the proxy is gone.
#[test]
fn a_dropped_proxy_gives_back_what_it_had_in_hand() -> Done {
    rt::run(async {
        let (source, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
        let push = Push::new(Options::new())?;
        connected(&source, &pull, "give-back").await?;
        source.send("one").await?;
        source.send("two").await?;
        rt::never("nobody takes it", SHORT, proxy(&pull, &push)).await;
        assert_eq!(rt::in_time("one", pull.recv()).await?.first(), "one");
        assert_eq!(rt::in_time("two", pull.recv()).await?.first(), "two");
        Ok(())
    })
}

#[test]
fn threads_run_proxies_too() -> Done {
    let (pull, push) = (blocking::Pull::new(Options::new())?, blocking::Push::new(Options::new())?);
    let (source, drain) =
        (blocking::Push::new(Options::new())?, blocking::Pull::new(Options::new())?);
    source.connect(pull.bind(ANYWHERE)?)?;
    drain.connect(push.bind(ANYWHERE)?)?;
    let (told, handle) = std::sync::mpsc::channel();
    let device = thread::spawn(move || {
        let mut device = Proxy::new(&pull, &push)?;
        told.send(device.handle()).expect("somebody listens");
        blocking::run_proxy(&mut device)
    });
    let handle = handle.recv()?;
    let sender = thread::spawn(move || {
        (0..3000).try_for_each(|at| source.send(format!("{at}"))).map(|()| source)
    });
    let mut seen = HashSet::new();
    for _ in 0..3000 {
        assert!(seen.insert(drain.recv_timeout(rt::LATE)?.first().to_vec()));
    }
    let _source = sender.join().expect("the sender")?;
    handle.terminate();
    assert_eq!(device.join().expect("the proxy")?.backend.sent, 3000);
    Ok(())
}
