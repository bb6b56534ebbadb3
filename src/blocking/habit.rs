//! Whether a receiver looks for a moment before it sleeps.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long it looks where that brought something the last time. To sleep and be woken takes as long and as much of
/// a core, so that looking costs at most as much again, whatever comes.
const MOMENT: Duration = Duration::from_micros(30);
/// How long it tries: the other side may have to be woken still.
const TRIAL: Duration = Duration::from_micros(60);
/// As many trials in a row that are in vain count.
const MOST: u32 = 10;

/// What came of looking lately. Where messages follow each other so closely that it pays, a receiver goes on
/// looking; the more often it was in vain, the longer it does not try again.
#[derive(Debug)]
pub(super) struct Habit {
    /// Zero when it was not the last time.
    in_vain: AtomicU32,
    /// Waits to come without looking.
    rest: AtomicU32,
}

impl Habit {
    pub(super) const fn new() -> Self {
        Self { in_vain: AtomicU32::new(1), rest: AtomicU32::new(0) }
    }

    /// How long to look this time, if at all.
    pub(super) fn time(&self) -> Option<Duration> {
        // Of two threads that wait at the same time, it does not matter which one counts.
        let rest = self.rest.load(Ordering::Relaxed);
        self.rest.store(rest.saturating_sub(1), Ordering::Relaxed);
        let trial = self.in_vain.load(Ordering::Relaxed) > 0;
        (rest == 0).then_some(if trial { TRIAL } else { MOMENT })
    }

    /// Whether that brought something.
    pub(super) fn learn(&self, found: bool) {
        let in_vain = match found {
            true => 0,
            false => (self.in_vain.load(Ordering::Relaxed) + 1).min(MOST),
        };
        self.in_vain.store(in_vain, Ordering::Relaxed);
        self.rest.store((1 << in_vain) - 1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Habit, MOMENT, MOST, TRIAL};

    /// Waits until it looks again, and for how long then.
    fn next(habit: &Habit) -> (u32, std::time::Duration) {
        let mut rests = 0;
        loop {
            match habit.time() {
                None => rests += 1,
                Some(time) => return (rests, time),
            }
        }
    }

    #[test]
    fn what_is_in_vain_is_tried_ever_more_seldom() {
        let habit = Habit::new();
        assert_eq!(next(&habit), (0, TRIAL), "at first");
        for times in 2..=MOST + 2 {
            habit.learn(false);
            assert_eq!(next(&habit), ((1 << times.min(MOST)) - 1, TRIAL), "{times}");
        }
        habit.learn(true);
        assert_eq!(next(&habit), (0, MOMENT));
        assert_eq!(next(&habit), (0, MOMENT));
        habit.learn(false);
        assert_eq!(next(&habit), (1, TRIAL));
    }
}
