//! Every peer that is in is judged again when the authenticator decides by something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ironhouse::auth::{
    AuthDecision, AuthRequest, Authenticator, Credentials, PendingDecision, PendingRevision,
    Refusal, UserId,
};
use ironhouse::error::Disconnect;
use ironhouse::{
    Connecting, Dealer, Hub, Live, Options, Reconnect, Revisions, Security, ServerSecurity,
    from_fn, from_sync_fn,
};
use ironhouse_tests::mechanisms::{KINDS, Kind, judged};
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, Fallible, rt};
use zmtp_core::error::{Kind as Cause, Stage};

/// Each transport once, and either side as the one that binds.
const ENDPOINTS: [&str; 3] = ["tcp://127.0.0.1:*", "ipc://*", "inproc://live"];

fn everybody() -> impl Authenticator {
    from_sync_fn(|_| AuthDecision::accept())
}

fn nobody() -> impl Authenticator {
    from_sync_fn(|_| AuthDecision::refuse(Refusal::Failure, "No more"))
}

pub(crate) fn put_out(status: Refusal, text: &str) -> Fault {
    let kind = Cause::Revoked { status, text: text.into() };
    Fault::local(Stage::Traffic, kind, "ZAP-25")
}

pub(crate) fn fault(cause: &Disconnect) -> Fault {
    match cause {
        Disconnect::Protocol(error) => error.into(),
        other => panic!("ended for another reason: {other}"),
    }
}

/// Lets one of the two bind and the other one connect, until both know each other.
pub(crate) async fn meet(at: &str, binds: &Dealer, connects: &Dealer) -> Fallible<Connecting> {
    let endpoint = binds.bind(at).await?;
    let mut connecting = connects.connect(&endpoint)?;
    rt::in_time("the peer", connecting.ready()).await?;
    Ok(connecting)
}

/// A peer is put out over every transport, under every mechanism and in either role; both sides are
/// told, and it does not come in again.
// ZAP-25, hostile: Z9
#[test]
fn a_peer_that_is_refused_now_is_put_out() -> Done {
    rt::run(async {
        for at in ENDPOINTS {
            for kind in KINDS {
                for judge_binds in [true, false] {
                    let what = format!("{kind:?}, {at}, judge binds: {judge_binds}");
                    let (live, hub) = (Live::new(everybody()), Hub::new());
                    let (judging, judged) = judged(kind, live.clone())?;
                    let judging = Dealer::new(Options::new().security(judging).hub(hub.clone()))?;
                    let judged = Dealer::new(Options::new().security(judged).hub(hub))?;
                    let (mut events, mut their_events) = (judging.monitor(), judged.monitor());
                    if judge_binds {
                        meet(at, &judging, &judged).await?;
                    } else {
                        meet(at, &judged, &judging).await?;
                    }
                    judged.send("in").await?;
                    assert_eq!(rt::in_time(&what, judging.recv()).await?.first(), "in", "{what}");

                    live.replace(nobody());
                    let cause = watch::disconnected(&what, &mut events).await;
                    assert_eq!(fault(&cause), put_out(Refusal::Failure, "No more"), "{what}");
                    let cause = watch::disconnected(&what, &mut their_events).await;
                    assert_eq!(cause, Disconnect::PeerClosed, "{what}");
                    let error = watch::failure(&what, &mut events).await;
                    assert!(matches!(error.kind, Cause::Denied { .. }), "{what}: {error}");
                    judged.close().await;
                    judging.close().await;
                }
            }
        }
        Ok(())
    })
}

/// Who may still come in notices nothing, however often the policy changes.
#[test]
fn a_peer_that_is_accepted_still_stays() -> Done {
    rt::run(async {
        for at in ENDPOINTS {
            let (live, hub) = (Live::new(everybody()), Hub::new());
            let (judging, judged) = judged(Kind::Curve, live.clone())?;
            let judging = Dealer::new(Options::new().security(judging).hub(hub.clone()))?;
            let judged = Dealer::new(Options::new().security(judged).hub(hub))?;
            let mut events = judging.monitor();
            meet(at, &judging, &judged).await?;
            watch::success(at, &mut events).await;
            for _ in 0..10 {
                let asked = Arc::new(AtomicBool::new(false));
                let note = asked.clone();
                live.replace(from_sync_fn(move |_| {
                    note.store(true, Ordering::SeqCst);
                    AuthDecision::accept()
                }));
                rt::until("another judgement", || asked.load(Ordering::SeqCst)).await;
                judged.send("still in").await?;
                assert_eq!(rt::in_time(at, judging.recv()).await?.first(), "still in");
            }
            judged.close().await;
            let cause = watch::disconnected(at, &mut events).await;
            assert_eq!(cause, Disconnect::PeerClosed, "{at}");
        }
        Ok(())
    })
}

/// The facts on every message are those of the handshake: when they change, the peer has to come again.
#[test]
fn a_peer_that_is_somebody_else_now_comes_again() -> Done {
    rt::run(async {
        let named = |name: &'static str| {
            from_sync_fn(move |_| AuthDecision::accept_as(UserId::new(name).unwrap_or_default()))
        };
        let live = Live::new(named("before"));
        let (judging, judged) = judged(Kind::Plain, live.clone())?;
        let judging = Dealer::new(Options::new().security(judging))?;
        let judged = Dealer::new(Options::new().security(judged))?;
        let mut events = judging.monitor();
        meet("tcp://127.0.0.1:*", &judging, &judged).await?;
        let peer = watch::success("the first", &mut events).await;
        assert_eq!(peer.user_id().map(UserId::as_str), Some("before"));
        live.replace(named("after"));
        let cause = watch::disconnected("the change", &mut events).await;
        let text = "Its user id or properties are others now";
        assert_eq!(fault(&cause), put_out(Refusal::Temporary, text));
        let peer = watch::success("the second", &mut events).await;
        assert_eq!(peer.user_id().map(UserId::as_str), Some("after"));
        Ok(())
    })
}

/// What is asked again is what was asked, unless the authenticator keeps less.
#[derive(Debug, Default)]
struct Forgetful {
    revisions: Revisions,
    again: Arc<std::sync::Mutex<Vec<Arc<AuthRequest>>>>,
}

impl Authenticator for Forgetful {
    fn authenticate(&self, _request: Arc<AuthRequest>) -> PendingDecision {
        Box::pin(std::future::ready(AuthDecision::accept()))
    }

    fn revision(&self) -> Option<u64> {
        Some(self.revisions.current())
    }

    fn revised(&self, since: u64) -> PendingRevision {
        self.revisions.changed(since)
    }

    fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        Arc::new(AuthRequest { credentials: Credentials::Null, ..(**request).clone() })
    }

    fn authenticate_again(&self, retained: Arc<AuthRequest>) -> PendingDecision {
        self.again.lock().expect("no panic").push(retained);
        Box::pin(std::future::ready(AuthDecision::refuse(Refusal::Internal, "again")))
    }
}

#[test]
fn an_authenticator_says_what_is_kept_of_a_request() -> Done {
    rt::run(async {
        for at in ENDPOINTS {
            let (forgetful, hub) = (Arc::new(Forgetful::default()), Hub::new());
            let (judging, judged) = judged(Kind::Plain, forgetful.clone())?;
            let judging = Dealer::new(Options::new().security(judging).hub(hub.clone()))?;
            let judged = Dealer::new(Options::new().security(judged).hub(hub))?;
            let mut events = judging.monitor();
            meet(at, &judging, &judged).await?;
            forgetful.revisions.advance();
            let cause = watch::disconnected(at, &mut events).await;
            assert_eq!(fault(&cause), put_out(Refusal::Internal, "again"));
            let again = forgetful.again.lock().expect("no panic");
            assert_eq!(again[0].credentials, Credentials::Null);
            assert_eq!(again[0].mechanism.as_str(), Some("PLAIN"));
        }
        Ok(())
    })
}

/// An authenticator that cannot tell now is asked a few times more; nobody stays in on its silence.
#[test]
fn a_peer_for_whom_nobody_vouches_is_put_out() -> Done {
    rt::run(async {
        let live = Live::new(everybody());
        let (judging, judged) = judged(Kind::Curve, live.clone())?;
        let judging = Dealer::new(Options::new().security(judging))?;
        let judged = Dealer::new(Options::new().security(judged))?;
        let mut events = judging.monitor();
        meet("tcp://127.0.0.1:*", &judging, &judged).await?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        live.replace(from_fn(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(AuthDecision::refuse(Refusal::Temporary, "Not now"))
        }));
        let cause = watch::disconnected("the end", &mut events).await;
        assert_eq!(fault(&cause), put_out(Refusal::Temporary, "Not now"));
        assert!(asked.load(Ordering::SeqCst) >= 4, "asked once and thrice again");
        Ok(())
    })
}

/// A change while a peer is on its way in is not missed: the decision was made, READY is not there yet.
#[test]
fn a_change_during_the_handshake_counts() -> Done {
    rt::run(async {
        let live = Live::new(everybody());
        let slow = live.clone();
        // Asked the first time, it decides, and before anybody hears of it the policy changes.
        live.replace(from_fn(move |_| {
            slow.replace(nobody());
            std::future::ready(AuthDecision::accept())
        }));
        let (judging, judged) = judged(Kind::Curve, live)?;
        let judging = Dealer::new(Options::new().security(judging))?;
        let judged = Dealer::new(Options::new().security(judged))?;
        let mut events = judging.monitor();
        // Nobody waits for the peer to be ready: it may be out again before it looks.
        let endpoint = judging.bind("tcp://127.0.0.1:*").await?;
        judged.connect(&endpoint)?;
        let cause = watch::disconnected("the end", &mut events).await;
        assert_eq!(fault(&cause), put_out(Refusal::Failure, "No more"));
        Ok(())
    })
}

/// Of many peers those that are refused go and the others stay, and the socket serves meanwhile.
#[test]
fn of_many_peers_only_the_refused_go() -> Done {
    const PEERS: usize = 200;
    rt::run(async {
        let live = Live::new(everybody());
        let security = ServerSecurity::plain().with_authenticator(live.clone());
        let server = ironhouse::Router::new(Options::new().security(security))?;
        let mut events = server.monitor();
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        let mut peers = Vec::new();
        let never = Duration::from_secs(3600);
        for index in 0..PEERS {
            let security = Security::plain_client(format!("user {index}"), "password")?;
            let reconnect = Reconnect { interval: never, max_interval: never };
            let peer = Dealer::new(Options::new().security(security).reconnect(reconnect))?;
            peer.connect(&endpoint)?.ready().await?;
            peers.push(peer);
        }
        let even = |request: &AuthRequest| match &request.credentials {
            Credentials::Plain { username, .. } => {
                username.last().is_some_and(|digit| digit % 2 == 0)
            }
            _ => false,
        };
        live.replace(from_sync_fn(move |request| match even(request) {
            true => AuthDecision::accept(),
            false => AuthDecision::refuse(Refusal::Failure, "No more"),
        }));
        for _ in 0..PEERS / 2 {
            watch::disconnected("half of them", &mut events).await;
        }
        for (index, peer) in peers.iter().enumerate().filter(|(index, _)| index % 2 == 0) {
            peer.send(format!("{index}")).await?;
            let message = rt::in_time("the others", server.recv()).await?;
            let last = message.parts().last().map(|part| part.to_vec());
            assert_eq!(last, Some(index.to_string().into_bytes()));
        }
        Ok(())
    })
}
