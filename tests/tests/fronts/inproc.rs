//! A REP or ROUTER of the application decides in place of the authenticator of the socket.

use std::time::Duration;

use ironhouse::auth::{AuthDecision, Credentials, Refusal, UserId};
use ironhouse::{Hub, Live, Options, Pull, Rep, Security, ServerSecurity, from_sync_fn};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::{Done, rt, watch};
use zap::codec::{ENDPOINT, Envelope, Reply, Request};
use zmtp_core::error::Kind as Cause;
use zmtp_core::wire::metadata::Metadata;

use crate::house::{House, frames, message, not_me, rep, request, router, welcome};

/// A REP gets what the specification says, decides, and what it says of the peer is with the server.
// ZAP-01, ZAP-04, ZAP-12, ZAP-14, ZAP-15, ZAP-21, ZAP-33
#[test]
fn a_rep_decides_in_place_of_the_authenticator() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let rep = rep(&hub).await?;
        let wrong = not_me();
        let mut house = House::new(hub, wrong.clone()).await?;
        let handler = async {
            let request = request(&rep).await?;
            let question = request.question();
            assert_eq!(question.address.zap_text(), "127.0.0.1");
            assert_eq!(question.mechanism.as_str(), Some("PLAIN"));
            assert!(matches!(&question.credentials, Credentials::Plain { username, password }
                if username == "user" && password.expose() == b"password"));
            let mut metadata = Metadata::new();
            metadata.push("Level", "9")?;
            let user_id = UserId::new("named by the REP");
            let decision = AuthDecision::Accept { user_id, metadata };
            rep.send(message(Reply::new(request.id().clone(), decision).encode())).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        let (admitted, handled) = tokio::join!(house.admit("user"), handler);
        handled?;
        let (client, peer) = admitted?;
        assert_eq!(peer.user_id().map(UserId::as_str), Some("named by the REP"));
        client.send("hello").await?;
        let received = rt::in_time("a message", house.server.recv()).await?;
        assert_eq!(received.verified_property("Level").map(|level| &level[..]), Some(&b"9"[..]));
        assert!(wrong.asked().is_empty(), "the handler takes precedence");
        Ok(())
    })
}

/// A ROUTER may answer in any order, and each peer gets its own answer.
// ZAP-01, ZAP-22, ZAP-24
#[test]
fn a_router_answers_in_any_order() -> Done {
    const CLIENTS: usize = 8;
    rt::run(async {
        let hub = Hub::new();
        let router = router(&hub).await?;
        let mut house = House::handled(hub).await?;
        let clients: Vec<_> =
            (0..CLIENTS).map(|i| house.client(&format!("user {i}"))).collect::<Result<_, _>>()?;
        let mut asked = Vec::new();
        for _ in 0..CLIENTS {
            let received = rt::in_time("a request", router.recv()).await?;
            let (envelope, body) = Envelope::split(&frames(&received))
                .map(|(envelope, body)| (envelope, body.to_vec()))?;
            asked.push((envelope, Request::decode(&body)?));
        }
        for (envelope, request) in asked.into_iter().rev() {
            let Credentials::Plain { username, .. } = &request.question().credentials else {
                panic!("not PLAIN");
            };
            let user = String::from_utf8(username.to_vec())?;
            router.send(message(envelope.wrap(welcome(&request, &user)))).await?;
        }
        for (_, mut connecting) in clients.iter().map(|(client, it)| (client, it.clone())) {
            rt::in_time("READY", connecting.ready()).await?;
        }
        for (index, (client, _)) in clients.iter().enumerate() {
            client.send(format!("user {index}")).await?;
            let received = rt::in_time("a message", house.server.recv()).await?;
            let user = received.user_id().map(|user| user.as_str().to_owned());
            assert_eq!(user, Some(format!("user {index}")));
        }
        house.events.next_event().await.expect("an event");
        Ok(())
    })
}

/// NULL and CURVE ask the same handler, by their own frames.
// ZAP-02, ZAP-07, ZAP-11, ZAP-13, ZAP-34
#[test]
fn one_handler_serves_sockets_of_all_mechanisms() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let rep = rep(&hub).await?;
        let (server, client) = (Keys::new(), Keys::new());
        let sides = [
            (Security::null_with_zap_handler("open")?, Security::null(), "open"),
            (
                ServerSecurity::curve(server.pair()).domain("closed")?.with_zap_handler(),
                Security::curve_client(client.pair(), server.public())?,
                "closed",
            ),
        ];
        for (ours, theirs, domain) in sides {
            let options = Options::new().security(ours).hub(hub.clone());
            let mut house = House::with(options, hub.clone()).await?;
            let peer = ironhouse::Dealer::new(Options::new().security(theirs))?;
            let mut connecting = peer.connect(&house.endpoint)?;
            let request = request(&rep).await?;
            assert_eq!(request.question().domain.as_str(), domain);
            match &request.question().credentials {
                Credentials::Null => assert_eq!(domain, "open"),
                Credentials::Curve { public_key } => {
                    assert_eq!(public_key, client.public().as_bytes());
                }
                other => panic!("neither NULL nor CURVE: {other:?}"),
            }
            rep.send(message(welcome(&request, domain))).await?;
            rt::in_time("READY", connecting.ready()).await?;
            let peer = watch::success(domain, &mut house.events).await;
            assert_eq!(peer.user_id().map(UserId::as_str), Some(domain));
        }
        Ok(())
    })
}

/// A handler that is gone opens no door, neither for who waits nor for who comes later.
// ZAP-28
#[test]
fn a_handler_that_is_gone_leaves_the_door_shut() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let handler = rep(&hub).await?;
        let mut house = House::new(hub.clone(), not_me()).await?;
        let (_client, mut connecting) = house.client("in the middle")?;
        request(&handler).await?;
        handler.close().await;
        watch::refusal("in the middle", &mut connecting).await;
        let error = watch::failure("in the middle", &mut house.events).await;
        let text = "the ZAP handler is gone";
        let gone = Cause::Denied { status: Refusal::Temporary, text: text.into() };
        assert_eq!(error.kind, gone);
        drop(_client);

        house.expect("afterwards", Refusal::Temporary, "is gone").await?;
        let handler = rep(&hub).await?;
        let serve = async {
            // Whoever was refused may have come again meanwhile.
            loop {
                let request = request(&handler).await.expect("a request");
                handler.send(message(welcome(&request, "late"))).await.expect("a way back");
            }
        };
        let (_late, peer) = tokio::select! {
            admitted = house.admit("late") => admitted?,
            () = serve => panic!("the handler ended"),
        };
        assert_eq!(peer.user_id().map(UserId::as_str), Some("late"));
        handler.close().await;
        hub.dismiss_handler();
        let (_direct, peer) = house.admit("direct").await?;
        assert_eq!(peer.user_id().map(UserId::as_str), Some("let in by the wrong one"));
        Ok(())
    })
}

/// Without any handler, a server that relies on one lets nobody in; the first one opens it.
// ZAP-28
#[test]
fn a_server_without_its_handler_refuses() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let mut house = House::handled(hub).await?;
        house.expect("early", Refusal::Temporary, "no ZAP handler is bound").await?;
        Ok(())
    })
}

/// A handler that hangs delays those who wait for it, until their time is up, and nobody else.
// ZAP-29
#[test]
fn a_handler_that_hangs_delays_only_who_waits_for_it() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let router = router(&hub).await?;
        let hour = Duration::from_secs(3600);
        let security = ServerSecurity::plain().with_zap_handler();
        let options = Options::new().security(security).hub(hub.clone()).authentication_limit(hour);
        let mut house = House::with(options, hub).await?;
        let (_hangs, mut waiting) = house.client("hangs")?;
        let serve = async {
            loop {
                let received = router.recv().await.expect("a request");
                let received = frames(&received);
                let (envelope, body) = Envelope::split(&received).expect("an envelope");
                let request = Request::decode(body).expect("a request");
                let Credentials::Plain { username, .. } = &request.question().credentials else {
                    panic!("not PLAIN");
                };
                if username != "hangs" {
                    let reply = message(envelope.wrap(welcome(&request, "passes")));
                    router.send(reply).await.expect("a way back");
                }
            }
        };
        tokio::select! {
            () = serve => panic!("the handler ended"),
            admitted = async {
                let mut inside = Vec::new();
                for index in 0..20 {
                    inside.push(house.admit(&format!("user {index}")).await?);
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(inside)
            } => assert_eq!(admitted?.len(), 20),
        }
        let still = rt::unless_bored(10, waiting.ready()).await;
        assert!(still.is_none(), "nobody let it in: {still:?}");
        Ok(())
    })
}

/// Time is limited, and so is the number of those who wait.
#[test]
fn a_handler_that_hangs_is_waited_for_so_long_and_by_so_many() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let handler = rep(&hub).await?;
        let security = ServerSecurity::plain().with_zap_handler();
        let options = Options::new()
            .security(security)
            .hub(hub.clone())
            .authentication_limit(Duration::from_secs(3600))
            .max_pending_authentications(1);
        let mut house = House::with(options, hub.clone()).await?;
        let (_first, _connecting) = house.client("first")?;
        request(&handler).await?;
        house.expect("second", Refusal::Temporary, "is busy").await?;
        drop(house);

        let security = ServerSecurity::plain().with_zap_handler();
        let options = Options::new()
            .security(security)
            .hub(hub.clone())
            .authentication_limit(Duration::from_millis(50));
        let mut house = House::with(options, hub).await?;
        house.expect("slow", Refusal::Temporary, "took too long").await
    })
}

/// Whom a handler let in is its affair: a change of the authenticator that was not asked puts nobody out.
#[test]
fn what_a_handler_decided_is_not_judged_again() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let live = Live::new(Judge::accept("direct"));
        let mut house = House::new(hub.clone(), live.clone()).await?;
        let (_direct, _) = house.admit("direct").await?;
        let handler = rep(&hub).await?;
        let (client, mut connecting) = house.client("by the handler")?;
        let request = request(&handler).await?;
        handler.send(message(welcome(&request, "by the handler"))).await?;
        rt::in_time("READY", connecting.ready()).await?;
        watch::success("by the handler", &mut house.events).await;
        live.replace(from_sync_fn(|_| AuthDecision::refuse(Refusal::Failure, "No more")));
        // The one that the authenticator let in goes; by then the other one would have gone, too.
        watch::disconnected("the direct one", &mut house.events).await;
        client.send("still in").await?;
        assert_eq!(rt::in_time("a message", house.server.recv()).await?.first(), "still in");
        Ok(())
    })
}

/// What is bound there and is no handler refuses everybody, and says why.
#[test]
fn a_socket_that_cannot_be_a_handler_lets_nobody_in() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let mut house = House::new(hub.clone(), not_me()).await?;
        let pull = Pull::new(Options::new().hub(hub.clone()))?;
        pull.bind(ENDPOINT).await?;
        house.expect("client", Refusal::Temporary, "cannot be reached").await?;
        pull.close().await;

        // It asks for a password itself, which nobody gave us.
        let security = ServerSecurity::plain().with_authenticator(Judge::accept("anybody"));
        let locked = Rep::new(Options::new().hub(hub).security(security))?;
        locked.bind(ENDPOINT).await?;
        let mut house = House::new(house.hub, not_me()).await?;
        house.expect("client", Refusal::Temporary, "cannot be reached").await
    })
}

/// Who comes to the handler itself is judged by the handler's own authenticator: it cannot ask itself.
#[test]
fn a_handler_with_a_judge_of_its_own_does_not_ask_itself() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let judge = Judge::accept("a server of this process");
        let security = Security::null_with_authenticator("handler", judge.clone())?;
        let handler = Rep::new(Options::new().hub(hub.clone()).security(security))?;
        handler.bind(ENDPOINT).await?;
        let mut house = House::handled(hub).await?;
        let (_client, mut connecting) = house.client("user")?;
        let request = request(&handler).await?;
        handler.send(message(welcome(&request, "user"))).await?;
        rt::in_time("READY", connecting.ready()).await?;
        watch::success("user", &mut house.events).await;
        assert_eq!(judge.asked().len(), 1);
        Ok(())
    })
}
