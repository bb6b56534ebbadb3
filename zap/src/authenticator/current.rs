//! The policy in force.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use crate::live::Revisions;
use crate::lock::lock;
use crate::policy::Policy;

/// A policy and what is in force with it; replaced as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Version {
    pub(super) policy: Arc<Policy>,
    /// A policy that is being tried beside.
    pub(super) trial: Option<Arc<Policy>>,
    /// Counts the changes.
    pub(super) generation: u64,
    /// Refuse all newcomers, whatever the policy says.
    pub(super) stopped: bool,
}

#[derive(Debug, Default)]
pub(super) struct Current {
    version: ArcSwap<Version>,
    /// Whoever changes the version holds it.
    changing: Mutex<()>,
    pub(super) revisions: Revisions,
}

impl Current {
    pub(super) fn load(&self) -> Arc<Version> {
        self.version.load_full()
    }

    /// Puts a changed version in force, and then tells those who wait for it.
    pub(super) fn change<E>(
        &self,
        change: impl FnOnce(&mut Version) -> Result<(), E>,
    ) -> Result<(), E> {
        let changing = lock(&self.changing);
        let mut version = Version::clone(&self.load());
        change(&mut version)?;
        version.generation += 1;
        version.policy.prepare();
        version.trial.iter().for_each(|trial| trial.prepare());
        self.version.store(Arc::new(version));
        self.revisions.advance();
        drop(changing);
        Ok(())
    }
}
