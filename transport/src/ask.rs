//! Asking the authenticator: its panics stay with the connection concerned, its time is limited, and
//! the lack of an answer is a refusal.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, PendingDecision, Refusal};

/// Polls `inner` and takes a panic for a refusal.
struct Isolated {
    inner: Option<PendingDecision>,
}

impl Future for Isolated {
    type Output = AuthDecision;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AuthDecision> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(broken()) };
        match catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(_) => {
                // Never polled again: dropping it may panic too, so that is caught as well.
                let inner = self.inner.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(inner)));
                Poll::Ready(broken())
            }
        }
    }
}

fn broken() -> AuthDecision {
    tracing::error!("the authenticator panicked");
    AuthDecision::refuse(Refusal::Internal, "the authenticator panicked")
}

/// Starts to ask.
pub(crate) async fn ask(
    authenticator: Option<Arc<dyn Authenticator>>,
    request: Arc<AuthRequest>,
    limit: Duration,
) -> AuthDecision {
    let Some(authenticator) = authenticator else {
        return AuthDecision::refuse(Refusal::Internal, "no authenticator is configured");
    };
    let started = catch_unwind(AssertUnwindSafe(|| authenticator.authenticate(request)));
    let Ok(pending) = started else { return broken() };
    let isolated = Isolated { inner: Some(pending) };
    tokio::time::timeout(limit, isolated).await.unwrap_or_else(|_| {
        tracing::error!(?limit, "the authenticator gave no answer in time");
        AuthDecision::refuse(Refusal::Temporary, "the authenticator gave no answer in time")
    })
}
