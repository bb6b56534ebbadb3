//! Heartbeats in virtual time (37/ZMTP, "Connection Heartbeating").

use alloc::boxed::Box;
use core::time::Duration;

use crate::error::{Misbehaved, ProtocolError, Stage};
use crate::time::Instant;
use crate::wire::greeting::Version;
use crate::wire::heartbeat::{Ping, PingContext, Ttl};

/// PINGs without a PONG after which the interval doubles with each further one, up to [`MAX_BACKOFF`]
/// times its length, however lively the peer is otherwise (37/ZMTP, "Connection Heartbeating": no
/// more than a small number).
const MAX_UNANSWERED: u32 = 3;
const MAX_BACKOFF: u32 = 16;

/// Whether and how to ask the peer for signs of life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeartbeatConfig {
    /// Time between two PINGs; `None` (the default) sends none. PINGs of the peer are always answered.
    pub interval: Option<Duration>,
    /// Time without any octet after a PING until the peer is given up. `None` (the default) takes the
    /// interval, zero waits for ever.
    pub timeout: Option<Duration>,
    /// How long the peer should wait for our traffic; zero (the default) asks for no limit.
    pub ttl: Ttl,
}

/// The clockwork of one connection.
#[derive(Debug)]
pub struct Heartbeat {
    /// Apart, because most connections ask for nothing.
    asking: Option<Box<Asking>>,
    /// The same: when the peer is given up unless it speaks before.
    peer_ttl: Option<Box<Instant>>,
}

/// The side that sends PINGs.
#[derive(Debug)]
struct Asking {
    interval: Duration,
    timeout: Duration,
    ttl: Ttl,
    next_ping: Instant,
    unanswered: u32,
    answer_due: Option<Instant>,
}

impl Heartbeat {
    /// Starts the clockwork at `now`. PINGs go only to peers that announce 3.1 or later.
    #[must_use]
    pub fn new(config: &HeartbeatConfig, peer: Version, now: Instant) -> Self {
        let interval = config.interval.filter(|every| !every.is_zero() && peer >= Version::V3_1);
        let asking = interval.map(|interval| {
            Box::new(Asking {
                interval,
                timeout: config.timeout.unwrap_or(interval),
                ttl: config.ttl,
                next_ping: now + interval,
                unanswered: 0,
                answer_due: None,
            })
        });
        Self { asking, peer_ttl: None }
    }

    /// Octets arrived, of whatever kind: the peer lives.
    #[inline]
    pub fn received(&mut self) {
        self.peer_ttl = None;
        if let Some(asking) = &mut self.asking {
            asking.answer_due = None;
        }
    }

    /// A PING arrived; its TTL runs from now. Call it after [`received`](Self::received).
    pub fn ping_received(&mut self, ttl: Ttl, now: Instant) {
        self.peer_ttl = ttl.duration().map(|ttl| Box::new(now + ttl));
    }

    /// A PONG arrived, whatever its context: the peer does answer. Call it after
    /// [`received`](Self::received); a peer that never answers is asked ever more rarely.
    pub fn pong_received(&mut self) {
        if let Some(asking) = &mut self.asking {
            asking.unanswered = 0;
        }
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let asking = self.asking.as_deref();
        let next_ping = asking.map(|asking| asking.next_ping);
        let answer_due = asking.and_then(|asking| asking.answer_due);
        [next_ping, answer_due, self.peer_ttl.as_deref().copied()].into_iter().flatten().min()
    }

    /// Gives the peer up if its time is over, or returns the PING to send now.
    ///
    /// # Errors
    /// [`Misbehaved::TtlExpired`] or [`Misbehaved::HeartbeatTimeout`].
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Option<Ping>, ProtocolError> {
        let over = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        let lost = if over(self.peer_ttl.as_deref().copied()) {
            Some(Misbehaved::TtlExpired)
        } else if over(self.asking.as_deref().and_then(|asking| asking.answer_due)) {
            Some(Misbehaved::HeartbeatTimeout)
        } else {
            None
        };
        if let Some(lost) = lost {
            return Err(ProtocolError::peer(Stage::Traffic, lost));
        }
        let asking = self.asking.as_deref_mut().filter(|asking| asking.next_ping <= now);
        Ok(asking.and_then(|asking| asking.ask(now)))
    }
}

impl Asking {
    fn ask(&mut self, now: Instant) -> Option<Ping> {
        // One PING at a time: the peer owes an answer, asking again adds nothing.
        let ask = self.answer_due.is_none();
        if ask {
            self.answer_due = (!self.timeout.is_zero()).then(|| now + self.timeout);
            self.unanswered = self.unanswered.saturating_add(1);
        }
        self.next_ping = now + self.interval.saturating_mul(self.backoff());
        ask.then(|| Ping { ttl: self.ttl, context: PingContext::default() })
    }

    fn backoff(&self) -> u32 {
        let doublings = self.unanswered.saturating_sub(MAX_UNANSWERED - 1);
        1_u32.checked_shl(doublings).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF)
    }
}
