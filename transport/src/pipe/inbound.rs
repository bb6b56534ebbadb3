//! The receiving half of a pipe.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use zmtp_core::Message;
use zmtp_core::peer::{Peer, RoutingId};

use super::{Pipe, PipeId};
use crate::backlog::{Amount, Backlog, Departed};

/// Messages in the hands of the receiver, and who sent them.
#[derive(Debug, Default)]
pub struct Batch {
    messages: VecDeque<Message>,
    origin: Origin,
    /// Exchanges in a row that brought few messages of a sender in this process.
    meagre: u8,
    /// Whether the pipe counts nothing of this, and need not hear when it is used up.
    alone: bool,
}

/// Messages that a batch has room for without being too large to be kept.
const SPARE: usize = 8;
/// Messages that make an exchange worth its while.
const WORTHWHILE: usize = 32;
/// Exchanges in a row that bring less than that, after which the receiver holds back.
const HASTY: u8 = 8;

/// The connection that messages came through.
#[derive(Debug, Clone, Default)]
struct Origin {
    peer: Option<Arc<Peer>>,
    label: RoutingId,
}

impl Batch {
    /// The next message, marked with its sender.
    #[inline]
    pub fn pop(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// Holds back for a few microseconds who takes the messages of a sender in this process one by one: to meet
    /// at the lock for each costs both of them more.
    pub(super) fn hold_back(&self) {
        if self.is_hasty() {
            (0..96).for_each(|_| std::hint::spin_loop());
        }
    }

    const fn is_hasty(&self) -> bool {
        self.meagre >= HASTY
    }

    fn weigh(&mut self, is_from_here: bool) {
        let meagre = is_from_here && (1..WORTHWHILE).contains(&self.messages.len());
        self.meagre = if meagre { self.meagre.saturating_add(1) } else { 0 };
    }

    /// Marks all messages with their sender, where they stand: to write to a message and move it at once
    /// costs several times what either does.
    pub(super) fn mark(&mut self) {
        if self.origin.peer.is_some() {
            self.messages.iter_mut().for_each(|message| self.origin.mark(message));
        }
    }

    /// The [label](Pipe::label) that the pipe had when the messages came.
    #[must_use]
    #[inline]
    pub const fn label(&self) -> &RoutingId {
        &self.origin.label
    }

    /// The next message, which stays.
    #[must_use]
    pub fn first(&self) -> Option<&Message> {
        self.messages.front()
    }

    /// Whether this is a message that came alone to a [visitor](Pipe::visit): the pipe need not be asked for more,
    /// and is not to be, since it will be announced when there is.
    #[must_use]
    #[inline]
    pub const fn is_alone(&self) -> bool {
        self.alone
    }

    /// One that was used up is as if it were new, but that it keeps its memory, unless that is much.
    #[inline]
    pub fn reset(&mut self) {
        if self.messages.capacity() > SPARE {
            self.messages = VecDeque::new();
        }
        self.origin = Origin::default();
        (self.meagre, self.alone) = (0, false);
    }

    /// Whether the batch is used up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many messages are left.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.messages.len()
    }
}

impl Origin {
    #[inline]
    fn mark(&self, message: &mut Message) {
        if let Some(peer) = &self.peer
            && message.peer().is_none()
        {
            message.set_peer(peer.clone());
        }
    }
}

/// So many messages, and where they came from.
type Earlier = VecDeque<(usize, Origin)>;

#[derive(Debug)]
pub(super) struct Inbound {
    queue: VecDeque<Message>,
    /// How many at the front of the queue came through connections before this one, and which. Apart,
    /// because few connections have any.
    earlier: Option<Box<Earlier>>,
    /// This connection, or the last one.
    origin: Origin,
    /// Whether it stands.
    connected: bool,
    /// The mark of this side; zero means none.
    own_mark: usize,
    /// The mark that holds now; zero means none.
    high_water: usize,
    /// Octets in the queue, as they came through a stream.
    octets: usize,
    /// In the batch that the receiver holds.
    held: Amount,
    /// Adopted by the owner and not released.
    adopted: Amount,
    /// Where what is not read counts when the peer has left; of accepted connections.
    backlog: Option<Arc<Backlog>>,
    /// No message was delivered yet.
    fresh: bool,
    /// The peer has left.
    departed: Option<Box<Departed>>,
    /// Only the last message is kept.
    conflate: bool,
    /// Whether the owner knows that there is something to receive.
    announced: bool,
    driver: Option<Waker>,
    /// A sender in this process that fills this queue itself.
    sender: Option<Arc<Pipe>>,
    /// It may have found no room.
    sender_waits: bool,
}

impl Inbound {
    pub(super) fn new(high_water: usize, conflate: bool) -> Self {
        Self {
            queue: VecDeque::new(),
            earlier: None,
            origin: Origin::default(),
            connected: false,
            own_mark: high_water,
            high_water,
            octets: 0,
            held: Amount::default(),
            adopted: Amount::default(),
            backlog: None,
            fresh: true,
            departed: None,
            conflate,
            announced: false,
            driver: None,
            sender: None,
            sender_waits: false,
        }
    }

    /// What is not read counts there when the peer has left.
    pub(super) fn set_backlog(&mut self, backlog: Arc<Backlog>) {
        self.backlog = Some(backlog);
    }

    /// The peer has left for good.
    pub(super) fn depart(&mut self, pipe: PipeId) {
        let Some(backlog) = &self.backlog else { return };
        backlog.forget(pipe);
        if self.departed.is_none() && self.waiting() > 0 {
            let peer = self.origin.peer.as_deref();
            self.departed = Some(Box::new(Departed::new(backlog.clone(), peer, self.amount())));
        }
    }

    /// Some of what the peer wrote was read.
    fn recount(&mut self) {
        let amount = self.amount();
        match &mut self.departed {
            Some(departed) if amount.messages > 0 => departed.set(amount),
            departed => *departed = None,
        }
    }

    fn amount(&self) -> Amount {
        let octets = self.octets + self.held.octets + self.adopted.octets;
        Amount { messages: self.waiting(), octets }
    }

    /// A sender in this process takes over, or leaves. As in libzmq the marks of both sides add up, and
    /// no mark on either side is none at all.
    pub(super) fn set_sender(&mut self, sender: Option<Arc<Pipe>>, its_mark: usize) {
        self.high_water = match (self.own_mark, its_mark) {
            (own, _) if sender.is_none() => own,
            (0, _) | (_, 0) => 0,
            (own, its) => own.saturating_add(its),
        };
        // What it was told before it came here is not known.
        self.sender_waits = sender.is_some();
        self.sender = sender;
    }

    /// The sender in this process.
    pub(super) fn sender(&self) -> Option<&Arc<Pipe>> {
        self.sender.as_ref()
    }

    /// The same, if it may wait for messages to be taken.
    pub(super) fn take_waiting_sender(&mut self) -> Option<Arc<Pipe>> {
        std::mem::take(&mut self.sender_waits).then(|| self.sender.clone()).flatten()
    }

    /// Whether one more message fits. If not, the sender that asks waits.
    pub(super) fn takes_more(&mut self) -> bool {
        let room = !self.is_bounded() || self.waiting() < self.high_water;
        self.sender_waits |= !room;
        room
    }

    fn is_bounded(&self) -> bool {
        self.high_water != 0 && !self.conflate
    }

    fn waiting(&self) -> usize {
        self.queue.len() + self.held.messages + self.adopted.messages
    }

    /// Appends one message, in place of all others if either side conflates; whether the owner must be
    /// told.
    pub(super) fn accept(&mut self, message: Message, conflate: bool) -> bool {
        if conflate || self.conflate {
            self.clear();
        }
        self.queue.push_back(message);
        !std::mem::replace(&mut self.announced, true)
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.earlier = None;
        self.octets = 0;
    }

    /// The other side, while there is a connection.
    pub(super) fn peer(&self) -> Option<&Arc<Peer>> {
        self.origin.peer.as_ref().filter(|_| self.connected)
    }

    /// The connection is gone.
    pub(super) fn leave(&mut self) {
        self.connected = false;
        self.set_sender(None, 0);
    }

    /// Another peer begins to send: what still waits stays that of the one before.
    pub(super) fn set_peer(&mut self, peer: Arc<Peer>) {
        let known: usize = self.earlier.iter().flat_map(|it| &**it).map(|(count, _)| count).sum();
        let count = self.queue.len().saturating_sub(known);
        if count > 0 {
            self.earlier.get_or_insert_default().push_back((count, self.origin.clone()));
        }
        self.origin.peer = Some(peer);
        self.connected = true;
    }

    pub(super) const fn label(&self) -> &RoutingId {
        &self.origin.label
    }

    /// Names the peer, for what it will send.
    pub(super) fn set_label(&mut self, label: RoutingId) {
        self.origin.label = label;
    }

    /// How many messages may be delivered now. `None` if none before others were read.
    pub(super) fn room(&mut self, pipe: PipeId, waker: &Waker) -> Option<usize> {
        let held_back = |backlog: &Arc<Backlog>| backlog.holds_back(pipe, waker);
        if self.fresh && self.backlog.as_ref().is_some_and(held_back) {
            return None;
        }
        Some(self.room_below_mark(waker))
    }

    fn room_below_mark(&mut self, waker: &Waker) -> usize {
        if !self.is_bounded() {
            return usize::MAX;
        }
        let room = self.high_water.saturating_sub(self.waiting());
        if room == 0 {
            self.driver = Some(waker.clone());
        }
        room
    }

    /// Appends messages, which came as so many octets; whether the owner must be told that there are
    /// some.
    pub(super) fn deliver(&mut self, messages: &mut VecDeque<Message>, octets: usize) -> bool {
        self.fresh = false;
        if self.conflate {
            self.clear();
            self.queue.extend(messages.pop_back());
            messages.clear();
        } else if self.queue.is_empty() {
            std::mem::swap(&mut self.queue, messages);
        } else {
            self.queue.append(messages);
        }
        self.octets += octets;
        !std::mem::replace(&mut self.announced, true)
    }

    pub(super) fn refill(&mut self, batch: &mut Batch) -> bool {
        if self.conflate && self.queue.is_empty() {
            // What is in hand is still the last.
            self.announced = !batch.messages.is_empty();
            return self.announced;
        }
        if self.conflate {
            batch.messages.clear();
        }
        let most = self.take_origin(self.share(), &mut batch.origin);
        let octets = share(self.octets, most, self.queue.len());
        if self.queue.len() <= most {
            std::mem::swap(&mut self.queue, &mut batch.messages);
        } else {
            batch.messages.extend(self.queue.drain(..most));
        }
        self.octets -= octets;
        self.held = Amount { messages: batch.messages.len(), octets };
        self.announced = self.held.messages > 0;
        batch.alone = false;
        batch.weigh(self.sender.is_some());
        if !self.announced && self.queue.capacity() > 64 {
            self.queue = VecDeque::new();
        }
        if self.departed.is_some() {
            self.recount();
        }
        self.announced
    }

    /// Received straight into the hands of the receiver, as if they had been [delivered](Self::deliver) and
    /// [taken](Self::refill). One that is alone is as good as received, and not counted.
    pub(super) fn receive_into(
        &mut self,
        batch: &mut Batch,
        decode: impl FnOnce(usize, &mut VecDeque<Message>) -> usize,
    ) -> usize {
        // What comes first is looked at more closely by `room`.
        let first = self.announced || !self.queue.is_empty() || self.earlier.is_some();
        if first || self.fresh || self.conflate || !batch.is_empty() {
            return 0;
        }
        batch.origin.clone_from(&self.origin);
        let octets = decode(self.share(), &mut batch.messages);
        batch.alone = batch.messages.len() == 1;
        if !batch.alone {
            self.held = Amount { messages: batch.messages.len(), octets };
            self.announced = self.held.messages > 0;
        }
        octets
    }

    /// Messages that a receiver takes at a time: half of the mark at most, so that the driver fills the other half
    /// meanwhile.
    const fn share(&self) -> usize {
        if self.high_water == 0 { usize::MAX } else { self.high_water.div_ceil(2) }
    }

    /// The connection that the next messages came through, and how many of `most` did.
    fn take_origin(&mut self, most: usize, origin: &mut Origin) -> usize {
        let Some(all) = &mut self.earlier else {
            origin.clone_from(&self.origin);
            return most;
        };
        let Some((count, earlier)) = all.front_mut() else {
            self.earlier = None;
            return self.take_origin(most, origin);
        };
        origin.clone_from(earlier);
        let taken = most.min(*count);
        *count -= taken;
        if *count == 0 {
            all.pop_front();
        }
        taken
    }

    /// All that waits goes to the owner and still counts.
    pub(super) fn adopt(&mut self) -> Batch {
        let mut messages = std::mem::take(&mut self.queue);
        let mut rest = messages.iter_mut();
        for (count, origin) in self.earlier.take().into_iter().flat_map(|it| *it) {
            rest.by_ref().take(count).for_each(|message| origin.mark(message));
        }
        self.adopted.messages += messages.len();
        self.adopted.octets += std::mem::take(&mut self.octets);
        self.announced = false;
        let mut batch = Batch { messages, origin: self.origin.clone(), ..Batch::default() };
        batch.mark();
        batch
    }

    /// So many adopted messages count no more; whether whoever fills the queue should go on now.
    pub(super) fn release(&mut self, count: usize) -> bool {
        let Amount { messages, octets } = self.adopted;
        self.adopted.octets -= share(octets, count, messages);
        self.adopted.messages -= count.min(messages);
        if self.departed.is_some() {
            self.recount();
        }
        self.waiting() <= self.high_water / 2
    }

    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        self.driver.take()
    }
}

/// What falls on some of the messages that came as so many octets.
fn share(octets: usize, some: usize, all: usize) -> usize {
    if some >= all {
        return octets;
    }
    let share = octets as u128 * some as u128 / all.max(1) as u128;
    usize::try_from(share).unwrap_or(octets)
}

#[cfg(test)]
mod tests {
    use super::{Batch, HASTY, WORTHWHILE};
    use zmtp_core::Message;

    fn exchange(batch: &mut Batch, messages: usize, is_from_here: bool) -> bool {
        batch.messages = vec![Message::default(); messages].into();
        batch.weigh(is_from_here);
        batch.is_hasty()
    }

    #[test]
    fn who_takes_few_messages_again_and_again_is_hasty() {
        let mut batch = Batch::default();
        for at in 1..=HASTY {
            assert_eq!(exchange(&mut batch, WORTHWHILE - 1, true), at == HASTY, "{at}");
        }
        assert!(exchange(&mut batch, 1, true), "still");
        // Much at once, nothing at all, or a stream, which a driver takes from anyway.
        for (messages, is_from_here) in [(WORTHWHILE, true), (0, true), (1, false)] {
            batch.meagre = HASTY;
            assert!(!exchange(&mut batch, messages, is_from_here), "{messages}");
        }
    }
}
