//! The authenticator: address rules, then domain, then credentials.

mod decide;
mod policy;

use std::future::ready;
use std::sync::Arc;

use zmtp_core::auth::{self, AuthRequest, PendingDecision, UserId};

pub use decide::decide;
pub use policy::{CurveKeys, DomainError, Policy};

use crate::address::AddressError;
use crate::audit;
use crate::store::Passwords;

/// Decides by a [`Policy`], with the vocabulary that users of pyzmq know.
///
/// ```
/// use zap::{Authenticator, KeySet, Passwords};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let operators = Passwords::from_pairs([("admin", "correct horse")])?;
/// let authenticator = Authenticator::new()
///     .allow("192.0.2.0/24")?
///     .deny("192.0.2.66")?
///     .configure_plain("operators", operators)?
///     .configure_curve("*", KeySet::from_iter([[7; 32]]))?;
/// # Ok(()) }
/// ```
///
/// A clone shares the policy until either is changed.
#[derive(Debug, Clone, Default)]
pub struct Authenticator {
    policy: Arc<Policy>,
}

impl Authenticator {
    /// Lets in who speaks NULL, from anywhere, and nobody else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows peers by address; see [`AddressRules`](crate::AddressRules) for what a rule may be.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn allow(self, rule: &str) -> Result<Self, AddressError> {
        self.change(|policy| policy.addresses.allow(rule))
    }

    /// Denies peers by address; see [`AddressRules`](crate::AddressRules) for what a rule may be.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn deny(self, rule: &str) -> Result<Self, AddressError> {
        self.change(|policy| policy.addresses.deny(rule))
    }

    /// See [`Policy::configure_null`].
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_null(
        self,
        domain: &str,
        user_id: Option<UserId>,
    ) -> Result<Self, DomainError> {
        self.change(|policy| policy.configure_null(domain, user_id))
    }

    /// See [`Policy::configure_plain`].
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_plain(self, domain: &str, users: Passwords) -> Result<Self, DomainError> {
        self.change(|policy| policy.configure_plain(domain, users))
    }

    /// See [`Policy::configure_curve`].
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_curve(
        self,
        domain: &str,
        keys: impl Into<CurveKeys>,
    ) -> Result<Self, DomainError> {
        self.change(|policy| policy.configure_curve(domain, keys))
    }

    fn change<E>(mut self, change: impl FnOnce(&mut Policy) -> Result<(), E>) -> Result<Self, E> {
        change(Arc::make_mut(&mut self.policy))?;
        Ok(self)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

impl From<Policy> for Authenticator {
    fn from(policy: Policy) -> Self {
        Self { policy: Arc::new(policy) }
    }
}

impl auth::Authenticator for Authenticator {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        let decision = decide(&self.policy, &request);
        audit::record(&request, &decision);
        Box::pin(ready(decision))
    }
}
