//! What peers that have left wrote and the application has not read yet.
//!
//! Nothing of it is dropped, so a peer could come, fill its high-water mark, leave, and come again without
//! end. Therefore it is counted over all peers of a socket. While there is too much, peers that have
//! not sent a message yet are held back: they are let in, can be sent to and may subscribe, but no
//! message of theirs is taken, as if their high-water mark were reached.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use zmtp_core::peer::Peer;

use crate::events::{Event, EventSink};
use crate::lock::lock;
use crate::pipe::PipeId;

/// Octets that a peer which has left costs beside its messages and properties.
const PEER: usize = 1024;

/// How much may wait to be received from peers that have left; zero means no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepartedLimits {
    /// Messages. Default: 10,000.
    pub messages: usize,
    /// Octets as they came, framing included, and 1,024 and the properties for each peer. Default: 64 MiB.
    pub octets: usize,
}

impl Default for DepartedLimits {
    fn default() -> Self {
        Self { messages: 10_000, octets: 64 * 1024 * 1024 }
    }
}

/// All of it, of one socket.
#[derive(Debug)]
pub(crate) struct Backlog {
    limits: DepartedLimits,
    events: EventSink,
    full: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Amount,
    /// Whether it was told that the limit is reached.
    told: bool,
    /// Those who are held back.
    waiting: HashMap<PipeId, Waker>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) messages: usize,
    pub(crate) octets: usize,
}

impl Amount {
    fn reaches(self, limits: DepartedLimits) -> bool {
        let reaches = |is: usize, limit: usize| limit != 0 && is >= limit;
        reaches(self.messages, limits.messages) || reaches(self.octets, limits.octets)
    }
}

impl Backlog {
    pub(crate) fn new(limits: DepartedLimits, events: EventSink) -> Arc<Self> {
        Arc::new(Self { limits, events, full: AtomicBool::new(false), state: Mutex::default() })
    }

    /// Whether the peer of this pipe, which has not sent a message yet, has to wait; then `waker` fires
    /// when it need not any more.
    pub(crate) fn holds_back(&self, pipe: PipeId, waker: &Waker) -> bool {
        if !self.full.load(Ordering::Acquire) {
            return false;
        }
        let mut state = lock(&self.state);
        let full = self.full.load(Ordering::Relaxed);
        if full {
            state.waiting.insert(pipe, waker.clone());
        }
        full
    }

    /// The peer of this pipe does not wait any more.
    pub(crate) fn forget(&self, pipe: PipeId) {
        if self.full.load(Ordering::Acquire) {
            lock(&self.state).waiting.remove(&pipe);
        }
    }

    fn change(&self, before: Amount, after: Amount) {
        let mut state = lock(&self.state);
        let held = &mut state.held;
        held.messages =
            held.messages.saturating_add(after.messages).saturating_sub(before.messages);
        held.octets = held.octets.saturating_add(after.octets).saturating_sub(before.octets);
        let held = state.held;
        if held.reaches(self.limits) {
            self.full.store(true, Ordering::Release);
            return;
        }
        // Not until half of it is read, so that it does not go on and off with each message.
        let twice = |amount: usize| amount.saturating_mul(2);
        let twice = Amount { messages: twice(held.messages), octets: twice(held.octets) };
        if twice.reaches(self.limits) || !self.full.swap(false, Ordering::AcqRel) {
            return;
        }
        let told = std::mem::take(&mut state.told);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
        if told {
            self.events.tell(|| Event::BacklogRead);
        }
    }

    /// Tells, once, that the limit is reached. Not to be called where locks are held.
    pub(crate) fn report(&self) {
        if !self.full.load(Ordering::Acquire) {
            return;
        }
        let mut state = lock(&self.state);
        if self.full.load(Ordering::Relaxed) && !std::mem::replace(&mut state.told, true) {
            let Amount { messages, octets } = state.held;
            drop(state);
            self.events.emit(Event::BacklogFull { messages, octets });
        }
    }
}

/// What one peer that has left wrote, as far as it was not read.
#[derive(Debug)]
pub(crate) struct Departed {
    backlog: Arc<Backlog>,
    /// What the peer costs beside its messages.
    own: usize,
    counted: Amount,
}

impl Departed {
    pub(crate) fn new(backlog: Arc<Backlog>, peer: Option<&Peer>, amount: Amount) -> Self {
        let own = PEER + peer.map_or(0, properties);
        let mut departed = Self { backlog, own, counted: Amount::default() };
        departed.set(amount);
        departed
    }

    /// This much is left.
    pub(crate) fn set(&mut self, left: Amount) {
        let octets = left.octets.saturating_add(self.own);
        let after = Amount { octets, ..left };
        let before = std::mem::replace(&mut self.counted, after);
        self.backlog.change(before, after);
    }
}

impl Drop for Departed {
    fn drop(&mut self) {
        self.backlog.change(self.counted, Amount::default());
    }
}

/// Octets in all properties of a peer.
fn properties(peer: &Peer) -> usize {
    let all = peer.claimed.metadata.iter().chain(peer.verified.metadata.iter());
    all.map(|(name, value)| name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests;
