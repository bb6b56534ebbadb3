//! Growing, jittered pauses between attempts to connect.

use std::time::Duration;

/// How to reconnect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    /// First pause (`ZMQ_RECONNECT_IVL`). Default: 100 ms.
    pub interval: Duration,
    /// Longest pause; each one is up to twice as long as the one before, until a handshake succeeds
    /// (`ZMQ_RECONNECT_IVL_MAX`). Default: 30 s.
    pub max_interval: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self { interval: Duration::from_millis(100), max_interval: Duration::from_secs(30) }
    }
}

#[derive(Debug)]
pub(crate) struct Backoff {
    options: Reconnect,
    current: Duration,
}

impl Backoff {
    pub(crate) fn new(options: Reconnect) -> Self {
        let current = options.interval;
        Self { options, current }
    }

    /// Begins again with the shortest pause: a handshake has succeeded.
    pub(crate) fn reset(&mut self) {
        self.current = self.options.interval;
    }

    /// The next pause, between half and all of the current length.
    pub(crate) fn pause(&mut self) -> Duration {
        let full = self.current;
        self.current = full.saturating_mul(2).min(self.options.max_interval.max(full));
        // Without randomness the pause is merely not jittered.
        let jitter = getrandom::u32().unwrap_or(u32::MAX);
        full / 2 + (full / 2).mul_f64(f64::from(jitter) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // ZMTP-ERROR-06
    #[test]
    fn pauses_grow_to_the_limit_and_begin_again_after_success() {
        let options = Reconnect {
            interval: Duration::from_millis(100),
            max_interval: Duration::from_millis(350),
        };
        let mut backoff = Backoff::new(options);
        for full in [100, 200, 350, 350] {
            let pause = backoff.pause().as_millis();
            assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
        }
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_millis(100));
    }
}
