//! The connections to a handler, and which of them to use.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use transport::{Endpoint, EngineOptions, HandlerFault, HandlerLink};
use zmtp_core::auth::{AuthDecision, AuthRequest, Refusal};

use super::Settings;
use super::circuit::{Change, Circuit, Outcome};
use crate::pattern::lock;
use crate::security::Security;

#[derive(Debug)]
pub(super) struct Pool {
    seats: Vec<Seat>,
    time: Duration,
    /// How many more may ask.
    room: AtomicUsize,
}

/// A place for one connection.
#[derive(Debug)]
struct Seat {
    endpoint: Endpoint,
    security: Security,
    circuit: Circuit,
    link: Mutex<Option<Arc<HandlerLink>>>,
}

impl Pool {
    pub(super) fn new(settings: &Settings) -> Self {
        let seat = |endpoint: &Endpoint| Seat {
            endpoint: endpoint.clone(),
            security: settings.security.clone(),
            circuit: Circuit::new(settings.patience),
            link: Mutex::default(),
        };
        let rounds = (0..settings.connections).flat_map(|_| &settings.endpoints);
        let room = AtomicUsize::new(settings.pending);
        Self { seats: rounds.map(seat).collect(), time: settings.time, room }
    }

    pub(super) async fn decide(self: Arc<Self>, request: Arc<AuthRequest>) -> AuthDecision {
        let Some(_room) = Room::enter(&self.room) else {
            return temporary("Too many requests to the external ZAP handler are open");
        };
        let Some(attempt) = self.choose() else {
            return temporary(
                "The external ZAP handler failed too often, and is not asked for a while",
            );
        };
        match tokio::time::timeout(self.time, attempt.ask(&request)).await {
            Ok(Ok(decision)) => {
                attempt.finish(Outcome::Answered);
                decision
            }
            Ok(Err(HandlerFault::Inexpressible(error))) => {
                HandlerFault::Inexpressible(error).decision()
            }
            Ok(Err(fault)) => {
                attempt.finish(Outcome::Failed);
                fault.decision()
            }
            Err(_) => {
                attempt.finish(Outcome::Failed);
                temporary("The external ZAP handler took too long")
            }
        }
    }

    /// The connection with the fewest open requests, of those that work as far as is known.
    fn choose(&self) -> Option<Attempt<'_>> {
        let mut seats: Vec<_> = self.seats.iter().map(|seat| (seat.pending(), seat)).collect();
        seats.sort_by_key(|(pending, _)| Reverse(*pending));
        while let Some((_, seat)) = seats.pop() {
            if seat.circuit.admit(Instant::now()) {
                return Some(Attempt { seat, outcome: Outcome::Neither });
            }
        }
        None
    }
}

fn temporary(text: &str) -> AuthDecision {
    AuthDecision::refuse(Refusal::Temporary, text)
}

/// A place among those who ask.
struct Room<'a>(&'a AtomicUsize);

impl<'a> Room<'a> {
    fn enter(room: &'a AtomicUsize) -> Option<Self> {
        let less = |left: usize| left.checked_sub(1);
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(Self(room))
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Seat {
    fn pending(&self) -> usize {
        lock(&self.link).as_ref().map_or(0, |link| link.pending())
    }

    fn link(&self) -> Result<Arc<HandlerLink>, HandlerFault> {
        let mut current = lock(&self.link);
        if let Some(link) = current.as_ref().filter(|link| !link.is_over()) {
            return Ok(link.clone());
        }
        let options = EngineOptions {
            authenticator: self.security.authenticator.clone(),
            ..EngineOptions::default()
        };
        let mechanism = self.security.mechanism.clone();
        let link = Arc::new(HandlerLink::connect(&self.endpoint, mechanism, options)?);
        Ok(current.insert(link).clone())
    }
}

/// A request that the circuit admitted; tells it what came of that.
struct Attempt<'a> {
    seat: &'a Seat,
    outcome: Outcome,
}

impl Attempt<'_> {
    async fn ask(&self, request: &AuthRequest) -> Result<AuthDecision, HandlerFault> {
        self.seat.link()?.ask(request).await
    }

    fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let endpoint = &self.seat.endpoint;
        match self.seat.circuit.record(self.outcome, Instant::now()) {
            Change::None => {}
            Change::Opened(pause) => {
                tracing::warn!(%endpoint, ?pause, "the external ZAP handler failed too often");
            }
            Change::Closed => tracing::info!(%endpoint, "the external ZAP handler answers again"),
        }
    }
}
