//! Functions as authenticators.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, PendingDecision};

use crate::event;

/// An authenticator that asks an asynchronous function.
///
/// ```
/// use std::sync::Arc;
/// use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, Refusal};
///
/// let evenings_only = zap::from_fn(|request: Arc<AuthRequest>| async move {
///     match request.domain.as_str() {
///         "evening" => AuthDecision::accept(),
///         _ => AuthDecision::refuse(Refusal::Failure, "Come back tonight"),
///     }
/// });
/// # fn takes(_: impl Authenticator) {} takes(evenings_only);
/// ```
#[must_use]
pub fn from_fn<F, D>(decide: F) -> impl Authenticator
where
    F: Fn(Arc<AuthRequest>) -> D + Send + Sync,
    D: Future<Output = AuthDecision> + Send + 'static,
{
    FromFn(move |request: Arc<AuthRequest>| {
        let decision = decide(Arc::clone(&request));
        let recorded = async move {
            let decision = decision.await;
            event::record(&request, &decision);
            decision
        };
        Box::pin(recorded) as PendingDecision
    })
}

/// An authenticator that asks a function, which must be quick: nothing can interrupt it.
#[must_use]
pub fn from_sync_fn(
    decide: impl Fn(&AuthRequest) -> AuthDecision + Send + Sync,
) -> impl Authenticator {
    FromFn(move |request: Arc<AuthRequest>| {
        let decision = decide(&request);
        event::record(&request, &decision);
        Box::pin(ready(decision)) as PendingDecision
    })
}

struct FromFn<F>(F);

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn(..)")
    }
}

impl<F> Authenticator for FromFn<F>
where
    F: Fn(Arc<AuthRequest>) -> PendingDecision + Send + Sync,
{
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        (self.0)(request)
    }
}
