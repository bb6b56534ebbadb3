//! Asking the authenticator. [`Guarded`] keeps its panics, its delays and its overload to the
//! connection concerned; here it gets a clock.

use std::sync::Arc;
use std::time::Duration;

use zap::{GuardLimits, Guarded, Sleep, Timer};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, Authenticator, PendingDecision, PendingRevision, Refusal,
};

use crate::sessions::Judged;

/// The clock of the runtime.
#[derive(Debug, Clone, Copy)]
struct RuntimeTimer;

impl Timer for RuntimeTimer {
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Who judges the peers of a socket, if anybody does.
#[derive(Debug, Clone)]
pub(crate) struct Judge(Option<Arc<dyn Authenticator>>);

impl Judge {
    pub(crate) fn new(authenticator: Option<Arc<dyn Authenticator>>, limits: GuardLimits) -> Self {
        Self(authenticator.map(|it| Arc::new(Guarded::new(it, RuntimeTimer, limits)) as _))
    }

    /// Starts to ask. Without anybody to ask, the peer is refused. What comes with the decision is for
    /// asking again, if the authenticator wants that.
    pub(crate) fn ask(&self, request: Arc<AuthRequest>) -> (PendingDecision, Option<Judged>) {
        let Some(authenticator) = &self.0 else {
            return (no_authenticator(), None);
        };
        // Before the decision: what changes meanwhile is then seen to have changed.
        let judged = authenticator
            .revision()
            .map(|revision| Judged { request: authenticator.retain(&request), revision });
        (authenticator.authenticate(request), judged)
    }

    /// Starts to ask about a peer that is in.
    pub(crate) fn ask_again(&self, request: Arc<AuthRequest>) -> PendingDecision {
        match &self.0 {
            Some(authenticator) => authenticator.authenticate_again(request),
            None => no_authenticator(),
        }
    }

    /// See [`Authenticator::revision`].
    pub(crate) fn revision(&self) -> Option<u64> {
        self.0.as_ref()?.revision()
    }

    /// See [`Authenticator::revised`].
    pub(crate) fn revised(&self, since: u64) -> PendingRevision {
        match &self.0 {
            Some(authenticator) => authenticator.revised(since),
            None => Box::pin(std::future::pending()),
        }
    }
}

fn no_authenticator() -> PendingDecision {
    let text = "no authenticator is configured";
    Box::pin(std::future::ready(AuthDecision::refuse(Refusal::Internal, text)))
}
