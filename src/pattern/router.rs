//! ROUTER: every peer has a routing id, which stands before what it sends and says whom to answer
//! (28/REQREP, "The ROUTER Socket Type").

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Owner, Pipe, TrySendError};
use zmtp_core::Message;
use zmtp_core::error::{Misbehaved, ProtocolError, Stage};
use zmtp_core::peer::RoutingId;
use zmtp_core::wire::subscription::SubscriptionChange;

use super::fair::FairQueue;
use super::lock;
use crate::error::SendError;
use crate::options::Options;

/// The pattern of ROUTER.
#[derive(Debug)]
pub(crate) struct Routing {
    pub(crate) queue: FairQueue,
    table: Mutex<Table>,
    pub(crate) changed: Notify,
    mandatory: bool,
    handover: bool,
}

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<Box<[u8]>, Arc<Pipe>>,
    next: u32,
}

impl Routing {
    pub(crate) fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            queue: FairQueue::default(),
            table: Mutex::default(),
            changed: Notify::new(),
            mandatory: options.mandatory.unwrap_or(true),
            handover: options.handover,
        })
    }

    /// The next message, behind the routing id of its sender.
    pub(crate) fn try_recv(&self) -> Option<Message> {
        let (pipe, mut message) = self.queue.try_recv()?;
        message.push_front(pipe.label().to_bytes());
        Some(message)
    }

    /// Sends what stands behind the routing id to the peer that has it.
    pub(crate) fn try_send(&self, message: &Message) -> Result<(), SendError> {
        let Some((id, body)) = message.clone().split_at(1) else { return Err(SendError::NoBody) };
        let pipe = lock(&self.table).by_id.get(id.first().as_bytes()).cloned();
        let sent = pipe.map_or(Err(TrySendError::Closed), |pipe| pipe.try_send(&body));
        match sent {
            Ok(()) => Ok(()),
            Err(TrySendError::Full) => Err(SendError::WouldBlock),
            Err(TrySendError::Closed) if self.mandatory => Err(SendError::HostUnreachable(
                RoutingId::new(id.first().clone().into_bytes()).unwrap_or_default(),
            )),
            Err(TrySendError::Closed) => {
                tracing::debug!(id = ?id.first(), "a message for an unknown routing id was dropped");
                Ok(())
            }
        }
    }
}

impl Table {
    /// An id in the range that peers may not claim.
    fn generate(&mut self) -> RoutingId {
        loop {
            let [a, b, c, d] = self.next.to_be_bytes();
            self.next = self.next.wrapping_add(1);
            let id = [0, a, b, c, d];
            if !self.by_id.contains_key(id.as_slice()) {
                return RoutingId::new(id.to_vec()).unwrap_or_default();
            }
        }
    }

    fn insert(&mut self, id: RoutingId, pipe: &Arc<Pipe>) {
        self.by_id.insert(id.as_bytes().into(), pipe.clone());
        pipe.set_label(id);
    }
}

impl Owner for Routing {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        let Some(peer) = pipe.peer() else { return Ok(()) };
        let claimed = &peer.claimed.routing_id;
        let mut table = lock(&self.table);
        let id = if claimed.is_empty() { table.generate() } else { claimed.clone() };
        if let Some(holder) = table.by_id.get(id.as_bytes()).cloned()
            && holder.id() != pipe.id()
        {
            // A routing id belongs to its principal: hand-over never crosses user ids.
            let same_user = holder.peer().is_some_and(|it| it.user_id() == peer.user_id());
            if !(self.handover && same_user) {
                return Err(ProtocolError::peer(Stage::Ready, Misbehaved::RoutingIdTaken));
            }
            holder.finish();
        }
        table.insert(id, pipe);
        drop(table);
        self.changed.notify_waiters();
        Ok(())
    }

    fn subscription(
        &self,
        _pipe: &Arc<Pipe>,
        _change: SubscriptionChange,
        _prefix: &[u8],
    ) -> Result<(), ProtocolError> {
        Ok(())
    }

    fn lost(&self, pipe: &Arc<Pipe>, _reconnecting: bool) {
        let mut table = lock(&self.table);
        // The pipe keeps its label for what was received and not yet taken; only the way back is gone.
        let label = pipe.label();
        if table.by_id.get(label.as_bytes()).is_some_and(|holder| holder.id() == pipe.id()) {
            table.by_id.remove(label.as_bytes());
        }
        drop(table);
        self.changed.notify_waiters();
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        self.queue.readable(pipe);
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {
        self.changed.notify_waiters();
    }

    fn stopped(&self) {
        self.changed.notify_waiters();
        self.queue.wake_all();
    }
}
