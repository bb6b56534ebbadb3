//! Whom the next message will come from, most probably.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use transport::Pipe;

use super::lock;

/// The pipe that alone got messages the last two times, and who waits for the next ones.
#[derive(Debug, Default)]
pub(crate) struct Favourite {
    last: Mutex<Last>,
    guests: AtomicUsize,
    watchers: AtomicUsize,
}

#[derive(Debug, Default)]
struct Last {
    pipe: Weak<Pipe>,
    again: bool,
}

impl Favourite {
    /// This pipe alone got messages; none if several did.
    pub(crate) fn note(&self, pipe: Option<&Arc<Pipe>>) {
        let last = &mut *lock(&self.last);
        last.again = pipe.is_some_and(|pipe| std::ptr::eq(last.pipe.as_ptr(), Arc::as_ptr(pipe)));
        if !last.again {
            last.pipe = pipe.map(Arc::downgrade).unwrap_or_default();
        }
    }

    /// That pipe, if there is one.
    pub(crate) fn pipe(&self) -> Option<Arc<Pipe>> {
        let last = lock(&self.last);
        last.again.then(|| last.pipe.upgrade()).flatten()
    }

    /// A guest begins to wait at its connection.
    pub(crate) fn begin_visit(&self) {
        self.guests.fetch_add(1, Ordering::SeqCst);
    }

    /// It does no more.
    pub(crate) fn end_visit(&self) {
        self.guests.fetch_sub(1, Ordering::SeqCst);
    }

    /// Somebody looks for a message who is no guest: whoever waits at the connection waits there no more.
    pub(crate) fn make_way(&self) {
        if self.guests.load(Ordering::SeqCst) > 0
            && let Some(pipe) = self.pipe()
        {
            pipe.end_visit();
        }
    }

    /// Somebody waits who takes no message, but is to see one; or does no more.
    pub(crate) fn watch(&self, begins: bool) {
        if begins {
            self.watchers.fetch_add(1, Ordering::SeqCst);
            self.make_way();
        } else {
            self.watchers.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether somebody does.
    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::SeqCst) > 0
    }
}
