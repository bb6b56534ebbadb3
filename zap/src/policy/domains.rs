//! One entry per domain.

use std::collections::HashMap;

use zmtp_core::auth::Domain;

/// The domain that stands for all that have no entry of their own.
pub(crate) const ANY_DOMAIN: &str = "*";

/// A domain over 255 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a domain has at most 255 octets")]
pub struct DomainError;

pub(crate) fn domain(text: &str) -> Result<Domain, DomainError> {
    Domain::new(text).ok_or(DomainError)
}

/// One entry per domain, and one for all that have none.
#[derive(Debug, Clone)]
pub(crate) struct Domains<T> {
    named: HashMap<Domain, T>,
    any: Option<T>,
}

impl<T> Default for Domains<T> {
    fn default() -> Self {
        Self { named: HashMap::new(), any: None }
    }
}

impl<T: Default> Domains<T> {
    /// The entry under exactly this name.
    pub(crate) fn entry(&mut self, name: Domain) -> &mut T {
        if name.as_str() == ANY_DOMAIN {
            self.any.get_or_insert_default()
        } else {
            self.named.entry(name).or_default()
        }
    }
}

impl<T> Domains<T> {
    /// The entry of `domain`, or else that of `*`, and whether it is the latter.
    pub(crate) fn get(&self, domain: &Domain) -> Option<(&T, bool)> {
        let any = || self.any.as_ref().map(|entry| (entry, true));
        self.named.get(domain).map(|entry| (entry, false)).or_else(any)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.any.is_none()
    }

    /// All entries by name, `*` last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let mut named: Vec<_> = self.named.iter().map(|(name, it)| (name.as_str(), it)).collect();
        named.sort_by_key(|(name, _)| *name);
        named.into_iter().chain(self.any.iter().map(|entry| (ANY_DOMAIN, entry)))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.named.values_mut().chain(&mut self.any)
    }
}
