//! PUB and XPUB: every message to all whose subscriptions it matches (29/PUBSUB, "The PUB Socket
//! Type", "The XPUB Socket Type").

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use transport::{Event, EventSink, Owner, Pipe, TrySendError};
use zmtp_core::error::ProtocolError;
use zmtp_core::peer::Peer;
use zmtp_core::wire::subscription::SubscriptionChange;
use zmtp_core::{Limits, Message};

use super::duplex::discard;
use super::lock;
use super::notices::{Notices, Turn};
use super::roster::{Change, Roster, Slot, Subscriber};
use crate::error::{GrantError, SendError};
use crate::options::{Options, Told};

/// Subscriptions that are taken out in one go when a subscriber has left.
const FORGET: usize = 512;

/// The pattern of sockets that publish.
#[derive(Debug)]
pub(crate) struct Publisher {
    roster: Mutex<Roster>,
    /// For the application of an XPUB.
    pub(crate) queue: Notices,
    /// A message that did not fit may fit now.
    pub(crate) changed: Notify,
    /// Prefixes that the first peer is or no peer any more is subscribed to, told under the lock.
    events: EventSink,
    dropped: AtomicU64,
    /// How often a subscriber began to lose messages.
    muted: AtomicU64,
    /// `None` for PUB, whose application is told nothing.
    told: Option<Told>,
    limits: Limits,
    welcome: Option<Message>,
    manual: bool,
    no_drop: bool,
    invert: bool,
}

impl Publisher {
    /// The pattern of PUB.
    pub(crate) fn quiet(options: &Options) -> Arc<Self> {
        Arc::new(Self { told: None, ..Self::new(options) })
    }

    /// The pattern of XPUB.
    pub(crate) fn telling(options: &Options) -> Arc<Self> {
        Arc::new(Self::new(options))
    }

    fn new(options: &Options) -> Self {
        let limits = options.limits.clone();
        Self {
            roster: Mutex::default(),
            queue: Notices::new(options.engine.marks.receive, limits.max_subscription_octets),
            changed: Notify::new(),
            events: EventSink::new(options.engine.event_capacity),
            dropped: AtomicU64::new(0),
            muted: AtomicU64::new(0),
            told: Some(options.pubsub.told),
            limits,
            welcome: options.pubsub.welcome.clone(),
            manual: options.pubsub.manual,
            no_drop: options.pubsub.no_drop,
            invert: options.pubsub.invert,
        }
    }

    /// Sends to all whom it matches: those who are full do not get it, or, if nothing may be dropped,
    /// nobody gets it as long as anybody is full.
    pub(crate) fn try_send(&self, message: &Message) -> Result<(), SendError> {
        let mut roster = lock(&self.roster);
        roster.select(message.first(), self.invert);
        self.send_to_chosen(roster, message)
    }

    /// The same, but to this peer alone.
    pub(crate) fn try_send_to(&self, peer: &Arc<Peer>, message: &Message) -> Result<(), SendError> {
        let mut roster = lock(&self.roster);
        let slot = roster.slot_of_peer(peer).ok_or(SendError::PeerGone)?;
        roster.select(message.first(), self.invert);
        roster.narrow(slot);
        self.send_to_chosen(roster, message)
    }

    fn send_to_chosen(
        &self,
        mut roster: MutexGuard<'_, Roster>,
        message: &Message,
    ) -> Result<(), SendError> {
        if self.no_drop {
            let mut room = true;
            roster.chosen(|subscriber| room &= subscriber.pipe.has_room());
            if !room {
                return Err(SendError::WouldBlock);
            }
        }
        let (mut dropped, mut slow) = (0, None);
        roster.chosen(|subscriber| {
            if !give(subscriber, message) {
                dropped += 1;
                if !std::mem::replace(&mut subscriber.muted, true) {
                    slow.clone_from(&subscriber.peer);
                }
            }
        });
        // Whoever writes the log may want to publish it.
        drop(roster);
        if dropped > 0 {
            self.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
        if let Some(peer) = slow {
            self.warn(&peer);
        }
        Ok(())
    }

    /// Each time twice as rarely, so that a slow subscriber is no flood of warnings.
    #[cold]
    fn warn(&self, peer: &Peer) {
        let times = self.muted.fetch_add(1, Ordering::Relaxed) + 1;
        let (address, dropped) = (&peer.verified.address, self.dropped());
        let text = "a subscriber is too slow and gets nothing until it has caught up";
        if times.is_power_of_two() {
            tracing::warn!(%address, times, dropped, "{text}");
        } else {
            tracing::debug!(%address, times, dropped, "{text}");
        }
    }

    /// Messages that a subscriber did not get because it was full, once for each such subscriber.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How many different prefixes are subscribed to.
    pub(crate) fn prefixes(&self) -> usize {
        lock(&self.roster).prefixes()
    }

    /// Changes what a peer is subscribed to; whether that was not so before.
    pub(crate) fn decide(
        &self,
        peer: &Arc<Peer>,
        change: SubscriptionChange,
        prefix: &[u8],
    ) -> Result<bool, GrantError> {
        if !self.manual {
            return Err(GrantError::NotManual);
        }
        let mut roster = lock(&self.roster);
        let slot = roster.slot_of_peer(peer).ok_or(GrantError::PeerGone)?;
        let changed = match change {
            // Without limits there is no error.
            SubscriptionChange::Subscribe => roster.subscribe(slot, prefix, None).unwrap_or(None),
            SubscriptionChange::Cancel => roster.cancel(slot, prefix),
        };
        self.announce(change, changed.as_ref(), Some(peer));
        Ok(changed.is_some())
    }

    /// Tells the monitor, if that is the first subscription to the prefix or was the last one.
    fn announce(
        &self,
        change: SubscriptionChange,
        changed: Option<&Change>,
        peer: Option<&Arc<Peer>>,
    ) {
        let Some(Change { prefix, turned: true }) = changed else { return };
        self.events.tell(|| {
            let (prefix, peer) = (prefix.clone(), peer.cloned());
            match change {
                SubscriptionChange::Subscribe => Event::Subscribed { prefix, peer },
                SubscriptionChange::Cancel => Event::Unsubscribed { prefix, peer },
            }
        });
    }

    /// What a subscriber wants is done, or left to the application.
    fn apply(
        &self,
        roster: &mut Roster,
        slot: Slot,
        change: SubscriptionChange,
        prefix: &[u8],
    ) -> Result<(), ProtocolError> {
        use SubscriptionChange::{Cancel, Subscribe};
        let changed = match change {
            Subscribe if self.manual => Some(roster.ask(slot, prefix, &self.limits)?),
            Cancel if self.manual => Some(roster.unask(slot, prefix)),
            Subscribe => roster.subscribe(slot, prefix, Some(&self.limits))?,
            Cancel => roster.cancel(slot, prefix),
        };
        let peer = roster.subscriber(slot).and_then(|subscriber| subscriber.peer.clone());
        if !self.manual {
            self.announce(change, changed.as_ref(), peer.as_ref());
        }
        let Some(told) = self.told else { return Ok(()) };
        let all = self.manual || told.tells_all(change);
        let scope = roster.subscriber(slot).map(|subscriber| subscriber.pipe.id());
        let pipe = scope.filter(|_| self.manual);
        let (prefix, matters) = match changed {
            Some(Change { prefix, turned }) => (prefix, turned),
            None if all => (prefix.into(), false),
            None => return Ok(()),
        };
        if all || matters {
            self.queue.turn(Turn { change, prefix, peer, pipe, matters });
        }
        Ok(())
    }

    /// Some of what a subscriber wanted before it left is taken out.
    fn tell_gone(&self, gone: Vec<Change>, peer: Option<&Arc<Peer>>) {
        let change = SubscriptionChange::Cancel;
        for changed in &gone {
            self.announce(change, Some(changed), peer);
        }
        let Some(told) = self.told.filter(|_| !self.manual) else { return };
        for Change { prefix, turned: matters } in gone {
            if matters || told.tells_all(change) {
                let peer = peer.cloned();
                self.queue.turn(Turn { change, prefix, peer, pipe: None, matters });
            }
        }
    }
}

/// Whether the subscriber got the message. Once it is full it gets nothing until half of the mark is
/// free, as with libzmq: it sees few long gaps instead of many short ones.
#[inline]
fn give(subscriber: &Subscriber, message: &Message) -> bool {
    // A pipe that is closed has no subscriber any more.
    !subscriber.muted && subscriber.pipe.try_send(message) != Err(TrySendError::Full)
}

impl Owner for Publisher {
    fn connecting(&self, pipe: &Arc<Pipe>) {
        lock(&self.roster).enter(pipe);
    }

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        let mut roster = lock(&self.roster);
        if let (Some(slot), Some(peer)) = (roster.enter(pipe), pipe.peer()) {
            roster.connected(slot, &peer);
        }
        Ok(())
    }

    fn subscription(
        &self,
        pipe: &Arc<Pipe>,
        change: SubscriptionChange,
        prefix: &[u8],
    ) -> Result<(), ProtocolError> {
        let mut roster = lock(&self.roster);
        match roster.slot(pipe.id()) {
            // Told under the lock, so that the order is the one in which it happened.
            Some(slot) => self.apply(&mut roster, slot, change, prefix),
            None => Ok(()),
        }
    }

    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool) {
        let mut roster = lock(&self.roster);
        let Some(slot) = roster.slot(pipe.id()) else { return };
        let peer = roster.disconnected(slot);
        if self.manual && self.told.is_some() {
            let (change, id, matters) = (SubscriptionChange::Cancel, Some(pipe.id()), true);
            for prefix in roster.take_asked(slot) {
                let peer = peer.clone();
                self.queue.turn(Turn { change, prefix, peer, pipe: id, matters });
            }
        }
        while let Some(gone) = roster.forget(slot, FORGET) {
            self.tell_gone(gone, peer.as_ref());
            // Others may publish meanwhile.
            drop(roster);
            roster = lock(&self.roster);
        }
        if !reconnecting {
            roster.leave(slot);
        }
        drop(roster);
        // A message that waited for this peer need not wait any more.
        self.changed.notify_waiters();
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        if self.told.is_some() {
            self.queue.messages(pipe);
        } else {
            discard(pipe);
        }
    }

    fn writable(&self, pipe: &Arc<Pipe>) {
        let mut roster = lock(&self.roster);
        if let Some(slot) = roster.slot(pipe.id())
            && let Some(subscriber) = roster.subscriber(slot)
        {
            subscriber.muted = false;
        }
        drop(roster);
        self.changed.notify_waiters();
    }

    fn stopped(&self) {
        self.changed.notify_waiters();
        self.queue.wake_all();
    }

    fn events(&self) -> Option<&EventSink> {
        Some(&self.events)
    }

    fn hello(&self) -> Option<Message> {
        self.welcome.clone()
    }
}
