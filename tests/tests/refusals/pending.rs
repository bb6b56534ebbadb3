//! Calls that wait on a socket for which nothing will ever happen: an error, never a hang.

use std::time::Duration;

use ironhouse::auth::Refusal;
use ironhouse::error::{ConnectFailure, Disconnect, RecvError, SendError};
use ironhouse::{
    AnySocket, Dealer, Endpoint, Hub, Limits, Options, Rep, Req, Router, Security, ServerSecurity,
    SocketType,
};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::watch::{self, fault_of};
use ironhouse_tests::{Done, Fallible, rt};
use zmtp_core::error::Kind as Cause;

/// A PLAIN server that lets nobody in.
async fn closed_door(
    socket_type: SocketType,
    hub: &Hub,
    at: &str,
) -> Fallible<(AnySocket, Endpoint)> {
    let judge = Judge::refuse(Refusal::Failure);
    let security = ServerSecurity::plain().with_authenticator(judge);
    let server = AnySocket::new(socket_type, Options::new().security(security).hub(hub.clone()))?;
    let endpoint = server.bind(at).await?;
    Ok((server, endpoint))
}

fn visitor(hub: &Hub) -> Fallible<Options> {
    let security = Security::plain_client("user", "password")?;
    // One message fills the queue: the second one has to wait.
    Ok(Options::new().security(security).hub(hub.clone()).send_high_water_mark(1))
}

fn check(what: &str, failure: &ConnectFailure, endpoint: &Endpoint) {
    assert!(failure.is_final, "{what}: {failure:?}");
    assert_eq!(failure.endpoint, *endpoint, "{what}");
    let Cause::ReportedByPeer(reason) = fault_of(failure).kind else { panic!("{what}: {failure}") };
    assert_eq!(reason.as_bytes(), b"400", "{what}");
}

#[test]
fn whoever_waits_to_receive_is_told_that_the_socket_was_refused() -> Done {
    rt::run(async {
        for at in ["tcp://127.0.0.1:*", "ipc://*", "inproc://door"] {
            for (ours, theirs) in [
                (SocketType::DEALER, SocketType::ROUTER),
                (SocketType::PULL, SocketType::PUSH),
                (SocketType::REP, SocketType::DEALER),
                (SocketType::ROUTER, SocketType::DEALER),
                (SocketType::REQ, SocketType::REP),
            ] {
                let what = format!("{ours} at {at}");
                let hub = Hub::new();
                let (_server, endpoint) = closed_door(theirs, &hub, at).await?;
                let socket = AnySocket::new(ours, visitor(&hub)?)?;
                let mut connecting = socket.connect(&endpoint)?;
                if ours == SocketType::REQ {
                    // Waits for the connection, unless that was refused already.
                    match rt::in_time(&what, socket.send("question")).await {
                        Ok(()) => {}
                        Err(SendError::Refused(failure)) => {
                            check(&what, &failure, &endpoint);
                            continue;
                        }
                        other => panic!("{what}: {other:?}"),
                    }
                }
                match rt::in_time(&what, socket.recv()).await {
                    Err(RecvError::Refused(failure)) => check(&what, &failure, &endpoint),
                    // Its request was given up with the connection.
                    Err(RecvError::RequestLost) if ours == SocketType::REQ => {}
                    other => panic!("{what}: {other:?}"),
                }
                check(&what, &watch::refusal(&what, &mut connecting).await, &endpoint);
                // And so is everybody who asks later.
                let again = rt::in_time(&what, socket.recv()).await;
                assert!(again.is_err(), "{what}: {again:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn whoever_waits_to_send_is_told_that_the_socket_was_refused() -> Done {
    rt::run(async {
        for at in ["tcp://127.0.0.1:*", "ipc://*", "inproc://door"] {
            for (ours, theirs) in [
                (SocketType::DEALER, SocketType::ROUTER),
                (SocketType::PUSH, SocketType::PULL),
                (SocketType::REQ, SocketType::REP),
            ] {
                let what = format!("{ours} at {at}");
                let hub = Hub::new();
                let (_server, endpoint) = closed_door(theirs, &hub, at).await?;
                let options = visitor(&hub)?.immediate(true);
                let socket = AnySocket::new(ours, options)?;
                socket.connect(&endpoint)?;
                match rt::in_time(&what, socket.send("never sent")).await {
                    Err(SendError::Refused(failure)) => check(&what, &failure, &endpoint),
                    other => panic!("{what}: {other:?}"),
                }
            }
            // Without `immediate`, messages wait for the connection; when it is refused they are lost.
            let hub = Hub::new();
            let (_server, endpoint) = closed_door(SocketType::PULL, &hub, at).await?;
            let socket = AnySocket::new(SocketType::PUSH, visitor(&hub)?)?;
            let mut connecting = socket.connect(&endpoint)?;
            let refused = async {
                loop {
                    if let Err(error) = socket.send("lost").await {
                        return error;
                    }
                }
            };
            match rt::in_time(at, refused).await {
                SendError::Refused(failure) => check(at, &failure, &endpoint),
                other => panic!("{at}: {other:?}"),
            }
            check(at, &watch::refusal(at, &mut connecting).await, &endpoint);
            rt::in_time("closing", socket.close()).await;
        }
        Ok(())
    })
}

#[test]
fn another_endpoint_brings_a_refused_socket_back() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let (_server, endpoint) =
            closed_door(SocketType::ROUTER, &hub, "tcp://127.0.0.1:*").await?;
        let dealer = Dealer::new(visitor(&hub)?)?;
        let mut connecting = dealer.connect(&endpoint)?;
        watch::refusal("the first", &mut connecting).await;
        assert!(matches!(rt::in_time("recv", dealer.recv()).await, Err(RecvError::Refused(_))));

        let judge = Judge::accept("user");
        let security = ServerSecurity::plain().with_authenticator(judge);
        let open = Router::new(Options::new().security(security))?;
        let mut connected = dealer.connect(open.bind("tcp://127.0.0.1:*").await?)?;
        rt::in_time("the second", connected.ready()).await?;
        dealer.send("hello").await?;
        let message = rt::in_time("hello", open.recv()).await?;
        open.send(message).await?;
        assert_eq!(rt::in_time("hello", dealer.recv()).await?.first(), "hello");
        Ok(())
    })
}

#[test]
fn a_refused_endpoint_does_not_disturb_the_others() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let (_server, endpoint) =
            closed_door(SocketType::ROUTER, &hub, "tcp://127.0.0.1:*").await?;
        let dealer = Dealer::new(visitor(&hub)?)?;
        let bound = dealer.bind("tcp://127.0.0.1:*").await?;
        let mut connecting = dealer.connect(&endpoint)?;
        watch::refusal("the endpoint", &mut connecting).await;
        // Somebody may still come.
        rt::never("recv ends", Duration::from_millis(50), dealer.recv()).await;
        let judge = Judge::accept("user");
        let security = ServerSecurity::plain().with_authenticator(judge);
        let late = Router::new(Options::new().security(security).routing_id(&b"late"[..])?)?;
        let mut connected = late.connect(&bound)?;
        let peer = rt::in_time("the late one", connected.ready()).await?;
        assert_eq!(peer.user_id().map(|it| it.as_str()), Some("user"));
        Ok(())
    })
}

/// A server that is merely not there yet is no reason to give up.
#[test]
fn a_failure_that_may_pass_keeps_callers_waiting() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let security =
            ServerSecurity::plain().with_authenticator(Judge::refuse(Refusal::Temporary));
        let server = Rep::new(Options::new().security(security))?;
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        let req = Req::new(visitor(&hub)?)?;
        let mut connecting = req.connect(&endpoint)?;
        for _ in 0..2 {
            let failure = watch::refusal("not now", &mut connecting).await;
            assert!(!failure.is_final, "{failure}");
            assert!(matches!(failure.cause, Disconnect::Protocol(_)));
        }
        req.send("question").await?;
        rt::never("recv ends", Duration::from_millis(50), req.recv()).await;
        Ok(())
    })
}

// hostile: F8
#[test]
fn ready_ends_when_the_socket_does() -> Done {
    rt::run(async {
        let mut limits = Limits::DEFAULT;
        limits.handshake_timeout = Duration::from_secs(3600);
        for at in ["tcp://127.0.0.1:1", "inproc://nobody", "ipc:///nonexistent/socket"] {
            let options = Options::new().hub(Hub::new()).limits(limits.clone());
            let dealer = Dealer::new(options)?;
            let mut connecting = dealer.connect(at)?;
            dealer.disconnect(at)?;
            let failure = watch::refusal(at, &mut connecting).await;
            if failure.is_final {
                assert_eq!(failure.cause, Disconnect::Local, "{at}");
            }
            let mut connecting = dealer.connect(at)?;
            rt::in_time(at, dealer.close()).await;
            loop {
                let failure = watch::refusal(at, &mut connecting).await;
                if failure.is_final {
                    assert_eq!(failure.cause, Disconnect::Local, "{at}");
                    break;
                }
            }
        }
        Ok(())
    })
}
