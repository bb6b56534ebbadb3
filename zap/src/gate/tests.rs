//! The gate at its limits, under floods, and with clocks that go wrong.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn v4(number: u32) -> PeerAddress {
    PeerAddress::Ip((Ipv4Addr::from(0x0B00_0000 + number), 1).into())
}

fn v6(network: u64, host: u64) -> PeerAddress {
    let bits = u128::from(network) << 64 | u128::from(host);
    PeerAddress::Ip((Ipv6Addr::from(bits), 1).into())
}

fn begin() -> SystemTime {
    SystemTime::UNIX_EPOCH + 500_000 * HOUR
}

/// Limits that only ban.
fn banning(bans: BanRules) -> GateLimits {
    GateLimits { per_source: None, all: None, bans: Some(bans), ..GateLimits::default() }
}

fn rated(per_second: u32, burst: u32) -> GateLimits {
    let rate = Some(Rate { per_second, burst });
    GateLimits { per_source: rate, all: None, ..GateLimits::default() }
}

fn is_banned(gate: &Gate, limits: &GateLimits, from: &PeerAddress, at: SystemTime) -> bool {
    matches!(gate.admit(limits, from, at), Admission::Banned { .. })
}

/// How many of 1,000 requests at once are admitted.
fn admitted(gate: &Gate, limits: &GateLimits, from: &PeerAddress, at: SystemTime) -> usize {
    (0..1000).filter(|_| gate.admit(limits, from, at) == Admission::Admitted).count()
}

fn fail(gate: &Gate, limits: &GateLimits, from: &PeerAddress, at: SystemTime, times: u32) {
    for _ in 0..times {
        gate.failed(limits, from, at);
    }
}

#[test]
fn a_bucket_holds_its_burst_and_one_comes_back_at_a_time() {
    for (per_second, burst, whole, token) in
        [(10, 5, 5, SECOND / 10), (0, 3, 3, SECOND), (1, 0, 1, SECOND), (1000, 1, 1, SECOND / 1000)]
    {
        let (gate, limits) = (Gate::default(), rated(per_second, burst));
        let count = |at| admitted(&gate, &limits, &v4(1), at);
        let now = begin();
        assert_eq!((count(now), count(now)), (whole, 0), "{per_second}, {burst}");
        let before = now + token - Duration::from_nanos(1);
        assert_eq!((count(before), count(now + token), count(now + token)), (0, 1, 0));
        assert_eq!(count(now + HOUR), whole);
    }
    let (gate, limits) = (Gate::default(), rated(u32::MAX, 7));
    assert_eq!(admitted(&gate, &limits, &v4(1), begin()), 7, "a limit all the same");
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_out_for_longer_than_a_bucket_fills() {
    let (gate, limits) = (Gate::default(), rated(10, 50));
    let count = |at| admitted(&gate, &limits, &v4(1), at);
    assert_eq!(count(begin()), 50);
    assert_eq!(count(begin() - SECOND), 50, "a second or more: as if it never came");
    assert_eq!(count(begin() - 100 * HOUR), 50);
    assert_eq!(count(begin() - 100 * HOUR + 5 * SECOND), 50);
}

#[test]
fn a_ban_begins_with_the_last_failure_that_is_borne() {
    for (after, borne) in [(0, 0), (1, 0), (2, 1), (20, 19)] {
        let (gate, rules) = (Gate::default(), BanRules { after, ..BanRules::default() });
        let limits = banning(rules);
        fail(&gate, &limits, &v4(1), begin(), borne);
        assert!(!is_banned(&gate, &limits, &v4(1), begin()), "{after}");
        assert_eq!(gate.failed(&limits, &v4(1), begin()), Some(rules.first), "{after}");
        assert!(is_banned(&gate, &limits, &v4(1), begin()), "{after}");
    }
}

#[test]
fn failures_count_together_within_their_time_and_not_later() {
    let rules = BanRules { after: 2, within: 10 * SECOND, ..BanRules::default() };
    let limits = banning(rules);
    for (later, bans) in [(10 * SECOND, true), (10 * SECOND + Duration::from_nanos(1), false)] {
        let gate = Gate::default();
        fail(&gate, &limits, &v4(1), begin(), 1);
        assert_eq!(gate.failed(&limits, &v4(1), begin() + later).is_some(), bans, "{later:?}");
    }
    // Set back, the clock makes the count begin anew.
    let gate = Gate::default();
    fail(&gate, &limits, &v4(1), begin(), 1);
    assert_eq!(gate.failed(&limits, &v4(1), begin() - SECOND), None);
}

#[test]
fn a_clock_that_was_set_back_makes_no_ban_longer() {
    let rules = BanRules { after: 1, first: 30 * SECOND, ..BanRules::default() };
    let (gate, limits) = (Gate::default(), banning(rules));
    fail(&gate, &limits, &v4(1), begin(), 1);
    let earlier = begin() - 10_000 * HOUR;
    assert!(is_banned(&gate, &limits, &v4(1), earlier));
    assert!(is_banned(&gate, &limits, &v4(1), earlier + 29 * SECOND));
    assert!(!is_banned(&gate, &limits, &v4(1), earlier + 30 * SECOND));
    // What somebody else banned lasts as long as he said.
    gate.ban(&v4(2), begin() + 1000 * HOUR, 1);
    assert!(is_banned(&gate, &limits, &v4(2), begin() + 999 * HOUR));
}

#[test]
fn doubling_ends_at_the_longest_ban_and_never_overflows() {
    for (first, longest) in [
        (30 * SECOND, HOUR),
        (Duration::from_nanos(1), Duration::MAX),
        (Duration::MAX, Duration::MAX),
        (HOUR, SECOND),
    ] {
        let (gate, rules) =
            (Gate::default(), BanRules { after: 1, first, longest, ..BanRules::default() });
        let limits = banning(rules);
        let mut last = Duration::ZERO;
        for times in 0..100 {
            let length = gate.failed(&limits, &v4(1), begin()).unwrap();
            let doubled = first.saturating_mul(2_u32.saturating_pow(times)).min(longest);
            assert!(length == doubled && length >= last, "{times}: {length:?}");
            last = length;
            assert!(is_banned(&gate, &limits, &v4(1), begin()), "{first:?}, {longest:?}");
        }
        gate.ban(&v4(1), begin(), u32::MAX);
        let length = gate.failed(&limits, &v4(1), begin()).unwrap();
        assert_eq!(length, first.saturating_mul(u32::MAX).min(longest), "it counts no further");
        let bans = gate.bans(begin());
        assert_eq!(bans[0].times, u32::MAX);
        assert!(bans[0].to_string().starts_with("ban 11.0.0.1/32 until "), "can be written");
    }
}

#[test]
fn a_source_keeps_quiet_for_longer_than_the_longest_ban_to_begin_anew() {
    let rules =
        BanRules { after: 1, first: 8 * SECOND, longest: 20 * SECOND, ..BanRules::default() };
    let limits = banning(rules);
    for (quiet, length) in
        [(20 * SECOND, 16 * SECOND), (20 * SECOND + Duration::from_nanos(1), 8 * SECOND)]
    {
        let gate = Gate::default();
        assert_eq!(gate.failed(&limits, &v4(1), begin()), Some(8 * SECOND));
        let next = begin() + 8 * SECOND + quiet;
        assert_eq!(gate.failed(&limits, &v4(1), next), Some(length), "{quiet:?}");
    }
}

#[test]
fn a_ban_that_outlasts_the_calendar_lasts_a_century() {
    let rules =
        BanRules { after: 1, first: Duration::MAX, longest: Duration::MAX, ..BanRules::default() };
    let (gate, limits) = (Gate::default(), banning(rules));
    fail(&gate, &limits, &v4(1), begin(), 1);
    let century = 100 * 365 * 24 * HOUR;
    assert!(is_banned(&gate, &limits, &v4(1), begin() + century - SECOND));
    assert!(!is_banned(&gate, &limits, &v4(1), begin() + century));
}

#[test]
fn a_ban_that_is_put_in_replaces_all_but_a_longer_one() {
    let gate = Gate::default();
    for (end, times, expected) in [(60, 1, 1), (59, 2, 1), (60, 3, 3), (61, 4, 4)] {
        let until = begin() + end * SECOND;
        gate.restore(&Ban { source: "11.0.0.1/32".to_owned(), until, times });
        assert_eq!(gate.bans(begin())[0].times, expected, "{end} s");
    }
}

/// The narrowest that one subscriber usually has: who is behind the same address or network of 64 bits
/// shares the ban, and nobody else does.
#[test]
fn a_ban_covers_one_address_of_ipv4_and_one_network_of_64_bits() {
    let rules = BanRules { after: 1, ..BanRules::default() };
    let (gate, limits) = (Gate::default(), banning(rules));
    let network = 0x2001_0DB8_0000_0001;
    fail(&gate, &limits, &v4(5), begin(), 1);
    fail(&gate, &limits, &v6(network, 1), begin(), 1);
    for (from, banned) in [
        (v4(5), true),
        (v4(4), false),
        (v4(6), false),
        (v6(network, u64::MAX), true),
        (v6(network + 1, 1), false),
        (v6(network - 1, 1), false),
    ] {
        assert_eq!(is_banned(&gate, &limits, &from, begin()), banned, "{from}");
    }
}

/// As many attackers as anybody has addresses: the tables stay within their bounds and the bans in force.
#[test]
fn a_flood_of_failures_makes_nobody_forget_a_ban() {
    let rules = BanRules { after: 2, ..BanRules::default() };
    let (gate, mut limits) = (Gate::default(), banning(rules));
    limits.per_source = Some(Rate { per_second: 1, burst: 1 });
    fail(&gate, &limits, &v4(0), begin(), 2);
    for number in 1..200_000 {
        assert_eq!(gate.admit(&limits, &v4(number), begin()), Admission::Admitted);
        fail(&gate, &limits, &v4(number), begin(), 1);
    }
    assert!(is_banned(&gate, &limits, &v4(0), begin()));
    let sources = gate.lock();
    for count in [sources.each.iter().count(), sources.failing.iter().count()] {
        assert!((SOURCES / 2..=SOURCES).contains(&count), "{count}");
    }
    assert_eq!(sources.banned.iter().count(), 1);
}

/// More bans than there is room for: whoever keeps coming stays banned, and so do the latest.
#[test]
fn a_flood_of_bans_makes_nobody_forget_the_ban_of_one_who_keeps_coming() {
    let rules = BanRules { after: 1, ..BanRules::default() };
    let (gate, limits) = (Gate::default(), banning(rules));
    fail(&gate, &limits, &v4(0), begin(), 1);
    for number in 1..200_000 {
        fail(&gate, &limits, &v4(number), begin(), 1);
        assert!(number % 10_000 > 0 || is_banned(&gate, &limits, &v4(0), begin()), "{number}");
    }
    assert!(is_banned(&gate, &limits, &v4(199_999 - 32_000), begin()));
    assert!(!is_banned(&gate, &limits, &v4(1), begin()), "forgotten");
    assert!(gate.bans(begin()).len() <= SOURCES);
}

/// A source that was forgotten is one that never came, so that a flood of others does it no harm.
#[test]
fn a_flood_of_sources_takes_nobody_his_share() {
    let (gate, limits) = (Gate::default(), rated(1, 2));
    assert_eq!(gate.admit(&limits, &v4(0), begin()), Admission::Admitted);
    for number in 1..200_000 {
        gate.admit(&limits, &v4(number), begin());
    }
    assert_eq!(admitted(&gate, &limits, &v4(0), begin()), 2);
}
