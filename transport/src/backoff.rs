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

/// What ends the attempts to connect for good, beside a refusal by the peer and what no attempt can
/// change, such as an option that the system refuses. Default: nothing does.
///
/// Disconnecting an endpoint always does (`ZMQ_RECONNECT_STOP_AFTER_DISCONNECT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReconnectStop {
    /// Nobody listens there (`ZMQ_RECONNECT_STOP_CONN_REFUSED`).
    pub refused: bool,
    /// The handshake failed, for whatever reason (`ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED`).
    pub handshake_failed: bool,
    /// The first attempt came to nothing, or its connection was lost: there is no second attempt
    /// (`ZMQ_RECONNECT_IVL` -1).
    pub always: bool,
}

impl ReconnectStop {
    /// When nobody listens.
    #[must_use]
    pub const fn on_refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// When a handshake fails.
    #[must_use]
    pub const fn on_handshake_failed(mut self) -> Self {
        self.handshake_failed = true;
        self
    }

    /// After the first attempt, however it ends.
    #[must_use]
    pub const fn after_first(mut self) -> Self {
        self.always = true;
        self
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
