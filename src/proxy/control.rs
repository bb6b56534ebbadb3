//! Steering a proxy, and counting what passes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use zmtp_core::Message;

use crate::pattern::lock;

/// What a proxy and its handles share.
#[derive(Debug, Default)]
pub(super) struct Control {
    state: Mutex<State>,
    pub(super) changed: Notify,
    pub(super) forward: Counters,
    pub(super) backward: Counters,
}

/// What a proxy is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    #[default]
    Running,
    Paused,
    Terminated,
}

impl Control {
    /// The state, which stays what it is while the guard is held.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Nothing comes behind the end.
    fn set(&self, to: State) {
        let mut state = lock(&self.state);
        if *state != State::Terminated {
            *state = to;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    pub(super) fn statistics(&self) -> ProxyStatistics {
        let side = |incoming: &Counters, outgoing: &Counters| Traffic {
            received: incoming.received.load(Ordering::Relaxed),
            received_octets: incoming.received_octets.load(Ordering::Relaxed),
            sent: outgoing.sent.load(Ordering::Relaxed),
            sent_octets: outgoing.sent_octets.load(Ordering::Relaxed),
            undeliverable: outgoing.undeliverable.load(Ordering::Relaxed),
        };
        ProxyStatistics {
            frontend: side(&self.forward, &self.backward),
            backend: side(&self.backward, &self.forward),
        }
    }
}

/// Steers a [`Proxy`](crate::Proxy) from anywhere; clones steer the same one (`zmq_proxy_steerable`).
#[derive(Debug, Clone)]
pub struct ProxyHandle {
    control: Arc<Control>,
}

impl ProxyHandle {
    pub(super) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// Stops passing messages on; they wait in the sockets. Nothing passes any more once this returns.
    pub fn pause(&self) {
        self.control.set(State::Paused);
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.control.set(State::Running);
    }

    /// Ends [`Proxy::run`](crate::Proxy::run), for good: later calls of it return at once, and nothing
    /// passes any more once this returns.
    pub fn terminate(&self) {
        self.control.set(State::Terminated);
    }

    /// What has passed so far.
    #[must_use]
    pub fn statistics(&self) -> ProxyStatistics {
        self.control.statistics()
    }
}

/// What has passed through a proxy, as seen at each of its sockets. Copies do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProxyStatistics {
    /// At the frontend.
    pub frontend: Traffic,
    /// At the backend.
    pub backend: Traffic,
}

/// Messages, whole ones, at one socket of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traffic {
    /// Messages received.
    pub received: u64,
    /// Octets in their parts.
    pub received_octets: u64,
    /// Messages sent.
    pub sent: u64,
    /// Octets in their parts.
    pub sent_octets: u64,
    /// Messages that could reach nobody and were dropped instead of sent.
    pub undeliverable: u64,
}

/// What one direction counts while it works.
#[derive(Debug, Default)]
pub(super) struct Counts {
    received: u64,
    received_octets: u64,
    sent: u64,
    sent_octets: u64,
    pub(super) undeliverable: u64,
}

impl Counts {
    pub(super) fn received(&mut self, message: &Message) {
        self.received += 1;
        self.received_octets += message.octets() as u64;
    }

    pub(super) fn sent(&mut self, message: &Message) {
        self.sent += 1;
        self.sent_octets += message.octets() as u64;
    }
}

/// The counts of one direction, for others to see.
#[derive(Debug, Default)]
pub(super) struct Counters {
    received: AtomicU64,
    received_octets: AtomicU64,
    sent: AtomicU64,
    sent_octets: AtomicU64,
    undeliverable: AtomicU64,
}

impl Counters {
    pub(super) fn publish(&self, counts: &Counts) {
        self.received.store(counts.received, Ordering::Relaxed);
        self.received_octets.store(counts.received_octets, Ordering::Relaxed);
        self.sent.store(counts.sent, Ordering::Relaxed);
        self.sent_octets.store(counts.sent_octets, Ordering::Relaxed);
        self.undeliverable.store(counts.undeliverable, Ordering::Relaxed);
    }
}
