//! Who subscribed to what.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use transport::{Pipe, PipeId};
use zmtp_core::Limits;
use zmtp_core::error::{Misbehaved, ProtocolError, Stage};
use zmtp_core::peer::Peer;

use super::prefixes::{NodeId, PrefixTree};

/// The place of a subscriber; another one may have it when it has left.
pub(crate) type Slot = u32;

/// All subscribers of a publisher and one tree of what they want.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    tree: PrefixTree<Slots>,
    subscribers: Vec<Option<Subscriber>>,
    vacant: Vec<Slot>,
    by_pipe: HashMap<PipeId, Slot>,
    /// By the address of the peer, which is unique as long as anybody holds it.
    by_peer: HashMap<usize, Slot>,
    /// Counts selections, so that each can tell whom it has chosen already.
    turn: u64,
    /// Whom the last selection chose.
    chosen: Vec<Slot>,
}

/// A peer that may subscribe.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) pipe: Arc<Pipe>,
    /// `None` while there is no connection.
    pub(crate) peer: Option<Arc<Peer>>,
    /// It was full, and gets nothing before it has caught up.
    pub(crate) muted: bool,
    /// What it is subscribed to, and the octets in all of that which it chose itself.
    places: HashSet<NodeId>,
    octets: usize,
    /// What it asked for, where somebody else decides what it is subscribed to.
    asked: HashSet<Arc<[u8]>>,
    octets_asked: usize,
    chosen_in: u64,
}

/// The subscribers of one prefix, in order. Most prefixes have one.
#[derive(Debug, Default)]
enum Slots {
    #[default]
    None,
    One(Slot),
    Many(Vec<Slot>),
}

impl Slots {
    fn as_slice(&self) -> &[Slot] {
        match self {
            Self::None => &[],
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }

    fn insert(&mut self, slot: Slot) {
        match self {
            Self::None => *self = Self::One(slot),
            Self::One(only) if *only == slot => {}
            Self::One(only) => *self = Self::Many(vec![slot.min(*only), slot.max(*only)]),
            Self::Many(slots) => {
                if let Err(at) = slots.binary_search(&slot) {
                    slots.insert(at, slot);
                }
            }
        }
    }

    fn remove(&mut self, slot: Slot) {
        match self {
            Self::One(only) if *only == slot => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Many(slots) => {
                if let Ok(at) = slots.binary_search(&slot) {
                    slots.remove(at);
                }
                if let [only] = slots.as_slice() {
                    *self = Self::One(*only);
                }
            }
        }
    }
}

/// What a subscription changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The prefix.
    pub(crate) prefix: Arc<[u8]>,
    /// Whether it is the first subscription to the prefix, or was the last one.
    pub(crate) turned: bool,
}

fn address(peer: &Arc<Peer>) -> usize {
    Arc::as_ptr(peer).addr()
}

impl Roster {
    /// How many different prefixes there are.
    pub(crate) const fn prefixes(&self) -> usize {
        self.tree.len()
    }

    /// The place of this pipe.
    pub(crate) fn slot(&self, pipe: PipeId) -> Option<Slot> {
        self.by_pipe.get(&pipe).copied()
    }

    /// The place of this peer, while its connection stands.
    pub(crate) fn slot_of_peer(&self, peer: &Arc<Peer>) -> Option<Slot> {
        self.by_peer.get(&address(peer)).copied()
    }

    /// Who is at this place.
    pub(crate) fn subscriber(&mut self, slot: Slot) -> Option<&mut Subscriber> {
        self.subscribers.get_mut(slot as usize)?.as_mut()
    }

    /// A place for the pipe, unless it has one.
    pub(crate) fn enter(&mut self, pipe: &Arc<Pipe>) -> Option<Slot> {
        if let Some(slot) = self.slot(pipe.id()) {
            return Some(slot);
        }
        let subscriber = Subscriber {
            pipe: pipe.clone(),
            peer: None,
            muted: false,
            places: HashSet::new(),
            octets: 0,
            asked: HashSet::new(),
            octets_asked: 0,
            chosen_in: 0,
        };
        let slot = match self.vacant.pop() {
            Some(slot) => slot,
            None => {
                let slot = Slot::try_from(self.subscribers.len()).ok()?;
                self.subscribers.push(None);
                slot
            }
        };
        *self.subscribers.get_mut(slot as usize)? = Some(subscriber);
        self.by_pipe.insert(pipe.id(), slot);
        Some(slot)
    }

    /// The pipe at this place has a connection now.
    pub(crate) fn connected(&mut self, slot: Slot, peer: &Arc<Peer>) {
        self.by_peer.insert(address(peer), slot);
        if let Some(subscriber) = self.subscriber(slot) {
            subscriber.peer = Some(peer.clone());
        }
    }

    /// The connection is gone: nothing is sent any more. What it was subscribed to is taken out
    /// [piece by piece](Self::forget).
    pub(crate) fn disconnected(&mut self, slot: Slot) -> Option<Arc<Peer>> {
        let subscriber = self.subscriber(slot)?;
        subscriber.muted = false;
        let peer = subscriber.peer.take()?;
        self.by_peer.remove(&address(&peer));
        Some(peer)
    }

    /// Takes out up to `most` of the subscriptions of this place. `None` when there are none left.
    pub(crate) fn forget(&mut self, slot: Slot, most: usize) -> Option<Vec<Change>> {
        let subscriber = self.subscriber(slot)?;
        let some: Vec<NodeId> = subscriber.places.iter().take(most).copied().collect();
        if some.is_empty() {
            subscriber.places = HashSet::new();
            subscriber.octets = 0;
            return None;
        }
        Some(some.into_iter().filter_map(|id| self.remove(slot, id)).collect())
    }

    /// What this place asked for, if somebody else decides; forgets it.
    pub(crate) fn take_asked(&mut self, slot: Slot) -> HashSet<Arc<[u8]>> {
        let Some(subscriber) = self.subscriber(slot) else { return HashSet::new() };
        subscriber.octets_asked = 0;
        std::mem::take(&mut subscriber.asked)
    }

    /// The pipe is gone for good.
    pub(crate) fn leave(&mut self, slot: Slot) {
        let subscriber = self.subscribers.get_mut(slot as usize).and_then(Option::take);
        if let Some(subscriber) = subscriber {
            self.by_pipe.remove(&subscriber.pipe.id());
            self.vacant.push(slot);
        }
    }

    /// Adds a subscription; `None` if this place has it already.
    pub(crate) fn subscribe(
        &mut self,
        slot: Slot,
        prefix: &[u8],
        limits: Option<&Limits>,
    ) -> Result<Option<Change>, ProtocolError> {
        let found = self.tree.find(prefix);
        let Some(subscriber) = self.subscriber(slot) else { return Ok(None) };
        if found.is_some_and(|id| subscriber.places.contains(&id)) {
            return Ok(None);
        }
        if let Some(limits) = limits {
            check(limits, subscriber.places.len(), subscriber.octets, prefix)?;
            subscriber.octets += prefix.len();
        }
        Ok(self.insert(slot, prefix))
    }

    fn insert(&mut self, slot: Slot, prefix: &[u8]) -> Option<Change> {
        let id = self.tree.insert(prefix)?;
        let slots = self.tree.value_mut(id)?;
        let turned = slots.as_slice().is_empty();
        slots.insert(slot);
        let prefix = self.tree.key(id)?.clone();
        self.subscriber(slot)?.places.insert(id);
        Some(Change { prefix, turned })
    }

    /// Takes a subscription out; `None` if this place does not have it.
    pub(crate) fn cancel(&mut self, slot: Slot, prefix: &[u8]) -> Option<Change> {
        let id = self.tree.find(prefix)?;
        let subscriber = self.subscriber(slot)?;
        if !subscriber.places.contains(&id) {
            return None;
        }
        subscriber.octets = subscriber.octets.saturating_sub(prefix.len());
        self.remove(slot, id)
    }

    fn remove(&mut self, slot: Slot, id: NodeId) -> Option<Change> {
        let prefix = self.tree.key(id)?.clone();
        let slots = self.tree.value_mut(id)?;
        slots.remove(slot);
        let turned = slots.as_slice().is_empty();
        if turned {
            self.tree.remove(id);
        }
        self.subscriber(slot)?.places.remove(&id);
        Some(Change { prefix, turned })
    }

    /// Notes that this place asks for a subscription. `turned` says whether it did not before.
    pub(crate) fn ask(
        &mut self,
        slot: Slot,
        prefix: &[u8],
        limits: &Limits,
    ) -> Result<Change, ProtocolError> {
        let mut change = Change { prefix: prefix.into(), turned: false };
        let Some(subscriber) = self.subscriber(slot) else { return Ok(change) };
        if !subscriber.asked.contains(prefix) {
            check(limits, subscriber.asked.len(), subscriber.octets_asked, prefix)?;
            subscriber.octets_asked += prefix.len();
            subscriber.asked.insert(change.prefix.clone());
            change.turned = true;
        }
        Ok(change)
    }

    /// Notes that this place asks for a subscription no more. `turned` says whether it did before.
    pub(crate) fn unask(&mut self, slot: Slot, prefix: &[u8]) -> Change {
        let turned = self.subscriber(slot).is_some_and(|subscriber| {
            let known = subscriber.asked.remove(prefix);
            let octets = if known { prefix.len() } else { 0 };
            subscriber.octets_asked = subscriber.octets_asked.saturating_sub(octets);
            known
        });
        Change { prefix: prefix.into(), turned }
    }

    /// Chooses whom a message with this topic goes to, each once.
    #[inline]
    pub(crate) fn select(&mut self, topic: &[u8], invert: bool) {
        self.turn += 1;
        let Self { tree, subscribers, turn, chosen, .. } = self;
        chosen.clear();
        let mut choose = |slots: &[Slot]| {
            for slot in slots {
                if let Some(Some(subscriber)) = subscribers.get_mut(*slot as usize)
                    && subscriber.chosen_in != *turn
                {
                    subscriber.chosen_in = *turn;
                    chosen.push(*slot);
                }
            }
        };
        // Those of one prefix: nobody is there twice, so that as long as there is no other, nobody need be marked.
        let mut only: Option<&[Slot]> = (!invert).then_some(&[]);
        tree.matching(topic, |slots| match only {
            Some([]) => only = Some(slots.as_slice()),
            first => {
                only = None;
                first.into_iter().chain([slots.as_slice()]).for_each(&mut choose);
            }
        });
        chosen.extend_from_slice(only.unwrap_or_default());
        if invert {
            let others = subscribers.iter().zip(0..).filter(|(subscriber, _)| {
                subscriber.as_ref().is_some_and(|subscriber| subscriber.chosen_in != *turn)
            });
            chosen.clear();
            chosen.extend(others.map(|(_, slot)| slot));
        }
    }

    /// Leaves of those who were chosen at most this one.
    pub(crate) fn narrow(&mut self, slot: Slot) {
        self.chosen.retain(|chosen| *chosen == slot);
    }

    /// Whom the last selection chose, as far as they are connected.
    #[inline]
    pub(crate) fn chosen(&mut self, mut each: impl FnMut(&mut Subscriber)) {
        for slot in &self.chosen {
            if let Some(Some(subscriber)) = self.subscribers.get_mut(*slot as usize)
                && subscriber.peer.is_some()
            {
                each(subscriber);
            }
        }
    }
}

/// Whether there may be one more subscription beside those that there are.
fn check(
    limits: &Limits,
    subscriptions: usize,
    octets: usize,
    prefix: &[u8],
) -> Result<(), ProtocolError> {
    let octets = octets.saturating_add(prefix.len());
    if subscriptions >= limits.max_subscriptions || octets > limits.max_subscription_octets {
        return Err(ProtocolError::peer(Stage::Traffic, Misbehaved::TooManySubscriptions));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
