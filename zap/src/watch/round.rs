//! The thread that watches: look, wait until nothing moves, read again.

use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};
use zmtp_core::auth::{Authenticator as _, PendingRevision};

use super::look::Look;
use super::signal::Signal;
use super::system::System;
use super::{Reload, Watch};
use crate::authenticator::Authenticator;
use crate::guard::Isolated;
use crate::provider::ReloadError;

/// Nothing has to change for so long before files are read.
const QUIET: Duration = Duration::from_millis(100);
/// They are read after so long, whatever changes.
const PATIENCE: Duration = Duration::from_millis(400);
/// The shortest time between two looks.
const BREATH: Duration = Duration::from_millis(10);
/// Looks that nothing gave rise to take one part in so many of the time.
const SHARE: u32 = 20;
/// What could not be read is tried again after this, and then after twice as long each time, ..
const RETRY: Duration = Duration::from_secs(1);
/// .. up to this.
const LONGEST_RETRY: Duration = Duration::from_secs(32);

/// All that the thread knows.
pub(super) struct Rounds {
    authenticator: Authenticator,
    watch: Watch,
    signal: Arc<Signal>,
    system: Option<System>,
    /// What the sources held when they were read last.
    known: Look,
    /// They have to be read whether they changed or not.
    due: bool,
    problems: Vec<ReloadError>,
    /// When to try again, and the pause before that.
    retry: Option<(Instant, Duration)>,
    /// The next change of the policy.
    revised: PendingRevision,
    /// How long this round has been at work.
    busy: Duration,
}

impl Rounds {
    pub(super) fn new(authenticator: Authenticator, watch: Watch, signal: Arc<Signal>) -> Self {
        let system = if watch.system { System::new(signal.clone()) } else { None };
        let revised = next_revision(&authenticator);
        let mut rounds = Self {
            authenticator,
            watch,
            signal,
            system,
            known: Look::default(),
            due: true,
            problems: Vec::new(),
            retry: None,
            revised,
            busy: Duration::ZERO,
        };
        // What is changed from now on is a change, however late the thread begins.
        rounds.known = rounds.look(&Look::default());
        rounds
    }

    pub(super) fn run(mut self) {
        while !self.signal.is_stopped() {
            self.busy = Duration::ZERO;
            let went = Isolated::call(|| self.round());
            if went.is_none() {
                error!("a panic while the files of a policy were read again; watching goes on");
            }
            self.signal.rest(self.busy.max(BREATH));
            if !self.due || went.is_none() {
                self.signal.wait(self.pause());
            }
        }
    }

    /// How long to wait for a reason to look again.
    fn pause(&self) -> Duration {
        let retry = self.retry.map(|(at, _)| at.saturating_duration_since(Instant::now()));
        let pause = self.watch.interval.min(retry.unwrap_or(Duration::MAX));
        pause.max(self.busy * (SHARE - 1))
    }

    /// Reads again if there is reason to.
    fn round(&mut self) {
        self.follow_revisions();
        // Should this end in a panic, the next round knows nothing and reads all.
        let known = std::mem::take(&mut self.known);
        let mut seen = self.look(&known);
        let retries = self.retry.is_some_and(|(at, _)| at <= Instant::now());
        if self.due || retries || !seen.differences(&known).is_empty() {
            seen = self.settled(seen);
            if self.signal.is_stopped() {
                return;
            }
            let changed = seen.differences(&known);
            if self.due || retries || !changed.is_empty() {
                self.read(changed);
            }
            // What was touched while it was read was perhaps read half-way; and a policy may have got
            // other files.
            self.due = self.look(&seen) != seen;
        }
        self.known = seen;
    }

    fn look(&mut self, before: &Look) -> Look {
        let begun = Instant::now();
        let look = Look::at(self.authenticator.policy().sources(), before);
        if let Some(system) = &mut self.system {
            system.attend(&look.places);
        }
        self.busy += begun.elapsed();
        look
    }

    /// The first look that sees what the one before it saw, or the last one when patience is at its end.
    fn settled(&mut self, mut seen: Look) -> Look {
        let begun = Instant::now();
        loop {
            self.signal.rest(QUIET);
            let again = self.look(&seen);
            let quiet = again == seen;
            seen = again;
            if quiet || begun.elapsed() >= PATIENCE || self.signal.is_stopped() {
                return seen;
            }
        }
    }

    fn read(&mut self, changed: Vec<PathBuf>) {
        let begun = Instant::now();
        let anew = self.due || !changed.is_empty();
        let (signal, known) = (&self.signal, &self.problems);
        // Trying again what still cannot be read must not make all peers be judged again.
        let wanted = |problems: &[ReloadError]| !signal.is_stopped() && (anew || problems != known);
        let problems = self.authenticator.reload_if(&*self.watch.fits, wanted);
        self.busy += begun.elapsed();
        let news = !changed.is_empty() || problems != self.problems;
        self.retry = match self.retry {
            _ if problems.is_empty() => None,
            Some((_, pause)) if !news => Some((pause * 2).min(LONGEST_RETRY)),
            _ => Some(RETRY),
        }
        .map(|pause| (Instant::now() + pause, pause));
        self.problems = problems;
        if news && !self.signal.is_stopped() {
            self.report(changed);
        }
    }

    fn report(&self, changed: Vec<PathBuf>) {
        let left_out = self.authenticator.policy().left_out();
        let generation = self.authenticator.generation();
        let reload = Reload { changed, problems: self.problems.clone(), left_out, generation };
        for problem in &reload.problems {
            warn!(%problem, "kept what was there before");
        }
        info!(generation, changed = ?reload.changed, problems = reload.problems.len(), "read files again");
        if let Some(told) = &self.watch.told {
            told(&reload);
        }
    }

    /// Is woken when the policy is changed otherwise: it may come from other files now.
    fn follow_revisions(&mut self) {
        let waker = Waker::from(self.signal.clone());
        let mut context = Context::from_waker(&waker);
        while self.revised.as_mut().poll(&mut context).is_ready() {
            self.revised = next_revision(&self.authenticator);
        }
    }
}

fn next_revision(authenticator: &Authenticator) -> PendingRevision {
    authenticator.revised(authenticator.revision().unwrap_or_default())
}
