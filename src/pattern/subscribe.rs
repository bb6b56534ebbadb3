//! SUB and XSUB: what others publish, as far as it was asked for (29/PUBSUB, "The SUB Socket Type",
//! "The XSUB Socket Type").

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Owner, Pipe, TrySendError};
use zmtp_core::Message;
use zmtp_core::error::ProtocolError;
use zmtp_core::wire::subscription::SubscriptionChange;

use super::fair::FairQueue;
use super::lock;
use super::prefixes::PrefixTree;
use crate::options::Options;

/// Messages that are passed over in one attempt to receive; then others have their turn.
const PASS_OVER: usize = 1024;

/// The pattern of sockets that subscribe.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    pub(crate) queue: FairQueue,
    /// Never fires: nobody has to wait to send.
    pub(crate) never: Notify,
    state: Mutex<State>,
    /// Whether nothing is passed over, to be seen without the lock.
    takes_all: AtomicBool,
    /// What matches nothing is passed over.
    filter: bool,
    invert: bool,
    /// Publishers hear of every subscription and cancellation, not only of the first and the last.
    verbose: bool,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// How often each prefix was subscribed to.
    wanted: PrefixTree<usize>,
    /// Those with a connection. They hear of changes under the lock, so that all hear the same.
    publishers: Vec<Arc<Pipe>>,
}

impl State {
    fn tell(&self, change: SubscriptionChange, prefix: &[u8]) {
        for pipe in &self.publishers {
            pipe.subscribe([(change, prefix)]);
        }
    }
}

impl Subscriptions {
    /// The pattern of SUB.
    pub(crate) fn filtering(options: &Options) -> Arc<Self> {
        Arc::new(Self::new(options, true))
    }

    /// The pattern of XSUB.
    pub(crate) fn raw(options: &Options) -> Arc<Self> {
        Arc::new(Self::new(options, false))
    }

    fn new(options: &Options, filter: bool) -> Self {
        Self {
            queue: FairQueue::default(),
            never: Notify::new(),
            state: Mutex::default(),
            takes_all: AtomicBool::new(!filter),
            filter,
            invert: options.pubsub.invert,
            verbose: options.pubsub.verbose_upstream,
            dropped: AtomicU64::new(0),
        }
    }

    /// Adds one subscription.
    pub(crate) fn subscribe(&self, prefix: &[u8]) {
        let mut state = lock(&self.state);
        let place = state.wanted.insert(prefix);
        if let Some(times) = place.and_then(|id| state.wanted.value_mut(id)) {
            *times += 1;
            if *times == 1 || self.verbose {
                state.tell(SubscriptionChange::Subscribe, prefix);
            }
        }
        self.changed(&state);
    }

    /// Takes one subscription back; `false` if there is none.
    pub(crate) fn unsubscribe(&self, prefix: &[u8]) -> bool {
        let mut state = lock(&self.state);
        let place = state.wanted.find(prefix);
        let left = place.and_then(|id| state.wanted.value_mut(id)).map(|times| {
            *times -= 1;
            *times
        });
        if left == Some(0)
            && let Some(id) = place
        {
            state.wanted.remove(id);
        }
        if left == Some(0) || self.verbose {
            state.tell(SubscriptionChange::Cancel, prefix);
        }
        self.changed(&state);
        left.is_some()
    }

    /// There may be other subscriptions. Who subscribes to the empty prefix takes everything.
    fn changed(&self, state: &State) {
        let takes_all = !self.filter || !self.invert && state.wanted.find(&[]).is_some();
        self.takes_all.store(takes_all, Ordering::Relaxed);
    }

    /// How many different prefixes are subscribed to.
    pub(crate) fn prefixes(&self) -> usize {
        lock(&self.state).wanted.len()
    }

    /// A subscription, a cancellation, or a message to every publisher.
    pub(crate) fn send(&self, message: &Message) {
        let change = (message.len() == 1)
            .then(|| SubscriptionChange::from_message(message.first()))
            .flatten();
        match change {
            Some((SubscriptionChange::Subscribe, prefix)) => self.subscribe(prefix),
            Some((SubscriptionChange::Cancel, prefix)) => {
                self.unsubscribe(prefix);
            }
            None => self.send_upstream(message),
        }
    }

    fn send_upstream(&self, message: &Message) {
        let full = |pipe: &&Arc<Pipe>| pipe.try_send(message) == Err(TrySendError::Full);
        let dropped = lock(&self.state).publishers.iter().filter(full).count();
        if dropped > 0 {
            self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
            tracing::debug!(dropped, "a message to publishers that are full was dropped");
        }
    }

    /// Messages that a publisher did not get because it was full, once for each such publisher.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The next message that was asked for. Publishers may send others, and did send others before
    /// they heard of a cancellation.
    #[inline]
    pub(crate) fn try_recv(&self) -> Option<Message> {
        if self.takes_all.load(Ordering::Relaxed) {
            return self.queue.take();
        }
        self.next_that_suits()
    }

    fn next_that_suits(&self) -> Option<Message> {
        for _ in 0..PASS_OVER {
            let message = self.queue.take()?;
            if self.suits(&message) {
                return Some(message);
            }
        }
        self.queue.changed().notify_one();
        None
    }

    /// Whether there is a message that was asked for.
    pub(crate) fn has_message(&self) -> bool {
        self.queue.find(|_, message| self.suits(message))
    }

    fn suits(&self, message: &Message) -> bool {
        self.takes_all.load(Ordering::Relaxed)
            || lock(&self.state).wanted.matches(message.first()) != self.invert
    }
}

impl Owner for Subscriptions {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        let mut state = lock(&self.state);
        state.publishers.retain(|known| known.id() != pipe.id());
        state.publishers.push(pipe.clone());
        let all = state.wanted.iter().flat_map(|(prefix, times)| {
            let times = if self.verbose { *times } else { 1 };
            std::iter::repeat_n((SubscriptionChange::Subscribe, prefix), times)
        });
        pipe.subscribe(all);
        Ok(())
    }

    fn lost(&self, pipe: &Arc<Pipe>, _reconnecting: bool) {
        lock(&self.state).publishers.retain(|known| known.id() != pipe.id());
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        self.queue.readable(pipe);
    }

    /// Nobody waits for that: what does not fit is dropped.
    fn writable(&self, _pipe: &Arc<Pipe>) {}

    fn stopped(&self) {
        self.queue.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use super::Subscriptions;
    use crate::options::Options;

    #[test]
    fn who_subscribes_to_everything_passes_over_nothing_until_that_is_taken_back() {
        let subscriptions = Subscriptions::filtering(&Options::new());
        let suits = |topic: &str| subscriptions.suits(&topic.into());
        assert!(!suits("a"));
        subscriptions.subscribe(b"a");
        assert!(suits("a") && !suits("b"));
        subscriptions.subscribe(b"");
        subscriptions.subscribe(b"");
        assert!(suits("a") && suits("b"));
        assert!(subscriptions.unsubscribe(b""));
        assert!(suits("b"), "it was subscribed to twice");
        assert!(subscriptions.unsubscribe(b""));
        assert!(suits("a") && !suits("b"));
    }

    #[test]
    fn inverted_everything_is_nothing() {
        let subscriptions = Subscriptions::filtering(&Options::new().invert_matching(true));
        assert!(subscriptions.suits(&"a".into()));
        subscriptions.subscribe(b"");
        assert!(!subscriptions.suits(&"a".into()));
    }
}
