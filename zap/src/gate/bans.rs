//! Bans of sources that fail too often.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use super::Source;

/// When and for how long a source is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanRules {
    /// Refusals after which a source is banned. 0 counts as 1. Default: 20.
    pub after: u32,
    /// Within which time they count together. Default: 1 min.
    pub within: Duration,
    /// The first ban; each further one is twice as long. Default: 30 s.
    pub first: Duration,
    /// The longest ban, and how long a source must keep quiet after one to begin anew. Default: 1 h.
    pub longest: Duration,
}

impl Default for BanRules {
    fn default() -> Self {
        Self {
            after: 20,
            within: Duration::from_secs(60),
            first: Duration::from_secs(30),
            longest: Duration::from_secs(3600),
        }
    }
}

/// A source that is banned, to be kept across a restart or handed to a firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// The source, as an address rule would cover it: `192.0.2.7/32`, `2001:db8::/64`, `unix:uid=1000`.
    pub source: String,
    /// When the ban ends.
    pub until: SystemTime,
    /// How often the source was banned in a row.
    pub times: u32,
}

/// One line that fail2ban and people can read.
impl fmt::Display for Ban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = humantime::format_rfc3339_seconds(self.until);
        write!(f, "ban {} until {until} times {}", self.source, self.times)
    }
}

/// The line that a ban is shown as.
impl FromStr for Ban {
    type Err = BanFault;

    fn from_str(text: &str) -> Result<Self, BanFault> {
        let words: Vec<_> = text.split(' ').collect();
        let ["ban", source, "until", until, "times", times] = words.as_slice() else {
            return Err(BanFault);
        };
        let until = humantime::parse_rfc3339(until).map_err(|_| BanFault)?;
        let times = times.parse().map_err(|_| BanFault)?;
        Source::parse(source).ok_or(BanFault)?;
        Ok(Self { source: (*source).to_owned(), until, times })
    }
}

/// A line that is no ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected \"ban SOURCE until TIME times NUMBER\": an IPv4 address and /32, an IPv6 network and /64 or unix:uid=NUMBER, and a time such as 2026-08-01T12:00:00Z"
)]
pub struct BanFault;

/// Text with bans, of which one line is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {BanFault}")]
pub struct BanError {
    /// The line, counted from 1.
    pub line: usize,
}

/// Refusals of one source so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failures {
    count: u32,
    since: SystemTime,
}

impl Default for Failures {
    fn default() -> Self {
        Self { count: 0, since: SystemTime::UNIX_EPOCH }
    }
}

impl Failures {
    /// Counts one more; whether it was once too often.
    pub(super) fn add(&mut self, rules: BanRules, now: SystemTime) -> bool {
        if now.duration_since(self.since).is_ok_and(|age| age <= rules.within) {
            self.count = self.count.saturating_add(1);
        } else {
            *self = Self { count: 1, since: now };
        }
        self.count >= rules.after.max(1)
    }
}

/// The last second that can be written, in the year 9999.
const LAST: Duration = Duration::from_secs(253_402_300_799);
/// As good as for ever.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// So much later, or a century if the calendar ends before.
fn later(now: SystemTime, length: Duration) -> SystemTime {
    now.checked_add(length).or_else(|| now.checked_add(CENTURY)).unwrap_or(now)
}

/// A ban, over or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Banned {
    pub(super) end: SystemTime,
    /// How long it was when it began; zero if nobody knows.
    pub(super) length: Duration,
    pub(super) times: u32,
}

impl Banned {
    /// A ban that somebody else has made.
    pub(super) const fn told(end: SystemTime, times: u32) -> Self {
        Self { end, length: Duration::ZERO, times }
    }

    /// The ban that follows an earlier one.
    pub(super) fn after(earlier: Option<Self>, rules: BanRules, now: SystemTime) -> Self {
        let quiet = |ban: &Self| now.duration_since(ban.end).is_ok_and(|age| age > rules.longest);
        let times = earlier.filter(|ban| !quiet(ban)).map_or(0, |ban| ban.times);
        let doubled = rules.first.saturating_mul(2_u32.checked_pow(times).unwrap_or(u32::MAX));
        let length = doubled.min(rules.longest);
        Self { end: later(now, length), length, times: times.saturating_add(1) }
    }

    /// When it ends, unless it is over. One that is to last longer than when it began does so because the
    /// clock was set back, and begins again.
    pub(super) fn until(&mut self, now: SystemTime) -> Option<SystemTime> {
        let left = self.end.duration_since(now).ok().filter(|left| !left.is_zero())?;
        if left > self.length && !self.length.is_zero() {
            self.end = later(now, self.length);
        }
        Some(self.end.min(later(SystemTime::UNIX_EPOCH, LAST)))
    }
}
