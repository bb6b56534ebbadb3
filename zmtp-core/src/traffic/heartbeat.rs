//! Heartbeats in virtual time (37/ZMTP, "Connection Heartbeating").

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
    interval: Option<Duration>,
    timeout: Duration,
    ttl: Ttl,
    next_ping: Option<Instant>,
    unanswered: u32,
    answer_due: Option<Instant>,
    peer_ttl: Option<Instant>,
}

impl Heartbeat {
    /// Starts the clockwork at `now`. PINGs go only to peers that announce 3.1 or later.
    #[must_use]
    pub fn new(config: &HeartbeatConfig, peer: Version, now: Instant) -> Self {
        let interval = config.interval.filter(|every| !every.is_zero() && peer >= Version::V3_1);
        Self {
            interval,
            timeout: config.timeout.or(interval).unwrap_or_default(),
            ttl: config.ttl,
            next_ping: interval.map(|every| now + every),
            unanswered: 0,
            answer_due: None,
            peer_ttl: None,
        }
    }

    /// Octets arrived, of whatever kind: the peer lives.
    #[inline]
    pub fn received(&mut self) {
        self.answer_due = None;
        self.peer_ttl = None;
    }

    /// A PING arrived; its TTL runs from now. Call it after [`received`](Self::received).
    pub fn ping_received(&mut self, ttl: Ttl, now: Instant) {
        self.peer_ttl = ttl.duration().map(|ttl| now + ttl);
    }

    /// A PONG arrived, whatever its context: the peer does answer. Call it after
    /// [`received`](Self::received); a peer that never answers is asked ever more rarely.
    pub fn pong_received(&mut self) {
        self.unanswered = 0;
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.next_ping, self.answer_due, self.peer_ttl].into_iter().flatten().min()
    }

    /// Gives the peer up if its time is over, or returns the PING to send now.
    ///
    /// # Errors
    /// [`Misbehaved::TtlExpired`] or [`Misbehaved::HeartbeatTimeout`].
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Option<Ping>, ProtocolError> {
        let over = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        let lost = if over(self.peer_ttl) {
            Some(Misbehaved::TtlExpired)
        } else if over(self.answer_due) {
            Some(Misbehaved::HeartbeatTimeout)
        } else {
            None
        };
        if let Some(lost) = lost {
            return Err(ProtocolError::peer(Stage::Traffic, lost));
        }
        if !over(self.next_ping) {
            return Ok(None);
        }
        // One PING at a time: the peer owes an answer, asking again adds nothing.
        let ask = self.answer_due.is_none();
        if ask {
            self.answer_due = (!self.timeout.is_zero()).then(|| now + self.timeout);
            self.unanswered = self.unanswered.saturating_add(1);
        }
        self.next_ping = self.interval.map(|every| now + every.saturating_mul(self.backoff()));
        Ok(ask.then(|| Ping { ttl: self.ttl, context: PingContext::default() }))
    }

    fn backoff(&self) -> u32 {
        let doublings = self.unanswered.saturating_sub(MAX_UNANSWERED - 1);
        1_u32.checked_shl(doublings).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF)
    }
}
