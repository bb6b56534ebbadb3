//! Rates and bans.

mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use support::{curve, ip, now, request};
use zap::{Authenticator, BanRules, GateLimits, KeySet, Rate};
use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials};
use zmtp_core::peer::PeerAddress;

const SECOND: Duration = Duration::from_secs(1);

fn judge(limits: GateLimits) -> Authenticator {
    let judge = Authenticator::new();
    judge.update(|policy| {
        policy.limits = limits;
        policy.configure_curve("*", KeySet::from_iter([[1; 32]])).unwrap();
    });
    judge
}

/// What comes of a request at a time: the text of a refusal, or nothing.
fn ask(
    judge: &Authenticator,
    request: AuthRequest,
    from: PeerAddress,
    at: SystemTime,
) -> Option<String> {
    let request = AuthRequest { address: from, ..request };
    let mut decision = judge.authenticate_at(Arc::new(request), at);
    match now(&mut decision).expect("nothing takes a while") {
        AuthDecision::Accept { .. } => None,
        AuthDecision::Refuse { text, .. } => Some(text.to_string()),
    }
}

fn null() -> AuthRequest {
    request(Credentials::Null)
}

#[test]
fn a_source_has_its_share_and_no_more() {
    let rate = Rate { per_second: 2, burst: 4 };
    let limits = GateLimits { per_source: Some(rate), all: None, ..GateLimits::default() };
    let (judge, begin) = (judge(limits), SystemTime::now());
    let count = |from: &str, at| {
        (0..100).take_while(|_| ask(&judge, null(), ip(from), at).is_none()).count()
    };
    assert_eq!(count("192.0.2.1", begin), 4);
    let again = ask(&judge, null(), ip("192.0.2.1"), begin);
    assert_eq!(again.as_deref(), Some("Too many requests"));
    assert_eq!(count("192.0.2.2", begin), 4, "each for itself");
    assert_eq!(count("::ffff:192.0.2.2", begin), 0, "the same, in another dress");
    assert_eq!(count("2001:db8::1", begin), 4);
    assert_eq!(count("2001:db8::ffff:1", begin), 0, "one network of 64 bits is one source");
    assert_eq!(count("2001:db8:0:1::1", begin), 4);
    assert_eq!(count("192.0.2.1", begin + SECOND), 2);
    assert_eq!(count("192.0.2.1", begin + 60 * SECOND), 4, "no more than the burst");
    assert_eq!(count("192.0.2.1", begin), 4, "a clock that was set back locks nobody out");
    assert_eq!(count("127.0.0.1", begin), 100, "exempt");
}

#[test]
fn all_together_have_a_limit() {
    let all = Some(Rate { per_second: 1, burst: 10 });
    let limits = GateLimits { per_source: None, all, ..GateLimits::default() };
    let (judge, begin) = (judge(limits), SystemTime::now());
    let came =
        (0..100).filter(|n| ask(&judge, null(), ip(&format!("192.0.2.{n}")), begin).is_none());
    assert_eq!(came.count(), 10);
}

#[test]
fn who_fails_too_often_is_banned_ever_longer() {
    let bans = BanRules { after: 3, within: 10 * SECOND, first: 8 * SECOND, longest: 20 * SECOND };
    let limits = GateLimits { bans: Some(bans), ..GateLimits::default() };
    let (judge, begin) = (judge(limits), SystemTime::now());
    let fails = |from: &str, at| ask(&judge, curve(9), ip(from), at).unwrap();
    let good = |from: &str, at| ask(&judge, curve(1), ip(from), at);
    let evil = "192.0.2.6";

    // Three refusals, but not within ten seconds.
    for at in [0, 6, 12] {
        assert_eq!(fails(evil, begin + at * SECOND), "Unknown key");
    }
    assert_eq!(good(evil, begin + 12 * SECOND), None);
    let mut time = begin + 100 * SECOND;
    for (length, times) in [(8, 1), (16, 2), (20, 3), (20, 4)] {
        for _ in 0..3 {
            assert_eq!(fails(evil, time), "Unknown key");
        }
        assert_eq!(good(evil, time).as_deref(), Some("Banned"), "even with the right key");
        assert_eq!(good("192.0.2.7", time), None, "nobody else");
        let before = time + (length * 1000 - 1) * Duration::from_millis(1);
        assert_eq!(good(evil, before).as_deref(), Some("Banned"));
        time += length * SECOND;
        assert_eq!(good(evil, time), None, "ban {times} lasts {length} s");
    }
    // After a quiet time it begins anew.
    time += 21 * SECOND;
    for _ in 0..3 {
        fails(evil, time);
    }
    assert_eq!(good(evil, time + 8 * SECOND), None);
}

#[test]
fn refusals_that_are_no_fault_of_the_peer_ban_nobody() {
    let bans = Some(BanRules { after: 1, ..BanRules::default() });
    let judge = judge(GateLimits { bans, ..GateLimits::default() });
    let begin = SystemTime::now();
    judge.stop();
    assert!(ask(&judge, null(), ip("192.0.2.1"), begin).unwrap().contains("stopped"));
    judge.resume();
    assert_eq!(ask(&judge, null(), ip("192.0.2.1"), begin), None);
    assert_eq!(ask(&judge, curve(9), ip("127.0.0.1"), begin).as_deref(), Some("Unknown key"));
    assert_eq!(ask(&judge, curve(1), ip("127.0.0.1"), begin), None, "exempt");
}

/// Bans survive a restart, and a firewall can read them.
#[test]
fn bans_can_be_taken_out_put_in_and_lifted() {
    let bans = Some(BanRules { after: 1, ..BanRules::default() });
    let limits = GateLimits { bans, ..GateLimits::default() };
    let (judge, begin) = (judge(limits), SystemTime::now());
    for from in ["192.0.2.6", "2001:db8::6"] {
        ask(&judge, curve(9), ip(from), begin);
    }
    let process = |pid| PeerAddress::Process { uid: 7, gid: 7, pid: Some(pid) };
    judge.ban(&process(1), begin + 5 * SECOND, 2);
    let listed = judge.bans();
    let sources: Vec<_> = listed.iter().map(|ban| (ban.source.as_str(), ban.times)).collect();
    assert_eq!(sources, [("192.0.2.6/32", 1), ("2001:db8::/64", 1), ("unix:uid=7", 2)]);
    let until = humantime::format_rfc3339_seconds(listed[0].until);
    assert_eq!(listed[0].to_string(), format!("ban 192.0.2.6/32 until {until} times 1"));

    let restarted = Authenticator::from((*judge.policy()).clone());
    assert_eq!(ask(&restarted, curve(1), ip("192.0.2.6"), begin), None);
    restarted.ban(&ip("192.0.2.6"), listed[0].until, listed[0].times);
    assert_eq!(ask(&restarted, curve(1), ip("192.0.2.6"), begin).as_deref(), Some("Banned"));
    assert!(restarted.unban(&ip("192.0.2.6")) && !restarted.unban(&ip("192.0.2.6")));
    assert_eq!(ask(&restarted, curve(1), ip("192.0.2.6"), begin), None);
    let exempt = ask(&judge, null(), process(2), begin);
    assert_eq!(
        exempt, None,
        "processes of this machine are exempt unless the policy says otherwise"
    );
}

/// What one program banned, another one bans as well: by the text, whole or not at all.
#[test]
fn bans_go_from_one_program_to_another() {
    let begin = SystemTime::now();
    let first = judge(GateLimits::default());
    first.ban(&ip("192.0.2.6"), begin + 3600 * SECOND, 3);
    first.ban(&ip("2001:db8::6"), begin + 60 * SECOND, 1);
    first.ban(&ip("192.0.2.7"), begin - SECOND, 1);
    let uid = PeerAddress::Process { uid: 7, gid: 7, pid: None };
    first.ban(&uid, begin + 60 * SECOND, 1);
    let text = first.export_bans();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("ban 192.0.2.6/32 until ") && lines[0].ends_with(" times 3"));

    let second = judge(GateLimits::default());
    second.ban(&ip("2001:db8::7"), begin + 7200 * SECOND, 5);
    assert_eq!(second.import_bans(&format!("# of the first\n\n{text}")), Ok(3));
    assert_eq!(ask(&second, curve(1), ip("192.0.2.6"), begin).as_deref(), Some("Banned"));
    assert_eq!(ask(&second, curve(1), ip("192.0.2.7"), begin), None, "that one was over");
    let times: Vec<_> = second.bans().iter().map(|ban| ban.times).collect();
    assert_eq!(times, [3, 5, 1], "of two bans of a source the longer one holds");
    let parsed: zap::Ban = lines[0].parse().unwrap();
    assert_eq!(parsed.to_string(), lines[0]);

    let untouched = judge(GateLimits::default());
    for bad in [
        "ban 192.0.2.6 until 2126-08-01T12:00:00Z times 1",
        "ban 192.0.2.6/31 until 2126-08-01T12:00:00Z times 1",
        "ban 192.0.2.6/+32 until 2126-08-01T12:00:00Z times 1",
        "ban 2001:db8::6/64 until 2126-08-01T12:00:00Z times 1",
        "ban ::ffff:192.0.2.6/64 until 2126-08-01T12:00:00Z times 1",
        "ban unix:uid=-1 until 2126-08-01T12:00:00Z times 1",
        "ban unix:uid=+1 until 2126-08-01T12:00:00Z times 1",
        "ban example.org/32 until 2126-08-01T12:00:00Z times 1",
        "ban 192.0.2.6/32 until tomorrow times 1",
        "ban 192.0.2.6/32 until 2126-08-01T12:00:00Z times many",
        "ban 192.0.2.6/32 until 2126-08-01T12:00:00Z times 1 more",
        "unban 192.0.2.6/32",
    ] {
        let error = untouched.import_bans(&format!("{}\n{bad}\n", lines[0])).unwrap_err();
        assert_eq!(error.line, 2, "{bad}");
        assert!(error.to_string().starts_with("line 2: expected \"ban SOURCE"), "{error}");
        assert_eq!(untouched.bans(), [], "{bad}");
    }
}
