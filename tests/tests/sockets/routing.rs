//! What ROUTER tells and is told beside messages: probes, notifications, routing ids from this side.

use std::time::Duration;

use ironhouse::error::{SendError, StartError};
use ironhouse::{
    AnySocket, Dealer, Event, Hub, Message, Options, Reconnect, Req, Router, RouterNotify,
    SocketType,
};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::raw::RawListener;
use ironhouse_tests::{Done, octets, rt, theirs, watch};
use libzmq_reference as zmq;

const WAYS: [&str; 3] = [ANYWHERE, "ipc://*", "inproc://routing"];

/// As `test_probe_router` of libzmq.
#[test]
fn a_probe_comes_before_everything_else() -> Done {
    rt::run(async {
        for at in WAYS {
            for prober in [SocketType::REQ, SocketType::DEALER, SocketType::ROUTER] {
                let what = format!("{prober} at {at}");
                let hub = Hub::new();
                let router = Router::new(Options::new().hub(hub.clone()))?;
                let endpoint = router.bind(at).await?;
                let options = Options::new().hub(hub).probe_router(true).routing_id("prober")?;
                let prober = AnySocket::new(prober, options)?;
                prober.connect(&endpoint)?;
                if let AnySocket::Dealer(dealer) = &prober {
                    dealer.send("waits for the connection").await?;
                }
                let probe = rt::in_time(&what, router.recv()).await?;
                assert_eq!(frames(&probe), [&b"prober"[..], b""], "{what}");
                if let AnySocket::Dealer(_) = &prober {
                    let next = rt::in_time(&what, router.recv()).await?;
                    assert_eq!(frames(&next)[1], b"waits for the connection", "{what}");
                }
            }
        }
        Ok(())
    })
}

#[test]
fn probes_meet_libzmq() -> Done {
    rt::run(async {
        let context = theirs::context();
        let their_router = context.socket(zmq::SocketType::Router)?;
        let their_endpoint = their_router.bind(ANYWHERE)?;
        let dealer = Dealer::new(Options::new().probe_router(true).routing_id("dealer")?)?;
        dealer.connect(&their_endpoint)?;
        assert_eq!(their_router.recv_multipart()?, [&b"dealer"[..], b""]);
        let req = Req::new(Options::new().probe_router(true).routing_id("req")?)?;
        req.connect(&their_endpoint)?;
        assert_eq!(their_router.recv_multipart()?, [&b"req"[..], b""]);
        req.send("question").await?;
        assert_eq!(their_router.recv_multipart()?, [&b"req"[..], b"", b"question"]);

        let router = Router::new(Options::new())?;
        let endpoint = router.bind(ANYWHERE).await?;
        let theirs = context.socket(zmq::SocketType::Dealer)?;
        theirs.probe_router(true)?.routing_id("theirs")?.connect(&endpoint.to_string())?;
        let probe = rt::in_time("their probe", router.recv()).await?;
        assert_eq!(frames(&probe), [&b"theirs"[..], b""]);
        Ok(())
    })
}

/// A connection that comes again is a new one.
#[test]
fn a_probe_is_sent_over_every_connection() -> Done {
    rt::run(async {
        let dealer = Dealer::new(quick().probe_router(true).routing_id("prober")?)?;
        let router = Router::new(Options::new())?;
        let endpoint = router.bind(ANYWHERE).await?;
        dealer.connect(&endpoint)?;
        rt::in_time("the first", router.recv()).await?;
        router.close().await;
        let router = Router::new(Options::new())?;
        router.bind(&endpoint).await?;
        let probe = rt::in_time("the second", router.recv()).await?;
        assert_eq!(frames(&probe), [&b"prober"[..], b""]);
        Ok(())
    })
}

fn quick() -> Options {
    let soon = Duration::from_millis(10);
    Options::new().reconnect(Reconnect { interval: soon, max_interval: soon })
}

/// As `test_router_notify` of libzmq.
#[test]
fn a_router_is_told_of_peers_in_the_order_of_their_messages() -> Done {
    rt::run(async {
        for at in WAYS {
            for (notify, before, behind) in [
                (None, false, false),
                (Some(RouterNotify::Connect), true, false),
                (Some(RouterNotify::Disconnect), false, true),
                (Some(RouterNotify::All), true, true),
            ] {
                let what = format!("{notify:?} at {at}");
                let hub = Hub::new();
                let options = Options::new().hub(hub.clone());
                let router = Router::new(match notify {
                    Some(notify) => options.router_notify(notify),
                    None => options,
                })?;
                let mut events = router.monitor();
                let endpoint = router.bind(at).await?;
                let dealer = Dealer::new(Options::new().hub(hub).routing_id("dealer")?)?;
                dealer.connect(&endpoint)?.ready().await?;
                dealer.send("hello").await?;
                rt::in_time("closing", dealer.close()).await;
                watch::disconnected(&what, &mut events).await;
                let notice = [&b"dealer"[..], b""];
                let expected = [
                    before.then_some(notice),
                    Some([&b"dealer"[..], b"hello"]),
                    behind.then_some(notice),
                ];
                for expected in expected.into_iter().flatten() {
                    assert_eq!(frames(&router.try_recv()?), expected, "{what}");
                }
                assert!(router.try_recv().is_err(), "{what}");
            }
        }
        Ok(())
    })
}

#[test]
fn an_id_given_here_is_good_before_the_connection_and_across_connections() -> Done {
    rt::run(async {
        for at in WAYS {
            let hub = Hub::new();
            let server = || Router::new(Options::new().hub(hub.clone()).routing_id("its own")?);
            let router = Router::new(quick().hub(hub.clone()))?;
            let directory = TempDir::new();
            let server_at = match at {
                ANYWHERE => RawListener::bind().await.endpoint(),
                "ipc://*" => directory.ipc("socket"),
                at => at.to_owned(),
            };
            let mut events = router.monitor();
            router.connect_with_routing_id(&server_at, "server")?;
            router.send(parts(["server", "early"])).await?;
            for round in ["first", "second"] {
                let server = server()?;
                server.bind(&server_at).await?;
                let routing_id = watch::event(at, &mut events, |event| match event {
                    Event::HandshakeSucceeded { routing_id, .. } => Some(routing_id.clone()),
                    _ => None,
                });
                assert_eq!(routing_id.await.as_bytes(), b"server", "{at}");
                if round == "first" {
                    let early = rt::in_time(at, server.recv()).await?;
                    assert_eq!(early.get(1).map(|part| part.to_vec()), Some(b"early".to_vec()));
                }
                router.send(parts(["server", round])).await?;
                let message = rt::in_time(at, server.recv()).await?;
                assert_eq!(frames(&message)[1], round.as_bytes(), "{at}");
                let mut answer = message.clone();
                answer = Message::from_parts([answer.pop_front().expect("an id"), "back".into()])
                    .expect("a message");
                server.send(answer).await?;
                let back = rt::in_time(at, router.recv()).await?;
                assert_eq!(frames(&back), [&b"server"[..], b"back"], "{at}");
                let unknown = router.send(parts(["its own", "x"])).await;
                assert!(matches!(unknown, Err(SendError::HostUnreachable(_))), "{at}");
                server.close().await;
                watch::disconnected(at, &mut events).await;
            }
        }
        Ok(())
    })
}

#[test]
fn an_id_is_given_once() -> Done {
    rt::run(async {
        let router = Router::new(Options::new().router_handover(true))?;
        let mut events = router.monitor();
        let endpoint = router.bind(ANYWHERE).await?;
        let nowhere = "inproc://nobody binds this name of the test of ids";
        router.connect_with_routing_id(nowhere, "mine")?;
        let again = router.connect_with_routing_id(nowhere, "mine").map(drop);
        assert!(matches!(again, Err(StartError::RoutingIdTaken(id)) if id.as_bytes() == b"mine"));
        for id in [&b""[..], b"\0id", &[7; 256]] {
            let given = router.connect_with_routing_id(nowhere, id).map(drop);
            assert_eq!(given, Err(StartError::RoutingId));
        }
        // Neither can a peer claim it, whether or not ids are handed over.
        let dealer = Dealer::new(Options::new().routing_id("mine")?)?;
        dealer.connect(&endpoint)?;
        watch::failure("the dealer", &mut events).await;
        // It is free again when the connection is given up.
        router.disconnect(nowhere)?;
        watch::success("the dealer", &mut events).await;
        Ok(())
    })
}

/// So that a program can begin to send without looking again and again.
#[test]
fn the_monitor_names_the_id_of_each_peer() -> Done {
    rt::run(async {
        for at in WAYS {
            let hub = Hub::new();
            let router = Router::new(Options::new().hub(hub.clone()))?;
            let mut events = router.monitor();
            let endpoint = router.bind(at).await?;
            let nameless = Dealer::new(Options::new().hub(hub.clone()))?;
            nameless.connect(&endpoint)?;
            let named = async |events: &mut _| {
                watch::event(at, events, |event| match event {
                    Event::HandshakeSucceeded { routing_id, .. } => Some(routing_id.clone()),
                    _ => None,
                })
                .await
            };
            let id = named(&mut events).await;
            assert!(id.is_reserved(), "{id:?}");
            router.send(parts([id.as_bytes(), b"hello"])).await?;
            assert_eq!(rt::in_time(at, nameless.recv()).await?.first(), "hello");
            let dealer = Dealer::new(Options::new().hub(hub).routing_id("me")?)?;
            dealer.connect(&endpoint)?;
            assert_eq!(named(&mut events).await.as_bytes(), b"me");
        }
        Ok(())
    })
}

/// Of a server that comes back under another name: what waits stays what the one before had said, in hand
/// or not.
// REQREP-ROUTER-05
#[test]
fn messages_keep_the_id_that_they_came_with() -> Done {
    rt::run(async {
        let soon = Duration::from_millis(5);
        let reconnect = Reconnect { interval: soon, max_interval: soon };
        let router = Router::new(Options::new().reconnect(reconnect))?;
        let mut events = router.monitor();
        let servers = RawListener::bind().await;
        router.connect(servers.endpoint())?;
        for name in ["one", "two", "", "four"] {
            let mut server = servers.accept().await;
            server.write(&octets::greeting("NULL")).await;
            server.write(&octets::command("READY", &octets::properties("DEALER", name))).await;
            server.read_command("READY").await;
            for number in 0..4 {
                let body = format!("{number} of {name:?}");
                server.write(&octets::frame(0, body.as_bytes())).await;
            }
            drop(server);
            watch::disconnected(name, &mut events).await;
            if name == "one" {
                let first = rt::in_time(name, router.recv()).await?;
                assert_eq!(frames(&first), [&b"one"[..], b"0 of \"one\""]);
            }
        }
        for name in ["one", "two", "", "four"] {
            for number in usize::from(name == "one")..4 {
                let message = rt::in_time(name, router.recv()).await?;
                assert_eq!(frames(&message)[1], format!("{number} of {name:?}").into_bytes());
                let peer = message.peer().expect("who sent it");
                assert_eq!(peer.claimed.routing_id.as_bytes(), name.as_bytes());
                match name {
                    "" => assert_eq!(message.first()[..1], [0], "made up by the ROUTER"),
                    name => assert_eq!(message.first(), name),
                }
            }
        }
        Ok(())
    })
}
