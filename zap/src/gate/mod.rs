//! How often peers may come near: rates, and bans of those who fail too often.

mod bans;
mod rate;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use zmtp_core::peer::PeerAddress;

pub use bans::{Ban, BanError, BanFault, BanRules};
use bans::{Banned, Failures};
use rate::Bucket;
pub use rate::Rate;

use crate::address::AddressRules;
use crate::bounded::Bounded;
use crate::lock::lock;

/// Most sources that are remembered of each kind: coming often, failing, banned. Who did not come for
/// longest is forgotten first, so that whoever keeps coming is not.
const SOURCES: usize = 65_536;

/// How often peers may come near.
///
/// A source is an IPv4 address, an IPv6 network of 64 bits, or a user of this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct GateLimits {
    /// Requests of one source. Default: 20 a second, 100 at once.
    pub per_source: Option<Rate>,
    /// Requests of all sources together. Default: 2,000 a second, 4,000 at once.
    pub all: Option<Rate>,
    /// When a source is banned that was refused too often (400). Default: see [`BanRules`].
    pub bans: Option<BanRules>,
    /// Whoever these rules allow is neither counted nor banned. Default: `loopback`, `unix`, `inproc`.
    pub exempt: AddressRules,
}

impl Default for GateLimits {
    fn default() -> Self {
        let mut exempt = AddressRules::new();
        for rule in ["loopback", "unix", "inproc"] {
            // These three can be understood.
            _ = exempt.allow(rule);
        }
        Self {
            per_source: Some(Rate { per_second: 20, burst: 100 }),
            all: Some(Rate { per_second: 2_000, burst: 4_000 }),
            bans: Some(BanRules::default()),
            exempt,
        }
    }
}

/// Where requests come from, as far as they are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Network(IpAddr),
    User(u32),
}

impl Source {
    pub(crate) fn of(address: &PeerAddress) -> Option<Self> {
        match *address {
            PeerAddress::Process { uid, .. } => Some(Self::User(uid)),
            _ => address.network().map(Self::Network),
        }
    }

    /// The source that is shown as `text`.
    fn parse(text: &str) -> Option<Self> {
        let source = match text.strip_prefix("unix:uid=") {
            Some(uid) => Self::User(uid.parse().ok()?),
            None => {
                let ip = text.split_once('/')?.0.parse().ok()?;
                Self::of(&PeerAddress::Ip(SocketAddr::new(ip, 0)))?
            }
        };
        // Another form, or a narrower network, is none that was ever banned.
        (source.to_string() == text).then_some(source)
    }
}

/// As an address rule would cover it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(IpAddr::V4(ip)) => write!(f, "{ip}/32"),
            Self::Network(IpAddr::V6(ip)) => write!(f, "{ip}/64"),
            Self::User(uid) => write!(f, "unix:uid={uid}"),
        }
    }
}

/// Whether a source may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// It always may.
    Exempt,
    /// The question is asked for an explanation only.
    NotCounted,
    /// It came too often.
    SourceTooOften,
    /// All together came too often.
    AllTooOften,
    /// It failed too often.
    Banned {
        /// When that ends.
        until: SystemTime,
    },
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitted => f.write_str("within the limits"),
            Self::Exempt => f.write_str("exempt from limits"),
            Self::NotCounted => f.write_str("limits are not applied"),
            Self::SourceTooOften => f.write_str("this source comes too often"),
            Self::AllTooOften => f.write_str("too many requests of all together"),
            Self::Banned { until } => {
                write!(f, "banned until {}", humantime::format_rfc3339_seconds(*until))
            }
        }
    }
}

/// What is remembered of sources.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Sources>);

#[derive(Debug)]
struct Sources {
    all: Bucket,
    each: Bounded<Source, Bucket>,
    failing: Bounded<Source, Failures>,
    /// Apart from those that only fail, so that a flood of these makes nobody forget a ban.
    banned: Bounded<Source, Banned>,
}

impl Default for Gate {
    fn default() -> Self {
        Self(Mutex::new(Sources {
            all: Bucket::default(),
            each: Bounded::new(SOURCES),
            failing: Bounded::new(SOURCES),
            banned: Bounded::new(SOURCES),
        }))
    }
}

impl Gate {
    /// Takes one request of `address` into account.
    pub(crate) fn admit(
        &self,
        limits: &GateLimits,
        address: &PeerAddress,
        now: SystemTime,
    ) -> Admission {
        if is_exempt(limits, address) {
            return Admission::Exempt;
        }
        let mut sources = self.lock();
        if let Some(source) = Source::of(address) {
            if let Some(until) = sources.banned.get(&source).and_then(|ban| ban.until(now)) {
                return Admission::Banned { until };
            }
            if let Some(rate) = limits.per_source {
                let mut bucket = sources.each.get(&source).copied().unwrap_or_default();
                let taken = bucket.take(rate, now);
                sources.each.insert(source, bucket);
                if !taken {
                    return Admission::SourceTooOften;
                }
            }
        }
        match limits.all {
            Some(rate) if !sources.all.take(rate, now) => Admission::AllTooOften,
            _ => Admission::Admitted,
        }
    }

    /// Takes into account that a request of `address` was refused for good; returns how long it is
    /// banned, if this was once too often.
    pub(crate) fn failed(
        &self,
        limits: &GateLimits,
        address: &PeerAddress,
        now: SystemTime,
    ) -> Option<Duration> {
        let rules = limits.bans.filter(|_| !is_exempt(limits, address))?;
        let source = Source::of(address)?;
        let mut sources = self.lock();
        let mut failures = sources.failing.remove(&source).unwrap_or_default();
        if !failures.add(rules, now) {
            sources.failing.insert(source, failures);
            return None;
        }
        let earlier = sources.banned.remove(&source);
        let ban = Banned::after(earlier, rules, now);
        sources.banned.insert(source, ban);
        Some(ban.length)
    }

    /// Who is banned.
    pub(crate) fn bans(&self, now: SystemTime) -> Vec<Ban> {
        let sources = self.lock();
        let mut bans: Vec<_> = sources
            .banned
            .iter()
            .filter_map(|(source, ban)| {
                let (mut ban, source) = (*ban, source.to_string());
                Some(Ban { source, until: ban.until(now)?, times: ban.times })
            })
            .collect();
        bans.sort_by(|a, b| a.source.cmp(&b.source));
        bans
    }

    /// Bans `address` until some time, as an earlier run did.
    pub(crate) fn ban(&self, address: &PeerAddress, until: SystemTime, times: u32) {
        if let Some(source) = Source::of(address) {
            self.lock().banned.insert(source, Banned::told(until, times));
        }
    }

    /// Bans a source as an earlier run did, unless it is banned for longer.
    pub(crate) fn restore(&self, ban: &Ban) {
        let Some(source) = Source::parse(&ban.source) else { return };
        let mut sources = self.lock();
        let longer = sources.banned.get(&source).is_some_and(|known| known.end > ban.until);
        if !longer {
            sources.banned.insert(source, Banned::told(ban.until, ban.times));
        }
    }

    /// Forgets a ban and what led to it; whether there was one.
    pub(crate) fn unban(&self, address: &PeerAddress) -> bool {
        let Some(source) = Source::of(address) else { return false };
        let mut sources = self.lock();
        sources.failing.remove(&source);
        sources.banned.remove(&source).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Sources> {
        lock(&self.0)
    }
}

fn is_exempt(limits: &GateLimits, address: &PeerAddress) -> bool {
    limits.exempt.explain(address).1.is_some_and(|rule| rule.allows)
}
