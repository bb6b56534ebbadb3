//! What an XPUB tells its application: subscriptions, and messages from subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Pipe, PipeId};
use zmtp_core::Message;
use zmtp_core::peer::Peer;
use zmtp_core::wire::subscription::SubscriptionChange;

use super::guest::Guest;
use super::lock;

/// Everything that waits for the application, in the order in which it happened.
///
/// Messages are bounded by the marks of their pipes. Subscriptions are bounded here, without ever
/// holding a subscriber up: beyond the bound, a subscription and the cancellation that undoes it are
/// both left out while neither has been told. What is told then still adds up to what is true.
#[derive(Debug)]
pub(crate) struct Notices {
    inner: Mutex<Inner>,
    changed: Notify,
    /// Subscriptions that wait in order, and octets in their prefixes; zero means no bound.
    most: usize,
    most_octets: usize,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Notice>,
    /// Subscriptions in the queue, and octets in their prefixes.
    waiting: usize,
    octets: usize,
    /// Subscriptions for which there was no room. The changes of one prefix alternate, so one that
    /// comes when there is one undoes it.
    late: BTreeMap<(Option<PipeId>, Arc<[u8]>), Turn>,
}

#[derive(Debug)]
enum Notice {
    Message(Arc<Pipe>, Message),
    Turn(Turn),
}

/// A subscription or cancellation to be told.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// Which of the two.
    pub(crate) change: SubscriptionChange,
    /// Of what.
    pub(crate) prefix: Arc<[u8]>,
    /// Whose it was.
    pub(crate) peer: Option<Arc<Peer>>,
    /// If the changes of each pipe are told apart, which one it was.
    pub(crate) pipe: Option<PipeId>,
    /// Whether it changed anything. What did not need not be told when there is no room.
    pub(crate) matters: bool,
}

impl Turn {
    fn into_message(self) -> Message {
        let mut body = Vec::with_capacity(1 + self.prefix.len());
        body.push(self.change.marker());
        body.extend_from_slice(&self.prefix);
        let message = Message::new(body);
        match self.peer {
            Some(peer) => message.with_peer(peer),
            None => message,
        }
    }
}

impl Notices {
    /// Keeps up to `most` subscriptions and `most_octets` octets of prefixes in order; zero means no
    /// bound.
    pub(crate) fn new(most: usize, most_octets: usize) -> Self {
        Self { inner: Mutex::default(), changed: Notify::new(), most, most_octets }
    }

    /// Fires when there may be something.
    pub(crate) const fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Nobody: what comes is not only messages.
    pub(crate) fn guest(&self) -> Guest<'_> {
        Guest::default()
    }

    /// Nobody has to.
    pub(crate) const fn make_way(&self) {}

    /// They see everything.
    pub(crate) const fn watch(&self, _begins: bool) {}

    /// Wakes all receivers, for other reasons.
    pub(crate) fn wake_all(&self) {
        self.changed.notify_waiters();
    }

    /// Whether there is something.
    pub(crate) fn has_message(&self) -> bool {
        !lock(&self.inner).queue.is_empty()
    }

    /// Somebody subscribed or cancelled.
    pub(crate) fn turn(&self, turn: Turn) {
        let mut inner = lock(&self.inner);
        if inner.late.is_empty() && self.has_room(&inner, &turn) {
            inner.queue(turn);
        } else if turn.matters {
            let key = (turn.pipe, turn.prefix.clone());
            if inner.late.remove(&key).is_none() {
                inner.late.insert(key, turn);
            }
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// There is always room for one.
    fn has_room(&self, inner: &Inner, turn: &Turn) -> bool {
        let octets = inner.octets.saturating_add(turn.prefix.len());
        let full = inner.waiting >= self.most || octets > self.most_octets;
        self.most == 0 || inner.waiting == 0 || !full
    }

    /// Messages of a subscriber.
    pub(crate) fn messages(&self, pipe: &Arc<Pipe>) {
        let mut inner = lock(&self.inner);
        // Under the lock, so that they stay in order.
        let mut batch = pipe.adopt();
        while let Some(message) = batch.pop() {
            inner.queue.push_back(Notice::Message(pipe.clone(), message));
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// The next thing to tell: a message of a subscriber, or 1 or 0 and a prefix.
    pub(crate) fn try_recv(&self) -> Option<Message> {
        let mut inner = lock(&self.inner);
        let next = inner.next();
        while inner.waiting <= self.most / 2
            && let Some((key, turn)) = inner.late.pop_first()
        {
            if !self.has_room(&inner, &turn) {
                inner.late.insert(key, turn);
                break;
            }
            inner.queue(turn);
        }
        if !inner.queue.is_empty() {
            // Another receiver may wait; there is something for it.
            self.changed.notify_one();
        }
        drop(inner);
        Some(match next? {
            Notice::Turn(turn) => turn.into_message(),
            Notice::Message(pipe, message) => {
                pipe.release(1);
                message
            }
        })
    }
}

impl Inner {
    fn queue(&mut self, turn: Turn) {
        self.waiting += 1;
        self.octets += turn.prefix.len();
        self.queue.push_back(Notice::Turn(turn));
    }

    fn next(&mut self) -> Option<Notice> {
        let next = self.queue.pop_front();
        if let Some(Notice::Turn(turn)) = &next {
            self.waiting -= 1;
            self.octets -= turn.prefix.len();
        }
        next
    }
}

#[cfg(test)]
mod tests;
