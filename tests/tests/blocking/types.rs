//! What only some types can do, on threads: typed, chosen at run time, and in halves.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ironhouse::blocking::{
    self, AnySocket, Dealer, Pair, Pub, Pull, Push, Req, Router, Sub, XPub, XSub,
};
use ironhouse::error::{GrantError, Operation, SendError, StartError, Unsupported};
use ironhouse::peer::Peer;
use ironhouse::{Event, Message, Options, Proxy, SocketType, from_sync_fn};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible};

use crate::{LATE, SHORT};

fn asker(message: &Message) -> Fallible<Arc<Peer>> {
    Ok(message.peer().cloned().ok_or("of nobody")?)
}

// PUBSUB-XPUB-01
#[test]
fn an_xpub_decides_who_gets_what() -> Done {
    let xpub = XPub::new(Options::new().xpub_manual(true))?;
    let sub = Sub::new(Options::new())?;
    sub.connect(xpub.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    sub.subscribe("A");
    assert_eq!(sub.subscriptions(), 1);
    let request = xpub.recv_timeout(LATE)?;
    assert_eq!(request.first(), b"\x01A");
    let peer = asker(&request)?;
    assert!(xpub.grant(&peer, "A")?);
    assert_eq!(xpub.subscriptions(), 1);
    xpub.try_send_to(&peer, "A so far")?;
    assert_eq!(sub.recv_timeout(LATE)?.first(), "A so far");
    assert!(xpub.revoke(&peer, "A")?);
    xpub.send("A to nobody")?;
    assert_eq!(xpub.dropped(), 0, "nobody was full");
    assert!(sub.recv_timeout(SHORT).is_err());
    sub.close();
    // Its cancellation says that it has left.
    xpub.recv_timeout(LATE)?;
    assert_eq!(xpub.grant(&peer, "A"), Err(GrantError::PeerGone));
    assert_eq!(xpub.try_send_to(&peer, "A"), Err(SendError::PeerGone));
    Ok(())
}

#[test]
fn publishers_count_what_they_drop() -> Done {
    let publisher = Pub::new(Options::new().send_high_water_mark(1))?;
    let xsub = XSub::new(Options::new().receive_high_water_mark(1))?;
    let mut monitor = publisher.monitor();
    xsub.subscribe("");
    xsub.connect(publisher.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    while !matches!(monitor.next_event().ok_or("it ended")?, Event::Subscribed { .. }) {}
    assert_eq!((publisher.subscriptions(), xsub.subscriptions()), (1, 1));
    while publisher.dropped() == 0 {
        publisher.try_send(vec![0; 100_000])?;
    }
    assert!(xsub.unsubscribe(""));
    assert_eq!((xsub.subscriptions(), xsub.dropped()), (0, 0));
    Ok(())
}

// REQREP-ROUTER-02
#[test]
fn a_router_names_whom_it_connects_to() -> Done {
    let (one, two) = (Router::new(Options::new())?, Router::new(Options::new())?);
    let endpoint = two.bind(ANYWHERE)?;
    one.connect_with_routing_id(&endpoint, "two")?.ready_timeout(LATE)?;
    one.send(("two", "hello"))?;
    assert_eq!(two.recv_timeout(LATE)?.get(1).ok_or("no body")?, "hello");
    let taken = one.connect_with_routing_id(&endpoint, "two").expect_err("it is taken");
    assert!(matches!(taken, StartError::RoutingIdTaken(_)), "{taken}");
    Ok(())
}

#[test]
fn any_type_can_do_what_it_can() -> Done {
    let any = AnySocket::of_type;
    let xpub = any(SocketType::XPUB, Options::new().xpub_manual(true))?;
    let sub = any(SocketType::SUB, Options::new())?;
    sub.connect(xpub.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    sub.subscribe("A")?;
    let peer = asker(&xpub.recv_timeout(LATE)?)?;
    assert!(xpub.grant(&peer, "A")?);
    assert_eq!((xpub.subscriptions(), sub.subscriptions(), xpub.dropped()), (1, 1, 0));
    xpub.try_send_to(&peer, "A")?;
    assert_eq!(sub.recv_timeout(LATE)?.first(), "A");
    assert!(xpub.revoke(&peer, "A")?);
    assert!(sub.unsubscribe("A")?);

    let router = any(SocketType::ROUTER, Options::new())?;
    let dealer = any(SocketType::DEALER, Options::new())?;
    router.connect_with_routing_id(dealer.bind(ANYWHERE)?, "d")?.ready_timeout(LATE)?;
    router.send(("d", "hello"))?;
    assert_eq!(dealer.recv_timeout(LATE)?.first(), "hello");

    // And nothing else.
    let (send, grant) = (Operation::SendToSubscriber, Operation::Grant);
    let unsupported = |operation| Unsupported { socket_type: SocketType::DEALER, operation };
    assert_eq!(dealer.grant(&peer, "A"), Err(GrantError::Unsupported(unsupported(grant))));
    assert_eq!(dealer.revoke(&peer, "A"), Err(GrantError::Unsupported(unsupported(grant))));
    assert_eq!(dealer.try_send_to(&peer, "A"), Err(SendError::Unsupported(unsupported(send))));
    let refused = dealer.connect_with_routing_id("inproc://blocking-types", "x").map(drop);
    assert_eq!(refused, Err(StartError::NoRoutingIds(SocketType::DEALER)));
    assert_eq!((dealer.subscriptions(), dealer.dropped()), (0, 0));

    let (send, recv) = dealer.split().map_err(|_| "it has two ways")?;
    send.send("back")?;
    assert_eq!(router.recv_timeout(LATE)?, ("d", "back").into());
    assert!(send.reunite(recv).is_ok());
    for takes_turns in [SocketType::REQ, SocketType::REP, SocketType::PUSH, SocketType::SUB] {
        let whole = any(takes_turns, Options::new())?.split().expect_err("one way at a time");
        assert_eq!(whole.socket_type(), takes_turns);
    }
    Ok(())
}

#[test]
fn halves_go_to_different_threads() -> Done {
    const COUNT: usize = 2_000;
    let (one, two) = (Pair::new(Options::new())?, Pair::new(Options::new())?);
    two.connect(one.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    let (send, recv) = one.split();
    let echo = thread::spawn(move || {
        for message in recv.messages().take(COUNT) {
            send.send(message.expect("a message")).expect("room");
        }
        (send, recv)
    });
    let (out, back) = two.split();
    let sender = thread::spawn(move || {
        (0..COUNT).for_each(|at| out.send_timeout(at.to_string(), LATE).expect("room"));
        out
    });
    for at in 0..COUNT {
        assert_eq!(blocking::poll(&[&back], Some(LATE)), [0]);
        assert_eq!(back.try_recv()?.first(), at.to_string().as_bytes());
    }
    assert!(back.recv_timeout(SHORT).is_err());
    let (send, recv) = echo.join().expect("the echo");
    let out = sender.join().expect("the sender");
    let (out, recv) = out.reunite(recv).expect_err("two sockets");
    out.try_send("last")?;
    assert_eq!(recv.recv()?.first(), "last");
    assert_eq!(recv.as_socket().socket_type(), SocketType::PAIR);
    assert_eq!(out.as_socket().socket_type(), SocketType::PAIR);
    assert_eq!(send.reunite(recv).expect("one socket").close(), 0);
    Ok(())
}

/// The second half to go waits for what is to be sent.
#[test]
fn a_socket_closes_with_its_last_half() -> Done {
    let pull = Dealer::new(Options::new())?;
    let endpoint = pull.bind(ANYWHERE)?;
    {
        let (send, recv) = Dealer::new(Options::new())?.split();
        drop(recv);
        send.as_socket().connect(&endpoint)?;
        (0..100).try_for_each(|_| send.send(vec![1; 10_000]))?;
    }
    let mut messages = pull.into_messages();
    for _ in 0..100 {
        assert_eq!(messages.next().ok_or("the end")??.octets(), 10_000);
    }
    Ok(())
}

#[test]
fn proxies_run_on_threads() -> Done {
    let (front, back) = (Pull::new(Options::new())?, Push::new(Options::new())?);
    let (push, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
    push.connect(front.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    pull.connect(back.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    let (handle, handles) = std::sync::mpsc::channel();
    let proxy = thread::spawn(move || {
        let mut proxy = Proxy::new(&front, &back).expect("it has a way");
        handle.send(proxy.handle()).expect("it is asked for");
        blocking::run_proxy(&mut proxy)
    });
    push.send("through")?;
    assert_eq!(pull.recv_timeout(LATE)?.first(), "through");
    handles.recv()?.terminate();
    assert_eq!(proxy.join().expect("the proxy")?.backend.sent, 1);

    // Without a handle it ends only where it cannot go on.
    let no_way = blocking::proxy(&push, &push).expect_err("two PUSHs");
    assert!(no_way.to_string().contains("PUSH"), "{no_way}");
    Ok(())
}

#[test]
fn a_handler_serves_on_a_thread() -> Done {
    let router = Router::new(Options::new())?;
    let endpoint = router.bind(ANYWHERE)?;
    // It goes on until the ROUTER cannot, and so to the end of the test.
    thread::spawn(move || {
        let nobody = from_sync_fn(|_| {
            ironhouse::auth::AuthDecision::refuse(ironhouse::auth::Refusal::Failure, "Nobody")
        });
        blocking::serve_zap(&router, nobody, Default::default())
    });
    let req = Req::new(Options::new())?;
    req.connect(endpoint)?.ready_timeout(LATE)?;
    let request = ["1.0", "7", "global", "127.0.0.1", "", "NULL"];
    req.send(Message::from_parts(request).ok_or("no parts")?)?;
    let reply = req.recv_timeout(LATE + Duration::from_secs(5))?;
    let text: Vec<_> = reply.parts().take(4).map(|it| String::from_utf8_lossy(it)).collect();
    assert_eq!(text, ["1.0", "7", "400", "Nobody"]);
    Ok(())
}
