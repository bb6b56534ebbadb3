//! Watching a socket.

use tokio::sync::broadcast;
use transport::{Engine, Event};

/// The events of one socket, from the moment it was asked for. It never slows the socket down: a
/// reader that is too slow loses the oldest events and is told how many. Those about subscriptions are
/// kept apart, so that a peer with many of them drives nothing else out; they come when nothing else
/// waits.
#[derive(Debug)]
pub struct Monitor {
    events: broadcast::Receiver<Event>,
    /// Of sockets that publish: subscriptions.
    changes: Option<broadcast::Receiver<Event>>,
}

/// Something to see on a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a loss is rare, and one event at a time is held")]
pub enum Observation {
    /// What happened.
    Event(Event),
    /// So many events were lost here, because nobody read them in time.
    Missed(u64),
}

impl Monitor {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { events: engine.events(), changes: engine.owner_events() }
    }

    /// The next observation; `None` when the socket is gone.
    ///
    /// Cancel safe: a dropped future has taken nothing.
    pub async fn next(&mut self) -> Option<Observation> {
        match self.recv().await {
            Ok(event) => Some(Observation::Event(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Observation::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    async fn recv(&mut self) -> Result<Event, broadcast::error::RecvError> {
        let Some(changes) = &mut self.changes else { return self.events.recv().await };
        tokio::select! {
            biased;
            event = self.events.recv() => match event {
                Err(broadcast::error::RecvError::Closed) => changes.recv().await,
                event => event,
            },
            event = changes.recv() => match event {
                Err(broadcast::error::RecvError::Closed) => self.events.recv().await,
                event => event,
            },
        }
    }

    /// The next event; losses are passed over.
    ///
    /// Cancel safe: a dropped future has taken nothing.
    pub async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Observation::Event(event) = self.next().await? {
                return Some(event);
            }
        }
    }
}
