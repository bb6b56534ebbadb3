//! What the sources of a policy say now.

use std::sync::Arc;

use super::Policy;
#[cfg(feature = "policy-file")]
use crate::address::AddressRules;
use crate::provider::{Provider, ReloadError};

/// Says what is wrong with a policy, if anything is.
pub(crate) type Fits = dyn Fn(&Policy) -> Result<(), String> + Send + Sync;

impl Policy {
    /// The same policy with what its sources say now. A source that cannot be read or understood keeps
    /// what it said before, and is reported. A policy that was read from a file is read again as a whole,
    /// so that nothing stays of what a program changed since; if that file cannot be understood, or names
    /// no domain any more, what it said before is kept, and what its stores say is read again all the same.
    #[must_use]
    pub fn reloaded(&self) -> (Self, Vec<ReloadError>) {
        self.reloaded_if(&|_| Ok(()))
    }

    /// The same, where a policy file counts only if it fits.
    pub(crate) fn reloaded_if(&self, fits: &Fits) -> (Self, Vec<ReloadError>) {
        let mut problems = match self.reloaded_from_file(fits) {
            Some(Ok(policy)) => return (policy, Vec::new()),
            Some(Err(problems)) => problems,
            None => Vec::new(),
        };
        let mut policy = self.clone();
        // A store that several domains ask is read once.
        let mut read: Vec<(Arc<dyn Provider>, Arc<dyn Provider>)> = Vec::new();
        let chains = policy.mechanisms.iter_mut().flat_map(|(_, domains)| domains.values_mut());
        for link in chains.flatten() {
            let known = read.iter().find(|(before, _)| Arc::ptr_eq(before, &link.provider));
            let provider = match known {
                Some((_, provider)) => provider.clone(),
                None => reloaded(&link.provider, &mut problems),
            };
            read.push((link.provider.clone(), provider.clone()));
            link.provider = provider;
        }
        (policy, problems)
    }

    /// What the policy file says now, if there is one.
    #[cfg(feature = "policy-file")]
    fn reloaded_from_file(&self, fits: &Fits) -> Option<Result<Self, Vec<ReloadError>>> {
        let file = self.file.as_ref()?;
        let policy = match Self::load(file) {
            Ok(policy) => policy,
            Err(error) => {
                return Some(Err(error.0.iter().map(|it| ReloadError(it.to_string())).collect()));
            }
        };
        let fault = if self.names_more_than(&policy) {
            // A file that is being written is short at first.
            let text = "it names no domain any more, which would let in everybody who speaks NULL; \
                        if that is meant, say null = \"anonymous\" for the domain \"*\"";
            Err(text.to_owned())
        } else {
            fits(&policy)
        };
        let problem = |text| vec![ReloadError(format!("{}: {text}", file.display()))];
        Some(fault.map(|()| policy).map_err(problem))
    }

    /// There is no such file.
    #[cfg(not(feature = "policy-file"))]
    fn reloaded_from_file(&self, _fits: &Fits) -> Option<Result<Self, Vec<ReloadError>>> {
        None
    }

    /// Whether the other one has lost all domains, or all that it said.
    #[cfg(feature = "policy-file")]
    fn names_more_than(&self, other: &Self) -> bool {
        let lost = !self.mechanisms.is_empty() || !self.says_nothing() && other.says_nothing();
        other.mechanisms.is_empty() && lost
    }

    /// Whether it is as good as new.
    #[cfg(feature = "policy-file")]
    fn says_nothing(&self) -> bool {
        let rules = std::iter::once(&self.addresses)
            .chain(self.listeners.iter().map(|(_, rules)| rules))
            .chain(self.domain_addresses.iter().map(|(_, rules)| rules));
        self.mechanisms.is_empty() && rules.flat_map(AddressRules::rules).next().is_none()
    }
}

/// A provider with what its source says now, or as it was.
fn reloaded(provider: &Arc<dyn Provider>, problems: &mut Vec<ReloadError>) -> Arc<dyn Provider> {
    match provider.reload() {
        Some(Ok(provider)) => return provider,
        // A policy file that names the source has said so already.
        Some(Err(problem)) if problems.iter().any(|known| known.0.contains(&problem.0)) => {}
        Some(Err(problem)) => problems.push(problem),
        None => {}
    }
    provider.clone()
}
