//! Who comes in: address rules, domains, stores, and the guard around authenticators.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zap::{
    AddressFault, AddressRules, AddressVerdict, Authenticator, CurveKeys, GuardLimits, Guarded,
    KeySet, PasswordFault, Passwords, Sleep, Timer, decide, from_fn, from_sync_fn,
};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, AuthStatus, Authenticator as _, Credentials, Domain, Refusal,
    Secret, UserId,
};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

fn ip(text: &str) -> PeerAddress {
    PeerAddress::Ip(std::net::SocketAddr::new(text.parse().unwrap(), 1))
}

fn request(domain: &str, mechanism: MechanismName, credentials: Credentials) -> AuthRequest {
    AuthRequest {
        domain: Domain::new(domain).unwrap(),
        address: ip("192.0.2.7"),
        listener: Arc::from(""),
        routing_id: RoutingId::default(),
        mechanism,
        credentials,
        metadata: Metadata::new(),
    }
}

fn plain(domain: &str, user: &'static [u8], password: &[u8]) -> AuthRequest {
    let (username, password) = (Bytes::from_static(user), Secret::new(password.to_vec()));
    request(domain, MechanismName::PLAIN, Credentials::Plain { username, password })
}

fn curve(domain: &str, key: u8) -> AuthRequest {
    request(domain, MechanismName::CURVE, Credentials::Curve { public_key: [key; 32] })
}

fn verdict(authenticator: &Authenticator, request: &AuthRequest) -> AuthDecision {
    decide(&authenticator.policy(), request).verdict
}

fn text_of(decision: &AuthDecision) -> &str {
    match decision {
        AuthDecision::Refuse { status: Refusal::Failure, text, .. } => text,
        other => panic!("not refused with 400: {other:?}"),
    }
}

#[test]
fn the_longest_prefix_wins_whatever_the_order() {
    let mut rules = AddressRules::new();
    rules.deny("192.168.1.100").unwrap();
    rules.allow("192.168.1.0/24").unwrap();
    rules.deny("0.0.0.0/0").unwrap();
    let judge = |text| rules.judge(&ip(text));
    assert_eq!(judge("192.168.1.7"), AddressVerdict::Allowed);
    assert_eq!(judge("::ffff:192.168.1.7"), AddressVerdict::Allowed, "IPv4 in IPv6 is IPv4");
    assert_eq!(judge("192.168.1.100"), AddressVerdict::Denied);
    assert_eq!(judge("10.0.0.1"), AddressVerdict::Denied);
    assert_eq!(judge("2001:db8::1"), AddressVerdict::Unlisted);
    assert_eq!(rules.judge(&PeerAddress::Inproc), AddressVerdict::Unlisted);
    rules.allow("192.168.1.100").unwrap();
    assert_eq!(rules.judge(&ip("192.168.1.100")), AddressVerdict::Allowed, "the later call counts");
}

#[test]
fn processes_are_judged_by_user_and_group() {
    let mut rules = AddressRules::new();
    rules.allow("unix:gid=100").unwrap();
    rules.deny("unix:uid=666").unwrap();
    let judge = |uid, gid| rules.judge(&PeerAddress::Process { uid, gid, pid: None });
    assert_eq!(judge(1, 100), AddressVerdict::Allowed);
    assert_eq!(judge(666, 100), AddressVerdict::Denied);
    assert_eq!(judge(1, 1), AddressVerdict::Unlisted);
}

#[test]
fn keywords_stand_for_what_they_say() {
    let only = |rule: &str| {
        let mut rules = AddressRules::new();
        rules.allow(rule).unwrap();
        move |address: &PeerAddress| rules.judge(address) == AddressVerdict::Allowed
    };
    let process = PeerAddress::Process { uid: 1000, gid: 100, pid: Some(1) };
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("loopback", &["127.0.0.1", "127.255.0.9", "::1"], &["128.0.0.1", "::2", "10.0.0.1"]),
        (
            "private",
            &["10.1.2.3", "172.31.0.1", "192.168.9.9", "fd00::1"],
            &["172.32.0.1", "192.169.0.1", "11.0.0.1", "127.0.0.1", "fe80::1", "2001:db8::1"],
        ),
        ("2001:db8::/32", &["2001:db8:ffff::1"], &["2001:db9::1", "192.0.2.7"]),
        ("::ffff:192.0.2.0/120", &["192.0.2.7", "::ffff:192.0.2.9"], &["192.0.3.7", "::1"]),
        ("::/0", &["::1", "2001:db8::1"], &["192.0.2.7", "::ffff:192.0.2.7"]),
        ("0.0.0.0/0", &["192.0.2.7", "::ffff:192.0.2.7"], &["::1"]),
    ];
    for (rule, inside, outside) in cases {
        let allows = only(rule);
        assert!(inside.iter().all(|address| allows(&ip(address))), "{rule}");
        assert!(!outside.iter().any(|address| allows(&ip(address))), "{rule}");
        assert!(![&process, &PeerAddress::Inproc, &PeerAddress::Unknown].into_iter().any(allows));
    }
    assert!(only("unix")(&process) && !only("unix")(&PeerAddress::Inproc));
    assert!(only("unix:uid=1000")(&process) && !only("unix:uid=1001")(&process));
    assert!(only("inproc")(&PeerAddress::Inproc) && !only("inproc")(&process));
}

#[test]
fn a_range_covers_its_ends_and_what_is_between() {
    for (rule, inside, outside) in [
        ("192.0.2.7-192.0.2.19", ["192.0.2.7", "192.0.2.19"], ["192.0.2.6", "192.0.2.20"]),
        ("192.0.2.7-192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
        (
            "2001:db8::7-2001:db8::19",
            ["2001:db8::7", "2001:db8::19"],
            ["2001:db8::6", "2001:db8::1a"],
        ),
    ] {
        let mut rules = AddressRules::new();
        rules.allow(rule).unwrap();
        assert_eq!(rules.rules().len(), 1);
        for (addresses, verdict) in
            [(inside, AddressVerdict::Allowed), (outside, AddressVerdict::Unlisted)]
        {
            assert!(addresses.iter().all(|at| rules.judge(&ip(at)) == verdict), "{rule}");
        }
    }
}

#[test]
fn rules_are_the_same_if_the_same_was_said() {
    let said = |rule: &str| {
        let mut rules = AddressRules::new();
        rules.deny(rule).unwrap();
        rules
    };
    for (rule, other) in [("192.0.2.0/24", "192.0.2.0/25"), ("2001:db8::/32", "2001:db8::/33")] {
        let asked = said(rule);
        assert_eq!(asked.judge(&ip("192.0.3.1")), AddressVerdict::Allowed);
        assert_eq!(asked, said(rule), "whether they were asked or not");
        assert_ne!(said(rule), said(other));
    }
}

#[test]
fn denials_alone_let_the_others_in_and_replaced_allowances_do_not_count() {
    let mut rules = AddressRules::new();
    assert!(rules.is_empty());
    rules.deny("192.0.2.0/24").unwrap();
    let everybody = [ip("192.0.3.1"), PeerAddress::Inproc, PeerAddress::Unknown];
    assert!(everybody.iter().all(|peer| rules.judge(peer) == AddressVerdict::Allowed));
    rules.allow("10.0.0.0/8").unwrap();
    rules.allow("10.0.0.0/8").unwrap();
    assert!(everybody.iter().all(|peer| rules.judge(peer) == AddressVerdict::Unlisted));
    rules.deny("10.0.0.0/8").unwrap();
    assert!(everybody.iter().all(|peer| rules.judge(peer) == AddressVerdict::Allowed));
}

#[test]
fn rules_that_cannot_be_understood_say_what_was_expected() {
    let fault = |rule: &str| AddressRules::new().allow(rule).unwrap_err().fault;
    assert_eq!(fault("192.168.1.5/24"), AddressFault::HostBits("192.168.1.0/24".parse().unwrap()));
    assert_eq!(fault("10.0.0.0/33"), AddressFault::Prefix(32));
    assert_eq!(fault("server.example"), AddressFault::HostName);
    assert_eq!(fault("tcp://10.0.0.1:5"), AddressFault::Endpoint);
    assert_eq!(fault("fe80::1%eth0"), AddressFault::Zone);
    assert_eq!(fault("unix:user=me"), AddressFault::Unix);
    assert_eq!(fault("unix:uid=+1"), AddressFault::Unix);
    assert_eq!(fault("10.0.0.0/+8"), AddressFault::Prefix(32));
    assert_eq!(fault("2001:db8::/129"), AddressFault::Prefix(128));
    assert_eq!(fault("10.0.0.1:5555"), AddressFault::Endpoint);
    assert_eq!(fault("[::1]:5555"), AddressFault::Endpoint);
    assert_eq!(fault("[::1]"), AddressFault::Endpoint);
    assert_eq!(fault("server:5555"), AddressFault::Endpoint);
    assert_eq!(fault("localhost"), AddressFault::HostName);
    for rule in [
        "10.0.0.1-9",
        "10.0.0.9-10.0.0.1",
        "2001:db8::9-2001:db8::1",
        "10.0.0.1-2001:db8::1",
        "10.0.0.1-",
    ] {
        assert_eq!(fault(rule), AddressFault::Range, "{rule}");
    }
    let mapped = AddressFault::HostBits("::ffff:192.168.1.0/120".parse().unwrap());
    assert_eq!(fault("::ffff:192.168.1.5/120"), mapped);
    for rule in ["", "*", " 10.0.0.1", "10.0.0", "010.0.0.1", "2001:db8", "me%eth0"] {
        assert_eq!(fault(rule), AddressFault::Unknown, "{rule}");
    }
    let error = AddressRules::new().deny("10.0.0.1/8").unwrap_err().to_string();
    assert!(error.contains("10.0.0.1/8") && error.contains("10.0.0.0/8"), "{error}");
}

// ZAP-33, ZAP-34
#[test]
fn null_is_judged_by_address_alone() {
    let judge = Authenticator::new().deny("192.0.2.7").unwrap();
    let mut null = request("lab", MechanismName::NULL, Credentials::Null);
    assert_eq!(text_of(&verdict(&judge, &null)), "Address denied");
    null.address = ip("192.0.2.8");
    let expected = AuthDecision::accept_as(UserId::new("anonymous").unwrap());
    assert_eq!(verdict(&judge, &null), expected);
}

#[test]
fn null_may_be_given_a_name_in_each_domain() {
    let null = |domain| request(domain, MechanismName::NULL, Credentials::Null);
    let guest = UserId::new("guest");
    let judge = Authenticator::new().configure_null("lab", guest.clone()).unwrap();
    assert_eq!(verdict(&judge, &null("lab")), AuthDecision::accept_as(guest.unwrap()));
    assert_eq!(text_of(&verdict(&judge, &null("other"))), "Unknown domain");
    let judge = judge.configure_null("*", None).unwrap();
    assert_eq!(verdict(&judge, &null("other")), AuthDecision::accept());
    assert!(Authenticator::new().configure_null(&"x".repeat(256), None).is_err());
}

// hostile: P6
#[test]
fn unknown_users_and_wrong_passwords_get_one_answer() {
    let users = Passwords::from_pairs([("admin", "open sesame"), ("tom", "")]).unwrap();
    let judge = Authenticator::new().configure_plain("*", users).unwrap();
    let admin = UserId::new("admin").unwrap();
    assert_eq!(
        verdict(&judge, &plain("", b"admin", b"open sesame")),
        AuthDecision::accept_as(admin)
    );
    assert_eq!(verdict(&judge, &plain("", b"tom", b"")).status(), AuthStatus::Success);
    for (user, password) in [
        (&b"admin"[..], &b"open sesam"[..]),
        (b"admin", b"open sesame\0"),
        (b"admin", b""),
        (b"Admin", b"open sesame"),
        (b"nobody", b""),
        (b"", b""),
        (b"\xFF\xFE", b""),
        (b"admin", &[0; 300]),
    ] {
        assert_eq!(text_of(&verdict(&judge, &plain("", user, password))), "Invalid credentials");
    }
}

#[test]
fn a_domain_is_matched_exactly_then_by_the_star_then_refused() {
    let (mut lab, mut any) = (KeySet::new(), KeySet::new());
    lab.insert([1; 32]);
    any.insert_as([2; 32], UserId::new("two").unwrap());
    let judge = Authenticator::new().configure_curve("lab", lab).unwrap();
    assert_eq!(text_of(&verdict(&judge, &curve("other", 1))), "Unknown domain");
    let judge = judge.configure_curve("*", any).unwrap();
    assert_eq!(verdict(&judge, &curve("lab", 1)).status(), AuthStatus::Success);
    assert_eq!(text_of(&verdict(&judge, &curve("lab", 2))), "Unknown key");
    let two = AuthDecision::accept_as(UserId::new("two").unwrap());
    assert_eq!(verdict(&judge, &curve("other", 2)), two);
}

// ZAP-28
#[test]
fn what_is_not_configured_is_refused() {
    let nothing = Authenticator::new();
    assert_eq!(text_of(&verdict(&nothing, &plain("", b"a", b"b"))), "No passwords defined");
    assert_eq!(text_of(&verdict(&nothing, &curve("", 1))), "No keys defined");
    let unknown = MechanismName::GSSAPI;
    let gssapi = request("", unknown, Credentials::Other(vec![]));
    assert_eq!(text_of(&verdict(&nothing, &gssapi)), "Unknown mechanism");
    let mixed = request("", MechanismName::CURVE, Credentials::Null);
    assert_eq!(text_of(&verdict(&nothing, &mixed)), "Invalid credentials");
    let any = nothing.configure_curve("*", CurveKeys::AllowAny).unwrap();
    let AuthDecision::Accept { user_id: Some(user), .. } = verdict(&any, &curve("", 1)) else {
        panic!("any key comes in")
    };
    assert_eq!(user.as_str().len(), 40, "the user is the text of the key");
}

#[test]
fn password_files_name_the_line_and_never_the_password() {
    let good = Passwords::parse(b"# users\n\nadmin=open=sesame\r\n").unwrap();
    assert!(good.verify(b"admin", &Secret::new(b"open=sesame".to_vec())).is_some());
    for (text, line, what) in [
        (&b"a=b\nhunter2\n"[..], 2, PasswordFault::Line),
        (b"=hunter2", 1, PasswordFault::Line),
        (b"a =hunter2", 1, PasswordFault::Blanks),
        (b"a=hunter2\na=hunter2", 2, PasswordFault::Twice),
        (b"\xFF=hunter2", 1, PasswordFault::User),
    ] {
        let error = Passwords::parse(text).unwrap_err();
        assert_eq!((error.line, error.what), (Some(line), what));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    assert!(!format!("{good:?}").contains("sesame"));
}

/// Time that is over at once, or never.
#[derive(Debug, Clone, Copy)]
struct Hourglass {
    empty: bool,
}

impl Timer for Hourglass {
    fn sleep(&self, _duration: Duration) -> Sleep {
        if self.empty { Box::pin(std::future::ready(())) } else { Box::pin(std::future::pending()) }
    }
}

fn poll(future: &mut (impl Future<Output = AuthDecision> + Unpin)) -> Option<AuthDecision> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(decision) => Some(decision),
        std::task::Poll::Pending => None,
    }
}

fn status(decision: &AuthDecision) -> AuthStatus {
    decision.status()
}

// hostile: Z2, hostile: Z3, hostile: Z7
#[test]
fn a_guard_turns_panics_delays_and_overload_into_refusals() {
    let ask = || Arc::new(curve("", 1));
    let limits = GuardLimits { pending: 2, ..GuardLimits::default() };
    let never = Hourglass { empty: false };

    let panics = from_sync_fn(|_| panic!("broken"));
    let guarded = Guarded::new(panics, never, limits);
    assert_eq!(
        poll(&mut guarded.authenticate(ask())).map(|d| status(&d)),
        Some(AuthStatus::InternalError)
    );

    let panics_later = from_fn(|_| async { panic!("broken") });
    let guarded = Guarded::new(panics_later, never, limits);
    assert_eq!(
        poll(&mut guarded.authenticate(ask())).map(|d| status(&d)),
        Some(AuthStatus::InternalError)
    );

    let hangs = || from_fn(|_| std::future::pending());
    let guarded = Guarded::new(hangs(), Hourglass { empty: true }, limits);
    assert_eq!(
        poll(&mut guarded.authenticate(ask())).map(|d| status(&d)),
        Some(AuthStatus::TemporaryError)
    );

    let guarded = Guarded::new(hangs(), never, limits);
    let (mut first, mut second) = (guarded.authenticate(ask()), guarded.authenticate(ask()));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    assert_eq!(
        poll(&mut guarded.authenticate(ask())).map(|d| status(&d)),
        Some(AuthStatus::TemporaryError)
    );
    drop(first);
    assert!(poll(&mut guarded.authenticate(ask())).is_none(), "a place is free again");

    let mut forged = Metadata::new();
    forged.push("User-Id", "root").unwrap();
    let forges =
        from_sync_fn(move |_| AuthDecision::Accept { user_id: None, metadata: forged.clone() });
    let guarded = Guarded::new(forges, never, limits);
    assert_eq!(
        poll(&mut guarded.authenticate(ask())).map(|d| status(&d)),
        Some(AuthStatus::InternalError)
    );
}

/// Notes how long it is asked to sleep, and never wakes.
#[derive(Debug, Clone, Default)]
struct Noting(Arc<std::sync::Mutex<Vec<Duration>>>);

impl Timer for Noting {
    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::pending())
    }
}

// hostile: Z7
#[test]
fn the_default_limits_of_a_guard_are_exact() {
    for (waiting, refused) in [(1_022, false), (1_023, false), (1_024, true)] {
        let timer = Noting::default();
        let hangs = from_fn(|_| std::future::pending());
        let guarded = Guarded::new(hangs, timer.clone(), GuardLimits::default());
        let ask = || guarded.authenticate(Arc::new(curve("", 1)));
        let pending: Vec<_> = (0..waiting).map(|_| ask()).collect();
        // With this one, 1,023, 1,024 and 1,025 would be pending.
        let decision = poll(&mut ask()).map(|decision| status(&decision));
        assert_eq!(decision, refused.then_some(AuthStatus::TemporaryError), "{waiting}");
        let times = timer.0.lock().unwrap();
        assert!(times.iter().all(|time| *time == Duration::from_secs(2)), "{times:?}");
        drop(pending);
    }
}

/// Pending for ever, and panics when it is given up.
struct Clingy;

impl Future for Clingy {
    type Output = AuthDecision;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<AuthDecision> {
        std::task::Poll::Pending
    }
}

impl Drop for Clingy {
    fn drop(&mut self) {
        panic!("not yet");
    }
}

// hostile: Z3
#[test]
fn a_guard_holds_when_a_decision_is_given_up() {
    let never = Hourglass { empty: false };
    let limits = GuardLimits { pending: 1, ..GuardLimits::default() };
    let guarded = Guarded::new(from_fn(|_| Clingy), never, limits);
    let mut left = guarded.authenticate(Arc::new(curve("", 1)));
    assert!(poll(&mut left).is_none());
    drop(left);
    drop(guarded.authenticate(Arc::new(curve("", 1))));
    let timed = Guarded::new(guarded, Hourglass { empty: true }, limits);
    let late = poll(&mut timed.authenticate(Arc::new(curve("", 1))));
    assert_eq!(late.map(|decision| status(&decision)), Some(AuthStatus::TemporaryError));
}

#[test]
fn a_guard_waits_as_long_as_there_is_time() {
    let mut asked = 0;
    let twice = std::future::poll_fn(move |_| {
        asked += 1;
        if asked < 3 {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(AuthDecision::accept())
    });
    let once = std::sync::Mutex::new(Some(twice));
    let slow = from_fn(move |_| once.lock().unwrap().take().unwrap());
    let guarded = Guarded::new(slow, Hourglass { empty: false }, GuardLimits::default());
    let mut decision = guarded.authenticate(Arc::new(curve("", 1)));
    assert!(poll(&mut decision).is_none() && poll(&mut decision).is_none());
    assert_eq!(poll(&mut decision), Some(AuthDecision::accept()));
}
