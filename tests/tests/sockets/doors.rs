//! Who may not come in is not told that it may: a routing id that is taken, a second peer of a PAIR.

use std::sync::Arc;

use curve::CurveClient;
use ironhouse::auth::{AuthDecision, AuthRequest, Credentials, UserId};
use ironhouse::peer::RoutingId;
use ironhouse::{
    Dealer, Endpoint, Event, Monitor, Options, Pair, Router, Security, ServerSecurity, SocketType,
    from_sync_fn,
};
use ironhouse_tests::driven::{Driven, Outcome};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, octets, rt, theirs};
use libzmq_reference as zmq;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Kind, LocalFault, Misbehaved, Stage};
use zmtp_core::mechanism::Security as Mechanism;
use zmtp_core::mechanism::plain::PlainClient;
use zmtp_core::wire::metadata::Metadata;

/// The user is who the name of PLAIN says, or else the same for all.
fn judge(request: &AuthRequest) -> AuthDecision {
    let name = match &request.credentials {
        Credentials::Plain { username, .. } => String::from_utf8_lossy(username).into_owned(),
        _ => "somebody".to_owned(),
    };
    AuthDecision::accept_as(UserId::new(&name).expect("a short name"))
}

fn taken() -> Fault {
    Fault::peer(Stage::Ready, Misbehaved::RoutingIdTaken, "ZMTP-IDENTITY-06")
}

fn occupied() -> Fault {
    Fault::local(Stage::Ready, LocalFault::Occupied, "EXPAIR-01")
}

/// A peer in the hands of the test.
async fn peer(
    endpoint: &Endpoint,
    security: Arc<dyn Mechanism>,
    kind: SocketType,
    id: &'static str,
) -> Driven {
    let id = RoutingId::new(id).expect("a short id");
    let config = ConnectionConfig::new(kind, security);
    let config = config.with_metadata(&id, &Metadata::new()).expect("properties");
    Driven::connect_with(endpoint, Arc::new(config)).await
}

async fn shake_hands(peer: &mut Driven) -> Outcome {
    peer.shake_hands(usize::MAX, usize::MAX).await
}

/// The next one fails for this reason, and was never told READY: it sees a close, as one that may
/// try again.
async fn is_kept_out(what: &str, events: &mut Monitor, mut peer: Driven, why: &Fault) {
    let outcome = shake_hands(&mut peer).await;
    let Outcome::Failed(error) = outcome else { panic!("{what}: {outcome:?}") };
    assert_eq!((error.stage, error.kind), (Stage::Ready, Kind::PeerClosed), "{what}");
    let error = watch::event(what, events, |event| match event {
        Event::HandshakeFailed { error, .. } => Some(error.clone()),
        Event::HandshakeSucceeded { .. } => panic!("{what}: {event:?}"),
        _ => None,
    });
    assert_eq!(Fault::from(&error.await), *why, "{what}");
}

// ZMTP-IDENTITY-06, REQREP-ROUTER-06, EXPAIR-01
// hostile: M8
#[test]
fn ready_is_not_sent_to_whom_it_does_not_hold() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let plain = || ServerSecurity::plain().with_authenticator(from_sync_fn(judge));
        let curve = || ServerSecurity::curve(server.pair()).with_authenticator(from_sync_fn(judge));
        let alice: Arc<dyn Mechanism> = Arc::new(PlainClient::new(b"alice", b"")?);
        let with_key: Arc<dyn Mechanism> =
            Arc::new(CurveClient::new(client.pair(), server.public())?);
        for (mechanism, security, credentials) in
            [("PLAIN", plain(), alice), ("CURVE", curve(), with_key)]
        {
            let router = Router::new(Options::new().security(security.clone()))?;
            let mut events = router.monitor();
            let endpoint = router.bind(ANYWHERE).await?;
            let dealer = |id| peer(&endpoint, credentials.clone(), SocketType::DEALER, id);
            let mut first = dealer("me").await;
            assert_eq!(shake_hands(&mut first).await, Outcome::Established, "{mechanism}");
            watch::success(mechanism, &mut events).await;
            is_kept_out(mechanism, &mut events, dealer("me").await, &taken()).await;
            let mut other = dealer("other").await;
            assert_eq!(shake_hands(&mut other).await, Outcome::Established, "{mechanism}");
            drop(first);
            watch::disconnected(mechanism, &mut events).await;
            let mut heir = dealer("me").await;
            assert_eq!(shake_hands(&mut heir).await, Outcome::Established, "{mechanism}: free");
            heir.send("it is me").await;
            let message = rt::in_time(mechanism, router.recv()).await?;
            assert_eq!(frames(&message), [&b"me"[..], b"it is me"]);

            let pair = Pair::new(Options::new().security(security))?;
            let mut events = pair.monitor();
            let endpoint = pair.bind(ANYWHERE).await?;
            let one = || peer(&endpoint, credentials.clone(), SocketType::PAIR, "");
            let mut first = one().await;
            assert_eq!(shake_hands(&mut first).await, Outcome::Established, "{mechanism}");
            watch::success(mechanism, &mut events).await;
            is_kept_out(mechanism, &mut events, one().await, &occupied()).await;
        }
        Ok(())
    })
}

/// Under NULL with a domain: if the peer's READY is there when the authenticator has decided, ours is not
/// sent to one that asks for what is taken.
// NULL-13
// hostile: M8
#[test]
fn null_judges_what_it_knows() -> Done {
    rt::run(async {
        let security = Security::null_with_authenticator("house", from_sync_fn(judge))?;
        let router = Router::new(Options::new().security(security))?;
        let mut events = router.monitor();
        let endpoint = router.bind(ANYWHERE).await?;
        let ready = octets::command("READY", &octets::properties("DEALER", "me"));
        let all = [octets::greeting("NULL"), ready].concat();
        let mut first = Raw::connect(&endpoint).await;
        first.write(&all).await;
        first.read_command("READY").await;
        watch::success("the first", &mut events).await;
        let mut second = Raw::connect(&endpoint).await;
        second.write(&all).await;
        let seen = second.read_to_end().await;
        assert_eq!(octets::command_names(seen), [""; 0]);
        assert_eq!(Fault::from(&watch::failure("the second", &mut events).await), taken());
        Ok(())
    })
}

/// Whoever claims an id at the same moment: one has it, and no message of another is taken for one of it.
// ZMTP-IDENTITY-06
// hostile: M8
#[test]
fn of_many_who_claim_one_id_at_once_one_has_it() -> Done {
    const CLAIMS: usize = 12;
    rt::run(async {
        for handover in [false, true] {
            let security = ServerSecurity::plain().with_authenticator(from_sync_fn(judge));
            let options = Options::new().security(security).router_handover(handover);
            let router = Router::new(options)?;
            let mut events = router.monitor();
            let endpoint = router.bind(ANYWHERE).await?;
            let mut claims = tokio::task::JoinSet::new();
            for number in 0..CLAIMS {
                let endpoint = endpoint.clone();
                // Of different users, so that nothing is ever handed over.
                let user = format!("user {number}");
                claims.spawn(async move {
                    let plain = PlainClient::new(user.as_bytes(), b"").expect("a short name");
                    let mut one = peer(&endpoint, Arc::new(plain), SocketType::DEALER, "me").await;
                    (shake_hands(&mut one).await, one)
                });
            }
            let mut successes = 0;
            for _ in 0..CLAIMS {
                let succeeded = watch::event("a claim", &mut events, |event| match event {
                    Event::HandshakeSucceeded { .. } => Some(true),
                    Event::HandshakeFailed { error, .. } => {
                        assert_eq!(Fault::from(error), taken());
                        Some(false)
                    }
                    _ => None,
                });
                successes += usize::from(succeeded.await);
            }
            assert_eq!(successes, 1, "handover: {handover}");
            let told = claims.join_all().await;
            let told = told.iter().filter(|(outcome, _)| *outcome == Outcome::Established).count();
            assert!(told >= 1, "whoever has it knows");
        }
        Ok(())
    })
}

/// A DEALER of libzmq: it never hears that it is in, and comes in when the id is free.
// ZMTP-IDENTITY-06
#[test]
fn libzmq_comes_again_when_the_id_is_free() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        for curve in [false, true] {
            let judged = from_sync_fn(judge);
            let security = if curve {
                ServerSecurity::curve(server.pair()).with_authenticator(judged)
            } else {
                ServerSecurity::plain().with_authenticator(judged)
            };
            let router = Router::new(Options::new().security(security))?;
            let mut events = router.monitor();
            let endpoint = router.bind(ANYWHERE).await?;
            let ours = if curve {
                Security::curve_client(client.pair(), server.public())?
            } else {
                Security::plain_client("alice", "")?
            };
            let first = Dealer::new(Options::new().security(ours).routing_id("me")?)?;
            first.connect(&endpoint)?.ready().await?;
            watch::success("the first", &mut events).await;

            let context = theirs::context();
            let second = context.socket(zmq::SocketType::Dealer)?;
            if curve {
                client.present(&second, &server.public())?;
            } else {
                second.plain_username("alice")?.plain_password("secret")?;
            }
            second.routing_id(b"me")?;
            second.connect(&endpoint.to_string())?;
            second.send("I am the second", 0)?;
            for _ in 0..2 {
                assert_eq!(Fault::from(&watch::failure("libzmq", &mut events).await), taken());
            }
            router.send(parts(["me", "hello"])).await?;
            assert_eq!(rt::in_time("hello", first.recv()).await?.first(), "hello");
            first.close().await;
            watch::success("libzmq", &mut events).await;
            let message = rt::in_time("the second", router.recv()).await?;
            assert_eq!(frames(&message), [&b"me"[..], b"I am the second"]);
        }
        Ok(())
    })
}
