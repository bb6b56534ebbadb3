//! Panics that go no further.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use zmtp_core::auth::{AuthDecision, PendingDecision};

/// A pending decision whose panics stay here, while it is made, polled and dropped. After a panic it
/// is gone, so nobody sees a value that the panic may have left half changed.
pub(super) struct Isolated(Option<PendingDecision>);

impl Isolated {
    pub(super) fn ask(ask: impl FnOnce() -> PendingDecision) -> Self {
        Self(catch_unwind(AssertUnwindSafe(ask)).ok())
    }

    /// `None` if it panicked now or before.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Option<Poll<AuthDecision>> {
        let decision = self.0.as_mut()?;
        let polled = catch_unwind(AssertUnwindSafe(|| decision.as_mut().poll(context))).ok();
        if polled != Some(Poll::Pending) {
            self.discard();
        }
        polled
    }

    fn discard(&mut self) {
        let decision = self.0.take();
        _ = catch_unwind(AssertUnwindSafe(|| drop(decision)));
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        self.discard();
    }
}
