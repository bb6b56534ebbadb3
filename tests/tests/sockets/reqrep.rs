//! REQ, REP, DEALER, ROUTER: turns, losses and routing ids.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use ironhouse::auth::{AuthDecision, AuthRequest, Credentials, UserId};
use ironhouse::error::{Disconnect, RecvError, SendError};
use ironhouse::{
    Dealer, Event, Hub, Options, Reconnect, Rep, Req, Router, Security, ServerSecurity, SocketType,
    from_sync_fn,
};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::octets::{command, frame, frames as frames_of, greeting, ready};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::raw::{Raw, RawListener};
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, Fallible, rt};
use socket2::SockRef;
use zmtp_core::error::{Misbehaved, Stage};

use crate::successes;

// REQREP-REQ-01, REQREP-REP-01
#[test]
fn turns_are_taken_or_there_is_an_error() -> Done {
    rt::run(async {
        let (rep, req) = (Rep::new(Options::new())?, Req::new(Options::new())?);
        req.connect(rep.bind(ANYWHERE).await?)?.ready().await?;
        let state_of_req = |result| match result {
            Err(RecvError::State { socket_type: SocketType::REQ, .. }) => {}
            other => panic!("{other:?}"),
        };
        state_of_req(req.recv().await);
        state_of_req(req.try_recv());
        match rep.send("unasked").await {
            Err(error @ SendError::State { socket_type: SocketType::REP, .. }) => {
                assert!(error.to_string().contains("receive a request first"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        req.send("question").await?;
        match req.send("another").await {
            Err(error @ SendError::State { socket_type: SocketType::REQ, .. }) => {
                assert!(error.to_string().contains("receive the answer"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(rep.recv().await?.first(), "question");
        match rep.recv().await {
            Err(error @ RecvError::State { socket_type: SocketType::REP, .. }) => {
                assert!(error.to_string().contains("answer the last request first"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        // None of this has changed anything.
        rep.send("answer").await?;
        assert_eq!(req.recv().await?.first(), "answer");
        req.send("question").await?;
        assert_eq!(rt::in_time("a question", rep.recv()).await?.first(), "question");
        Ok(())
    })
}

#[test]
fn a_request_whose_peer_leaves_is_lost_and_says_so() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        for at in [ANYWHERE, &directory.ipc("lost"), "inproc://lost"] {
            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let rep = Rep::new(options())?;
            let req = Req::new(options())?;
            let endpoint = rep.bind(at).await?;
            req.connect(&endpoint)?.ready().await?;
            req.send("question").await?;
            assert_eq!(rt::in_time(at, rep.recv()).await?.first(), "question");
            rep.close().await;
            assert_eq!(rt::in_time(at, req.recv()).await, Err(RecvError::RequestLost), "{at}");
            // Told once; and the request may be sent again, to whoever comes next.
            match req.recv().await {
                Err(RecvError::State { .. }) => {}
                other => panic!("{at}: {other:?}"),
            }
            req.send("question again").await?;
            let rep = Rep::new(options())?;
            rt::in_time("the same endpoint", async {
                while rep.bind(&endpoint).await.is_err() {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            assert_eq!(rt::in_time(at, rep.recv()).await?.first(), "question again");
            rep.send("answer").await?;
            assert_eq!(rt::in_time(at, req.recv()).await?.first(), "answer");
        }
        Ok(())
    })
}

/// Sent again at once, a request is not lost a second time with the connection that is being taken away.
#[test]
fn a_request_sent_again_at_once_is_never_forgotten() -> Done {
    rt::run(async {
        let stranger = RawListener::bind().await;
        let soon = Duration::from_millis(1);
        let reconnect = Reconnect { interval: soon, max_interval: soon };
        let req = Req::new(Options::new().reconnect(reconnect).linger(Duration::ZERO))?;
        req.connect(stranger.endpoint())?;
        let serve = async {
            loop {
                let mut raw = stranger.accept().await;
                raw.shake_hands_null("REP").await;
                // Takes the question, and leaves.
                raw.read_until("a question", |seen| seen.ends_with(b"question")).await;
            }
        };
        let ask = async {
            for round in 0..300 {
                let what = format!("round {round}");
                rt::in_time(&what, req.send("question")).await?;
                let answer = rt::in_time(&what, req.recv()).await;
                assert_eq!(answer, Err(RecvError::RequestLost), "{what}");
            }
            Fallible::Ok(())
        };
        tokio::select! {
            () = serve => Ok(()),
            done = ask => done,
        }
    })
}

// REQREP-REP-05
#[test]
fn an_answer_to_a_peer_that_left_is_an_error_and_the_next_question_is_served() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://left"] {
            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let rep = Rep::new(options())?;
            let mut events = rep.monitor();
            let endpoint = rep.bind(at).await?;
            let req = Req::new(options())?;
            req.connect(&endpoint)?;
            req.send("question").await?;
            assert_eq!(rt::in_time(at, rep.recv()).await?.first(), "question");
            req.close().await;
            watch::disconnected(at, &mut events).await;
            assert_eq!(rep.send("answer").await, Err(SendError::PeerGone), "{at}");
            match rep.send("answer").await {
                Err(SendError::State { .. }) => {}
                other => panic!("{at}: {other:?}"),
            }
            let req = Req::new(options())?;
            req.connect(&endpoint)?;
            req.send("next").await?;
            assert_eq!(rt::in_time(at, rep.recv()).await?.first(), "next");
            rep.send("answer").await?;
            assert_eq!(rt::in_time(at, req.recv()).await?.first(), "answer");
        }
        Ok(())
    })
}

// REQREP-REP-03
#[test]
fn questions_of_many_are_answered_to_each() -> Done {
    rt::run(async {
        let rep = Rep::new(Options::new())?;
        let endpoint = rep.bind(ANYWHERE).await?;
        tokio::spawn(async move {
            while let Ok(message) = rep.recv().await {
                _ = rep.send(message).await;
            }
        });
        let mut clients = Vec::new();
        for client in 0..10 {
            let endpoint = endpoint.clone();
            clients.push(tokio::spawn(async move {
                let req = Req::new(Options::new())?;
                req.connect(&endpoint)?;
                for number in 0..50 {
                    let question = format!("{client}.{number}");
                    req.send(question.clone()).await?;
                    assert_eq!(*req.recv().await?.first(), *question);
                }
                Fallible::Ok(())
            }));
        }
        for client in clients {
            rt::in_time("a client", client).await??;
        }
        Ok(())
    })
}

// REQREP-REQ-04
#[test]
fn a_req_takes_its_peers_in_turn() -> Done {
    rt::run(async {
        let req = Req::new(Options::new())?;
        let mut events = req.monitor();
        let endpoint = req.bind(ANYWHERE).await?;
        let mut reps = Vec::new();
        for _ in 0..3 {
            let rep = Rep::new(Options::new())?;
            rep.connect(&endpoint)?;
            reps.push(rep);
        }
        successes("reps", &mut events, 3).await;
        let mut order = Vec::new();
        for _ in 0..6 {
            req.send("who?").await?;
            let answered = rt::until_some("one of them", || {
                reps.iter().position(|rep| rep.try_recv().is_ok())
            })
            .await;
            reps[answered].send("me").await?;
            assert_eq!(rt::in_time("an answer", req.recv()).await?.first(), "me");
            order.push(answered);
        }
        assert_eq!(order[..3], order[3..], "the same order again");
        order.truncate(3);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2], "everybody once");
        Ok(())
    })
}

/// Nobody else has to be woken first.
#[test]
fn a_request_is_written_by_the_call_that_sends_it() -> Done {
    rt::run_on_one_thread(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let req = Req::new(Options::new())?;
        let mut connecting = req.connect(&*format!("tcp://{}", listener.local_addr()?))?;
        let hands = tokio::task::spawn_blocking(move || {
            let (mut peer, _) = listener.accept()?;
            peer.write_all(&[greeting("NULL"), ready("REP")].concat())?;
            let mut theirs = [0; 66];
            peer.read_exact(&mut theirs)?;
            let mut rest = vec![0; usize::from(theirs[65])];
            peer.read_exact(&mut rest)?;
            std::io::Result::Ok(peer)
        });
        let mut peer = hands.await??;
        connecting.ready().await?;
        // Its driver finds that there is nothing to do.
        tokio::time::sleep(Duration::from_millis(50)).await;
        peer.set_nonblocking(true)?;
        req.try_send("now")?;
        // The runtime has had no turn since.
        let mut octets = [0; 64];
        let count = peer.read(&mut octets)?;
        assert_eq!(octets[..count], [frame(1, b""), frame(0, b"now")].concat());
        Ok(())
    })
}

/// Of a large message the system takes no more than a part at once; the rest follows it.
#[test]
fn what_the_system_does_not_take_at_once_follows() -> Done {
    rt::run(async {
        let folder = TempDir::new();
        for place in [ANYWHERE.to_owned(), folder.ipc("large")] {
            let (rep, req) = (Rep::new(Options::new())?, Req::new(Options::new())?);
            req.connect(rep.bind(&*place).await?)?.ready().await?;
            for size in [1, 4096, 100_000, 16 << 20, 5, 8 << 20] {
                let body: Vec<u8> = (0..size).map(|at| (at / 251) as u8).collect();
                req.send(body.clone()).await?;
                let asked = rt::in_time("the request", rep.recv()).await?;
                assert!(asked.first() == &body[..], "{size} octets to {place}");
                rep.send(asked).await?;
                let answer = rt::in_time("the answer", req.recv()).await?;
                assert!(answer.first() == &body[..], "{size} octets from {place}");
            }
        }
        Ok(())
    })
}

/// While an answer to a heartbeat is half written, the answer to a request has to wait for the other half.
// ZMTP-CMD-12
#[test]
fn a_call_that_writes_does_not_come_between() -> Done {
    const PINGS: usize = 7_000;
    rt::run_on_one_thread(async {
        let rep = Rep::new(Options::new().send_buffer(4096))?;
        let endpoint = rep.bind(ANYWHERE).await?.to_string();
        let mut peer = tokio::task::spawn_blocking(move || {
            let mut peer = TcpStream::connect(endpoint.trim_start_matches("tcp://"))?;
            SockRef::from(&peer).set_recv_buffer_size(32 * 1024)?;
            peer.write_all(&[greeting("NULL"), ready("REQ")].concat())?;
            let mut theirs = [0; 66];
            peer.read_exact(&mut theirs)?;
            peer.read_exact(&mut vec![0; usize::from(theirs[65])])?;
            peer.set_nonblocking(true)?;
            std::io::Result::Ok(peer)
        })
        .await??;
        let mut seen = Vec::new();
        let mut drain = |peer: &mut TcpStream| match peer.read_to_end(&mut seen) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => seen.len(),
            other => panic!("{other:?}"),
        };
        let ping = command("PING", b"\0\0sixteen octets..");
        peer.write_all(&ping.repeat(PINGS))?;
        // All answers are in the driver's hands.
        tokio::time::sleep(Duration::from_millis(100)).await;
        peer.write_all(&[frame(1, b""), frame(0, b"question")].concat())?;
        assert_eq!(rt::in_time("the question", rep.recv()).await?.first(), "question");
        // The driver has no turn from here on, while the system delivers what it has taken.
        let (mut before, mut now) = (0, drain(&mut peer));
        while before < now {
            std::thread::sleep(Duration::from_millis(50));
            before = std::mem::replace(&mut now, drain(&mut peer));
        }
        let whole = frame(4, b"\x04PONGsixteen octets..").len();
        assert!(before < PINGS * whole, "the answers to all PINGs were written already");
        rep.try_send("answer")?;
        let answer = [frame(1, b""), frame(0, b"answer")].concat();
        rt::in_time("all answers", async {
            while drain(&mut peer) < PINGS * whole + answer.len() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        assert!(seen.ends_with(&answer), "{}", seen[seen.len() - 100..].escape_ascii());
        assert_eq!(frames_of(&seen).len(), PINGS + 2);
        Ok(())
    })
}

// REQREP-ROUTER-03, REQREP-ROUTER-04
#[test]
fn a_router_says_who_cannot_be_reached_unless_told_not_to() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let mut events = router.monitor();
        let endpoint = router.bind(ANYWHERE).await?;
        match router.send(parts(["nobody", "hello"])).await {
            Err(error @ SendError::HostUnreachable(_)) => {
                assert!(error.to_string().contains("nobody"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(router.send("alone").await, Err(SendError::NoBody));
        let dealer = Dealer::new(Options::new().routing_id("me")?)?;
        dealer.connect(&endpoint)?.ready().await?;
        watch::success("the dealer", &mut events).await;
        router.send(parts(["me", "hello"])).await?;
        assert_eq!(rt::in_time("hello", dealer.recv()).await?.first(), "hello");
        dealer.close().await;
        watch::disconnected("the dealer", &mut events).await;
        let error = router.send(parts(["me", "hello"])).await.expect_err("it has left");
        assert!(matches!(error, SendError::HostUnreachable(_)), "{error:?}");

        let lax = Router::new(Options::new().router_mandatory(false))?;
        lax.bind(ANYWHERE).await?;
        lax.send(parts(["nobody", "hello"])).await?;
        Ok(())
    })
}

// ZMTP-IDENTITY-06, REQREP-ROUTER-06
// hostile: M8
#[test]
fn a_routing_id_belongs_to_who_had_it_first() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://taken id"] {
            let hub = Hub::new();
            let router = Router::new(Options::new().hub(hub.clone()))?;
            let mut events = router.monitor();
            let endpoint = router.bind(at).await?;
            let options = || Options::new().hub(hub.clone()).routing_id("me");
            let first = Dealer::new(options()?)?;
            first.connect(&endpoint)?.ready().await?;
            watch::success(at, &mut events).await;
            let second = Dealer::new(options()?)?;
            // Never a word of it reaches the application.
            second.connect(&endpoint)?;
            second.send("I am the second").await?;
            let error = watch::failure(at, &mut events).await;
            let expected =
                Fault::peer(Stage::Ready, Misbehaved::RoutingIdTaken, "ZMTP-IDENTITY-06");
            assert_eq!(Fault::from(&error), expected, "{at}");
            router.send(parts(["me", "hello"])).await?;
            assert_eq!(rt::in_time(at, first.recv()).await?.first(), "hello");
            first.send("I am the first").await?;
            let message = rt::in_time(at, router.recv()).await?;
            assert_eq!(frames(&message), [&b"me"[..], b"I am the first"], "{at}");
            assert_eq!(router.try_recv(), Err(RecvError::WouldBlock), "{at}");
            // Free again when the first one leaves, and the second comes again by itself.
            first.close().await;
            watch::success(at, &mut events).await;
            router.send(parts(["me", "at last"])).await?;
            assert_eq!(rt::in_time(at, second.recv()).await?.first(), "at last");
        }
        Ok(())
    })
}

// ZMTP-IDENTITY-06
// hostile: M8
#[test]
fn a_hand_over_happens_only_between_connections_of_one_user() -> Done {
    rt::run(async {
        let judge = from_sync_fn(|request: &AuthRequest| match &request.credentials {
            Credentials::Plain { username, .. } => {
                let name = String::from_utf8_lossy(username);
                AuthDecision::accept_as(UserId::new(&name).expect("a short name"))
            }
            _ => AuthDecision::accept(),
        });
        let security = ServerSecurity::plain().with_authenticator(judge);
        let router = Router::new(Options::new().security(security).router_handover(true))?;
        let mut events = router.monitor();
        let endpoint = router.bind(ANYWHERE).await?;
        let as_user = |user: &str| -> Fallible<Dealer> {
            let security = Security::plain_client(user, "password")?;
            let dealer = Dealer::new(Options::new().security(security).routing_id("me")?)?;
            dealer.connect(&endpoint)?;
            Ok(dealer)
        };
        let first = as_user("alice")?;
        watch::success("the first", &mut events).await;
        let stranger = as_user("mallory")?;
        let error = watch::failure("the stranger", &mut events).await;
        assert_eq!(error.kind, Misbehaved::RoutingIdTaken.into());
        stranger.close().await;

        let second = as_user("alice")?;
        watch::success("the second", &mut events).await;
        router.send(parts(["me", "hello"])).await?;
        assert_eq!(rt::in_time("hello", second.recv()).await?.first(), "hello");
        // The first one was asked to leave, which is no fault of anybody.
        let cause = watch::event("the first", &mut events, |event| match event {
            Event::Disconnected { cause, .. } => Some(cause.clone()),
            _ => None,
        });
        assert_eq!(cause.await, Disconnect::Local);
        first.close().await;
        Ok(())
    })
}

// REQREP-ROUTER-01, REQREP-ROUTER-05
#[test]
fn a_router_takes_one_message_of_each_peer_in_turn() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let mut events = router.monitor();
        let endpoint = router.bind(ANYWHERE).await?;
        for name in ["a", "b", "c"] {
            let dealer = Dealer::new(Options::new().routing_id(name)?)?;
            dealer.connect(&endpoint)?;
            for number in 0..50 {
                dealer.send(number.to_string()).await?;
            }
            assert_eq!(dealer.close().await, 0);
        }
        for _ in 0..3 {
            watch::disconnected("a dealer", &mut events).await;
        }
        for number in 0..50 {
            let mut names = Vec::new();
            for _ in 0..3 {
                let message = rt::in_time("a message", router.recv()).await?;
                let [name, body] = &frames(&message)[..] else { panic!("{message:?}") };
                assert_eq!(*body, number.to_string().into_bytes());
                // From one that has left already: its name stays with what it said.
                names.push(String::from_utf8(name.clone())?);
            }
            names.sort();
            assert_eq!(names, ["a", "b", "c"]);
        }
        Ok(())
    })
}

// ZAP-33, PLAIN-20
#[test]
fn messages_say_who_sent_them() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://who"] {
            let hub = Hub::new();
            let security = ServerSecurity::plain().with_authenticator(Judge::accept("alice"));
            let rep = Rep::new(Options::new().hub(hub.clone()).security(security))?;
            let endpoint = rep.bind(at).await?;
            let security = Security::plain_client("user", "password")?;
            let options = Options::new()
                .hub(hub)
                .security(security)
                .property("X-Team", &b"red"[..])?
                .routing_id("me")?;
            let req = Req::new(options)?;
            req.connect(&endpoint)?;
            req.send("question").await?;
            let question = rt::in_time(at, rep.recv()).await?;
            let peer = question.peer().expect("who sent it").clone();
            assert_eq!(peer.user_id().map(|it| it.as_str()), Some("alice"), "{at}");
            assert_eq!(peer.claimed.metadata.get("x-team").map(|it| &it[..]), Some(&b"red"[..]));
            assert_eq!(peer.claimed.routing_id.as_bytes(), b"me", "{at}");
            let address = peer.verified.address.zap_text();
            match at.split(':').next() {
                Some("tcp") => assert_eq!(address, "127.0.0.1"),
                Some("ipc") => assert!(address.starts_with("localhost:"), "{address}"),
                _ => assert_eq!(address, ""),
            }
            rep.send("answer").await?;
            let answer = rt::in_time(at, req.recv()).await?;
            assert_eq!(answer.peer().expect("who sent it").user_id(), None, "{at}");
        }
        Ok(())
    })
}

/// What a peer says that a REQ did not ask for is dropped, whatever it looks like.
// REQREP-REQ-06, REQREP-REQ-08
#[test]
fn a_req_takes_the_answer_and_nothing_else() -> Done {
    rt::run(async {
        let req = Req::new(Options::new())?;
        let endpoint = req.bind(ANYWHERE).await?;
        let mut asked = Raw::connect(&endpoint).await;
        asked.shake_hands_null("REP").await;
        req.send("question").await?;
        asked.read_until("the question", |seen| seen.ends_with(b"\x01\x00\x00\x08question")).await;
        let mut other = Raw::connect(&endpoint).await;
        other.shake_hands_null("REP").await;
        other.write(b"\x01\x00\x00\x06forged").await;
        asked.write(b"\x00\x0cno delimiter").await;
        asked.write(b"\x01\x01x\x00\x05wrong").await;
        asked.write(b"\x01\x00\x00\x06answer").await;
        assert_eq!(rt::in_time("the answer", req.recv()).await?.first(), "answer");
        Ok(())
    })
}
