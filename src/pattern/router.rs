//! ROUTER: every peer has a routing id, which stands before what it sends and says whom to answer
//! (28/REQREP, "The ROUTER Socket Type").

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Batch, Owner, Pipe, TrySendError};
use zmtp_core::error::{Misbehaved, ProtocolError, Stage};
use zmtp_core::peer::{Peer, RoutingId};
use zmtp_core::{Message, Part};

use super::fair::FairQueue;
use super::lock;
use crate::error::{SendError, StartError};
use crate::options::{Options, RouterNotify};

/// The pattern of ROUTER.
#[derive(Debug)]
pub(crate) struct Routing {
    pub(crate) queue: FairQueue,
    table: Mutex<Table>,
    pub(crate) changed: Notify,
    mandatory: bool,
    handover: bool,
    probe: bool,
    notify: Option<RouterNotify>,
}

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<RoutingId, Route>,
    next: u32,
}

/// Where messages for a routing id go.
#[derive(Debug)]
struct Route {
    pipe: Arc<Pipe>,
    /// The application gave the pipe this id: it keeps it while there is no connection.
    preset: bool,
    /// Whether there is a connection.
    up: bool,
}

impl Routing {
    pub(crate) fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            queue: FairQueue::default(),
            table: Mutex::default(),
            changed: Notify::new(),
            mandatory: options.reqrep.mandatory.unwrap_or(true),
            handover: options.reqrep.handover,
            probe: options.reqrep.probe,
            notify: options.reqrep.notify,
        })
    }

    /// The next message, behind the routing id of its sender.
    pub(crate) fn try_recv(&self) -> Option<Message> {
        let of = |batch: &Batch| Part::copy_from(batch.label().as_bytes());
        let (label, mut message) = self.queue.try_recv(|_, batch| of(batch))?;
        message.push_front(label);
        Some(message)
    }

    /// Sends what stands behind the routing id to the peer that has it.
    pub(crate) fn try_send(&self, message: &Message) -> Result<(), SendError> {
        let Some((id, body)) = message.clone().split_at(1) else { return Err(SendError::NoBody) };
        let pipe = lock(&self.table).by_id.get(id.first().as_bytes()).map(|it| it.pipe.clone());
        let sent = pipe.map_or(Err(TrySendError::Closed), |pipe| pipe.try_send(&body));
        match sent {
            Ok(()) => Ok(()),
            Err(TrySendError::Full) => Err(SendError::WouldBlock),
            Err(TrySendError::Closed) if self.mandatory => Err(SendError::HostUnreachable(
                Box::new(RoutingId::new(id.first()).unwrap_or_default()),
            )),
            Err(TrySendError::Closed) => {
                tracing::debug!(id = ?id.first(), "a message for an unknown routing id was dropped");
                Ok(())
            }
        }
    }
}

impl Routing {
    /// Gives a pipe that is to be connected its routing id, whatever the peer will claim. What is sent to
    /// it waits for the connection.
    pub(crate) fn preset(&self, pipe: &Arc<Pipe>, id: RoutingId) -> Result<(), StartError> {
        if id.is_empty() || id.is_reserved() {
            return Err(StartError::RoutingId);
        }
        let mut table = lock(&self.table);
        if table.by_id.contains_key(id.as_bytes()) {
            return Err(StartError::RoutingIdTaken(id));
        }
        table.insert(id, Route { pipe: pipe.clone(), preset: true, up: false });
        drop(table);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Who holds the id that a peer claims and would hand it over, if anybody holds it.
    fn holder<'a>(
        &self,
        table: &'a Table,
        pipe: Option<&Pipe>,
        peer: &Peer,
    ) -> Result<Option<&'a Arc<Pipe>>, ProtocolError> {
        let claimed = peer.claimed.routing_id.as_bytes();
        let holder = table.by_id.get(claimed).filter(|it| Some(it.pipe.id()) != pipe.map(Pipe::id));
        let Some(holder) = holder else { return Ok(None) };
        // A routing id belongs to its principal: hand-over never crosses user ids.
        let same_user = holder.pipe.peer().is_some_and(|it| it.user_id() == peer.user_id());
        if !self.handover || holder.preset || !same_user {
            return Err(ProtocolError::peer(Stage::Ready, Misbehaved::RoutingIdTaken));
        }
        Ok(Some(&holder.pipe))
    }

    /// The peer has the id that it claims, or one of our making.
    fn enter(&self, table: &mut Table, pipe: &Arc<Pipe>, peer: &Peer) -> Result<(), ProtocolError> {
        if let Some(holder) = self.holder(table, Some(pipe), peer)? {
            holder.finish();
        }
        let claimed = &peer.claimed.routing_id;
        let id = if claimed.is_empty() { table.generate() } else { claimed.clone() };
        table.insert(id, Route { pipe: pipe.clone(), preset: false, up: true });
        Ok(())
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
                return RoutingId::new(id).unwrap_or_default();
            }
        }
    }

    fn insert(&mut self, id: RoutingId, route: Route) {
        route.pipe.set_label(id.clone());
        self.by_id.insert(id, route);
    }

    /// The route of this pipe, if it still has its id.
    fn of(&mut self, pipe: &Pipe) -> Option<&mut Route> {
        self.by_id.get_mut(pipe.label().as_bytes()).filter(|route| route.pipe.id() == pipe.id())
    }
}

impl Owner for Routing {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn admits(&self, pipe: Option<&Pipe>, peer: &Peer) -> Result<(), ProtocolError> {
        let mut table = lock(&self.table);
        let named = pipe.and_then(|pipe| table.of(pipe)).is_some_and(|route| route.preset);
        // Whatever it claims, if the application has named it.
        if named { Ok(()) } else { self.holder(&table, pipe, peer).map(drop) }
    }

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        let Some(peer) = pipe.peer() else { return Ok(()) };
        let mut table = lock(&self.table);
        if let Some(route) = table.of(pipe).filter(|route| route.preset) {
            route.up = true;
        } else {
            self.enter(&mut table, pipe, &peer)?;
        }
        drop(table);
        if self.notify.is_some_and(RouterNotify::connect) {
            pipe.note(Message::default());
        }
        self.changed.notify_waiters();
        Ok(())
    }

    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool) {
        let mut table = lock(&self.table);
        let was_up = table.of(pipe).is_some_and(|route| std::mem::take(&mut route.up));
        // The pipe keeps its label for what was received and not yet taken; only the way back is gone.
        if table.of(pipe).is_some_and(|route| !(route.preset && reconnecting)) {
            table.by_id.remove(pipe.label().as_bytes());
        }
        drop(table);
        if was_up && self.notify.is_some_and(RouterNotify::disconnect) {
            pipe.note(Message::default());
        }
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

    fn hello(&self) -> Option<Message> {
        self.probe.then(Message::default)
    }
}
