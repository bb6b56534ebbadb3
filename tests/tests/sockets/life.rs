//! How sockets begin, come back, and end: linger, close, drop, restart.

use std::time::{Duration, Instant};

use ironhouse::error::{Disconnect, StartError};
use ironhouse::{
    AnySocket, Dealer, Endpoint, Event, Hub, Options, Pull, Push, Reconnect, Rep, Req, SocketType,
};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::raw::RawListener;
use ironhouse_tests::{Done, Fallible, rt, watch};

use crate::tasks;

const SOON: Reconnect =
    Reconnect { interval: Duration::from_millis(10), max_interval: Duration::from_millis(10) };

/// Somewhere nobody listens.
async fn nowhere() -> String {
    RawListener::bind().await.endpoint()
}

#[test]
fn closing_gives_the_number_of_messages_that_could_not_be_sent() -> Done {
    rt::run(async {
        for (linger, at_least) in [(0, 0), (150, 150)] {
            let linger = Duration::from_millis(linger);
            let push = Push::new(Options::new().linger(linger))?;
            push.connect(nowhere().await)?;
            for number in 0..5 {
                push.send(number.to_string()).await?;
            }
            let begin = Instant::now();
            assert_eq!(rt::in_time("closing", push.close()).await, 5, "{linger:?}");
            assert!(begin.elapsed() >= Duration::from_millis(at_least), "{linger:?}");
        }
        // Over inproc, too, where nobody has bound the name.
        let push = Push::new(Options::new().linger(Duration::ZERO))?;
        push.connect("inproc://nobody will ever bind this")?;
        push.send("one").await?;
        assert_eq!(rt::in_time("closing", push.close()).await, 1);
        Ok(())
    })
}

#[test]
fn closing_counts_what_a_peer_does_not_take() -> Done {
    rt::run(async {
        let stranger = RawListener::bind().await;
        let push = Push::new(Options::new().linger(Duration::from_millis(100)))?;
        push.connect(stranger.endpoint())?;
        let mut raw = stranger.accept().await;
        raw.shake_hands_null("PULL").await;
        // More than all buffers of the system take.
        for _ in 0..32 {
            push.send(vec![7; 1 << 20]).await?;
        }
        let lost = rt::in_time("closing", push.close()).await;
        assert!((1..=32).contains(&lost), "{lost}");
        Ok(())
    })
}

#[test]
fn closing_waits_for_what_can_be_sent() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://linger"] {
            let pull = Pull::new(Options::new())?;
            let endpoint = pull.bind(at).await?;
            let push = Push::new(Options::new())?;
            push.connect(&endpoint)?;
            for number in 0..500 {
                push.send(number.to_string()).await?;
            }
            assert_eq!(rt::in_time(at, push.close()).await, 0, "{at}");
            for number in 0..500 {
                let message = rt::in_time(at, pull.recv()).await?;
                assert_eq!(*message.first(), *number.to_string(), "{at}");
            }
        }
        Ok(())
    })
}

// ZMTP-SOCKET-02, PIPELINE-PUSH-03
#[test]
fn closing_waits_even_for_a_peer_that_is_not_there_yet() -> Done {
    rt::run(async {
        for at in [nowhere().await, "inproc://not there yet".to_owned()] {
            let push = Push::new(Options::new().reconnect(SOON))?;
            push.connect(&at)?;
            push.send("patience").await?;
            let closing = tokio::spawn(push.close());
            let pull = Pull::new(Options::new())?;
            pull.bind(&at).await?;
            assert_eq!(rt::in_time(&at, pull.recv()).await?.first(), "patience");
            assert_eq!(rt::in_time(&at, closing).await?, 0, "{at}");
        }
        Ok(())
    })
}

#[test]
fn a_dropped_socket_still_sends_what_waits() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let endpoint = pull.bind(ANYWHERE).await?;
        let push = Push::new(Options::new())?;
        push.connect(&endpoint)?;
        for number in 0..500 {
            push.send(number.to_string()).await?;
        }
        drop(push);
        for number in 0..500 {
            let message = rt::in_time("the last will", pull.recv()).await?;
            assert_eq!(*message.first(), *number.to_string());
        }
        Ok(())
    })
}

#[test]
fn closing_frees_the_endpoint() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        for at in [ANYWHERE.to_owned(), directory.ipc("socket"), "inproc://freed".to_owned()] {
            let mut endpoint: Endpoint = at.parse()?;
            for _ in 0..10 {
                let rep = Rep::new(Options::new())?;
                endpoint = rep.bind(&endpoint).await?;
                let req = Req::new(Options::new())?;
                req.connect(&endpoint)?.ready().await?;
                rt::in_time(&at, rep.close()).await;
                req.close().await;
            }
        }
        assert!(!directory.join("socket").exists(), "the path is removed");
        Ok(())
    })
}

/// Every type, with connections of every kind, leaves no task behind.
#[test]
fn closing_ends_every_task() -> Done {
    rt::run(async {
        let before = tasks();
        for kind in SocketType::ALL {
            for at in [ANYWHERE, "ipc://*", "inproc://tasks"] {
                let socket = AnySocket::new(kind, Options::new().linger(Duration::ZERO))?;
                let peer_type =
                    SocketType::ALL.into_iter().find(|peer| kind.accepts(*peer)).expect("a peer");
                let peer = AnySocket::new(peer_type, Options::new().linger(Duration::ZERO))?;
                let mut connecting = peer.connect(socket.bind(at).await?)?;
                rt::in_time("ready", connecting.ready()).await?;
                socket.connect(nowhere().await)?;
                socket.connect("inproc://nobody at all")?;
                assert!(tasks() > before, "there is something to end");
                rt::in_time("closing", socket.close()).await;
                rt::in_time("closing", peer.close()).await;
                // A task that has said that it is done may take a moment to be gone.
                let what = format!("the end of all tasks of a {kind} at {at}");
                rt::until(&what, || tasks() == before).await;
            }
        }
        Ok(())
    })
}

#[test]
fn dropping_ends_every_task_too() -> Done {
    rt::run(async {
        let before = tasks();
        for kind in SocketType::ALL {
            let socket = AnySocket::new(kind, Options::new())?;
            socket.bind(ANYWHERE).await?;
            socket.connect(nowhere().await)?;
        }
        rt::until("the end of all tasks", || tasks() == before).await;
        Ok(())
    })
}

// ZMTP-SOCKET-03, PIPELINE-PUSH-03
#[test]
fn a_client_comes_back_when_its_server_does() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        for at in [ANYWHERE.to_owned(), directory.ipc("socket"), "inproc://again".to_owned()] {
            let push = Push::new(Options::new().reconnect(SOON))?;
            let mut events = push.monitor();
            let mut pull = Pull::new(Options::new())?;
            let endpoint = pull.bind(&at).await?;
            push.connect(&endpoint)?;
            for life in 0..5 {
                push.send(format!("to life {life}")).await?;
                let message = rt::in_time(&at, pull.recv()).await?;
                assert_eq!(*message.first(), *format!("to life {life}"), "{at}");
                pull.close().await;
                watch::disconnected(&at, &mut events).await;
                // What is sent meanwhile waits.
                push.send("meanwhile").await?;
                pull = Pull::new(Options::new())?;
                pull.bind(&endpoint).await?;
                assert_eq!(rt::in_time(&at, pull.recv()).await?.first(), "meanwhile", "{at}");
            }
        }
        Ok(())
    })
}

#[test]
fn whoever_was_ready_is_told_even_if_it_has_left_since() -> Done {
    rt::run(async {
        let push = Push::new(Options::new())?;
        let endpoint = push.bind(ANYWHERE).await?;
        let pull = Pull::new(Options::new().reconnect(SOON))?;
        let mut events = pull.monitor();
        let mut connecting = pull.connect(&endpoint)?;
        push.send("all there is").await?;
        push.close().await;
        // The second time that it comes to nothing, the first failure is recorded for sure.
        for _ in 0..2 {
            watch::event("another attempt", &mut events, |event| {
                matches!(event, Event::Retrying { .. }).then_some(())
            })
            .await;
        }
        assert_eq!(rt::in_time("ready", connecting.ready()).await.map(drop), Ok(()));
        assert_eq!(rt::in_time("the message", pull.recv()).await?.first(), "all there is");
        rt::in_time("the failure", connecting.ready()).await.expect_err("it has left");
        Ok(())
    })
}

#[test]
fn the_monitor_tells_the_whole_story_in_order() -> Done {
    rt::run(async {
        let rep = Rep::new(Options::new())?;
        let mut server = rep.monitor();
        let endpoint = rep.bind(ANYWHERE).await?;
        let req = Req::new(Options::new().reconnect(SOON))?;
        let mut client = req.monitor();
        let mut connecting = req.connect(&endpoint)?;
        rt::in_time("ready", connecting.ready()).await?;
        watch::event("the server", &mut server, |event| {
            matches!(event, Event::HandshakeSucceeded { .. }).then_some(())
        })
        .await;
        rep.close().await;
        watch::disconnected("the client", &mut client).await;
        watch::event("the client", &mut client, |event| match event {
            Event::Retrying { cause, .. } => {
                assert_eq!(*cause, Disconnect::PeerClosed);
                Some(())
            }
            _ => None,
        })
        .await;
        watch::event("the client", &mut client, |event| {
            assert!(matches!(event, Event::Connecting { .. }), "{event:?}");
            Some(())
        })
        .await;
        req.close().await;
        let names = |events: Vec<Event>| -> Vec<String> {
            let name = |event: &Event| {
                let text = format!("{event:?}");
                text.split([' ', '{']).next().unwrap_or_default().to_owned()
            };
            events.iter().map(name).collect()
        };
        let mut rest = Vec::new();
        while let Some(event) = server.next_event().await {
            rest.push(event);
        }
        let rest = names(rest);
        assert!(rest.contains(&"Disconnected".to_owned()), "{rest:?}");
        assert!(rest.contains(&"Unbound".to_owned()), "{rest:?}");
        // A monitor ends with its socket.
        while let Some(event) = client.next_event().await {
            assert!(!matches!(event, Event::HandshakeSucceeded { .. }), "{event:?}");
        }
        Ok(())
    })
}

#[test]
fn a_released_connection_ends_and_stays_away() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let mut events = pull.monitor();
        let endpoint = pull.bind(ANYWHERE).await?;
        let push = Push::new(Options::new().reconnect(SOON))?;
        let mut connecting = push.connect(&endpoint)?;
        rt::in_time("ready", connecting.ready()).await?;
        watch::success("push", &mut events).await;
        push.disconnect(&endpoint)?;
        watch::disconnected("push", &mut events).await;
        let again = watch::success("nobody", &mut events);
        rt::never("it comes again", Duration::from_millis(100), again).await;
        assert_eq!(push.disconnect(&endpoint), Err(StartError::NoSuchEndpoint(endpoint.clone())));
        push.connect(&endpoint)?;
        watch::success("push", &mut events).await;
        // And the other way round.
        pull.unbind(&endpoint)?;
        watch::disconnected("push", &mut events).await;
        Ok(())
    })
}

/// Both ends leave at the same moment, each in its own way: nothing is released twice or never.
// hostile: V10
#[test]
fn leaving_may_race_ten_thousand_times() -> Done {
    let round = async |number: usize, at: &str, hub: &Hub| -> Done {
        let bound = Dealer::new(Options::new().hub(hub.clone()).linger(Duration::ZERO))?;
        let endpoint = bound.bind(at).await?;
        let other = Dealer::new(Options::new().hub(hub.clone()).linger(Duration::ZERO))?;
        let mut connecting = other.connect(&endpoint)?;
        if !number.is_multiple_of(3) {
            rt::in_time("ready", connecting.ready()).await?;
            other.send("on its way").await?;
        }
        let (unbinds, disconnects) = (number.is_multiple_of(2), !number.is_multiple_of(5));
        let there = endpoint.clone();
        let one = tokio::spawn(async move {
            if unbinds {
                bound.unbind(&endpoint).expect("bound");
            }
            bound.close().await
        });
        let two = tokio::spawn(async move {
            if disconnects {
                other.disconnect(&there).expect("connected");
            }
            drop(other);
        });
        rt::in_time("the one that closes", one).await?;
        rt::in_time("the one that is dropped", two).await?;
        Fallible::Ok(())
    };
    // In pieces, because each has an end to everything that hangs.
    for _ in 0..40 {
        rt::run(async {
            let (before, hub) = (tasks(), Hub::new());
            for number in 0..240 {
                round(number, "inproc://race", &hub).await?;
            }
            for number in 0..10 {
                round(number, ANYWHERE, &hub).await?;
            }
            rt::until("all tasks to end", || tasks() <= before).await;
            Fallible::Ok(())
        })?;
    }
    Ok(())
}

/// Keys are drawn from the system, whatever sockets and runtimes come and go meanwhile.
// hostile: V12
#[test]
fn keys_are_made_on_many_threads_while_sockets_come_and_go() {
    let keys = std::thread::scope(|scope| {
        let comers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..20 {
                        rt::run(small_talk()).expect("sockets work");
                    }
                })
            })
            .collect();
        let makers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let pair = || ironhouse::curve_keypair().expect("randomness");
                    (0..200).map(|_| *pair().public().as_bytes()).collect::<Vec<_>>()
                })
            })
            .collect();
        comers.into_iter().for_each(|it| it.join().expect("no panic"));
        makers.into_iter().flat_map(|it| it.join().expect("no panic")).collect::<Vec<_>>()
    });
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), different.len()), (1600, 1600), "no key comes twice");
}

async fn small_talk() -> Done {
    let (rep, req) = (Rep::new(Options::new())?, Req::new(Options::new())?);
    req.connect(rep.bind(ANYWHERE).await?)?.ready().await?;
    for number in 0..100 {
        req.send(number.to_string()).await?;
        let question = rep.recv().await?;
        rep.send(question).await?;
        assert_eq!(*req.recv().await?.first(), *number.to_string());
    }
    assert_eq!((req.close().await, rep.close().await), (0, 0));
    Fallible::Ok(())
}

#[test]
fn sockets_work_on_one_thread_as_on_many() -> Done {
    rt::run_on_one_thread(small_talk())?;
    rt::run(small_talk())
}

/// A socket may live longer than the runtime it was made in.
#[test]
fn a_socket_may_be_dropped_outside_of_a_runtime() -> Done {
    let socket = rt::run(async {
        let dealer = Dealer::new(Options::new().linger(Duration::ZERO))?;
        dealer.bind(ANYWHERE).await?;
        Fallible::Ok(dealer)
    })?;
    drop(socket);
    drop(Dealer::new(Options::new())?);
    Ok(())
}
