//! What is written down: every decision, once, and never a secret.

mod support;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use support::Said;
use tracing_subscriber::util::SubscriberInitExt;
use zap::codec::{Reply, Request};
use zap::handler::answer_body;
use zap::{
    Authenticator, Certificate, CertificateStore, Exposure, GuardLimits, Guarded, KeySet,
    Passwords, Sleep, Timer, from_fn, from_sync_fn,
};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, Authenticator as Judge, Credentials, Domain, Secret,
};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

const PASSWORD: &str = "open-sesame";
const WRONG: &str = "open-barley";
const SECRET_KEY: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

/// Everything that is logged in this thread at any level.
fn log_of(work: impl FnOnce()) -> String {
    let said = Said::default();
    let guard = said.subscriber().set_default();
    work();
    drop(guard);
    said.all()
}

fn request(mechanism: MechanismName, credentials: Credentials) -> AuthRequest {
    AuthRequest {
        domain: Domain::new("lab").unwrap(),
        address: PeerAddress::Ip("192.0.2.7:5000".parse().unwrap()),
        listener: Arc::from("tcp://192.0.2.1:9000"),
        routing_id: RoutingId::default(),
        mechanism,
        credentials,
        metadata: Metadata::new(),
    }
}

fn plain(user: &'static [u8], password: &str) -> AuthRequest {
    let (username, password) = (Bytes::from_static(user), Secret::new(password.into()));
    request(MechanismName::PLAIN, Credentials::Plain { username, password })
}

/// Decides without waiting; `None` if it would have to.
fn ask(judge: &impl Judge, request: AuthRequest) -> Option<AuthDecision> {
    let mut decision = judge.authenticate(Arc::new(request));
    match decision.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decision) => Some(decision),
        Poll::Pending => None,
    }
}

/// Time is up at once.
#[derive(Debug)]
struct NoTime;

impl Timer for NoTime {
    fn sleep(&self, _duration: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

#[test]
fn each_decision_is_logged_once_with_who_and_why() {
    let users = Passwords::from_pairs([("admin", PASSWORD)]).unwrap();
    let policy = Authenticator::new().configure_plain("lab", users).unwrap();

    let log = log_of(|| _ = ask(&policy, plain(b"admin", PASSWORD)));
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in [" INFO ", "accepted", "192.0.2.7", "lab", "PLAIN", "user=admin"] {
        assert!(log.contains(part), "{part} in {log}");
    }

    let log = log_of(|| _ = ask(&policy, plain(b"admin", WRONG)));
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in [" DEBUG ", "refused", "192.0.2.7", "tcp://192.0.2.1:9000", "admin", "400"] {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert!(log.contains("Invalid credentials"), "{log}");

    // What the authenticator itself logged, the guard does not log again.
    let guarded = Guarded::new(policy, NoTime, GuardLimits::default());
    let log = log_of(|| _ = ask(&guarded, plain(b"admin", PASSWORD)));
    assert_eq!(log.lines().count(), 1, "{log}");
    let slow = from_fn(|_| std::future::pending());
    let guarded = Guarded::new(slow, NoTime, GuardLimits::default());
    let log = log_of(|| _ = ask(&guarded, plain(b"admin", PASSWORD)));
    assert_eq!((log.lines().count(), log.contains("300")), (1, true), "{log}");
}

// hostile: R8
#[test]
fn what_a_peer_wrote_is_escaped() {
    let refusing = Authenticator::new();
    let log = log_of(|| _ = ask(&refusing, plain(b"evil\r\nINFO accepted \x1B[31m", WRONG)));
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(!log.contains('\x1B') && log.contains("evil\\r\\n"), "{log}");
}

// hostile: R9
#[test]
fn no_secret_is_in_any_log_debug_or_error() {
    let directory = std::env::temp_dir().join(format!("ironhouse-zap-{}-log", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let public = z85::encode([7; 32]);
    let text = format!("curve\n    public-key = \"{public}\"\n    secret-key = \"{SECRET_KEY}\"\n");
    let good = directory.join("jo.key_secret");
    std::fs::write(&good, &text).unwrap();
    std::fs::write(directory.join("jo.key"), &text).unwrap();
    std::fs::write(directory.join("cut.key"), text.replace("\"\n", "\n")).unwrap();
    let passwords = directory.join("passwords");
    std::fs::write(&passwords, format!("admin={PASSWORD}\n{WRONG}\n")).unwrap();

    let mut shown = String::new();
    let log = log_of(|| {
        let users = Passwords::from_pairs([("admin", PASSWORD)]).unwrap();
        let keys = KeySet::from_iter([[7; 32]]);
        let policy = Authenticator::new()
            .configure_plain("lab", users)
            .unwrap()
            .configure_curve("lab", keys)
            .unwrap();
        let good_request = plain(b"admin", PASSWORD);
        let wire = Request::new(&b"1"[..], &good_request).unwrap();
        let bad_wire = Request::new(&b"2"[..], &plain(b"admin", WRONG)).unwrap();
        for frames in [wire.encode(), bad_wire.encode(), bad_wire.encode()[..7].to_vec()] {
            let mut reply = Box::pin(answer_body(&policy, &frames));
            _ = reply.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        let store = CertificateStore::load(&directory).unwrap();
        assert_eq!((store.keys().len(), store.problems().len()), (0, 2), "{store:?}");
        let certificate = Certificate::load_secret(&good, Exposure::Allow).unwrap();
        let error = Passwords::load(&passwords).unwrap_err();
        let broken = Guarded::new(from_sync_fn(|_| panic!()), NoTime, GuardLimits::default());
        _ = ask(&broken, plain(b"admin", PASSWORD));
        let reply = Reply::to_malformed(&bad_wire.encode(), &zap::codec::ZapError::Credentials);
        shown = format!(
            "{policy:?} {good_request:?} {wire:?} {store:?} {certificate:?} {error} {error:?} {reply:?}"
        );
        for problem in store.problems() {
            shown += &problem.to_string();
        }
    });
    std::fs::remove_dir_all(&directory).unwrap();

    assert!(log.contains("cut.key") && log.contains("refused"), "{log}");
    let octets = format!("{:?}", PASSWORD.as_bytes());
    let key_octets = format!("{:?}", z85::decode(SECRET_KEY).unwrap());
    let key_part = &SECRET_KEY[..20];
    for secret in [PASSWORD, WRONG, key_part, &octets, &key_octets] {
        assert!(!log.contains(secret), "{secret} in the log");
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
