//! Counting changes, and waiting for the next one.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use zmtp_core::auth::PendingRevision;

use crate::lock::lock;

/// The [revision](zmtp_core::auth::Authenticator::revision) of an authenticator whose decisions change,
/// and everybody who waits for the next one. A clone is the same counter.
#[derive(Clone, Default)]
pub struct Revisions(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    current: u64,
    waiting: HashMap<u64, Waker>,
    /// Names those who wait.
    next: u64,
}

impl Revisions {
    /// A counter at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// How many changes there were.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.lock().current
    }

    /// Something has changed, and is in force already. Gives the new count.
    pub fn advance(&self) -> u64 {
        let mut state = self.lock();
        state.current += 1;
        let (current, waiting) = (state.current, std::mem::take(&mut state.waiting));
        drop(state);
        waiting.into_values().for_each(Waker::wake);
        current
    }

    /// Waits until the count is another than `since`.
    ///
    /// Cancel safe: dropping the future changes nothing, and the next call misses nothing.
    #[must_use]
    pub fn changed(&self, since: u64) -> PendingRevision {
        Box::pin(Changed { revisions: self.clone(), since, name: None })
    }
}

/// The count only.
impl fmt::Debug for Revisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revisions({})", self.current())
    }
}

struct Changed {
    revisions: Revisions,
    since: u64,
    name: Option<u64>,
}

impl Future for Changed {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u64> {
        let revisions = self.revisions.clone();
        let mut state = revisions.lock();
        if state.current != self.since {
            return Poll::Ready(state.current);
        }
        let name = *self.name.get_or_insert(state.next);
        state.next = state.next.max(name + 1);
        state.waiting.insert(name, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            self.revisions.lock().waiting.remove(&name);
        }
    }
}
