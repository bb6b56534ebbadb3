//! Fair queueing: one message of each peer in turn, as long as it has some.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use transport::{Batch, Pipe, PipeId};
use zmtp_core::Message;

use super::favourite::Favourite;
use super::lock;

/// All pipes of a socket that have something to receive.
#[derive(Debug, Default)]
pub(crate) struct FairQueue {
    /// Pipes that got messages after they had none. Drivers write here.
    announced: Mutex<VecDeque<Arc<Pipe>>>,
    /// Whether `announced` holds any, to be seen without its lock.
    any_announced: AtomicBool,
    /// Only receivers come here.
    turns: Mutex<Turns>,
    changed: Notify,
    favourite: Favourite,
}

#[derive(Debug, Default)]
struct Turns {
    /// Pipes in turn, each with the batch in hand.
    active: VecDeque<Active>,
    /// One that was used up, for the next guest to fill.
    spare: Option<Batch>,
}

#[derive(Debug)]
struct Active {
    pipe: Arc<Pipe>,
    batch: Batch,
}

impl Active {
    /// When the batch is used up: takes the next one, if there is one.
    fn refill(&mut self) -> bool {
        !self.batch.is_alone() && self.pipe.refill(&mut self.batch)
    }
}

impl Turns {
    /// The pipe in front has nothing more.
    fn pop(&mut self) {
        if let Some(Active { mut batch, .. }) = self.active.pop_front() {
            batch.reset();
            self.spare = Some(batch);
        }
    }
}

impl FairQueue {
    /// A pipe has messages after it had none.
    pub(crate) fn readable(&self, pipe: &Arc<Pipe>) {
        lock(&self.announced).push_back(pipe.clone());
        self.any_announced.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// The same of a pipe where a receiver has found messages, who need not be told.
    pub(crate) fn found(&self, pipe: &Arc<Pipe>, batch: &mut Batch) {
        let (pipe, batch) = (pipe.clone(), std::mem::take(batch));
        lock(&self.turns).active.push_back(Active { pipe, batch });
    }

    /// A batch to be filled.
    pub(crate) fn spare(&self) -> Batch {
        lock(&self.turns).spare.take().unwrap_or_default()
    }

    /// Whom the next message will come from, most probably.
    pub(crate) const fn favourite(&self) -> &Favourite {
        &self.favourite
    }

    /// Somebody looks for a message who is no guest.
    pub(crate) fn make_way(&self) {
        self.favourite.make_way();
    }

    /// Somebody waits who takes no message, but is to see one; or does no more.
    pub(crate) fn watch(&self, begins: bool) {
        self.favourite.watch(begins);
    }

    /// Fires when a message may have come.
    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Wakes all receivers, for reasons other than a message.
    pub(crate) fn wake_all(&self) {
        self.changed.notify_waiters();
    }

    /// Passes over everything that came through this pipe so far.
    pub(crate) fn forget(&self, id: PipeId) {
        lock(&self.turns).active.retain(|active| active.pipe.id() != id);
        lock(&self.announced).retain(|pipe| pipe.id() != id);
    }

    /// Whether there is a message. If not, `changed` fires when one comes.
    pub(crate) fn has_message(&self) -> bool {
        self.find(|_, _| true)
    }

    /// Looks for a message that `suits`, and leaves it to be the next one; those before it are dropped.
    pub(crate) fn find(&self, suits: impl Fn(&Arc<Pipe>, &Message) -> bool) -> bool {
        let mut turns = lock(&self.turns);
        self.take_announced(&mut turns.active);
        while let Some(front) = turns.active.front_mut() {
            if let Some(message) = front.batch.first() {
                if suits(&front.pipe, message) {
                    return true;
                }
                tracing::debug!(pipe = ?front.pipe.id(), "a message out of place was dropped");
                front.batch.pop();
            } else if !front.refill() {
                turns.pop();
            }
        }
        false
    }

    #[inline]
    fn take_announced(&self, active: &mut VecDeque<Active>) {
        // Looked at first, because exchanging costs more and nearly always finds nothing.
        if self.any_announced.load(Ordering::Relaxed) {
            self.activate(active);
        }
    }

    #[inline(never)]
    fn activate(&self, active: &mut VecDeque<Active>) {
        if self.any_announced.swap(false, Ordering::Acquire) {
            let mut announced = lock(&self.announced);
            self.favourite.note(announced.front().filter(|_| announced.len() == 1));
            while let Some(pipe) = announced.pop_front() {
                active.push_back(Active { pipe, batch: Batch::default() });
            }
        }
    }

    /// The next message.
    #[inline]
    pub(crate) fn take(&self) -> Option<Message> {
        let mut turns = lock(&self.turns);
        self.take_announced(&mut turns.active);
        if turns.active.len() == 1
            && let Some(front) = turns.active.front_mut()
            && front.batch.len() > 1
            && !front.pipe.conflates()
        {
            // Nothing else is to be done. Apart, because what is inlined saves moving the message.
            return front.batch.pop();
        }
        Self::next(turns, |_, _| ()).map(|((), message)| message)
    }

    /// The next message, and what `of` says of the pipe and the batch it came from.
    pub(crate) fn try_recv<T>(&self, of: impl Fn(&Arc<Pipe>, &Batch) -> T) -> Option<(T, Message)> {
        let mut turns = lock(&self.turns);
        self.take_announced(&mut turns.active);
        Self::next(turns, of)
    }

    #[inline(never)]
    fn next<T>(
        mut turns: MutexGuard<'_, Turns>,
        of: impl Fn(&Arc<Pipe>, &Batch) -> T,
    ) -> Option<(T, Message)> {
        while let Some(front) = turns.active.front_mut() {
            if front.pipe.conflates() {
                // What is in hand may not be the last any more.
                front.pipe.refill(&mut front.batch);
            }
            let message = front.batch.pop();
            let message = message.map(|message| (of(&front.pipe, &front.batch), message));
            // Refilled only when used up, so that the pipe knows what is still in hand; and at once, so
            // that a pipe without messages is announced again when it gets some: somebody else may wait.
            if front.batch.is_empty() && !front.refill() {
                turns.pop();
            } else if message.is_some() && turns.active.len() > 1 {
                turns.active.rotate_left(1);
            }
            if message.is_some() {
                return message;
            }
        }
        None
    }
}
