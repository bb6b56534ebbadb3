//! Waiting for a future by parking the thread that calls.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use tokio::task::coop::unconstrained;

/// Wakes one thread.
#[derive(Debug)]
struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self { thread: std::thread::current(), woken: AtomicBool::new(false) })
    }

    /// Sleeps until woken.
    fn park(&self) {
        while !self.woken.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Sleeps until woken; `false` if the deadline comes first.
    fn park_until(&self, deadline: Instant) -> bool {
        while !self.woken.swap(false, Ordering::Acquire) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::park_timeout(left);
        }
        true
    }
}

thread_local! {
    /// The parker of this thread, unless it is in use further up the stack.
    static PARKER: Cell<Option<(Arc<Parker>, Waker)>> = const { Cell::new(None) };
}

/// Polls `future` on this thread until it is done.
///
/// The budget of a task that this may be called in does not count: a future that waits for it would
/// wait for ever.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(unconstrained(future));
    with_parker(|parker, context| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return output;
            }
            parker.park();
        }
    })
}

/// As [`block_on`]; `None` if the deadline comes first. The future is polled at least once.
pub(super) fn block_until<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    let Some(deadline) = deadline else { return Some(block_on(future)) };
    let mut future = pin!(unconstrained(future));
    with_parker(|parker, context| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Some(output);
            }
            if !parker.park_until(deadline) {
                return None;
            }
        }
    })
}

fn with_parker<T>(wait: impl FnOnce(&Parker, &mut Context<'_>) -> T) -> T {
    // Where the thread ends already, nothing is kept.
    let kept = PARKER.try_with(Cell::take).ok().flatten();
    let (parker, waker) = kept.unwrap_or_else(|| {
        let parker = Parker::new();
        (parker.clone(), Waker::from(parker))
    });
    let output = wait(&parker, &mut Context::from_waker(&waker));
    let _ = PARKER.try_with(|kept| kept.set(Some((parker, waker))));
    output
}
