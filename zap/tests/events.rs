//! Who is told of decisions, and what.

mod support;

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use support::{curve, now, plain};
use zap::{AuthEvent, Authenticator, JsonLines, KeySet, Passwords, Policy};
use zmtp_core::auth::{AuthStatus, Authenticator as _};

fn judge() -> Authenticator {
    let users = Passwords::from_pairs([("admin", "sesame")]).unwrap();
    Authenticator::new()
        .allow("192.0.2.0/24")
        .unwrap()
        .configure_plain("*", users)
        .unwrap()
        .configure_curve("*", KeySet::from_iter([[1; 32]]))
        .unwrap()
}

#[test]
fn each_decision_is_one_event() {
    let judge = judge();
    let (sender, receiver) = sync_channel(8);
    judge.tell(sender);
    let seen: Arc<Mutex<Vec<Arc<AuthEvent>>>> = Arc::default();
    let note = seen.clone();
    judge.tell(move |event: &Arc<AuthEvent>| note.lock().unwrap().push(event.clone()));

    now(&mut judge.authenticate(Arc::new(plain("admin", "sesame"))));
    now(&mut judge.authenticate(Arc::new(plain("admin", "barley"))));
    let events: Vec<_> = receiver.try_iter().collect();
    assert_eq!(*seen.lock().unwrap(), events);
    let [good, bad] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((good.status, bad.status), (AuthStatus::Success, AuthStatus::Failure));
    assert_eq!(good.user_id.as_ref().map(|user| user.as_str()), Some("admin"));
    assert_eq!((bad.user_id.clone(), &*bad.text), (None, "Invalid credentials"));
    for event in &events {
        assert_eq!(event.claim, "admin");
        assert_eq!(event.rule.as_deref(), Some("allow 192.0.2.0/24"));
        assert_eq!(event.provider.as_deref(), Some("passwords"));
        assert_eq!((event.transport(), event.generation), ("tcp", Some(judge.generation())));
        assert!(!format!("{event:?} {}", event.to_json()).contains("sesame"));
    }

    // Those who are in are judged again in silence, as long as they may stay.
    let again = Arc::new(plain("admin", "sesame"));
    now(&mut judge.authenticate_again(again));
    assert_eq!(receiver.try_iter().count(), 0);
    now(&mut judge.authenticate_again(Arc::new(curve(2))));
    assert_eq!(receiver.try_iter().count(), 1);
    // They have a name, though nothing is kept of a password.
    let kept = judge.retain(&Arc::new(plain("admin", "sesame")));
    _ = judge.clone().configure_plain("*", Passwords::new()).unwrap();
    now(&mut judge.authenticate_again(kept));
    let claims: Vec<_> = receiver.try_iter().map(|event| event.claim.clone()).collect();
    assert_eq!(claims, ["admin"]);
}

#[test]
fn a_decision_that_is_given_up_is_told() {
    let judge = Authenticator::new()
        .configure_curve_callback("*", |_, _: [u8; 32]| std::future::pending::<bool>())
        .unwrap();
    let (sender, receiver) = sync_channel(8);
    judge.tell(sender);
    let mut decision = judge.authenticate(Arc::new(curve(1)));
    assert!(now(&mut decision).is_none());
    drop(decision);
    let events: Vec<_> = receiver.try_iter().collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].status, AuthStatus::TemporaryError);
}

#[test]
fn a_channel_that_is_full_or_gone_stops_nobody() {
    let judge = judge();
    let (sender, receiver) = sync_channel(1);
    judge.tell(sender);
    for _ in 0..3 {
        let mut decision = judge.authenticate(Arc::new(curve(1)));
        assert_eq!(now(&mut decision).map(|it| it.status()), Some(AuthStatus::Success));
    }
    assert_eq!(receiver.try_iter().count(), 1);
    drop(receiver);
    let mut decision = judge.authenticate(Arc::new(curve(1)));
    assert_eq!(now(&mut decision).map(|it| it.status()), Some(AuthStatus::Success));
}

/// A writer that keeps what was written.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Pages {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// hostile: R8
#[test]
fn json_lines_are_json_whatever_a_peer_wrote() {
    let judge = judge();
    let pages = Pages::default();
    judge.tell(JsonLines::new(pages.clone()));
    now(&mut judge.authenticate(Arc::new(plain("a\"}\n{\"\u{202E}\\", "x"))));
    now(&mut judge.authenticate(Arc::new(curve(1))));
    let text = String::from_utf8(pages.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [bad, good] = lines.as_slice() else { panic!("{text}") };
    assert_eq!((&bad["status"], &bad["mechanism"]), (&"400".into(), &"PLAIN".into()));
    assert_eq!(bad["claim"], "a\\\"}\\n{\\\"\\xe2\\x80\\xae\\\\");
    assert_eq!((&good["status"], &good["text"]), (&"200".into(), &"OK".into()));
    assert_eq!(good["user"], z85::encode([1; 32]));
    assert_eq!(good["address"], "192.0.2.7:1");
    for name in ["time", "listener", "domain", "rule", "provider", "took_us", "generation"] {
        assert!(!good[name].is_null(), "{name} in {good}");
    }
}

/// A policy on trial decides nothing, and what it would have decided is told.
#[test]
fn a_policy_on_trial_is_compared() {
    let judge = judge();
    let mut trial = Policy::new();
    trial.configure_curve("*", KeySet::from_iter([[1; 32], [2; 32]])).unwrap();
    trial.addresses.deny("198.51.100.0/24").unwrap();
    judge.set_trial(Some(Arc::new(trial)));
    let (sender, receiver) = sync_channel(8);
    judge.tell(sender);
    let ask = |request| {
        let mut decision = judge.authenticate(Arc::new(request));
        let status = now(&mut decision).map(|it| it.status()).unwrap();
        (status, receiver.try_recv().unwrap().shadow.clone())
    };
    use AuthStatus::{Failure, Success};
    assert_eq!(ask(curve(1)), (Success, None));
    assert_eq!(ask(curve(3)), (Failure, None));
    let would = (Success, format!("as {}", z85::encode([2; 32])));
    assert_eq!(ask(curve(2)), (Failure, Some(would)));
    let would = (Failure, "No passwords defined".to_owned());
    assert_eq!(ask(plain("admin", "sesame")), (Success, Some(would)));
    judge.set_trial(None);
    assert_eq!(ask(curve(2)), (Failure, None));
}
