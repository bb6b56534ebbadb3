//! Whoever waits for a message reads it, where it is clear whom it will come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use transport::{Batch, Pipe, Visit};

use super::fair::FairQueue;

/// Waits at the connection itself. When dropped, its driver waits there again.
#[derive(Debug, Default)]
pub struct Guest<'a> {
    at: Option<(&'a FairQueue, Arc<Pipe>)>,
    waits: bool,
}

impl<'a> Guest<'a> {
    /// At the favourite of this queue, if it has one.
    fn of(queue: &'a FairQueue) -> Self {
        Self { at: queue.favourite().pipe().map(|pipe| (queue, pipe)), waits: false }
    }

    /// Ready when messages were put into the queue.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((queue, pipe)) = &self.at else { return Poll::Pending };
        if !std::mem::replace(&mut self.waits, true) {
            queue.favourite().begin_visit();
        }
        match self.visit(|pipe, batch| pipe.visit(batch, cx)) {
            Visit::Found => return Poll::Ready(()),
            // Who began to watch at this moment looked for a guest before, or is seen now.
            Visit::Waiting if queue.favourite().is_watched() => pipe.end_visit(),
            Visit::Declined | Visit::Waiting => {}
        }
        Poll::Pending
    }

    /// Looks without waiting.
    pub(crate) fn glance(&self) -> Visit {
        self.visit(Pipe::glance)
    }

    fn visit(&self, visit: impl FnOnce(&Pipe, &mut Batch) -> Visit) -> Visit {
        let Some((queue, pipe)) = &self.at else { return Visit::Declined };
        let mut batch = Batch::default();
        let found = visit(pipe, &mut batch);
        if found == Visit::Found {
            queue.found(pipe, batch);
        }
        found
    }
}

impl FairQueue {
    /// For somebody who waits for a message.
    pub(crate) fn guest(&self) -> Guest<'_> {
        Guest::of(self)
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        if let Some((queue, pipe)) = &self.at
            && self.waits
        {
            queue.favourite().end_visit(pipe);
        }
    }
}
