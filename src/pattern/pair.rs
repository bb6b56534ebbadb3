//! PAIR: one peer and no other (31/EXPAIR, "The PAIR Socket Type").

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Owner, Pipe};
use zmtp_core::Message;
use zmtp_core::error::{LocalFault, ProtocolError, Stage};
use zmtp_core::peer::Peer;

use super::duplex::discard;
use super::fair::FairQueue;
use super::lock;

/// The pattern of PAIR.
#[derive(Debug)]
pub(crate) struct Exclusive {
    pub(crate) queue: FairQueue,
    pub(crate) changed: Notify,
    /// The one, from its `connect` or else its READY on.
    only: Mutex<Option<Arc<Pipe>>>,
    immediate: bool,
}

impl Exclusive {
    pub(crate) fn new(immediate: bool) -> Arc<Self> {
        let (queue, changed) = (FairQueue::default(), Notify::new());
        Arc::new(Self { queue, changed, only: Mutex::default(), immediate })
    }

    pub(crate) fn try_send(&self, message: &Message) -> Option<()> {
        let pipe = lock(&self.only).clone()?;
        pipe.try_send(message).ok()
    }

    /// Makes the pipe the only one; `false` if another one is.
    fn take(&self, pipe: &Arc<Pipe>) -> bool {
        let mut only = lock(&self.only);
        let taken = only.get_or_insert_with(|| pipe.clone()).id() == pipe.id();
        drop(only);
        self.changed.notify_waiters();
        taken
    }
}

fn occupied() -> ProtocolError {
    ProtocolError::local(Stage::Ready, LocalFault::Occupied)
}

impl Owner for Exclusive {
    fn connecting(&self, pipe: &Arc<Pipe>) {
        if !self.immediate {
            self.take(pipe);
        }
    }

    fn admits(&self, pipe: Option<&Pipe>, _peer: &Peer) -> Result<(), ProtocolError> {
        match &*lock(&self.only) {
            Some(only) if Some(only.id()) != pipe.map(Pipe::id) => Err(occupied()),
            Some(_) | None => Ok(()),
        }
    }

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        if self.take(pipe) {
            return Ok(());
        }
        self.queue.forget(pipe.id());
        Err(occupied())
    }

    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool) {
        if self.immediate || !reconnecting {
            lock(&self.only).take_if(|only| only.id() == pipe.id());
        }
        self.changed.notify_waiters();
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        // In this process a peer can send before it is let in.
        if lock(&self.only).as_ref().is_some_and(|only| only.id() != pipe.id()) {
            discard(pipe);
        } else {
            self.queue.readable(pipe);
        }
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {
        self.changed.notify_waiters();
    }

    fn stopped(&self) {
        self.changed.notify_waiters();
        self.queue.wake_all();
    }
}
