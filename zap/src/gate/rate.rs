//! Token buckets.

use std::time::{Duration, SystemTime};

/// How many requests may come, on average and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, on average. 0 counts as 1, more than a thousand million as so many.
    pub per_second: u32,
    /// Requests at once, after a time without any. 0 counts as 1.
    pub burst: u32,
}

/// A bucket of tokens, told by the time at which it will be full again: one number instead of two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    full: SystemTime,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { full: SystemTime::UNIX_EPOCH }
    }
}

impl Bucket {
    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, rate: Rate, now: SystemTime) -> bool {
        let token = Duration::from_secs(1) / rate.per_second.clamp(1, 1_000_000_000);
        let whole = token.saturating_mul(rate.burst.max(1));
        let missing = self.full.duration_since(now).unwrap_or_default();
        // More than a bucket holds can only be missing when the clock was set back.
        let missing = if missing > whole { Duration::ZERO } else { missing };
        let missing = missing + token;
        if missing > whole {
            return false;
        }
        self.full = now.checked_add(missing).unwrap_or(now);
        true
    }
}
