//! Who reads where much comes: whoever waits for a message and will be back soon, or the driver beside it.
//!
//! One that reads and works saves the change of tasks for each batch, and keeps what it reads in its core's cache. But
//! two do more than one: a visitor that finds something again and again without waiting, because it is slower than
//! what comes, hands over to the driver.

/// Times in a row that a visitor finds much without waiting before the driver reads beside it.
const BEHIND: u8 = 32;

/// The right of a visitor that found much to read on when it is back, though the system tells nobody meanwhile.
#[derive(Debug, Default)]
pub(super) struct Lease {
    /// A visitor is expected back.
    taken: bool,
    /// It was there since the driver looked.
    used: bool,
    /// The driver looks at the end of a term.
    watched: bool,
    /// Visits in a row that found much without waiting.
    hasty: u8,
    /// The driver reads, until nothing comes for a moment.
    refused: bool,
}

impl Lease {
    /// Whether visitors may read.
    pub(super) const fn is_offered(&self) -> bool {
        !self.refused
    }

    /// Nothing comes for a moment: whoever waits for a message may read what comes next.
    pub(super) const fn offer(&mut self) {
        self.refused = false;
    }

    /// Whether a visitor is expected back.
    pub(super) const fn is_taken(&self) -> bool {
        self.taken
    }

    /// A visitor has to wait.
    pub(super) const fn wait(&mut self) {
        (self.used, self.hasty) = (true, 0);
    }

    /// A visitor found much; `false` if it is not to read on.
    pub(super) const fn renew(&mut self) -> bool {
        self.hasty += 1;
        if self.hasty >= BEHIND {
            self.end();
            self.refused = true;
        } else {
            (self.taken, self.used) = (true, true);
        }
        self.taken
    }

    /// Whether the driver has to be told that there is something to watch, now that somebody asks.
    pub(super) const fn needs_watch(&mut self) -> bool {
        !core::mem::replace(&mut self.watched, true)
    }

    /// The visitor left: the system tells the driver of what comes.
    pub(super) const fn end(&mut self) {
        (self.taken, self.hasty) = (false, 0);
    }

    /// Whether the driver leaves reading to a visitor, and has to look again at the end of a term; asked then, or
    /// for another reason.
    pub(super) const fn is_watched(&mut self, term_is_over: bool) -> bool {
        if term_is_over && !core::mem::replace(&mut self.used, false) {
            self.end();
        }
        self.watched = self.taken;
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::{BEHIND, Lease};

    #[test]
    fn a_visitor_that_stays_away_for_a_term_is_not_waited_for() {
        let mut lease = Lease::default();
        assert!(!lease.is_watched(false), "nobody found much");
        assert!(lease.renew() && lease.needs_watch());
        for _ in 0..3 {
            assert!(lease.renew() && !lease.needs_watch(), "the driver knows");
            assert!(lease.is_watched(false) && lease.is_watched(true));
        }
        assert!(lease.is_watched(false), "not at the end of a term");
        assert!(!lease.is_watched(true) && !lease.is_taken());
        assert!(lease.renew() && lease.needs_watch(), "it is back");
    }

    #[test]
    fn a_visitor_that_never_waits_gets_help_until_nothing_comes() {
        let mut lease = Lease::default();
        for _ in 0..3 {
            for _ in 1..BEHIND {
                assert!(lease.renew() && lease.is_offered());
            }
            lease.wait();
        }
        for at in 1..=BEHIND {
            assert_eq!(lease.renew(), at < BEHIND, "{at}");
        }
        assert!(!lease.is_offered() && !lease.is_watched(false));
        lease.offer();
        assert!(lease.is_offered() && lease.renew());
    }
}
