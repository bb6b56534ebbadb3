//! Reading the files of a policy again whenever they change.

mod look;
mod round;
mod signal;
mod system;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use round::Rounds;
use signal::Signal;

use crate::authenticator::Authenticator;
use crate::policy::{Fits, Policy};
use crate::provider::ReloadError;

/// Shortest time between two looks that nothing gave rise to.
const SHORTEST: Duration = Duration::from_millis(10);

/// How to watch the files of a policy.
#[derive(Clone)]
pub struct Watch {
    interval: Duration,
    system: bool,
    told: Option<Arc<Told>>,
    fits: Arc<Fits>,
}

type Told = dyn Fn(&Reload) + Send + Sync;

impl Watch {
    /// Lets the system report changes, and looks every 500 ms as well.
    #[must_use]
    pub fn new() -> Self {
        Self {
            interval: Duration::from_millis(500),
            system: true,
            told: None,
            fits: Arc::new(|_| Ok(())),
        }
    }

    /// Looks from time to time only, and does not ask the system to report changes.
    #[must_use]
    pub fn polling(self) -> Self {
        Self { system: false, ..self }
    }

    /// How often to look, whatever the system reports: some file systems report nothing. Default 500 ms, at
    /// least 10 ms. Where a look takes long, they become rarer, so that they take at most a twentieth of one
    /// processor.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        Self { interval: interval.max(SHORTEST), ..self }
    }

    /// Puts what a policy file says now in force only if `fits` has nothing against it; otherwise what it
    /// said before stays, and the words of `fits`, which must hold no secret, are told. A program that
    /// cannot apply every policy checks the later ones here as it did the first.
    #[must_use]
    pub fn only_if(
        self,
        fits: impl Fn(&Policy) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { fits: Arc::new(fits), ..self }
    }

    /// Tells `told`, which must be quick, what came of each time that files were read again. It is also
    /// logged: INFO, and WARN for each problem.
    #[must_use]
    pub fn tell(self, told: impl Fn(&Reload) + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(told)), ..self }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interval, system, told: _, fits: _ } = self;
        f.debug_struct("Watch")
            .field("interval", interval)
            .field("system", system)
            .finish_non_exhaustive()
    }
}

/// What came of reading files again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reload {
    /// The files and directories that hold something else than before. Empty for a problem that was there
    /// at the beginning, and for one that went away with no change of theirs: something was missing, and came.
    pub changed: Vec<PathBuf>,
    /// What could not be read or understood, and still says what it said before.
    pub problems: Vec<ReloadError>,
    /// What counts no longer, or not yet, in directories that were read: certificates that are bad.
    pub left_out: Vec<String>,
    /// The generation of the authenticator afterwards.
    pub generation: u64,
}

/// Watches until dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the watching"]
pub struct Watching {
    signal: Arc<Signal>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.signal.stop();
    }
}

impl Authenticator {
    /// Reads the files and directories of the policy [again](Self::reload) whenever they hold something else,
    /// on a thread of its own, until the guard is dropped. Sockets judge the peers that are in again, as
    /// after every change.
    ///
    /// ```no_run
    /// use zap::{Authenticator, Watch};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let authenticator = Authenticator::new().configure_curve("*", "/etc/house/keys")?;
    /// let watching = authenticator.watch(Watch::new())?;
    /// // From here on it is enough to put a certificate into that directory, or to take one away.
    /// # drop(watching);
    /// # Ok(()) }
    /// ```
    ///
    /// | what | how |
    /// |---|---|
    /// | the policy file, and all that it names; password files; directories of certificates | [`Policy::sources`](crate::Policy::sources), also those of policies that come later |
    /// | a change | another content, or other permissions: a file that is touched or written anew as it was changes nothing |
    /// | when | as soon as nothing has changed for 100 ms, or after 400 ms of changes |
    /// | a policy file or password file that is broken or gone, a policy file without any domain, a directory that is gone | says what it said before, until it can be read again: neither does it open the door, nor put everybody out |
    /// | a broken certificate | is left out, and its holder with it |
    /// | a policy file that is broken | what its stores say is still read again |
    ///
    /// Whatever may have changed since the policy was read first counts, too: everything is read once at the
    /// beginning. A policy from a file replaces what a program changed since; see [`reload`](Self::reload).
    ///
    /// A file that is written in place is read half-written if its writer pauses; write another file and
    /// rename it, which is also what the functions of this crate do.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn watch(&self, watch: Watch) -> io::Result<Watching> {
        let signal = Arc::new(Signal::default());
        let rounds = Rounds::new(self.clone(), watch, signal.clone());
        thread::Builder::new().name("zap-watch".to_owned()).spawn(move || rounds.run())?;
        Ok(Watching { signal })
    }
}
