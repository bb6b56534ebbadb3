//! Whoever waits for a message reads it, where it is clear whom it will come from.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};

use transport::{Batch, Pipe, Visit};

use super::fair::FairQueue;
use super::lock;

/// The pipe that alone got messages the last two times: most probably the next ones come through it as well.
#[derive(Debug, Default)]
pub(crate) struct Favourite(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    pipe: Weak<Pipe>,
    again: bool,
}

impl Favourite {
    /// This pipe alone got messages; none if several did.
    pub(crate) fn note(&self, pipe: Option<&Arc<Pipe>>) {
        let last = &mut *lock(&self.0);
        last.again = pipe.is_some_and(|pipe| std::ptr::eq(last.pipe.as_ptr(), Arc::as_ptr(pipe)));
        if !last.again {
            last.pipe = pipe.map(Arc::downgrade).unwrap_or_default();
        }
    }

    fn pipe(&self) -> Option<Arc<Pipe>> {
        let last = lock(&self.0);
        last.again.then(|| last.pipe.upgrade()).flatten()
    }
}

/// Waits at the connection itself. When dropped, its driver waits there again.
#[derive(Debug, Default)]
pub struct Guest<'a> {
    at: Option<(&'a FairQueue, Arc<Pipe>)>,
    waits: bool,
}

impl<'a> Guest<'a> {
    /// At the favourite of this queue, if it has one.
    pub(crate) fn of(queue: &'a FairQueue) -> Self {
        Self { at: queue.favourite().pipe().map(|pipe| (queue, pipe)), waits: false }
    }

    /// Ready when messages were put into the queue.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((queue, pipe)) = &self.at else { return Poll::Pending };
        if !std::mem::replace(&mut self.waits, true) {
            queue.guests().fetch_add(1, Ordering::SeqCst);
        }
        match self.visit(|pipe, batch| pipe.visit(batch, cx)) {
            Visit::Found => return Poll::Ready(()),
            // Who began to watch at this moment looked for a guest before, or is seen now.
            Visit::Waiting if queue.is_watched() => pipe.end_visit(),
            Visit::Declined | Visit::Waiting => {}
        }
        Poll::Pending
    }

    /// Looks without waiting.
    pub(crate) fn glance(&self) -> Visit {
        self.visit(Pipe::glance)
    }

    /// Somebody else waits too: whoever waits at the connection waits there no more.
    pub(crate) fn make_way(&self) {
        if let Some((_, pipe)) = &self.at {
            pipe.end_visit();
        }
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

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        if let Some((queue, pipe)) = &self.at
            && self.waits
        {
            queue.guests().fetch_sub(1, Ordering::SeqCst);
            pipe.end_visit();
        }
    }
}
