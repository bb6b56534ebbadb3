//! Asking the authenticator. [`Guarded`] keeps its panics, its delays and its overload to the
//! connection concerned; here it gets a clock.

use std::sync::Arc;
use std::time::Duration;

use zap::{GuardLimits, Guarded, Sleep, Timer};
use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, PendingDecision, Refusal};

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

    /// Starts to ask. Without anybody to ask, the peer is refused.
    pub(crate) fn ask(&self, request: Arc<AuthRequest>) -> PendingDecision {
        match &self.0 {
            Some(authenticator) => authenticator.authenticate(request),
            None => Box::pin(std::future::ready(AuthDecision::refuse(
                Refusal::Internal,
                "no authenticator is configured",
            ))),
        }
    }
}
