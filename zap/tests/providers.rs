//! Providers that are asked in turn, take a while, panic, or are asked once for many.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use support::{Place, curve, ip, now, plain, wait};
use zap::{
    AddressRule, AddressVerdict, Admission, Answer, Authenticator, Certificate, Existing, Finding,
    Grant, KeySet, Passwords, Policy, Provider, ReloadError, Remember, Remembering, Step, Table,
    Verdict, Went, decide, decide_at, decide_patiently, provider_fn, sync_provider_fn,
};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, AuthStatus, Authenticator as _, Domain, Refusal, UserId,
};
use zmtp_core::wire::greeting::MechanismName;

fn curve_policy(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Policy {
    let mut policy = Policy::new();
    for provider in providers {
        policy.add_provider("*", MechanismName::CURVE, provider).unwrap();
    }
    policy
}

fn user(name: &str) -> Verdict {
    Verdict::Accept(Grant::user(UserId::new(name).unwrap()))
}

#[test]
fn the_first_that_knows_decides() {
    let mut first = KeySet::new();
    first.insert_as([1; 32], UserId::new("first").unwrap());
    let judge = provider_fn("second", |request: Arc<AuthRequest>| async move {
        match request.metadata.get("X-Auth-Token").map(|token| &token[..]) {
            Some(b"open sesame") => user("second"),
            Some(_) => Verdict::refuse("Wrong token"),
            None => Verdict::Abstain("No token"),
        }
    });
    let third = provider_fn("third", |_| async { user("third") });
    let policy = curve_policy([Arc::new(first) as _, Arc::new(judge) as _, Arc::new(third) as _]);
    let ask = |key: u8, token: Option<&'static str>| {
        let mut request = curve(key);
        if let Some(token) = token {
            request.metadata.push("X-Auth-Token", token).unwrap();
        }
        let decision = wait(decide_patiently(&policy, &request, SystemTime::now()));
        let steps: Vec<_> = decision.steps.iter().map(ToString::to_string).collect();
        assert!(!steps.join("\n").contains("sesame"), "{steps:?}");
        match decision.verdict {
            AuthDecision::Accept { user_id, .. } => user_id.unwrap().as_str().to_owned(),
            AuthDecision::Refuse { text, .. } => text.to_string(),
        }
    };
    assert_eq!(ask(1, Some("wrong")), "first");
    assert_eq!(ask(2, Some("open sesame")), "second");
    assert_eq!(ask(2, Some("open barley")), "Wrong token");
    assert_eq!(ask(2, None), "third");
}

/// The explanation names each that was asked, what it found, and the file that decided.
#[test]
fn a_decision_tells_how_it_came_about() {
    let place = Place::new();
    Certificate::new([1; 32]).save(place.path(), "jo", Existing::Keep).unwrap();
    let authenticator = Authenticator::new()
        .allow("192.0.2.0/24")
        .unwrap()
        .configure_curve("*", place.path())
        .unwrap();
    let decision = decide(&authenticator.policy(), &curve(1));
    let names: Vec<_> = decision.steps.iter().map(Step::name).collect();
    assert_eq!(names, ["source", "request", "address", "domain", "provider", "identity"]);
    assert_eq!(decision.rule().unwrap().to_string(), "allow 192.0.2.0/24");
    let Some((_, Finding::Accepted { file: Some(file), .. })) = decision.provider() else {
        panic!("{decision:?}")
    };
    assert_eq!(**file, place.path().join("jo.key"));
    let decision = decide(&authenticator.policy(), &curve(2));
    assert_eq!(decision.steps.last().unwrap().to_string(), {
        format!("certificates in {}: Unknown key", place.path().display())
    });
    let mut elsewhere = curve(1);
    elsewhere.address = ip("198.51.100.1");
    let decision = decide(&authenticator.policy(), &elsewhere);
    assert_eq!(decision.steps.len(), 3, "nobody looks at credentials: {decision:?}");
}

/// The entries under which a decision came about: the domain's own, or else that of all.
#[test]
fn a_decision_tells_which_entry_counted() {
    let domain = |name| Domain::new(name).unwrap();
    for (known, expected) in [("lab", "lab"), ("*", "*")] {
        let mut policy = Policy::new();
        policy.configure_curve(known, KeySet::from_iter([[1; 32]])).unwrap();
        policy.domain_addresses(known).unwrap().allow("192.0.2.0/24").unwrap();
        let decision = decide(&policy, &AuthRequest { domain: domain("lab"), ..curve(1) });
        let entries: Vec<_> = decision
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Address { table: Table::Domain(entry), .. } => Some(entry),
                Step::Domain { entry, .. } => entry.as_ref(),
                _ => None,
            })
            .collect();
        assert_eq!(entries, [&domain(expected), &domain(expected)]);
    }
}

/// In one line each, for a person, and whether it went on from there.
#[test]
fn each_step_says_what_was_found_and_how_it_went() {
    use Went::{Abstain, Pass, Refuse};
    let rule = AddressRule { allows: false, text: "192.0.2.0/24".into(), line: Some(7) };
    let by = |verdict, rule, table| Step::Address { table, verdict, rule };
    let domain = || Domain::new("lab").unwrap();
    let found = |finding| Step::Provider { name: "keys\n".into(), finding };
    let accepted = |file: Option<&str>, remembered| {
        found(Finding::Accepted { file: file.map(|file| Path::new(file).into()), remembered })
    };
    let who = |user_id, properties, fault| Step::Identity {
        user_id: UserId::new(user_id).filter(|it| !it.is_empty()),
        properties,
        fault,
    };
    let until = SystemTime::UNIX_EPOCH;
    for (step, name, went, words) in [
        (Step::Stopped, "stopped", Refuse, "the authenticator is stopped"),
        (Step::Request { fault: None }, "request", Pass, "mechanism and credentials fit"),
        (Step::Request { fault: Some("No") }, "request", Refuse, "No"),
        (Step::Source(Admission::Admitted), "source", Pass, "within the limits"),
        (Step::Source(Admission::Exempt), "source", Pass, "exempt from limits"),
        (Step::Source(Admission::NotCounted), "source", Pass, "limits are not applied"),
        (Step::Source(Admission::SourceTooOften), "source", Refuse, "this source comes too often"),
        (
            Step::Source(Admission::AllTooOften),
            "source",
            Refuse,
            "too many requests of all together",
        ),
        (
            Step::Source(Admission::Banned { until }),
            "source",
            Refuse,
            "banned until 1970-01-01T00:00:00Z",
        ),
        (
            by(AddressVerdict::Denied, Some(rule), Table::All),
            "address",
            Refuse,
            "rules for all: deny 192.0.2.0/24 (line 7)",
        ),
        (
            by(AddressVerdict::Unlisted, None, Table::Listener("tcp://*\n".into())),
            "address",
            Refuse,
            "rules of listener tcp://*\\n: no rule covers it, and others are allowed by name",
        ),
        (
            by(AddressVerdict::Allowed, None, Table::Domain(domain())),
            "address",
            Pass,
            "rules of domain \"lab\": nothing against it",
        ),
        (Step::Domain { entry: Some(domain()), fault: None }, "domain", Pass, "entry \"lab\""),
        (Step::Domain { entry: None, fault: Some("None") }, "domain", Refuse, "None"),
        (Step::Domain { entry: None, fault: None }, "domain", Refuse, "no entry"),
        (accepted(None, false), "provider", Pass, "keys\\n: accepted"),
        (
            accepted(Some("a.key"), true),
            "provider",
            Pass,
            "keys\\n: accepted, as remembered by a.key",
        ),
        (
            found(Finding::Refused(Refusal::Temporary)),
            "provider",
            Refuse,
            "keys\\n: refused with 300",
        ),
        (found(Finding::Abstained("Unknown")), "provider", Abstain, "keys\\n: Unknown"),
        (found(Finding::Asked), "provider", Refuse, "keys\\n: asked, without answer so far"),
        (found(Finding::Panicked), "provider", Refuse, "keys\\n: panicked"),
        (who("jo", 0, None), "identity", Pass, "user jo"),
        (who("jo", 2, None), "identity", Pass, "user jo, 2 properties"),
        (who("", 0, None), "identity", Pass, "no user"),
        (who("jo", 1, Some("Bad")), "identity", Refuse, "Bad"),
    ] {
        assert_eq!((step.name(), step.went(), &*step.to_string()), (name, went, words));
    }
}

// hostile: Z3
#[test]
fn a_provider_that_panics_refuses_one_peer() {
    let at_once = provider_fn("now", |request: Arc<AuthRequest>| {
        assert_ne!(request.credentials, curve(1).credentials, "the test says panic");
        async { user("jo") }
    });
    let later = provider_fn("later", |request: Arc<AuthRequest>| async move {
        assert_ne!(request.credentials, curve(1).credentials, "the test says panic");
        user("jo")
    });
    for provider in [Arc::new(at_once) as Arc<dyn Provider>, Arc::new(later)] {
        let remembering = Arc::new(Remembering::new(provider.clone(), Remember::default()));
        for provider in [provider, remembering] {
            let policy = curve_policy([provider]);
            let status =
                |key| wait(decide_patiently(&policy, &curve(key), SystemTime::now())).status();
            assert_eq!(status(1), AuthStatus::InternalError);
            assert_eq!(status(2), AuthStatus::Success);
            assert_eq!(status(1), AuthStatus::InternalError);
        }
    }
}

/// Counts how often it is asked; lets in keys below 100, and is out of order above 200.
fn counting(asked: &Arc<AtomicUsize>) -> Arc<dyn Provider> {
    let asked = asked.clone();
    Arc::new(provider_fn("slow", move |request: Arc<AuthRequest>| {
        asked.fetch_add(1, Ordering::Relaxed);
        let key = match request.credentials {
            zmtp_core::auth::Credentials::Curve { public_key } => public_key[0],
            _ => 0,
        };
        let mut polled = false;
        std::future::poll_fn(move |context| {
            if std::mem::replace(&mut polled, true) {
                return std::task::Poll::Ready(match key {
                    0..100 => user("jo"),
                    100..200 => Verdict::Abstain("Unknown key"),
                    _ => Verdict::not_now("Out of order"),
                });
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
    }))
}

#[test]
fn a_slow_provider_is_asked_once_by_many() {
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = Remembering::new(counting(&asked), Remember::default());
    let time = SystemTime::now();
    let mut waiting: Vec<_> = (0..100)
        .map(|_| match provider.judge(&curve(1), time) {
            Answer::Later(verdict) => verdict,
            answer => panic!("{answer:?}"),
        })
        .collect();
    assert_eq!(now(&mut waiting[0]), None);
    // Whoever asked first may leave; the others get their answer.
    drop(waiting.remove(0));
    for verdict in waiting {
        assert_eq!(wait(verdict), user("jo"));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let Answer::Later(verdict) = provider.judge(&curve(2), time) else { panic!("another key") };
    assert_eq!((wait(verdict), asked.load(Ordering::Relaxed)), (user("jo"), 2));
}

#[test]
fn verdicts_are_remembered_for_a_while() {
    let asked = Arc::new(AtomicUsize::new(0));
    let lifetimes = Remember { accepted: Duration::from_secs(60), refused: Duration::from_secs(5) };
    let policy = curve_policy([Arc::new(Remembering::new(counting(&asked), lifetimes)) as _]);
    let begin = SystemTime::now();
    let ask = |request: &AuthRequest, seconds| {
        let before = asked.load(Ordering::Relaxed);
        let time = begin + Duration::from_secs(seconds);
        let decision = wait(decide_patiently(&policy, request, time));
        let remembered =
            matches!(decision.provider(), Some((_, Finding::Accepted { remembered: true, .. })));
        let again = asked.load(Ordering::Relaxed) == before;
        assert!(again || !remembered);
        (decision.status(), again)
    };
    use AuthStatus::{Failure, Success, TemporaryError};
    assert_eq!(ask(&curve(1), 0), (Success, false));
    assert_eq!(ask(&curve(1), 59), (Success, true));
    assert_eq!(ask(&curve(1), 60), (Success, false));
    assert_eq!(ask(&curve(100), 0), (Failure, false));
    assert_eq!(ask(&curve(100), 4), (Failure, true));
    assert_eq!(ask(&curve(100), 5), (Failure, false));
    assert_eq!(ask(&curve(200), 0), (TemporaryError, false));
    assert_eq!(ask(&curve(200), 0), (TemporaryError, false), "an outage is not remembered");

    // Any other fact is another question.
    let mut tokens = curve(1);
    tokens.metadata.push("X-Auth-Token", "a").unwrap();
    let elsewhere = AuthRequest { address: ip("192.0.2.8"), ..curve(1) };
    let domain = zmtp_core::auth::Domain::new("lab").unwrap();
    let other_domain = AuthRequest { domain, ..curve(1) };
    for request in [tokens, elsewhere, other_domain] {
        assert_eq!(ask(&request, 61), (Success, false), "{request:?}");
        assert_eq!(ask(&request, 61), (Success, true), "{request:?}");
    }
    // What is remembered is there at once, for those who cannot wait.
    let time = begin + Duration::from_secs(62);
    assert_eq!(decide_at(&policy, &curve(1), time).status(), Success);
}

#[test]
fn what_is_remembered_is_forgotten_when_a_file_is_read_again() {
    let place = Place::new();
    let file = place.write("users", "jo=sesame\n");
    let users = Arc::new(Passwords::load(&file).unwrap());
    let provider = Remembering::new(users, Remember::default());
    let judge = |provider: &dyn Provider, password| match provider
        .judge(&plain("jo", password), SystemTime::now())
    {
        Answer::Now(verdict) => verdict,
        Answer::Later(pending) => wait(pending),
        Answer::Blocks(_) => panic!("no function"),
    };
    assert_eq!(judge(&provider, "sesame"), user("jo"));
    place.write("users", "jo=barley\n");
    let again = provider.reload().expect("a file").unwrap();
    assert_eq!(judge(&*again, "sesame"), Verdict::Abstain("Invalid credentials"));
    assert_eq!(judge(&*again, "barley"), user("jo"));
    assert_eq!(again.source(), Some(&*file));
    let password = plain("jo", "barley");
    assert!(again.retain(&password).is_some_and(|kept| kept != password.credentials));
}

/// What a certificate demands beside its key.
#[test]
fn certificates_hold_at_their_time_and_place() {
    let mut certificate = Certificate::new([1; 32]);
    for (name, value) in [
        ("not-before", "2027-01-31"),
        ("not-after", "2027-02-28T12:00:00Z"),
        ("domains", "lab, office"),
        ("addresses", "192.0.2.0/24, unix:uid=7"),
        ("roles", "operator"),
    ] {
        certificate.set(name, value).unwrap();
    }
    let mut keys = KeySet::new();
    keys.insert_certificate(&certificate);
    let policy = curve_policy([Arc::new(keys) as _]);
    let ask = |time: &str, domain: &str, address| {
        let domain = zmtp_core::auth::Domain::new(domain).unwrap();
        let request = AuthRequest { domain, address, ..curve(1) };
        match decide_at(&policy, &request, humantime::parse_rfc3339(time).unwrap()).verdict {
            AuthDecision::Accept { metadata, .. } => {
                let said: Vec<_> = metadata.iter().map(|(name, _)| name.to_owned()).collect();
                assert_eq!(said, ["roles"], "restrictions are not passed on");
                None
            }
            AuthDecision::Refuse { text, .. } => Some(text.to_string()),
        }
    };
    let here = || ip("192.0.2.9");
    let uid = |uid| zmtp_core::peer::PeerAddress::Process { uid, gid: 1, pid: None };
    for (time, domain, address, refusal) in [
        ("2027-01-31T00:00:00Z", "lab", here(), None),
        ("2027-02-28T12:00:00Z", "office", here(), None),
        ("2027-02-15T00:00:00Z", "lab", uid(7), None),
        ("2027-01-30T23:59:59Z", "lab", here(), Some("Key not valid yet")),
        ("2027-02-28T12:00:01Z", "lab", here(), Some("Key not valid any more")),
        ("2027-02-15T00:00:00Z", "", here(), Some("Key not valid in this domain")),
        ("2027-02-15T00:00:00Z", "lab", ip("192.0.3.1"), Some("Key not valid from this address")),
        ("2027-02-15T00:00:00Z", "lab", uid(8), Some("Key not valid from this address")),
    ] {
        assert_eq!(ask(time, domain, address).as_deref(), refusal, "{time} {domain}");
    }
    for (name, value) in [
        ("not-before", "tomorrow"),
        ("Not-After", "2027-02-30"),
        ("domains", " , "),
        ("addresses", "everywhere"),
    ] {
        let error = Certificate::new([1; 32]).set(name, value).unwrap_err();
        assert!(error.to_string().starts_with(&name.to_lowercase()), "{error}");
        let text =
            format!("metadata\n    {name} = \"{value}\"\ncurve\n    public-key = \"{}\"\n", {
                z85::encode([1; 32])
            });
        assert_eq!(Certificate::parse(&text).unwrap_err().line, Some(2), "{name}");
    }
}

/// At once on the thread that asks, or on another one where nobody may be held up.
#[test]
fn a_function_that_may_block_is_called_where_it_holds_up_nobody() {
    let called: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let (of_keys, of_requests) = (called.clone(), called.clone());
    let mut callback = Policy::new();
    callback
        .configure_curve_callback("*", move |_: Domain, key: [u8; 32]| {
            of_keys.lock().unwrap().push(thread::current().id());
            key[0] == 1
        })
        .unwrap();
    let judge = sync_provider_fn("function", move |request| {
        of_requests.lock().unwrap().push(thread::current().id());
        (*request == curve(1)).then(|| UserId::new("jo").unwrap())
    });
    for policy in [callback, curve_policy([Arc::new(judge) as Arc<dyn Provider>])] {
        for (key, status) in [(1, AuthStatus::Success), (2, AuthStatus::Failure)] {
            let request = curve(key);
            assert_eq!(decide(&policy, &request).status(), status);
            assert_eq!(called.lock().unwrap().pop(), Some(thread::current().id()));
            let patiently = decide_patiently(&policy, &request, SystemTime::now());
            assert_eq!(wait(patiently).status(), status);
            assert_ne!(called.lock().unwrap().pop(), Some(thread::current().id()));
        }
    }
    assert!(called.lock().unwrap().is_empty(), "each was called once");
}

/// A callback that hangs holds up its own peer only.
#[test]
fn a_provider_that_hangs_holds_up_nobody_else() {
    let authenticator = Authenticator::new()
        .configure_curve_callback("*", |_, key: [u8; 32]| async move {
            if key == [0; 32] {
                std::future::pending::<()>().await;
            }
            true
        })
        .unwrap();
    let mut hung = authenticator.authenticate(Arc::new(curve(0)));
    assert!(now(&mut hung).is_none());
    for key in 1..=255 {
        let address = ip(&format!("192.0.2.{key}"));
        let request = Arc::new(AuthRequest { address, ..curve(key) });
        let mut decision = authenticator.authenticate(request);
        assert_eq!(now(&mut decision).map(|it| it.status()), Some(AuthStatus::Success));
    }
    assert!(now(&mut hung).is_none());
}

/// A source that takes a while to read: meanwhile, once, somebody denies an address.
#[derive(Debug)]
struct Slow(Authenticator, AtomicUsize);

impl Provider for Slow {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        "slow".into()
    }

    fn judge(&self, _: &AuthRequest, _: SystemTime) -> Answer {
        user("somebody").into()
    }

    fn reload(&self) -> Option<Result<Arc<dyn Provider>, ReloadError>> {
        if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
            self.0.clone().deny("192.0.2.7").unwrap();
        }
        Some(Ok(Arc::new(KeySet::from_iter([[1; 32]]))))
    }
}

#[test]
fn what_is_changed_while_a_reload_reads_stays() {
    let authenticator = Authenticator::new();
    let slow: Arc<dyn Provider> = Arc::new(Slow(authenticator.clone(), AtomicUsize::new(0)));
    authenticator.set_policy(curve_policy([slow]));
    let status = || decide(&authenticator.policy(), &curve(1)).status();
    assert_eq!(status(), AuthStatus::Success);
    assert!(authenticator.reload().is_empty());
    assert_eq!(status(), AuthStatus::Failure);
    let elsewhere = AuthRequest { address: ip("192.0.2.8"), ..curve(1) };
    assert_eq!(decide(&authenticator.policy(), &elsewhere).status(), AuthStatus::Success);
    let unknown = AuthRequest { address: ip("192.0.2.8"), ..curve(2) };
    assert_eq!(decide(&authenticator.policy(), &unknown).status(), AuthStatus::Failure);
}
