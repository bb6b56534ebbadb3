//! Asking the authenticator. [`Guarded`] keeps its panics, its delays and its overload to the
//! connection concerned; here it gets a clock.

use std::sync::Arc;
use std::time::Duration;

use zap::{GuardLimits, Guarded, Sleep, Timer};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, Authenticator, PendingDecision, PendingRevision, Refusal,
};

use crate::engine::EngineOptions;
use crate::handler::Handler;
use crate::sessions::Judged;

/// The clock of the runtime.
#[derive(Debug, Clone, Copy)]
struct RuntimeTimer;

impl Timer for RuntimeTimer {
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Keeps the panics, the delays and the overload of an authenticator to the peer concerned.
pub fn guarded(
    authenticator: Arc<dyn Authenticator>,
    limits: GuardLimits,
) -> Arc<dyn Authenticator> {
    Arc::new(Guarded::new(authenticator, RuntimeTimer, limits))
}

/// Who judges the peers of a socket, if anybody does.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    direct: Option<Arc<dyn Authenticator>>,
    /// Comes first.
    handler: Arc<Handler>,
}

impl Judge {
    pub(crate) fn new(options: &EngineOptions) -> Self {
        let limits = options.authentication;
        Self {
            direct: options.authenticator.clone().map(|it| guarded(it, limits)),
            handler: Arc::new(Handler::new(&options.hub, limits)),
        }
    }

    /// Starts to ask. Without anybody to ask, the peer is refused. What comes with the decision is for
    /// asking again, if the authenticator wants that.
    pub(crate) fn ask(&self, request: Arc<AuthRequest>) -> (PendingDecision, Option<Judged>) {
        if self.handler.rules(&request) {
            return (self.handler.ask(request), None);
        }
        let Some(authenticator) = &self.direct else {
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
        match &self.direct {
            Some(authenticator) => authenticator.authenticate_again(request),
            None => no_authenticator(),
        }
    }

    /// See [`Authenticator::revision`].
    pub(crate) fn revision(&self) -> Option<u64> {
        self.direct.as_ref()?.revision()
    }

    /// See [`Authenticator::revised`].
    pub(crate) fn revised(&self, since: u64) -> PendingRevision {
        match &self.direct {
            Some(authenticator) => authenticator.revised(since),
            None => Box::pin(std::future::pending()),
        }
    }
}

fn no_authenticator() -> PendingDecision {
    let text = "no authenticator is configured";
    Box::pin(std::future::ready(AuthDecision::refuse(Refusal::Internal, text)))
}
