//! A pipe: what a socket and one connection share.
//!
//! ```text
//!   application ── try_send ──▶ Outbound: encoded at once ── one swap ──▶ driver ── one write
//!   application ◀── refill ─── Inbound: a queue, swapped ◀── one batch ── driver ◀── one read
//! ```
//!
//! Each half has its own lock, held for the time of an encoding or of a swap and never while anything
//! waits. Whoever finds nothing to do leaves a waker; the other side wakes it once per batch.

mod ends;
mod inbound;
mod joint;
mod outbound;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::{Context, Waker};

use zmtp_core::error::ProtocolError;
use zmtp_core::peer::{Peer, RoutingId};
use zmtp_core::traffic::{Outgoing, OutputBuffer};
use zmtp_core::wire::subscription::SubscriptionChange;
use zmtp_core::{Message, Part};

use crate::backlog::Backlog;
use crate::connection::{Reader, Visit};
use crate::events::EventSink;
use crate::lock::lock;
use crate::net::Stream;

pub use self::inbound::Batch;
use self::inbound::Inbound;
pub(crate) use self::joint::Joint;
use self::outbound::Outbound;
pub use self::outbound::TrySendError;

/// Identifies a pipe within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId(u64);

/// Bounds of a pipe in messages; zero means none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighWaterMarks {
    /// Messages that wait to be written. Default: 1,000 (`ZMQ_SNDHWM`).
    pub send: usize,
    /// Messages that wait to be received. Default: 1,000 (`ZMQ_RCVHWM`).
    pub receive: usize,
}

impl Default for HighWaterMarks {
    fn default() -> Self {
        Self { send: 1000, receive: 1000 }
    }
}

/// The socket behind its pipes.
///
/// Calls come from drivers and must not block.
pub trait Owner: Send + Sync + std::fmt::Debug + 'static {
    /// `connect` was called: the pipe takes messages already, if this socket type wants that.
    fn connecting(&self, pipe: &Arc<Pipe>);

    /// Whether a peer that has proved who it is may come in; asked before it is told that it is. `pipe` is
    /// the one that it would have, if there is one already. Nothing is kept for it: whoever comes in
    /// first is [established](Self::established) first. Default: it may.
    ///
    /// # Errors
    /// A reason to close the connection, such as a routing id that is taken.
    fn admits(&self, pipe: Option<&Pipe>, peer: &Peer) -> Result<(), ProtocolError> {
        let _ = (pipe, peer);
        Ok(())
    }

    /// The handshake of the pipe's connection is complete; [`Pipe::peer`] says who it is.
    ///
    /// # Errors
    /// A reason to close the connection at once, such as a routing id that is taken.
    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError>;

    /// The peer subscribed or cancelled. Default: nothing happens; for types that do not publish.
    ///
    /// # Errors
    /// A reason to close the connection, such as too many subscriptions.
    fn subscription(
        &self,
        pipe: &Arc<Pipe>,
        change: SubscriptionChange,
        prefix: &[u8],
    ) -> Result<(), ProtocolError> {
        let _ = (pipe, change, prefix);
        Ok(())
    }

    /// The pipe's connection is gone. `reconnecting` says whether the same pipe may come back.
    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool);

    /// The pipe has messages to receive, after it had none.
    fn readable(&self, pipe: &Arc<Pipe>);

    /// The pipe takes messages again, after it had refused one.
    fn writable(&self, pipe: &Arc<Pipe>);

    /// The last endpoint was refused for good: nothing will happen unless another is added.
    fn stopped(&self);

    /// Where events of the owner's own go, which must not drive those of connections out.
    fn events(&self) -> Option<&EventSink> {
        None
    }

    /// What each new peer is sent before anything else.
    fn hello(&self) -> Option<Message> {
        None
    }
}

/// What a socket and one connection share.
#[derive(Debug)]
pub struct Pipe {
    id: PipeId,
    owner: Arc<dyn Owner>,
    conflate: bool,
    outbound: Mutex<Outbound>,
    inbound: Mutex<Inbound>,
    /// The receiving half of a connection over a stream, while there is one.
    reader: Mutex<Option<Box<Reader>>>,
}

impl Pipe {
    /// A pipe without a connection. One that conflates keeps only the last message in either
    /// direction, whatever the marks are.
    #[must_use]
    pub fn new(owner: Arc<dyn Owner>, marks: HighWaterMarks, conflate: bool) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id: PipeId(NEXT.fetch_add(1, Ordering::Relaxed)),
            owner,
            conflate,
            outbound: Mutex::new(Outbound::new(marks.send, conflate)),
            inbound: Mutex::new(Inbound::new(marks.receive, conflate)),
            reader: Mutex::default(),
        })
    }

    /// Identifies this pipe.
    #[must_use]
    pub fn id(&self) -> PipeId {
        self.id
    }

    /// Whether only the last message is kept.
    #[must_use]
    #[inline]
    pub fn conflates(&self) -> bool {
        self.conflate
    }

    /// The other side, while there is an established connection.
    #[must_use]
    pub fn peer(&self) -> Option<Arc<Peer>> {
        lock(&self.inbound).peer().cloned()
    }

    /// Whether there is an established connection.
    #[must_use]
    #[inline]
    pub fn is_connected(&self) -> bool {
        lock(&self.inbound).peer().is_some()
    }

    /// The name that the owner gave the peer; empty if none.
    #[must_use]
    pub fn label(&self) -> RoutingId {
        lock(&self.inbound).label().clone()
    }

    /// Names the peer. What came through connections before keeps its [label](Batch::label).
    pub fn set_label(&self, label: RoutingId) {
        lock(&self.inbound).set_label(label);
    }

    /// Hands a message over for sending: all of it or nothing.
    ///
    /// # Errors
    /// [`TrySendError::Full`] at the high-water mark; the owner hears `writable` later.
    /// [`TrySendError::Closed`] if the pipe will send nothing any more.
    #[inline]
    pub fn try_send(&self, message: &Message) -> Result<(), TrySendError> {
        let mut outbound = lock(&self.outbound);
        let announced = outbound.push(&[], message)?;
        self.pushed(outbound, announced);
        Ok(())
    }

    /// As [`try_send`](Self::try_send), behind an envelope, for a message that no other follows soon: if the driver
    /// sleeps, it is written here and now instead of waking that.
    ///
    /// # Errors
    /// As there.
    pub fn try_send_now(&self, envelope: &[Part], message: &Message) -> Result<(), TrySendError> {
        let mut outbound = lock(&self.outbound);
        let announced = outbound.push(envelope, message)?;
        if outbound.write_now() {
            return Ok(());
        }
        self.pushed(outbound, announced);
        Ok(())
    }

    /// Wakes whoever has to do with a message that was pushed.
    #[inline]
    fn pushed(&self, mut outbound: MutexGuard<'_, Outbound>, announced: Option<Arc<Self>>) {
        let waker = outbound.take_waker();
        // Whoever is told may want to use this pipe.
        drop(outbound);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(receiver) = announced {
            receiver.owner.readable(&receiver);
        }
    }

    /// Tells the peer about subscriptions; they count for no high-water mark. Only while there is a
    /// connection; when it is gone, the next peer knows nothing of them.
    pub fn subscribe<'a>(&self, changes: impl IntoIterator<Item = (SubscriptionChange, &'a [u8])>) {
        let mut changes = changes.into_iter();
        let mut outbound = lock(&self.outbound);
        let receiver = outbound.subscribe(&mut changes);
        let waker = outbound.take_waker();
        drop(outbound);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some((receiver, joint)) = receiver {
            receiver.subscribed(self.id, &joint, changes);
        }
    }

    /// Subscriptions of a peer in this process.
    fn subscribed<'a>(
        self: &Arc<Self>,
        from: PipeId,
        joint: &Joint,
        changes: impl IntoIterator<Item = (SubscriptionChange, &'a [u8])>,
    ) {
        for (change, prefix) in changes {
            let joined = lock(&self.inbound).sender().is_some_and(|sender| sender.id == from);
            if !joined || joint.is_broken() {
                return;
            }
            if let Err(error) = self.owner.subscription(self, change, prefix) {
                joint.fail(self.id, error);
            }
        }
    }

    /// Whether a message would be taken now. When not, the owner hears `writable` later.
    #[must_use]
    pub fn has_room(&self) -> bool {
        lock(&self.outbound).has_room()
    }

    /// Takes a batch of received messages in exchange for `batch`, which must be used up unless the pipe
    /// [conflates](Self::conflates).
    ///
    /// `false` if there are none; the owner hears `readable` when that changes.
    pub fn refill(&self, batch: &mut Batch) -> bool {
        batch.hold_back();
        let mut inbound = lock(&self.inbound);
        let any = inbound.refill(batch);
        self.made_room(inbound);
        batch.mark();
        any
    }

    /// Reads in place of the driver, for somebody who waits for a message of this peer and has used `batch` up:
    /// `context` is told of what comes, and the driver is not, until something was found or
    /// [`end_visit`](Self::end_visit); where that was much, not before the visitor has stayed away for a while. What is `found` is to be put where messages are taken from; nobody reads what
    /// comes behind it before that is done.
    pub fn visit(
        &self,
        batch: &mut Batch,
        context: &mut Context<'_>,
        found: impl FnOnce(&mut Batch),
    ) -> Visit {
        self.visit_by(batch, found, |reader, batch| reader.visit(self, batch, context))
    }

    /// As [`visit`](Self::visit), without waiting: asks the system. A peer in this process delivers by itself.
    pub fn glance(&self, batch: &mut Batch, found: impl FnOnce(&mut Batch)) -> Visit {
        match self.visit_by(batch, found, |reader, batch| reader.glance(self, batch)) {
            Visit::Declined if lock(&self.inbound).sender().is_some() => Visit::Waiting,
            visit => visit,
        }
    }

    fn visit_by(
        &self,
        batch: &mut Batch,
        found: impl FnOnce(&mut Batch),
        visit: impl FnOnce(&mut Reader, &mut Batch) -> Visit,
    ) -> Visit {
        self.try_with_reader(Visit::Declined, |reader| {
            let visit = visit(reader, batch);
            if visit == Visit::Found {
                found(batch);
            }
            visit
        })
    }

    /// The driver reads again.
    pub fn end_visit(&self) {
        // Who works with it just now hears of what comes, and is not the one who left.
        self.try_with_reader((), Reader::leave);
    }

    /// Whether a visitor would be let in.
    #[must_use]
    pub fn welcomes_visitors(&self) -> bool {
        self.try_with_reader(false, |reader| reader.is_open())
    }

    /// Uses the receiving half, unless somebody else does or there is none.
    pub(crate) fn try_with_reader<T>(
        &self,
        otherwise: T,
        use_it: impl FnOnce(&mut Reader) -> T,
    ) -> T {
        let mut reader = match self.reader.try_lock() {
            Ok(reader) => reader,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return otherwise,
        };
        reader.as_deref_mut().map_or(otherwise, use_it)
    }

    /// Takes all received messages. They count for the mark until they are
    /// [released](Self::release); the owner hears `readable` when there are others.
    pub fn adopt(&self) -> Batch {
        lock(&self.inbound).adopt()
    }

    /// So many messages that were [adopted](Self::adopt) count no more.
    pub fn release(&self, count: usize) {
        let mut inbound = lock(&self.inbound);
        if inbound.release(count) {
            self.made_room(inbound);
        }
    }

    /// Puts a message of the owner's own behind those that were received, whatever the mark is.
    pub fn note(self: &Arc<Self>, message: Message) {
        let announce = lock(&self.inbound).accept(message, false);
        if announce {
            self.owner.readable(self);
        }
    }

    /// Lets whoever fills the queue go on.
    fn made_room(&self, mut inbound: MutexGuard<'_, Inbound>) {
        let waker = inbound.take_waker();
        let sender = inbound.take_waiting_sender();
        drop(inbound);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(sender) = sender
            && lock(&sender.outbound).take_blocked()
        {
            sender.owner.writable(&sender);
        }
    }

    /// Takes no more messages; what waits is still sent.
    pub fn finish(&self) {
        let mut outbound = lock(&self.outbound);
        outbound.finish();
        let waker = outbound.take_waker();
        drop(outbound);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Messages that are not written yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        lock(&self.outbound).unsent()
    }

    // What follows is for drivers.

    pub(crate) fn owner(&self) -> &Arc<dyn Owner> {
        &self.owner
    }

    /// What is not received when the peer has left counts there.
    pub(crate) fn count_in(&self, backlog: &Arc<Backlog>) {
        lock(&self.inbound).set_backlog(backlog.clone());
    }

    /// A connection took over: what waited is encoded for it.
    pub(crate) fn go_online(
        self: &Arc<Self>,
        peer: &Arc<Peer>,
        outgoing: Outgoing,
        stream: &Arc<Stream>,
    ) -> Result<(), ProtocolError> {
        lock(&self.inbound).set_peer(peer.clone());
        lock(&self.outbound).go_online(outgoing, stream, self.owner.hello())
    }

    /// A connection within this process is about to take over: says who is at its other end.
    pub(crate) fn meet(&self, peer: &Arc<Peer>) {
        lock(&self.inbound).set_peer(peer.clone());
    }

    /// Joins two pipes of this process that have met: what one sends, the other receives.
    pub(crate) fn join(a: &Arc<Self>, b: &Arc<Self>, joint: &Arc<Joint>) {
        for (from, to) in [(a, b), (b, a)] {
            let mark = lock(&from.outbound).high_water();
            lock(&to.inbound).set_sender(Some(from.clone()), mark);
        }
        for (from, to) in [(a, b), (b, a)] {
            // Under the lock, so that nothing overtakes what waited.
            let mut outbound = lock(&from.outbound);
            let mut announce = false;
            for message in outbound.go_direct(to.clone(), joint.clone(), from.owner.hello()) {
                // Both marks together are never less than what waited under one of them.
                announce |= to.accept(&[], &message, from.conflate) == Some(true);
            }
            let subscriptions = outbound.take_subscriptions();
            let changes = subscriptions.iter().map(|(change, prefix)| (*change, &**prefix));
            to.subscribed(from.id, joint, changes);
            // What waited under one mark is below both.
            let freed = outbound.take_blocked();
            drop(outbound);
            if announce {
                to.owner.readable(to);
            }
            if freed {
                from.owner.writable(from);
            }
        }
    }

    /// Whether a sender in this process may hand over one more message.
    fn takes_more(&self) -> bool {
        lock(&self.inbound).takes_more()
    }

    /// Takes a message of a sender in this process, unless the mark is reached; says whether the owner
    /// must be told.
    fn accept(&self, front: &[Part], message: &Message, conflate: bool) -> Option<bool> {
        // Before the receiver has to wait for it.
        let message = message.behind(front);
        let mut inbound = lock(&self.inbound);
        (conflate || inbound.takes_more()).then(|| inbound.accept(message, conflate))
    }

    /// The connection has ended: no message is taken until [`go_offline`](Self::go_offline), so that
    /// one sent after the owner heard of the loss is not lost with what was sent before.
    pub(crate) fn suspend(&self) {
        lock(&self.outbound).suspend();
    }

    /// The connection is gone. Gives the number of messages that are lost with it.
    pub(crate) fn go_offline(self: &Arc<Self>) -> usize {
        lock(&self.inbound).leave();
        let mut outbound = lock(&self.outbound);
        let lost = outbound.go_offline();
        let freed = outbound.take_blocked();
        drop(outbound);
        if freed {
            self.owner.writable(self);
        }
        lost
    }

    /// The pipe will never have a connection again. Gives the number of messages given up.
    pub(crate) fn close(self: &Arc<Self>) -> usize {
        let mut inbound = lock(&self.inbound);
        inbound.leave();
        inbound.depart(self.id);
        drop(inbound);
        let given_up = lock(&self.outbound).close();
        self.owner.writable(self);
        given_up
    }

    /// Whether nothing more will be sent.
    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.outbound).is_finished()
    }

    /// Whether everything was written after [`finish`](Self::finish).
    pub(crate) fn is_drained(&self) -> bool {
        lock(&self.outbound).is_drained()
    }

    /// Exchanges `empty` for what waits to be written; leaves `waker` if nothing does.
    pub(crate) fn take_output(&self, empty: &mut OutputBuffer, waker: &Waker) -> bool {
        lock(&self.outbound).take_output(empty, waker)
    }

    /// Counts `octets` as written.
    pub(crate) fn written(self: &Arc<Self>, octets: usize) {
        let mut outbound = lock(&self.outbound);
        outbound.written(octets);
        let freed = outbound.has_low_water() && outbound.take_blocked();
        drop(outbound);
        if freed {
            self.owner.writable(self);
        }
    }

    /// Uses the encoder for something that is no message.
    pub(crate) fn with_outgoing(
        &self,
        use_it: impl FnOnce(&mut Outgoing) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        lock(&self.outbound).with_outgoing(use_it)
    }

    /// How many messages the receiving side takes now; leaves `waker` if none. `None` if it takes none
    /// before those of peers that have left were read.
    pub(crate) fn room(&self, waker: &Waker) -> Option<usize> {
        lock(&self.inbound).room(self.id, waker)
    }

    /// Hands received messages over, which came as so many octets, and leaves `messages` empty.
    pub(crate) fn deliver(self: &Arc<Self>, messages: &mut VecDeque<Message>, octets: usize) {
        if messages.is_empty() {
            return;
        }
        if lock(&self.inbound).deliver(messages, octets) {
            self.owner.readable(self);
        }
    }

    /// Has `decode` put up to so many messages into a batch that is used up, if none stand before them; it says
    /// as how many octets they came, and so does this.
    pub(crate) fn receive_into(
        &self,
        batch: &mut Batch,
        decode: impl FnOnce(usize, &mut VecDeque<Message>) -> usize,
    ) -> usize {
        let octets = lock(&self.inbound).receive_into(batch, decode);
        batch.mark();
        octets
    }

    /// The receiving half of a new connection takes its seat, or the old one leaves it.
    pub(crate) fn seat(&self, reader: Option<Reader>) {
        *lock(&self.reader) = reader.map(Box::new);
    }
}

#[cfg(test)]
pub(crate) mod tests;
