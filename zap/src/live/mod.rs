//! Authenticators that are exchanged while sockets use them.

mod revisions;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use zmtp_core::auth::{
    AuthDecision, AuthRequest, Authenticator, PendingDecision, PendingRevision, Refusal,
};

pub use revisions::Revisions;

use crate::event;

/// An authenticator that can be exchanged for another one at any time, in one step: every decision is
/// made by the one or by the other. Sockets then judge the peers that are in again, and put out whoever
/// the new one refuses.
///
/// A clone is the same authenticator.
///
/// ```
/// use zap::{Authenticator, Live};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let live = Live::new(Authenticator::new().allow("192.0.2.0/24")?);
/// let for_a_socket = live.clone();
/// # let _ = for_a_socket;
/// live.replace(Authenticator::new().allow("192.0.2.0/24")?.deny("192.0.2.66")?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Live {
    inner: Arc<Inner>,
}

struct Inner {
    current: RwLock<Arc<dyn Authenticator>>,
    revisions: Revisions,
}

impl Live {
    /// Decides as `authenticator` does, for now.
    #[must_use]
    pub fn new(authenticator: impl Authenticator + 'static) -> Self {
        let current = RwLock::new(Arc::new(authenticator) as _);
        Self { inner: Arc::new(Inner { current, revisions: Revisions::new() }) }
    }

    /// Decides as `authenticator` does from now on, also about the peers that are in. Gives the new
    /// revision.
    pub fn replace(&self, authenticator: impl Authenticator + 'static) -> u64 {
        self.put(Arc::new(authenticator));
        self.inner.revisions.advance()
    }

    /// Refuses every newcomer with status 500 from now on. The peers that are in stay.
    pub fn stop(&self) {
        self.put(Arc::new(Stopped));
    }

    fn put(&self, authenticator: Arc<dyn Authenticator>) {
        let mut current = self.inner.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = authenticator;
    }

    fn current(&self) -> Arc<dyn Authenticator> {
        self.inner.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.current()).finish()
    }
}

impl Authenticator for Live {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        self.current().authenticate(request)
    }

    fn revision(&self) -> Option<u64> {
        Some(self.inner.revisions.current())
    }

    fn revised(&self, since: u64) -> PendingRevision {
        self.inner.revisions.changed(since)
    }

    fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        self.current().retain(request)
    }

    fn authenticate_again(&self, retained: Arc<AuthRequest>) -> PendingDecision {
        self.current().authenticate_again(retained)
    }
}

/// What is left of a live authenticator that was stopped.
#[derive(Debug, Clone, Copy)]
struct Stopped;

impl Authenticator for Stopped {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        let decision = AuthDecision::refuse(Refusal::Internal, "The authenticator is stopped");
        event::record(&request, &decision);
        Box::pin(std::future::ready(decision))
    }
}
