//! What a decision costs, asked for as a connection asks: the guard around the authenticator, limits for
//! each source, address rules, the provider, and the event with nobody who listens.
//!
//! `cargo bench -p zap --bench decide` prints it, `-- PART` some of it; `-- --test` takes one round each.
//! The figures are the best and the median of many short rounds: the best is what the work takes, the
//! median what it takes on this machine today. Every request comes from another source than the one
//! before, and every key is another one, so that no cache of the processor helps more than it would in
//! a server.
//!
//! On two virtual cores that others used as well, in nanoseconds:
//!
//! | | best | median |
//! |---|---|---|
//! | decision, CURVE, 1,000 keys, 100 rules | 1,040 | 1,150 |
//! | the same, told to a sink | 1,410 | 2,010 |
//! | decision, CURVE, unknown key | 1,010 | 1,380 |
//! | decision, PLAIN with a password in clear text | 2,490 | 4,750 |
//! | decision again about a peer that is in | 580 | 670 |
//! | ranges of 100,000 address rules, IPv4 and IPv6 | 11 and 70 | 73 and 143 |
//! | key of 100,000, known and unknown | 241 and 58 | 402 and 128 |

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use zap::{
    AddressRules, AuthEvent, Authenticator, BanRules, GuardLimits, Guarded, KeySet, Passwords,
    Policy, Provider, Rate, Sleep, Timer,
};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, AuthStatus, Authenticator as Judge, Credentials, Domain, Secret,
};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

/// Requests that are asked in turn.
const REQUESTS: u64 = 16_384;
const MANY: u64 = 100_000;
/// A rate that nobody reaches.
const ENDLESS: Rate = Rate { per_second: 1_000_000_000, burst: 1_000_000_000 };

/// The clock that transport gives to the guard.
#[derive(Debug)]
struct Clock;

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Numbers without pattern, the same every time (SplitMix64).
fn number(seed: u64) -> u64 {
    let z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn key(index: u64) -> [u8; 32] {
    let mut key = [0; 32];
    for (at, octets) in key.chunks_mut(8).enumerate() {
        octets.copy_from_slice(&number(index.wrapping_mul(4) + at as u64).to_le_bytes());
    }
    key
}

/// An address that one of `networks` covers.
fn address(index: u64, networks: u64) -> [u8; 4] {
    let host = number(index ^ 0xABCD) as u8;
    let [.., a, b, c] = (number(index) % networks).to_be_bytes();
    [100 + a, b, c, host]
}

/// So many networks of IPv4 next to each other, of which every eleventh has one address that is denied.
fn rules(networks: u64) -> AddressRules {
    let mut rules = AddressRules::new();
    for index in 0..networks {
        let [.., a, b, c] = index.to_be_bytes();
        if index % 11 == 10 {
            rules.deny(&format!("{}.{b}.{c}.255", 100 + a)).expect("a rule");
        } else {
            rules.allow(&format!("{}.{b}.{c}.0/24", 100 + a)).expect("a rule");
        }
    }
    rules
}

fn request(index: u64, networks: u64, credentials: Credentials) -> Arc<AuthRequest> {
    let mechanism = match credentials {
        Credentials::Plain { .. } => MechanismName::PLAIN,
        _ => MechanismName::CURVE,
    };
    // The nearest network that allows.
    let network = number(index) % networks;
    let network = if network % 11 == 10 { network - 1 } else { network };
    let [.., a, b, c] = network.to_be_bytes();
    let [.., host] = address(index, networks);
    Arc::new(AuthRequest {
        domain: Domain::new("global").expect("a short name"),
        address: PeerAddress::Ip(([100 + a, b, c, host], 50_000).into()),
        listener: Arc::from("tcp://0.0.0.0:9000"),
        routing_id: RoutingId::default(),
        mechanism,
        credentials,
        metadata: Metadata::new(),
    })
}

fn curve_requests(keys: u64, networks: u64) -> Vec<Arc<AuthRequest>> {
    let credentials = |index: u64| Credentials::Curve { public_key: key(number(!index) % keys) };
    (0..REQUESTS).map(|index| request(index, networks, credentials(index))).collect()
}

fn plain_requests(users: u64, networks: u64) -> Vec<Arc<AuthRequest>> {
    let credentials = |index: u64| {
        let user = number(!index) % users;
        Credentials::Plain {
            username: Bytes::from(format!("user-{user}")),
            password: Secret::new(format!("password-{user}").into()),
        }
    };
    (0..REQUESTS).map(|index| request(index, networks, credentials(index))).collect()
}

fn policy(keys: u64, networks: u64) -> Policy {
    let mut policy = Policy::new();
    policy.addresses = rules(networks);
    policy.limits.per_source = Some(ENDLESS);
    policy.limits.all = Some(ENDLESS);
    policy.limits.bans = Some(BanRules { after: u32::MAX, ..BanRules::default() });
    policy.configure_curve("*", (0..keys).map(key).collect::<KeySet>()).expect("a short name");
    let users = (0..1000).map(|user| (format!("user-{user}"), format!("password-{user}")));
    let users = Passwords::from_pairs(users).expect("short names");
    policy.configure_plain("*", users).expect("a short name");
    policy
}

fn guarded(authenticator: Authenticator) -> Arc<dyn Judge> {
    Arc::new(Guarded::new(authenticator, Clock, GuardLimits::default()))
}

/// What a connection does, from the request to the decision.
fn decide(judge: &dyn Judge, request: &Arc<AuthRequest>) -> AuthDecision {
    black_box((judge.revision(), judge.retain(request)));
    let mut pending = judge.authenticate(request.clone());
    match pending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decision) => decision,
        Poll::Pending => panic!("nothing here takes a while"),
    }
}

/// What was measured.
struct Bench {
    /// Rounds of each measurement.
    rounds: usize,
    /// What to measure; all if there is nothing.
    parts: Vec<String>,
}

/// How often the work is done in a round: shorter than a turn that the system gives to a process.
const BATCH: usize = 64;

impl Bench {
    fn from_arguments() -> Self {
        let (flags, parts): (Vec<_>, Vec<_>) =
            std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
        let quick = flags.iter().any(|flag| flag == "--test");
        Self { rounds: if quick { 1 } else { 20_000 }, parts }
    }

    /// Measures `work` on each of `inputs` in turn, and prints the line of the table.
    fn measure<I, O>(&self, name: &str, inputs: &[I], work: impl Fn(&I) -> O) {
        if !self.wants(name) {
            return;
        }
        let mut next = inputs.iter().cycle().take(self.rounds * BATCH);
        let mut rounds = Vec::with_capacity(self.rounds);
        for _ in 0..self.rounds {
            let begun = Instant::now();
            for input in next.by_ref().take(BATCH) {
                black_box(work(black_box(input)));
            }
            rounds.push(begun.elapsed() / BATCH as u32);
        }
        rounds.sort();
        let (best, median) = (rounds[0], rounds[rounds.len() / 2]);
        println!("{name:<44} {:>8} {:>8}", best.as_nanos(), median.as_nanos());
    }

    fn wants(&self, name: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| name.contains(part.as_str()))
    }
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let bench = Bench::from_arguments();
    println!("{:<44} {:>8} {:>8}", "nanoseconds", "best", "median");
    small_decisions(&bench);
    if bench.wants("decision, 100,000") {
        let requests = curve_requests(MANY, MANY);
        let judge = guarded(policy(MANY, MANY).into());
        bench.decisions("decision, 100,000 keys, 100,000 rules", judge, &requests, OK);
    }
    for networks in [100, MANY] {
        lookups(&bench, networks);
    }
    keys(&bench);
}

const OK: AuthStatus = AuthStatus::Success;

impl Bench {
    fn decisions(
        &self,
        name: &str,
        judge: Arc<dyn Judge>,
        requests: &[Arc<AuthRequest>],
        status: AuthStatus,
    ) {
        for request in requests.iter().take(100) {
            assert_eq!(decide(&*judge, request).status(), status, "{name}: {request:?}");
        }
        self.measure(name, requests, |request| decide(&*judge, request));
    }
}

fn small_decisions(bench: &Bench) {
    let small = || Authenticator::from(policy(1000, 100));
    let curve = curve_requests(1000, 100);
    bench.decisions("decision, CURVE, 1,000 keys, 100 rules", guarded(small()), &curve, OK);
    let mut nobody = policy(0, 100);
    nobody.configure_curve("*", KeySet::from_iter([[7; 32]])).expect("a short name");
    let failure = AuthStatus::Failure;
    bench.decisions("decision, CURVE, unknown key", guarded(nobody.into()), &curve, failure);
    let told = small();
    told.tell(|event: &Arc<AuthEvent>| _ = black_box(event));
    bench.decisions("decision, CURVE, told to a sink", guarded(told), &curve, OK);
    let plain = plain_requests(1000, 100);
    bench.decisions("decision, PLAIN, 1,000 users, 100 rules", guarded(small()), &plain, OK);
    let judge = guarded(small());
    bench.measure("decision again, peer that is in", &curve, |request| {
        let mut pending = judge.authenticate_again(request.clone());
        pending.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    });
}

/// Address rules alone.
fn lookups(bench: &Bench, networks: u64) {
    if !bench.wants("address rules") {
        return;
    }
    let addresses: Vec<_> = (0..REQUESTS * 4)
        .map(|index| PeerAddress::Ip((address(index, networks), 1).into()))
        .collect();
    let rules = rules(networks);
    bench.measure(&format!("address rules, IPv4, {networks}"), &addresses, |it| rules.judge(it));
    let v6 = |index: u64, host: u64| {
        let [a, b, c, d, e, ..] = number(index).to_be_bytes();
        let high = u64::from_be_bytes([0x20, a, b, c, d, e, 0, 0]);
        std::net::Ipv6Addr::from(u128::from(high) << 64 | u128::from(host))
    };
    let mut rules = AddressRules::new();
    for index in 0..networks {
        rules.allow(&format!("{}/48", v6(index, 0))).expect("a rule");
    }
    let addresses: Vec<_> = (0..REQUESTS * 4)
        .map(|index| v6(number(index) % networks, number(!index)))
        .map(|ip| PeerAddress::Ip((ip, 1).into()))
        .collect();
    bench.measure(&format!("address rules, IPv6, {networks}"), &addresses, |it| rules.judge(it));
}

/// Keys alone.
fn keys(bench: &Bench) {
    if !bench.wants("key of 100,000") {
        return;
    }
    let set: KeySet = (0..MANY).map(key).collect();
    let now = SystemTime::now();
    for (name, keys) in [("known", MANY), ("unknown", u64::MAX)] {
        let requests = curve_requests(keys, 100);
        let name = format!("key of 100,000, {name}");
        bench.measure(&name, &requests, |request| set.judge(request, now));
    }
}
