//! What stands between a connection and an authenticator that may panic, hang or drown.

mod adapter;
mod isolated;
mod limit;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use zmtp_core::auth::{
    AuthDecision, AuthRequest, Authenticator, PendingDecision, PendingRevision, Refusal,
};

pub use adapter::{from_fn, from_sync_fn};
pub(crate) use isolated::Isolated;
use limit::{Limit, Permit};

use crate::codec::{ZapError, check_properties};
use crate::event;

/// A future that ends when some time has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock, which this crate does not have. A runtime implements it in one line.
pub trait Timer: Send + Sync + fmt::Debug {
    /// Ends after `duration`, counted from the call or from the first poll.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// How much an authenticator may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardLimits {
    /// Until a decision must be there. Default: 2 s.
    pub time: Duration,
    /// Decisions that may be pending at once; more are refused. Default: 1,024.
    pub pending: usize,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(2), pending: 1024 }
    }
}

/// An authenticator whose failures are refusals, each of one peer only.
///
/// | what happens | refused with |
/// |---|---|
/// | a panic, when asked or later | 500 |
/// | an acceptance with [properties](check_properties) that would pass for facts | 500 |
/// | no decision in time | 300 |
/// | too many decisions pending | 300 |
///
/// What is refused with 300 may be tried again: an outage must not send clients away for good. A
/// future that blocks its thread cannot be interrupted; slow work belongs on other threads.
#[derive(Debug)]
pub struct Guarded<A, T> {
    authenticator: A,
    timer: T,
    time: Duration,
    limit: Limit,
}

impl<A: Authenticator, T: Timer> Guarded<A, T> {
    /// Guards an authenticator.
    #[must_use]
    pub fn new(authenticator: A, timer: T, limits: GuardLimits) -> Self {
        Self { authenticator, timer, time: limits.time, limit: Limit::new(limits.pending) }
    }
}

impl<A: Authenticator, T: Timer> Guarded<A, T> {
    fn guard(
        &self,
        request: Arc<AuthRequest>,
        ask: impl FnOnce(&A, Arc<AuthRequest>) -> PendingDecision,
    ) -> PendingDecision {
        let Some(permit) = self.limit.acquire() else {
            let decision = AuthDecision::refuse(Refusal::Temporary, "The authenticator is busy");
            event::record(&request, &decision);
            return Box::pin(std::future::ready(decision));
        };
        let decision = Isolated::ask(|| ask(&self.authenticator, Arc::clone(&request)));
        let sleep = self.timer.sleep(self.time);
        Box::pin(Guard { decision, sleep, request, _permit: permit })
    }
}

impl<A: Authenticator, T: Timer> Authenticator for Guarded<A, T> {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        self.guard(request, A::authenticate)
    }

    fn revision(&self) -> Option<u64> {
        self.authenticator.revision()
    }

    fn revised(&self, since: u64) -> PendingRevision {
        self.authenticator.revised(since)
    }

    fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        self.authenticator.retain(request)
    }

    fn authenticate_again(&self, retained: Arc<AuthRequest>) -> PendingDecision {
        self.guard(retained, A::authenticate_again)
    }
}

/// A decision on its way.
struct Guard {
    decision: Isolated<AuthDecision>,
    sleep: Sleep,
    request: Arc<AuthRequest>,
    _permit: Permit,
}

impl Future for Guard {
    type Output = AuthDecision;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<AuthDecision> {
        let refusal = match Pin::new(&mut self.decision).poll(context) {
            Poll::Ready(Some(decision)) => match check(&decision) {
                Ok(()) => return Poll::Ready(decision),
                Err(error) => AuthDecision::refuse(Refusal::Internal, &error.to_string()),
            },
            Poll::Pending => {
                ready!(self.sleep.as_mut().poll(context));
                AuthDecision::refuse(Refusal::Temporary, "The authenticator took too long")
            }
            Poll::Ready(None) => {
                AuthDecision::refuse(Refusal::Internal, "The authenticator panicked")
            }
        };
        event::record(&self.request, &refusal);
        Poll::Ready(refusal)
    }
}

fn check(decision: &AuthDecision) -> Result<(), ZapError> {
    match decision {
        AuthDecision::Accept { metadata, .. } => check_properties(metadata),
        AuthDecision::Refuse { .. } => Ok(()),
    }
}
