//! The sending half of a pipe.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::Waker;

use zmtp_core::error::ProtocolError;
use zmtp_core::traffic::{Outgoing, OutputBuffer};
use zmtp_core::wire::subscription::SubscriptionChange;
use zmtp_core::{Message, Part};

use super::ends::Ends;
use super::{Joint, Pipe};
use crate::connection::{memory, write_some};
use crate::net::Stream;

/// A message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrySendError {
    /// The high-water mark is reached.
    Full,
    /// The pipe sends nothing any more.
    Closed,
}

#[derive(Debug)]
pub(super) struct Outbound {
    link: Link,
    /// Zero means no mark.
    high_water: usize,
    /// Only the last message is kept: it is encoded no earlier than the one before is written.
    conflate: bool,
    /// Apart, because few connections have one.
    latest: Option<Box<Message>>,
    /// Subscriptions for a peer in this process that was met and is not joined yet.
    subscriptions: Option<Box<Subscriptions>>,
    /// Where messages that are not wholly written end, in octets of this connection.
    ends: Ends,
    encoded: u64,
    written: u64,
    /// No more messages are taken.
    finished: bool,
    /// No messages are taken until the connection that ended is taken away.
    suspended: bool,
    /// Somebody was told "full" and waits to hear otherwise.
    blocked: bool,
    driver: Option<Waker>,
}

type Subscriptions = Vec<(SubscriptionChange, Box<[u8]>)>;

#[derive(Debug)]
enum Link {
    /// No connection yet, or not now: messages wait as they are.
    Offline(VecDeque<Message>),
    /// Messages are encoded for this connection, and most written by its driver.
    Online(Box<Outgoing>, Weak<Stream>),
    /// Messages go straight to the pipe of a socket in this process.
    Direct(Arc<Pipe>, Arc<Joint>),
    /// Never again.
    Closed,
}

impl Outbound {
    pub(super) fn new(high_water: usize, conflate: bool) -> Self {
        Self {
            link: Link::Offline(VecDeque::new()),
            high_water,
            conflate,
            latest: None,
            subscriptions: None,
            ends: Ends::default(),
            encoded: 0,
            written: 0,
            finished: false,
            suspended: false,
            blocked: false,
            driver: None,
        }
    }

    pub(super) const fn high_water(&self) -> usize {
        self.high_water
    }

    pub(super) fn unsent(&self) -> usize {
        match &self.link {
            Link::Offline(queue) => queue.len(),
            Link::Online(..) => self.ends.len() + usize::from(self.latest.is_some()),
            // What was sent is with the receiver.
            Link::Direct(..) | Link::Closed => 0,
        }
    }

    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        let room = match &self.link {
            _ if self.suspended => false,
            Link::Direct(receiver, _) => self.conflate || receiver.takes_more(),
            _ => !self.is_full(),
        };
        self.blocked |= !room;
        room && !self.finished && !matches!(self.link, Link::Closed)
    }

    fn is_full(&self) -> bool {
        self.high_water != 0 && !self.conflate && self.unsent() >= self.high_water
    }

    /// Takes a message of `front` and the parts of `message`. Gives a pipe of this process whose owner must be
    /// told that it is there now.
    #[inline]
    pub(super) fn push(
        &mut self,
        front: &[Part],
        message: &Message,
    ) -> Result<Option<Arc<Pipe>>, TrySendError> {
        if self.finished {
            return Err(TrySendError::Closed);
        }
        if self.suspended || self.is_full() {
            self.blocked = true;
            return Err(TrySendError::Full);
        }
        match &mut self.link {
            Link::Closed => return Err(TrySendError::Closed),
            Link::Offline(queue) => {
                if self.conflate {
                    queue.clear();
                }
                queue.push_back(message.behind(front));
            }
            Link::Direct(receiver, _) => {
                return match receiver.accept(front, message, self.conflate) {
                    Some(announce) => Ok(announce.then(|| receiver.clone())),
                    None => {
                        self.blocked = true;
                        Err(TrySendError::Full)
                    }
                };
            }
            Link::Online(..) if self.conflate => {
                self.latest = Some(Box::new(message.behind(front)));
            }
            Link::Online(outgoing, _) => {
                if outgoing.output().wants_piece() {
                    outgoing.output().supply(memory::take_piece());
                }
                let before = outgoing.output().len();
                if outgoing.send_behind(front, message).is_err() {
                    // Nonces are used up: this connection is over, its driver will say so.
                    return Err(TrySendError::Closed);
                }
                let len = (outgoing.output().len() - before) as u64;
                self.ends.push(self.encoded, len);
                self.encoded += len;
            }
        }
        Ok(None)
    }

    /// Tells the peer about subscriptions. Gives a pipe of this process whose owner has to be told
    /// instead.
    pub(super) fn subscribe<'a>(
        &mut self,
        changes: &mut impl Iterator<Item = (SubscriptionChange, &'a [u8])>,
    ) -> Option<(Arc<Pipe>, Arc<Joint>)> {
        match &mut self.link {
            Link::Direct(receiver, joint) => return Some((receiver.clone(), joint.clone())),
            Link::Offline(_) => {
                let changes = changes.map(|(change, prefix)| (change, prefix.into()));
                self.subscriptions.get_or_insert_default().extend(changes);
            }
            Link::Online(outgoing, _) => {
                let before = outgoing.output().len();
                // Used up nonces are an error: this connection is over, its driver will say so.
                let _ =
                    changes.try_for_each(|(change, prefix)| outgoing.subscription(change, prefix));
                self.encoded += (outgoing.output().len() - before) as u64;
            }
            Link::Closed => {}
        }
        None
    }

    /// The subscriptions that wait for the peer to be joined.
    pub(super) fn take_subscriptions(&mut self) -> Subscriptions {
        self.subscriptions.take().map(|all| *all).unwrap_or_default()
    }

    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        self.driver.take()
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Subscriptions are not waited for: they end with the connection.
    pub(super) fn is_drained(&self) -> bool {
        self.finished && self.unsent() == 0
    }

    /// A connection took over: `hello` goes first, then what waited.
    pub(super) fn go_online(
        &mut self,
        outgoing: Outgoing,
        stream: &Arc<Stream>,
        hello: Option<Message>,
    ) -> Result<(), ProtocolError> {
        let online = Link::Online(Box::new(outgoing), Arc::downgrade(stream));
        let waiting = match std::mem::replace(&mut self.link, online) {
            Link::Offline(queue) => queue,
            Link::Online(..) | Link::Direct(..) | Link::Closed => VecDeque::new(),
        };
        self.ends.clear();
        self.encoded = 0;
        self.written = 0;
        let Link::Online(outgoing, _) = &mut self.link else { return Ok(()) };
        // What the handshake left to write is no message, but it has its place in the stream.
        self.encoded = outgoing.output().len() as u64;
        for message in hello.into_iter().chain(waiting) {
            let before = outgoing.output().len();
            outgoing.send(&message)?;
            let len = (outgoing.output().len() - before) as u64;
            self.ends.push(self.encoded, len);
            self.encoded += len;
        }
        Ok(())
    }

    /// Connects to a pipe in this process. Gives `hello` and what waited; the caller passes it on.
    pub(super) fn go_direct(
        &mut self,
        receiver: Arc<Pipe>,
        joint: Arc<Joint>,
        hello: Option<Message>,
    ) -> VecDeque<Message> {
        match &mut self.link {
            Link::Offline(queue) => {
                let waiting = hello.into_iter().chain(std::mem::take(queue)).collect();
                self.link = Link::Direct(receiver, joint);
                waiting
            }
            // The end that was bound has left already: the one that connects hears of it next.
            Link::Online(..) | Link::Direct(..) | Link::Closed => VecDeque::new(),
        }
    }

    /// The connection has ended: nothing more is to be lost with it.
    pub(super) fn suspend(&mut self) {
        self.suspended = true;
    }

    /// What was encoded for the connection is lost with it.
    pub(super) fn go_offline(&mut self) -> usize {
        self.suspended = false;
        if matches!(self.link, Link::Closed) {
            return 0;
        }
        self.subscriptions = None;
        if matches!(self.link, Link::Offline(_)) {
            // It came to no connection: what waits goes on waiting.
            return 0;
        }
        // The latest message was not encoded yet: it goes to the next connection.
        self.link = Link::Offline(self.latest.take().map(|latest| *latest).into_iter().collect());
        self.driver = None;
        self.ends.clear()
    }

    pub(super) fn close(&mut self) -> usize {
        let given_up = self.unsent();
        self.link = Link::Closed;
        self.latest = None;
        self.subscriptions = None;
        self.ends.clear();
        self.driver = None;
        self.blocked = false;
        given_up
    }

    pub(super) fn take_output(&mut self, empty: &mut OutputBuffer, waker: &Waker) -> bool {
        self.encode_latest();
        if let Link::Online(outgoing, _) = &mut self.link
            && !outgoing.output().is_empty()
        {
            std::mem::swap(outgoing.output(), empty);
            // Awake, with something in hand.
            self.driver = None;
            return true;
        }
        if self.driver.as_ref().is_some_and(|driver| driver.will_wake(waker)) {
            // It has slept since there was nothing to write the last time.
            return false;
        }
        self.driver = Some(waker.clone());
        self.go_idle(empty);
        false
    }

    /// Writes what waits while the driver sleeps, which then has nothing in hand; `false` if that has to be done
    /// by the driver: it is awake, the system does not take all of it, or the connection is broken.
    pub(super) fn write_now(&mut self) -> bool {
        self.driver.is_some() && self.write_all().is_some()
    }

    fn write_all(&mut self) -> Option<()> {
        let Link::Online(outgoing, stream) = &mut self.link else { return None };
        let stream = stream.upgrade().filter(|_| self.latest.is_none())?;
        let output = outgoing.output();
        let at_once = output.in_one_piece().and_then(|only| stream.write_at_once(only).ok());
        // An error stays there for the driver, who makes an end of the connection.
        let count = at_once.or_else(|| write_some(&stream, output).ok())?;
        output.advance(count);
        let all = output.is_empty();
        give_back(output);
        self.written(count);
        all.then_some(())
    }

    /// Nothing is left to write.
    fn go_idle(&mut self, writing: &mut OutputBuffer) {
        give_back(writing);
        if let Link::Online(outgoing, _) = &mut self.link {
            give_back(outgoing.output());
        }
        self.ends.release();
    }

    /// The latest message is encoded only now that there is nothing before it.
    fn encode_latest(&mut self) {
        if let Link::Online(outgoing, _) = &mut self.link
            && outgoing.output().is_empty()
            && let Some(message) = self.latest.take()
            && outgoing.send(&message).is_ok()
        {
            let len = outgoing.output().len() as u64;
            self.ends.push(self.encoded, len);
            self.encoded += len;
        }
    }

    pub(super) fn written(&mut self, octets: usize) {
        self.written += octets as u64;
        self.ends.written(self.written);
    }

    /// Whether enough was written for a blocked sender to go on: half of the mark.
    pub(super) fn has_low_water(&self) -> bool {
        self.unsent() <= self.high_water / 2
    }

    pub(super) fn take_blocked(&mut self) -> bool {
        std::mem::take(&mut self.blocked)
    }

    pub(super) fn with_outgoing(
        &mut self,
        use_it: impl FnOnce(&mut Outgoing) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let Link::Online(outgoing, _) = &mut self.link else { return Ok(()) };
        let before = outgoing.output().len();
        use_it(outgoing)?;
        self.encoded += outgoing.output().len().saturating_sub(before) as u64;
        Ok(())
    }
}

/// If nothing waits, all memory goes where others find it.
fn give_back(output: &mut OutputBuffer) {
    if output.is_idle_and_large() {
        while let Some(piece) = output.take_spare() {
            memory::give_piece(piece);
        }
        output.release();
    }
}
