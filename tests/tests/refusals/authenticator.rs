//! Authenticators that fail, hang or are missing: refused, each peer for itself.

use std::sync::Arc;
use std::time::Duration;

use ironhouse::auth::{AuthDecision, AuthRequest, Credentials, Domain, Refusal};
use ironhouse::error::ConnectFailure;
use ironhouse::{Dealer, Hub, Limits, Options, Security, ServerSecurity, SocketType, from_sync_fn};
use ironhouse_tests::judge::{Judge, REASON, Verdict};
use ironhouse_tests::mechanisms::{KINDS, Kind, judged};
use ironhouse_tests::octets::{greeting, plain_hello};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::watch::{self, Fault, fault_of};
use ironhouse_tests::{Done, Fallible, rt};
use transport::{Engine, EngineOptions, Owner, Pipe};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Kind as Cause, ProtocolError, Stage};
use zmtp_core::mechanism::plain::PlainServer;
use zmtp_core::wire::metadata::Metadata;
use zmtp_core::wire::reason::ErrorReason;

use crate::house::AT_ONCE;

/// What our server says when its authenticator refused.
fn denied(status: Refusal, text: &str) -> Fault {
    let kind = Cause::Denied { status, text: text.into() };
    Fault::local(Stage::Authentication, kind, "ZAP-25")
}

/// Where a client learns of a refusal.
fn stage(kind: Kind) -> Stage {
    match kind {
        Kind::Null | Kind::Curve => Stage::Ready,
        Kind::Plain => Stage::Welcome,
    }
}

/// What our client says when it was refused.
fn refused(kind: Kind, status: Refusal) -> Fault {
    let reason = ErrorReason::new(status.status().code());
    match status {
        Refusal::Temporary => Fault::closed(stage(kind)),
        _ => Fault::peer(stage(kind), Cause::ReportedByPeer(reason), "ZMTP-ERROR-02"),
    }
}

/// One client of ours at one server of ours: how both of them see it fail.
struct Refused {
    server: Fault,
    client: ConnectFailure,
}

async fn refuse(what: &str, endpoint: &str, server: Options, client: Options) -> Fallible<Refused> {
    let (bound, connected) = (Dealer::new(server)?, Dealer::new(client)?);
    let mut events = bound.monitor();
    let endpoint = bound.bind(endpoint).await?;
    let mut connecting = connected.connect(&endpoint)?;
    let failure = watch::refusal(what, &mut connecting).await;
    let error: ProtocolError = watch::failure(what, &mut events).await;
    connected.close().await;
    bound.close().await;
    Ok(Refused { server: Fault::from(&error), client: failure })
}

/// Each transport once; those within the process have a space of their own.
const ENDPOINTS: [&str; 3] = ["tcp://127.0.0.1:*", "ipc://*", "inproc://house"];

// ZAP-25, ZAP-26
// hostile: Z2, Z5
#[test]
fn a_refusal_is_told_on_both_sides_over_every_transport() -> Done {
    rt::run(async {
        for endpoint in ENDPOINTS {
            for kind in KINDS {
                for status in [Refusal::Temporary, Refusal::Failure, Refusal::Internal] {
                    let what = format!("{}, {status}, {endpoint}", kind.name());
                    let judge = Judge::refuse(status);
                    let (server, client) = judged(kind, judge.clone())?;
                    let hub = Hub::new();
                    let server = Options::new().security(server).hub(hub.clone());
                    let client = Options::new().security(client).hub(hub);
                    let seen = refuse(&what, endpoint, server, client).await?;
                    assert_eq!(seen.server, denied(status, REASON), "{what}");
                    assert_eq!(fault_of(&seen.client), refused(kind, status), "{what}");
                    assert_eq!(seen.client.is_final, status != Refusal::Temporary, "{what}");
                    assert!(!judge.asked().is_empty(), "{what}: nobody was asked");
                }
            }
        }
        Ok(())
    })
}

// ZAP-07, ZAP-08, ZAP-09, ZAP-10, ZAP-11, ZAP-12, ZAP-13
// hostile: Z1, Z6
#[test]
fn the_authenticator_is_told_who_asks_over_every_transport() -> Done {
    rt::run(async {
        for endpoint in ENDPOINTS {
            for kind in KINDS {
                let what = format!("{}, {endpoint}", kind.name());
                let judge = Judge::refuse(Refusal::Failure);
                let (server, client) = judged(kind, judge.clone())?;
                let hub = Hub::new();
                let server = Options::new().security(server).hub(hub.clone());
                let client = Options::new().security(client).hub(hub).routing_id(&b"me"[..])?;
                refuse(&what, endpoint, server, client).await?;
                let [request] = &judge.asked()[..] else { panic!("{what}: not asked once") };
                let expected = match kind {
                    Kind::Null => "domain",
                    _ => "",
                };
                assert_eq!(request.domain.as_str(), expected, "{what}");
                assert_eq!(request.mechanism.as_str(), Some(kind.name()), "{what}");
                let address = request.address.zap_text();
                match endpoint.split(':').next() {
                    Some("tcp") => assert_eq!(address, "127.0.0.1", "{what}"),
                    Some("ipc") => {
                        let pid = format!(":{}", std::process::id());
                        assert!(address.starts_with("localhost:"), "{what}: {address}");
                        assert!(address.ends_with(&pid), "{what}: {address}");
                    }
                    _ => assert_eq!(address, "", "{what}"),
                }
                match (kind, &request.credentials) {
                    (Kind::Null, Credentials::Null) => {}
                    (Kind::Plain, Credentials::Plain { username, password }) => {
                        assert_eq!(username, "user", "{what}");
                        assert_eq!(password.expose(), b"password", "{what}");
                    }
                    (Kind::Curve, Credentials::Curve { .. }) => {
                        // Known by then, because it was authenticated.
                        assert_eq!(request.routing_id.as_bytes(), b"me", "{what}");
                    }
                    (_, other) => panic!("{what}: {other:?}"),
                }
            }
        }
        Ok(())
    })
}

// ZAP-28
#[test]
fn a_panic_of_the_authenticator_refuses_with_500() -> Done {
    rt::run(async {
        for endpoint in ENDPOINTS {
            for kind in KINDS {
                for verdict in [Verdict::PanicAtOnce, Verdict::PanicLater] {
                    let what = format!("{}, {verdict:?}, {endpoint}", kind.name());
                    let (server, client) = judged(kind, Judge::new(verdict))?;
                    let hub = Hub::new();
                    let server = Options::new().security(server).hub(hub.clone());
                    let client = Options::new().security(client).hub(hub);
                    let seen = refuse(&what, endpoint, server, client).await?;
                    let text = "The authenticator panicked";
                    assert_eq!(seen.server, denied(Refusal::Internal, text), "{what}");
                    let expected = refused(kind, Refusal::Internal);
                    assert_eq!(fault_of(&seen.client), expected, "{what}");
                }
            }
        }
        Ok(())
    })
}

// ZAP-29
// hostile: Z3
#[test]
fn an_authenticator_that_hangs_refuses_with_300() -> Done {
    let limit = Duration::from_millis(100);
    rt::run(async {
        for endpoint in ENDPOINTS {
            for kind in KINDS {
                let what = format!("{}, {endpoint}", kind.name());
                let (server, client) = judged(kind, Judge::new(Verdict::Hang))?;
                let hub = Hub::new();
                let server =
                    Options::new().security(server).hub(hub.clone()).authentication_limit(limit);
                let client = Options::new().security(client).hub(hub);
                let seen = refuse(&what, endpoint, server, client).await?;
                let text = "The authenticator took too long";
                assert_eq!(seen.server, denied(Refusal::Temporary, text), "{what}");
                assert_eq!(fault_of(&seen.client), refused(kind, Refusal::Temporary), "{what}");
                assert!(!seen.client.is_final, "{what}: may come again");
            }
        }
        Ok(())
    })
}

// ZMTP-SEC-05, ZAP-29
#[test]
fn the_deadline_of_the_handshake_includes_the_authenticator() -> Done {
    rt::run(async {
        for endpoint in ENDPOINTS {
            for kind in KINDS {
                let what = format!("{}, {endpoint}", kind.name());
                let (server, client) = judged(kind, Judge::new(Verdict::Hang))?;
                let mut limits = Limits::DEFAULT;
                limits.handshake_timeout = Duration::from_millis(300);
                let hub = Hub::new();
                let server = Options::new()
                    .security(server)
                    .hub(hub.clone())
                    .limits(limits)
                    .authentication_limit(Duration::from_secs(3600));
                let client = Options::new().security(client).hub(hub);
                let begin = std::time::Instant::now();
                let seen = refuse(&what, endpoint, server, client).await?;
                // It is not the client who is late.
                let expected = Fault::local(Stage::Authentication, Cause::TimedOut, "ZMTP-SEC-05");
                assert_eq!(seen.server, expected, "{what}");
                assert_eq!(fault_of(&seen.client), Fault::closed(stage(kind)), "{what}");
                assert!(begin.elapsed() < Duration::from_secs(5), "{what}");
            }
        }
        Ok(())
    })
}

// ZAP-29
// hostile: Z7
#[test]
fn a_hundred_hanging_decisions_delay_nobody_else() -> Done {
    /// Hangs for strangers only.
    fn judge() -> impl ironhouse::auth::Authenticator {
        ironhouse::from_fn(|request: Arc<AuthRequest>| async move {
            match &request.credentials {
                Credentials::Plain { username, .. } if username == "friend" => {
                    AuthDecision::accept()
                }
                _ => std::future::pending().await,
            }
        })
    }
    rt::run(async {
        let security = ServerSecurity::plain().with_authenticator(judge());
        let options = Options::new()
            .security(security)
            .authentication_limit(Duration::from_secs(3600))
            .max_pending_authentications(101);
        let bound = Dealer::new(options)?;
        let mut events = bound.monitor();
        let endpoint = bound.bind("tcp://127.0.0.1:*").await?;
        let strangers = Dealer::new(Options::new().security(Security::plain_client("x", "y")?))?;
        let mut connecting = Vec::new();
        for _ in 0..100 {
            let other = Dealer::new(Options::new().security(Security::plain_client("x", "y")?))?;
            other.connect(&endpoint)?;
            connecting.push(other);
        }
        for _ in 0..100 {
            watch::event("a stranger", &mut events, |event| match event {
                ironhouse::Event::Connected { .. } => Some(()),
                _ => None,
            })
            .await;
        }
        let friend = Dealer::new(Options::new().security(Security::plain_client("friend", "y")?))?;
        let mut connected = friend.connect(&endpoint)?;
        rt::takes_less("the friend", AT_ONCE, connected.ready()).await?;
        // One more is too many: it is told nothing and may come again.
        let seen = async {
            strangers.connect(&endpoint)?;
            strangers.connect(&endpoint)?;
            Fallible::Ok(watch::failure("too many", &mut events).await)
        };
        let error = seen.await?;
        let expected = denied(Refusal::Temporary, "The authenticator is busy");
        assert_eq!(Fault::from(&error), expected);
        Ok(())
    })
}

/// Whoever asked may be gone when the answer comes, and whoever should answer may vanish: neither
/// harms anybody else.
// hostile: V3, Z3
#[test]
fn an_answer_to_nobody_and_a_question_to_nobody_pass() -> Done {
    use tokio::sync::{Mutex, mpsc, oneshot};
    rt::run(async {
        let (ask, mut questions) = mpsc::unbounded_channel();
        let judge = ironhouse::from_fn(move |request: Arc<AuthRequest>| {
            let (ask, (answer, decision)) = (ask.clone(), oneshot::channel());
            async move {
                ask.send((request, answer)).expect("the test listens");
                decision.await.expect("an answer")
            }
        });
        let security = ServerSecurity::plain().with_authenticator(judge);
        let options = Options::new().security(security).authentication_limit(rt::LATE);
        let bound = Dealer::new(options)?;
        let mut events = bound.monitor();
        let endpoint = bound.bind("tcp://127.0.0.1:*").await?;
        let hello = [greeting("PLAIN"), plain_hello("stranger", "x")].concat();
        let late = Mutex::new(Vec::new());
        for vanishes in [false, true].repeat(20) {
            let mut raw = Raw::connect(&endpoint).await;
            raw.write(&hello).await;
            let (_, answer) = rt::in_time("the question", questions.recv()).await.expect("one");
            if vanishes {
                drop(answer);
                let error = watch::failure("nobody answers", &mut events).await;
                let expected = denied(Refusal::Internal, "The authenticator panicked");
                assert_eq!(Fault::from(&error), expected);
            } else {
                drop(raw);
                let error = watch::failure("nobody asks any more", &mut events).await;
                assert_eq!(Fault::from(&error).side, zmtp_core::error::Side::Peer);
                late.lock().await.push(answer);
            }
        }
        for answer in late.into_inner() {
            // Nobody waits for it any more, and that is all that happens.
            _ = answer.send(AuthDecision::accept());
        }
        let friend = Dealer::new(Options::new().security(Security::plain_client("friend", "y")?))?;
        let mut connected = friend.connect(&endpoint)?;
        let (_, answer) = rt::in_time("the question", questions.recv()).await.expect("one");
        assert!(answer.send(AuthDecision::accept()).is_ok(), "somebody waits");
        rt::in_time("the friend", connected.ready()).await?;
        Ok(())
    })
}

// ZAP-27
// hostile: Z8, M7
#[test]
fn facts_that_an_authenticator_may_not_name_refuse_with_500() -> Done {
    rt::run(async {
        for name in ["Socket-Type", "Identity", "User-Id", "Peer-Address"] {
            let judge = from_sync_fn(move |_: &AuthRequest| {
                let mut metadata = Metadata::new();
                metadata.push(name, &b"forged"[..]).expect("a name");
                AuthDecision::Accept { user_id: None, metadata }
            });
            let (server, client) = judged(Kind::Plain, judge)?;
            let seen = refuse(
                name,
                ENDPOINTS[0],
                Options::new().security(server),
                Options::new().security(client),
            )
            .await?;
            match seen.server.kind {
                Cause::Denied { status: Refusal::Internal, .. } => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        Ok(())
    })
}

/// The side that connects may be the one that judges.
// ZMTP-MECH-05, ZAP-25
#[test]
fn a_connecting_server_asks_its_authenticator_too() -> Done {
    rt::run(async {
        for endpoint in ENDPOINTS {
            for kind in KINDS {
                let what = format!("{}, {endpoint}", kind.name());
                let judge = Judge::refuse(Refusal::Failure);
                let (server, client) = judged(kind, judge.clone())?;
                let hub = Hub::new();
                let client = Dealer::new(Options::new().security(client).hub(hub.clone()))?;
                let server = Dealer::new(Options::new().security(server).hub(hub))?;
                let mut events = client.monitor();
                let mut connecting = server.connect(client.bind(endpoint).await?)?;
                let failure = watch::refusal(&what, &mut connecting).await;
                let expected = denied(Refusal::Failure, REASON);
                assert_eq!(fault_of(&failure), expected, "{what}");
                let error = watch::failure(&what, &mut events).await;
                assert_eq!(Fault::from(&error), refused(kind, Refusal::Failure), "{what}");
                // Its own refusal is no reason to give up: another peer may listen there next time.
                assert!(!failure.is_final, "{what}");
            }
        }
        Ok(())
    })
}

/// The sockets cannot be made without an authenticator where one is needed; the engine below them
/// can, and refuses.
// ZAP-28
// hostile: Z2
#[test]
fn an_engine_without_authenticator_refuses_with_500() -> Done {
    #[derive(Debug)]
    struct Nobody;
    impl Owner for Nobody {
        fn connecting(&self, _: &Arc<Pipe>) {}
        fn established(&self, _: &Arc<Pipe>) -> Result<(), ProtocolError> {
            panic!("somebody was let in");
        }
        fn lost(&self, _: &Arc<Pipe>, _: bool) {}
        fn readable(&self, _: &Arc<Pipe>) {}
        fn writable(&self, _: &Arc<Pipe>) {}
        fn stopped(&self) {}
    }
    rt::run(async {
        let null =
            ConnectionConfig::new(SocketType::DEALER, Arc::new(zmtp_core::mechanism::null::Null))
                .with_domain(Domain::new("domain").expect("short enough"));
        let plain = ConnectionConfig::new(SocketType::DEALER, Arc::new(PlainServer::default()));
        for (kind, config, client) in [
            (Kind::Null, null, Security::null()),
            (Kind::Plain, plain, Security::plain_client("user", "password")?),
        ] {
            let what = kind.name();
            let engine = Engine::new(Arc::new(Nobody), Arc::new(config), EngineOptions::default());
            let mut events = engine.events();
            let endpoint = engine.bind(&ENDPOINTS[0].parse()?).await?;
            let client = Dealer::new(Options::new().security(client))?;
            let mut connecting = client.connect(&endpoint)?;
            let failure = watch::refusal(what, &mut connecting).await;
            assert_eq!(fault_of(&failure), refused(kind, Refusal::Internal), "{what}");
            let error = rt::in_time(what, async {
                loop {
                    if let transport::Event::HandshakeFailed { error, .. } = events.recv().await? {
                        return Fallible::Ok(error);
                    }
                }
            })
            .await?;
            let text = "no authenticator is configured";
            assert_eq!(Fault::from(&error), denied(Refusal::Internal, text), "{what}");
            engine.close(Duration::ZERO).await;
            assert_eq!(engine.tasks(), 0, "{what}");
        }
        Ok(())
    })
}
