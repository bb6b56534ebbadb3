//! Sockets whose type is chosen at run time.

use ironhouse::error::{Operation, RecvError, SendError, Unsupported};
use ironhouse::{AnySocket, Dealer, Options, Proxied, Push, Socket, SocketType, poll};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt};
use std::time::Duration;

/// Types, and whether they send and receive.
const TYPES: [(SocketType, bool, bool); 11] = [
    (SocketType::REQ, true, true),
    (SocketType::REP, true, true),
    (SocketType::DEALER, true, true),
    (SocketType::ROUTER, true, true),
    (SocketType::PUSH, true, false),
    (SocketType::PULL, false, true),
    (SocketType::PUB, true, false),
    (SocketType::SUB, false, true),
    (SocketType::XPUB, true, true),
    (SocketType::XSUB, true, true),
    (SocketType::PAIR, true, true),
];

// PIPELINE-PUSH-01, PIPELINE-PULL-01, PUBSUB-PUB-01, PUBSUB-SUB-01
#[test]
fn what_a_type_cannot_do_is_an_error_at_once() -> Done {
    rt::run(async {
        for (socket_type, sends, receives) in TYPES {
            let socket = AnySocket::new(socket_type, Options::new())?;
            assert_eq!(socket.socket_type(), socket_type);
            let subscribes = matches!(socket_type, SocketType::SUB | SocketType::XSUB);
            assert_eq!(socket.subscribe("x").is_ok(), subscribes);
            assert_eq!(socket.unsubscribe("x").is_ok_and(|it| it), subscribes);
            let unsupported = |operation| Unsupported { socket_type, operation };
            let sent = SendError::Unsupported(unsupported(Operation::Send));
            let received = RecvError::Unsupported(unsupported(Operation::Receive));
            assert_eq!(socket.try_send(("to", "nobody")) == Err(sent.clone()), !sends);
            assert_eq!(socket.try_recv() == Err(received.clone()), !receives);
            if !sends {
                assert_eq!(socket.send("x").await, Err(sent));
            }
            if !receives {
                assert_eq!(socket.recv().await, Err(received));
                assert!(poll(&[&socket], Some(Duration::ZERO)).await.is_empty());
            }
        }
        Ok(())
    })
}

#[test]
fn errors_are_sentences() {
    let operation = Operation::Receive;
    let error = SendError::Unsupported(Unsupported { socket_type: SocketType::PUSH, operation });
    assert_eq!(error.to_string(), "a PUSH socket cannot receive");
}

#[test]
fn what_was_made_as_a_type_can_become_any() -> Done {
    rt::run(async {
        let pull = AnySocket::new(SocketType::PULL, Options::new())?;
        let endpoint = pull.bind(ANYWHERE).await?;
        let push = Push::new(Options::new())?;
        let mut connecting = push.connect(&endpoint)?;
        let push = AnySocket::from(push);
        rt::in_time("the connection", connecting.ready()).await?;
        push.send("hello").await?;
        assert_eq!(rt::in_time("a message", pull.recv()).await?.first(), "hello");
        let AnySocket::Push(push) = push else { panic!("it was a PUSH") };
        push.send("again").await?;
        assert_eq!(rt::in_time("a message", pull.recv()).await?.first(), "again");
        assert_eq!(rt::in_time("the end", pull.close()).await, 0);
        Ok(())
    })
}

// REQREP-REQ-01, REQREP-REP-01
#[test]
fn questions_and_answers() -> Done {
    rt::run(async {
        let req = AnySocket::new(SocketType::REQ, Options::new())?;
        let rep = AnySocket::new(SocketType::REP, Options::new())?;
        req.connect(rep.bind("inproc://any-questions").await?)?;
        assert!(matches!(req.recv().await, Err(RecvError::State { .. })));
        for _ in 0..3 {
            req.send("question").await?;
            assert_eq!(rt::in_time("a question", rep.recv()).await?.first(), "question");
            assert!(matches!(rep.recv().await, Err(RecvError::State { .. })));
            rep.send("answer").await?;
            assert_eq!(rt::in_time("an answer", req.recv()).await?.first(), "answer");
        }
        Ok(())
    })
}

/// Handles may go and be used anywhere.
#[test]
fn handles_are_send_and_sync() {
    const fn shared<T: Send + Sync + 'static>() {}
    shared::<AnySocket>();
    shared::<ironhouse::Req>();
    shared::<ironhouse::Rep>();
    shared::<ironhouse::Push>();
    shared::<ironhouse::Pull>();
    shared::<ironhouse::Dealer>();
    shared::<ironhouse::Router>();
    shared::<ironhouse::Pub>();
    shared::<ironhouse::Sub>();
    shared::<ironhouse::XPub>();
    shared::<ironhouse::XSub>();
    shared::<ironhouse::Pair>();
    shared::<ironhouse::blocking::AnySocket>();
    shared::<ironhouse::blocking::Push>();
    shared::<ironhouse::SendHalf<Dealer>>();
    shared::<ironhouse::RecvHalf<Dealer>>();
    shared::<ironhouse::Monitor>();
    shared::<ironhouse::Connecting>();
    shared::<ironhouse::ProxyHandle>();

    const fn moves<T: Send>(_: &T) {}
    let push = Push::new(Options::new()).expect("a socket");
    moves(&push.send("x"));
    moves(&push.bind(ANYWHERE));
    moves(&push.sink());
    let sockets: [&dyn Proxied; 2] = [&push, &push];
    moves(&ironhouse::proxy(sockets[0], sockets[1]));
    moves(&push.close());
}

// PUBSUB-WIRE-01, PUBSUB-WIRE-02, PUBSUB-WIRE-09
#[test]
fn publications_and_subscriptions() -> Done {
    rt::run(async {
        let publisher = AnySocket::new(SocketType::XPUB, Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let sub = AnySocket::new(SocketType::SUB, Options::new())?;
        sub.subscribe("a")?;
        sub.connect(&endpoint)?;
        let told = rt::in_time("the subscription", publisher.recv()).await?;
        assert_eq!(told.first(), b"\x01a");
        publisher.send(("b", "not this")).await?;
        publisher.send(("a", "this")).await?;
        assert_eq!(rt::in_time("a message", sub.recv()).await?, ("a", "this").into());
        assert!(sub.unsubscribe("a")?);
        let told = rt::in_time("the cancellation", publisher.recv()).await?;
        assert_eq!(told.first(), b"\x00a");
        Ok(())
    })
}
