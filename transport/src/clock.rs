//! The one place that reads a clock for the protocol.

use std::time::Duration;

use zmtp_core::Instant;

/// Turns the time of the runtime into the time of the protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::after_origin(self.origin.elapsed())
    }

    pub(crate) fn at(self, moment: Instant) -> tokio::time::Instant {
        // A moment too far ahead for the runtime never comes: a day is as good.
        let day = Duration::from_secs(24 * 60 * 60);
        let ahead = moment.since_origin().min(self.origin.elapsed() + day);
        self.origin + ahead
    }
}
