//! How the thread that watches is woken.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Wake;
use std::time::Duration;

use crate::lock::lock;

/// Wakes the thread that watches, or ends it.
#[derive(Debug, Default)]
pub(super) struct Signal {
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Something may have changed since the last wait.
    woken: bool,
    stopped: bool,
}

impl Signal {
    /// Something may have changed.
    pub(super) fn call(&self) {
        lock(&self.state).woken = true;
        self.called.notify_all();
    }

    /// Nobody is interested any more.
    pub(super) fn stop(&self) {
        lock(&self.state).stopped = true;
        self.called.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        lock(&self.state).stopped
    }

    /// Waits for `most`, or until something may have changed. Returns early when stopped.
    pub(super) fn wait(&self, most: Duration) {
        let state = lock(&self.state);
        let idle = |state: &mut State| !state.woken && !state.stopped;
        let waited = self.called.wait_timeout_while(state, most, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.woken = false;
    }

    /// Waits for `time`, whatever changes. Returns early when stopped.
    pub(super) fn rest(&self, time: Duration) {
        let state = lock(&self.state);
        // The lock is free again when nothing is left to look at.
        drop(self.called.wait_timeout_while(state, time, |state| !state.stopped));
    }
}

/// Called when the policy is changed otherwise: it may have been read from other files now.
impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.call();
    }
}
