//! When not to ask.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::pattern::lock;

/// How many failures are borne, and for how long nobody asks then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) failures: u32,
    pub(super) pause: Duration,
    pub(super) max_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_millis(500), max_pause: Duration::from_secs(30) }
    }
}

/// A circuit breaker.
#[derive(Debug)]
pub(super) struct Circuit {
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Whoever asks may.
    Closed { failures: u32 },
    /// Nobody asks before `until`; `next` is the pause after the next failure.
    Open { until: Instant, next: Duration },
    /// One is asking whether it works again.
    Trying { next: Duration },
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    Failed,
    /// Nothing that says anything about the other side.
    Neither,
}

/// What a change of state means to those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Nobody asks for this long.
    Opened(Duration),
    /// It works again.
    Closed,
}

impl Circuit {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether somebody may ask now. If so, [`record`](Self::record) has to follow.
    pub(super) fn admit(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        match *state {
            State::Closed { .. } => true,
            State::Open { until, next } if now >= until => {
                *state = State::Trying { next };
                true
            }
            State::Open { .. } | State::Trying { .. } => false,
        }
    }

    pub(super) fn record(&self, outcome: Outcome, now: Instant) -> Change {
        let mut state = lock(&self.state);
        let (after, change) = self.after(*state, outcome, now);
        *state = after;
        change
    }

    fn after(&self, state: State, outcome: Outcome, now: Instant) -> (State, Change) {
        let open = |pause: Duration| {
            let next = pause.saturating_mul(2).min(self.patience.max_pause);
            (State::Open { until: now + pause, next }, Change::Opened(pause))
        };
        match (state, outcome) {
            (State::Closed { .. }, Outcome::Answered) => {
                (State::Closed { failures: 0 }, Change::None)
            }
            (State::Closed { failures }, Outcome::Failed) => {
                let failures = failures.saturating_add(1);
                if failures < self.patience.failures {
                    (State::Closed { failures }, Change::None)
                } else {
                    open(self.patience.pause.min(self.patience.max_pause))
                }
            }
            (State::Trying { .. }, Outcome::Answered) => {
                (State::Closed { failures: 0 }, Change::Closed)
            }
            (State::Trying { next }, Outcome::Failed) => open(next),
            // Whoever comes next may try.
            (State::Trying { next }, Outcome::Neither) => {
                (State::Open { until: now, next }, Change::None)
            }
            // Asked before it opened; an answer that is late is an answer.
            (State::Open { .. }, Outcome::Answered) => {
                (State::Closed { failures: 0 }, Change::Closed)
            }
            (state, _) => (state, Change::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn circuit() -> (Circuit, Instant) {
        let patience = Patience { failures: 2, pause: SECOND, max_pause: 3 * SECOND };
        (Circuit::new(patience), Instant::now())
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (circuit, now) = circuit();
        for outcome in [Outcome::Failed, Outcome::Answered, Outcome::Failed, Outcome::Neither] {
            assert!(circuit.admit(now));
            assert_eq!(circuit.record(outcome, now), Change::None);
        }
        assert_eq!(circuit.record(Outcome::Failed, now), Change::Opened(SECOND));
        assert!(!circuit.admit(now));
    }

    #[test]
    fn one_tries_again_after_a_pause_that_doubles_up_to_its_limit() {
        let (circuit, mut now) = circuit();
        circuit.record(Outcome::Failed, now);
        let mut change = circuit.record(Outcome::Failed, now);
        for pause in [1, 2, 3, 3] {
            assert_eq!(change, Change::Opened(pause * SECOND));
            assert!(!circuit.admit(now + pause * SECOND - Duration::from_nanos(1)));
            now += pause * SECOND;
            assert!(circuit.admit(now), "one may try");
            assert!(!circuit.admit(now), "and only one");
            change = circuit.record(Outcome::Failed, now);
        }
        now += 3 * SECOND;
        assert!(circuit.admit(now));
        assert_eq!(circuit.record(Outcome::Answered, now), Change::Closed);
        assert!(circuit.admit(now) && circuit.admit(now), "as before");
    }

    #[test]
    fn a_try_that_is_given_up_leaves_it_to_the_next() {
        let (circuit, now) = circuit();
        circuit.record(Outcome::Failed, now);
        circuit.record(Outcome::Failed, now);
        let later = now + SECOND;
        assert!(circuit.admit(later));
        assert_eq!(circuit.record(Outcome::Neither, later), Change::None);
        assert!(circuit.admit(later));
    }
}
