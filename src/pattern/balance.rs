//! Load balancing: the next message goes to the next peer that takes one.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Pipe, PipeId, TrySendError};
use zmtp_core::{Message, Part};

use super::lock;

/// All pipes of a socket that may take messages.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    turns: Mutex<Turns>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Turns {
    pipes: Vec<Arc<Pipe>>,
    next: usize,
}

impl Balancer {
    /// Adds a pipe, unless it is here already.
    pub(crate) fn add(&self, pipe: &Arc<Pipe>) {
        let mut turns = lock(&self.turns);
        if turns.pipes.iter().all(|known| known.id() != pipe.id()) {
            turns.pipes.push(pipe.clone());
        }
        drop(turns);
        self.changed.notify_waiters();
    }

    /// Takes a pipe out.
    pub(crate) fn remove(&self, id: PipeId) {
        let mut turns = lock(&self.turns);
        if let Some(at) = turns.pipes.iter().position(|pipe| pipe.id() == id) {
            turns.pipes.remove(at);
            // Nobody's turn is skipped: those behind the gap have moved up by one.
            if at < turns.next {
                turns.next -= 1;
            }
        }
    }

    /// A pipe takes messages again.
    pub(crate) fn writable(&self) {
        self.changed.notify_waiters();
    }

    /// Fires when a message may be taken.
    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Gives the message to the next pipe that takes it, and says which.
    #[inline]
    pub(crate) fn try_send(&self, message: &Message) -> Option<PipeId> {
        self.give(|pipe| pipe.try_send(message))
    }

    /// As [`try_send`](Self::try_send), behind an envelope, for a message that no other follows before it was
    /// answered.
    pub(crate) fn try_send_now(&self, envelope: &[Part], message: &Message) -> Option<PipeId> {
        self.give(|pipe| pipe.try_send_now(envelope, message))
    }

    #[inline]
    fn give(&self, give: impl Fn(&Pipe) -> Result<(), TrySendError>) -> Option<PipeId> {
        let mut turns = lock(&self.turns);
        let count = turns.pipes.len();
        for _ in 0..count {
            let at = if turns.next < count { turns.next } else { 0 };
            turns.next = at + 1;
            let pipe = turns.pipes.get(at)?;
            match give(pipe) {
                Ok(()) => return Some(pipe.id()),
                Err(TrySendError::Full | TrySendError::Closed) => {}
            }
        }
        None
    }
}
