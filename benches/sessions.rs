//! What a change of the policy costs while 10,000 peers are in: how long until all are judged again, until
//! those who are refused now are out, and how long a newcomer waits meanwhile.
//!
//! `cargo bench --bench sessions` prints it; `-- --test` takes 100 peers. All is in this process, so that
//! nothing but judging and closing is measured; the processor time is that of both sides.

use std::borrow::Cow;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ironhouse::auth::{AuthRequest, Credentials, UserId};
use ironhouse::zap::{Answer, Grant, Provider, Verdict};
use ironhouse::{
    Authenticator, Dealer, Endpoint, Event, Hub, Monitor, Observation, Options, Policy, Reconnect,
    Router, Security, ServerSecurity,
};
use zmtp_core::wire::greeting::MechanismName;

type Error = Box<dyn std::error::Error>;

const NEVER: Duration = Duration::from_secs(3600);
/// Changes in a row of which the best is told.
const CHANGES: usize = 5;

/// Knows everybody, or those with even numbers only, and counts how often it is asked.
#[derive(Debug, Clone)]
struct Judge {
    asked: Arc<AtomicUsize>,
    only_even: bool,
}

impl Provider for Judge {
    fn name(&self) -> Cow<'_, str> {
        "judge".into()
    }

    fn judge(&self, request: &AuthRequest, _now: SystemTime) -> Answer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Credentials::Plain { username, .. } = &request.credentials else {
            return Verdict::refuse("No user").into();
        };
        let even = username.last().is_some_and(|digit| digit % 2 == 0);
        let user = std::str::from_utf8(username).ok().and_then(UserId::new);
        match user.filter(|_| even || !self.only_even) {
            Some(user) => Verdict::Accept(Grant::user(user)).into(),
            None => Verdict::refuse("Odd").into(),
        }
    }
}

fn policy(judge: &Judge) -> Result<Policy, Error> {
    let mut policy = Policy::new();
    // Peers within a process are named by no network.
    for rule in ["inproc", "192.0.2.0/24", "198.51.100.0/24"] {
        policy.addresses.allow(rule)?;
    }
    policy.set_provider("*", MechanismName::PLAIN, Arc::new(judge.clone()))?;
    Ok(policy)
}

struct House {
    endpoint: Endpoint,
    hub: Hub,
}

impl House {
    async fn client(&self, number: usize) -> Result<Dealer, Error> {
        let security = Security::plain_client(format!("user {number}"), "password")?;
        let reconnect = Reconnect { interval: NEVER, max_interval: NEVER };
        let options = Options::new().security(security).reconnect(reconnect).hub(self.hub.clone());
        let client = Dealer::new(options)?;
        client.connect(&self.endpoint)?.ready().await?;
        Ok(client)
    }
}

fn main() -> Result<(), Error> {
    let quick = std::env::args().any(|argument| argument == "--test");
    let peers = if quick { 100 } else { 10_000 };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(peers))
}

async fn measure(peers: usize) -> Result<(), Error> {
    let asked = Arc::new(AtomicUsize::new(0));
    let all = Judge { asked: asked.clone(), only_even: false };
    let authenticator = Authenticator::from(policy(&all)?);
    let hub = Hub::new();
    let security = ServerSecurity::plain().with_authenticator(authenticator.clone());
    let router = Router::new(Options::new().security(security).hub(hub.clone()))?;
    let endpoint = router.bind("inproc://sessions").await?;
    let house = House { endpoint, hub };
    let mut clients = Vec::with_capacity(peers);
    for number in 0..peers {
        clients.push(house.client(number).await?);
    }
    println!("{peers} peers are in");
    let calm = handshakes(&house, 200).await?;
    println!("  a newcomer waits at most        {:>9.2} ms, nothing else going on", millis(calm));

    let (mut best, mut spent) = (Duration::MAX, Duration::MAX);
    for _ in 0..CHANGES {
        asked.store(0, Ordering::Relaxed);
        let (begun, before) = (Instant::now(), processor_time());
        authenticator.update(|policy| _ = policy.addresses.deny("203.0.113.0/24"));
        until(&asked, peers).await;
        best = best.min(begun.elapsed());
        spent = spent.min(processor_time().saturating_sub(before));
    }
    println!("  all judged again after          {:>9.2} ms, the best of {CHANGES}", millis(best));
    println!("  processor time for that         {:>9.2} ms", millis(spent));

    asked.store(0, Ordering::Relaxed);
    authenticator.update(|policy| _ = policy.addresses.deny("203.0.113.0/24"));
    let busy = handshakes(&house, 200).await?;
    until(&asked, peers).await;
    println!("  a newcomer waits at most        {:>9.2} ms meanwhile", millis(busy));

    let mut events = router.monitor();
    let even = Judge { only_even: true, ..all };
    let changed = policy(&even)?;
    let (begun, before) = (Instant::now(), processor_time());
    authenticator.set_policy(changed);
    let last = left(&mut events, peers / 2).await?;
    let spent = processor_time().saturating_sub(before);
    println!("  half of them refused, out after {:>9.2} ms", millis(last - begun));
    println!("  processor time for that         {:>9.2} ms, both sides", millis(spent));
    drop(clients);
    Ok(())
}

/// The longest that one of so many newcomers waits.
async fn handshakes(house: &House, count: usize) -> Result<Duration, Error> {
    let mut longest = Duration::ZERO;
    for number in 0..count {
        let begun = Instant::now();
        let client = house.client(number * 2).await?;
        longest = longest.max(begun.elapsed());
        drop(client);
    }
    Ok(longest)
}

async fn until(asked: &AtomicUsize, peers: usize) {
    while asked.load(Ordering::Relaxed) < peers {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// When the last of so many peers was put out.
async fn left(events: &mut Monitor, mut missing: usize) -> Result<Instant, Error> {
    let mut last = Instant::now();
    while missing > 0 {
        let next = tokio::time::timeout(Duration::from_secs(60), events.next()).await?;
        match next.ok_or("the socket is gone")? {
            Observation::Event(Event::Disconnected { .. }) => missing -= 1,
            Observation::Event(_) => continue,
            // Nothing else happens.
            Observation::Missed(count) => {
                missing = missing.saturating_sub(usize::try_from(count)?);
            }
        }
        last = Instant::now();
    }
    Ok(last)
}

/// What all threads of this process have used, where the system tells; in hundredths of a second.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
