//! Fair queueing: one message of each peer in turn, as long as it has some.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Batch, Pipe};
use zmtp_core::Message;

use super::lock;

/// All pipes of a socket that have something to receive.
#[derive(Debug, Default)]
pub(crate) struct FairQueue {
    /// Pipes that got messages after they had none. Drivers write here.
    announced: Mutex<VecDeque<Arc<Pipe>>>,
    /// Whether `announced` holds any, to be seen without its lock.
    any_announced: AtomicBool,
    /// Pipes in turn, each with the batch in hand. Only receivers come here.
    active: Mutex<VecDeque<Active>>,
    changed: Notify,
}

#[derive(Debug)]
struct Active {
    pipe: Arc<Pipe>,
    batch: Batch,
}

impl FairQueue {
    /// A pipe has messages after it had none.
    pub(crate) fn readable(&self, pipe: &Arc<Pipe>) {
        lock(&self.announced).push_back(pipe.clone());
        self.any_announced.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Fires when a message may have come.
    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Wakes all receivers, for reasons other than a message.
    pub(crate) fn wake_all(&self) {
        self.changed.notify_waiters();
    }

    /// The next message and the pipe it came from.
    pub(crate) fn try_recv(&self) -> Option<(Arc<Pipe>, Message)> {
        let mut active = lock(&self.active);
        if self.any_announced.swap(false, Ordering::Acquire) {
            let fresh = std::mem::take(&mut *lock(&self.announced));
            active.extend(fresh.into_iter().map(|pipe| Active { pipe, batch: Batch::default() }));
        }
        while let Some(front) = active.front_mut() {
            let Some(message) = front.batch.pop() else {
                // Refilled only when used up, so that the pipe knows what is still in hand.
                if !front.pipe.refill(&mut front.batch) {
                    active.pop_front();
                }
                continue;
            };
            let pipe = front.pipe.clone();
            if active.len() > 1 {
                active.rotate_left(1);
            }
            if !active.is_empty() {
                // Another receiver may wait; there may be a message for it.
                self.pass_on(&active);
            }
            return Some((pipe, message));
        }
        None
    }

    /// Wakes one more receiver if there is surely something left for it.
    fn pass_on(&self, active: &VecDeque<Active>) {
        if active.front().is_some_and(|front| !front.batch.is_empty()) {
            self.changed.notify_one();
        }
    }
}
