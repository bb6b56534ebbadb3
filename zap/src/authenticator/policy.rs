//! Who may come in, as data.

use std::collections::HashMap;
use std::sync::Arc;

use zmtp_core::auth::{Domain, UserId};

use crate::address::AddressRules;
use crate::store::{CertificateStore, KeySet, Passwords};

/// The domain that stands for all that have no entry of their own.
const ANY_DOMAIN: &str = "*";

/// A domain over 255 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a domain has at most 255 octets")]
pub struct DomainError;

/// Which keys may come in under CURVE.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CurveKeys {
    /// Every key: the server is authenticated, its clients are not.
    AllowAny,
    /// The keys of this set.
    Only(Arc<KeySet>),
}

impl From<KeySet> for CurveKeys {
    fn from(keys: KeySet) -> Self {
        Self::Only(Arc::new(keys))
    }
}

impl From<CertificateStore> for CurveKeys {
    fn from(store: CertificateStore) -> Self {
        KeySet::from(store).into()
    }
}

/// What an authenticator decides by. What is not configured is refused, but for NULL.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Which addresses may come near at all.
    pub addresses: AddressRules,
    pub(super) null: Domains<Option<UserId>>,
    pub(super) plain: Domains<Arc<Passwords>>,
    pub(super) curve: Domains<CurveKeys>,
}

impl Policy {
    /// Lets in who speaks NULL, from anywhere, and nobody else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets peers that speak NULL into `domain` (`*`: into all without entry) under this user id or
    /// without any. Until this is called, they come into every domain, as `anonymous`; afterwards only
    /// into those that were named.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_null(
        &mut self,
        domain: &str,
        user_id: Option<UserId>,
    ) -> Result<(), DomainError> {
        self.null.set(domain, user_id)
    }

    /// Lets these users into `domain` (`*`: into all without entry) under PLAIN. The user id is the
    /// user name. Of two calls for one domain the later counts.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_plain(&mut self, domain: &str, users: Passwords) -> Result<(), DomainError> {
        self.plain.set(domain, Arc::new(users))
    }

    /// Lets the holders of these keys into `domain` (`*`: into all without entry) under CURVE. The
    /// user id is the one of the certificate, or else the text of the key. Of two calls for one domain
    /// the later counts.
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_curve(
        &mut self,
        domain: &str,
        keys: impl Into<CurveKeys>,
    ) -> Result<(), DomainError> {
        self.curve.set(domain, keys.into())
    }
}

/// One entry per domain.
#[derive(Debug, Clone)]
pub(super) struct Domains<T>(HashMap<Domain, T>);

impl<T> Default for Domains<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Domains<T> {
    fn set(&mut self, domain: &str, entry: T) -> Result<(), DomainError> {
        self.0.insert(Domain::new(domain).ok_or(DomainError)?, entry);
        Ok(())
    }

    /// The entry of `domain`, or else that of `*`.
    pub(super) fn get(&self, domain: &Domain) -> Option<&T> {
        let any = || self.0.get(&Domain::new(ANY_DOMAIN)?);
        self.0.get(domain).or_else(any)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
