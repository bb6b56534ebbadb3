//! Whoever waits for a message reads it, where it is clear whom it will come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use transport::{Batch, Pipe, Visit};

use super::fair::FairQueue;

/// Waits at the connection itself. When dropped, its driver waits there again.
#[derive(Debug, Default)]
pub struct Guest<'a> {
    at: Option<At<'a>>,
    waits: bool,
}

/// The favourite of a queue, and what is filled there.
#[derive(Debug)]
struct At<'a> {
    queue: &'a FairQueue,
    pipe: Arc<Pipe>,
    batch: Batch,
}

impl Guest<'_> {
    /// Ready when messages were put into the queue, which ends the visit.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(At { queue, pipe, batch }) = &mut self.at else { return Poll::Pending };
        if !std::mem::replace(&mut self.waits, true) {
            queue.favourite().begin_visit();
        }
        match pipe.visit(batch, cx, |batch| queue.found(pipe, batch)) {
            Visit::Found => {
                queue.favourite().end_visit();
                self.waits = false;
                return Poll::Ready(());
            }
            // Who began to watch at this moment looked for a guest before, or is seen now.
            Visit::Waiting if queue.favourite().is_watched() => pipe.end_visit(),
            Visit::Declined | Visit::Waiting => {}
        }
        Poll::Pending
    }

    /// Whether it would read by itself, and not leave that to the driver.
    pub(crate) fn is_welcome(&self) -> bool {
        self.at.as_ref().is_some_and(|at| at.pipe.welcomes_visitors())
    }

    /// Leaves reading to the driver: none waits for a message that nobody reads.
    pub(crate) fn decline(&mut self) {
        if let Some(at) = self.at.take() {
            at.pipe.end_visit();
        }
    }

    /// Looks without waiting.
    pub(crate) fn glance(&mut self) -> Visit {
        let Some(At { queue, pipe, batch }) = &mut self.at else { return Visit::Declined };
        pipe.glance(batch, |batch| queue.found(pipe, batch))
    }
}

impl FairQueue {
    /// For somebody who waits for a message: at the favourite, if there is one.
    pub(crate) fn guest(&self) -> Guest<'_> {
        let at = |pipe| At { queue: self, pipe, batch: self.spare() };
        Guest { at: self.favourite().pipe().map(at), waits: false }
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        if let Some(At { queue, pipe, .. }) = &self.at
            && self.waits
        {
            queue.favourite().end_visit();
            pipe.end_visit();
        }
    }
}
