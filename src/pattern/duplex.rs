//! PUSH, PULL and DEALER: load balancing out, fair queueing in, either alone or both.

use std::sync::Arc;

use transport::{Owner, Pipe};
use zmtp_core::Message;
use zmtp_core::error::ProtocolError;

use super::balance::Balancer;
use super::fair::FairQueue;
use crate::options::Options;

/// The pattern of sockets that neither route nor remember.
#[derive(Debug)]
pub(crate) struct Duplex {
    pub(crate) out: Balancer,
    pub(crate) queue: FairQueue,
    sends: bool,
    receives: bool,
    /// Whether messages wait only for connections that stand.
    immediate: bool,
    /// Whether each peer is sent an empty message first.
    probe: bool,
}

impl Duplex {
    /// The pattern of PUSH.
    pub(crate) fn pushing(options: &Options) -> Arc<Self> {
        Arc::new(Self { receives: false, ..Self::new(options) })
    }

    /// The pattern of PULL.
    pub(crate) fn pulling(options: &Options) -> Arc<Self> {
        Arc::new(Self { sends: false, ..Self::new(options) })
    }

    /// The pattern of DEALER.
    pub(crate) fn dealing(options: &Options) -> Arc<Self> {
        Arc::new(Self::new(options))
    }

    fn new(options: &Options) -> Self {
        Self {
            out: Balancer::default(),
            queue: FairQueue::default(),
            sends: true,
            receives: true,
            immediate: options.immediate,
            probe: options.reqrep.probe,
        }
    }

    #[inline]
    pub(crate) fn try_send(&self, message: &Message) -> Option<()> {
        self.out.try_send(message).map(|_| ())
    }
}

impl Owner for Duplex {
    fn connecting(&self, pipe: &Arc<Pipe>) {
        if self.sends && !self.immediate {
            self.out.add(pipe);
        }
    }

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        if self.sends {
            self.out.add(pipe);
        }
        Ok(())
    }

    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool) {
        if self.sends && (self.immediate || !reconnecting) {
            self.out.remove(pipe.id());
        }
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        if self.receives {
            self.queue.readable(pipe);
        } else {
            discard(pipe);
        }
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {
        self.out.writable();
    }

    fn stopped(&self) {
        self.out.writable();
        self.queue.wake_all();
    }

    fn hello(&self) -> Option<Message> {
        self.probe.then(Message::default)
    }
}

/// Messages to a socket that does not receive: nobody reads them, so they are dropped, not hoarded.
pub(crate) fn discard(pipe: &Arc<Pipe>) {
    let mut batch = transport::Batch::default();
    let mut count = 0;
    while pipe.refill(&mut batch) {
        count += batch.len();
        while batch.pop().is_some() {}
    }
    tracing::debug!(pipe = ?pipe.id(), count, "messages for a socket that does not receive were dropped");
}
