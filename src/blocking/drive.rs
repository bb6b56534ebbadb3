//! Who does the input and output of the blocking sockets.
//!
//! A thread that waits in a call does them itself, so that a message goes from the system to who waits for it
//! without a second thread between them. Only while no thread waits does one of our own, the keeper:
//!
//! ```text
//!   a thread of the application     works   waits: drives   works   waits: drives   works .....
//!   the keeper                     drives   ............... watches ...............   watches, drives
//! ```
//!
//! The keeper does not take over between two calls that follow each other closely, because handing over costs
//! more than a small message.

use std::sync::OnceLock;
use std::time::Duration;

use super::sync::{AtomicBool, AtomicUsize, Notify, Ordering, Runtime, Thread, park, park_timeout};

/// How long the keeper watches before it acts; it takes over after twice that at most.
const LAG: Duration = Duration::from_micros(500);

/// Drives a runtime of one thread while nobody else does, on a thread that has it take turn after turn.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    /// Calls that wait now: one of them drives.
    waiting: AtomicUsize,
    /// Calls that have waited so far, over and over.
    calls: AtomicUsize,
    /// The keeper drives, or is about to.
    pub(super) drives: AtomicBool,
    /// Asks the keeper to stop driving.
    asked: Notify,
    /// The keeper sleeps until a call ends.
    pub(super) sleeps: AtomicBool,
    /// The keeper is to drive without watching first.
    hurries: AtomicBool,
    thread: OnceLock<Thread>,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Keeper);

impl Keeper {
    /// Says which thread it is on.
    pub(super) fn is_on(&self, thread: &Thread) {
        let _ = self.thread.set(thread.clone());
    }

    /// A call begins to wait, and wants to drive.
    pub(super) fn wait(&self) -> Waiting<'_> {
        // One order of all these for everybody: either the keeper sees who waits, or that one sees that it drives.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.drives.load(Ordering::SeqCst) {
            self.asked.notify_one();
        }
        Waiting(self)
    }

    /// The keeper is to drive at once, unless a call does.
    pub(super) fn lend(&self) {
        if !self.drives.load(Ordering::SeqCst) {
            self.hurries.store(true, Ordering::SeqCst);
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Drives until a call wants to, and watches until none does.
    pub(super) fn turn(&self, runtime: &Runtime) {
        self.drives.store(true, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) == 0 {
            runtime.block_on(self.asked.notified());
        }
        self.drives.store(false, Ordering::SeqCst);
        while self.somebody_drives() {}
    }

    /// Watches for a while; `false` if nobody waited then.
    fn somebody_drives(&self) -> bool {
        let calls = self.calls.load(Ordering::SeqCst);
        park_timeout(LAG);
        let unchanged = || self.calls.load(Ordering::SeqCst) == calls;
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return !unchanged() && !self.hurries.swap(false, Ordering::SeqCst);
        }
        if unchanged() {
            // A call that waits for long: it says when it ends.
            self.sleeps.store(true, Ordering::SeqCst);
            if self.waiting.load(Ordering::SeqCst) > 0 {
                park();
            }
            self.sleeps.store(false, Ordering::SeqCst);
        }
        true
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Self(keeper) = self;
        keeper.waiting.fetch_sub(1, Ordering::SeqCst);
        if keeper.sleeps.swap(false, Ordering::SeqCst) {
            keeper.wake();
        }
    }
}
