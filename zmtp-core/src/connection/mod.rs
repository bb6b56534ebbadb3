//! One connection from its first octet to its last, without I/O.
//!
//! Methods come in four kinds. Getters; `handle_*`, which take what happened; commands such as
//! [`send`](Connection::send); and `poll_*`, which give what there is to do. After any `handle_*` or
//! command, drain [`poll_output`](Connection::poll_output) and [`poll_event`](Connection::poll_event),
//! then ask [`poll_timeout`](Connection::poll_timeout) when to come back. Time never runs backwards.

mod config;
mod handshake;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;

use bytes::{Bytes, BytesMut};

pub use config::{ConnectionConfig, Link};

use self::handshake::{Handshake, Progress};
use crate::auth::{AuthDecision, AuthRequest};
use crate::error::{Kind, LocalFault, ProtocolError, Side, Stage};
use crate::message::Message;
use crate::peer::Peer;
use crate::random::{RandomError, RandomSource};
use crate::time::Instant;
use crate::traffic::{OutputBuffer, Received, Traffic};
use crate::wire::subscription::SubscriptionChange;

/// Events that may wait before [`Connection::handle_input`] stops to consume.
const MAX_EVENTS: usize = 256;

/// Something that the owner of a connection must know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Ask the authenticator, then call [`Connection::handle_auth`].
    AuthRequired(Arc<AuthRequest>),
    /// The handshake is complete.
    Established(Arc<Peer>),
    /// A message arrived.
    Message(Message),
    /// The peer subscribed or cancelled; only where this side publishes.
    Subscription(SubscriptionChange, Bytes),
}

/// Who has the last word on a peer: after the mechanism and the authenticator, and before READY tells the
/// peer that it is in, wherever this side sends READY last. Knows what only the socket can know, such as
/// whether a routing id is taken.
///
/// The driver calls it from within its own calls, so it must be quick.
pub trait Doorkeeper: Send + fmt::Debug {
    /// Lets the peer in, or not.
    ///
    /// # Errors
    /// Why not: the connection is over.
    fn admit(&mut self, peer: &Peer) -> Result<(), ProtocolError>;
}

/// One side of one connection.
#[derive(Debug)]
pub struct Connection {
    state: State,
    output: OutputBuffer,
    events: VecDeque<Event>,
    /// Octets that the last call left in the input: only more than these are a sign of life.
    left: usize,
}

#[derive(Debug)]
enum State {
    Handshake(Box<Handshake>),
    Traffic(Box<Traffic>),
    /// Over; what was queued before can still be drained.
    Failed(ProtocolError),
}

impl Connection {
    /// A connection whose transport was just established. The greeting is queued at once.
    ///
    /// # Errors
    /// [`RandomError`] when the source cannot deliver what the handshake needs.
    pub fn new(
        config: Arc<ConnectionConfig>,
        link: Link,
        now: Instant,
        random: &mut dyn RandomSource,
    ) -> Result<Self, RandomError> {
        let mut output = OutputBuffer::new();
        let handshake = Handshake::new(config, link, now, random, output.tail())?;
        let state = State::Handshake(Box::new(handshake));
        Ok(Self { state, output, events: VecDeque::new(), left: 0 })
    }

    /// Asks `doorkeeper` about the peer at the end of the handshake. Default: whoever completes it is in.
    #[must_use]
    pub fn with_doorkeeper(mut self, doorkeeper: impl Doorkeeper + 'static) -> Self {
        if let State::Handshake(handshake) = &mut self.state {
            handshake.set_doorkeeper(Box::new(doorkeeper));
        }
        self
    }

    /// Takes octets off the front of `input` and leaves there what is incomplete, or what has to
    /// wait: for a decision of the authenticator, or because too many events wait to be polled.
    ///
    /// Append to `input` what arrives, and take nothing out of it: a call that finds no more there
    /// than the last one left is no sign of life of the peer. Before the handshake is complete, it
    /// never needs to hold more than one command.
    ///
    /// # Errors
    /// Why the connection is over. Write what [`poll_output`](Self::poll_output) still gives, then
    /// close. Every later call returns the same error.
    pub fn handle_input(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<(), ProtocolError> {
        if let State::Traffic(traffic) = &mut self.state
            && input.len() > self.left
        {
            traffic.heartbeat.received();
        }
        let result = self.consume(now, input, true);
        self.left = input.len();
        result
    }

    /// The same during the handshake, but leaves in `input` all that comes behind it: for a driver
    /// that goes on with [`into_traffic`](Self::into_traffic).
    ///
    /// # Errors
    /// As [`handle_input`](Self::handle_input).
    pub fn handle_handshake_input(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<(), ProtocolError> {
        self.consume(now, input, false)
    }

    fn consume(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        traffic_too: bool,
    ) -> Result<(), ProtocolError> {
        loop {
            let done = match &mut self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Handshake(handshake) => {
                    match handshake.advance(now, input, self.output.tail()) {
                        Ok(progress) => self.progress(progress),
                        Err(error) => return Err(self.fail(error)),
                    }
                }
                State::Traffic(traffic) if traffic_too && self.events.len() < MAX_EVENTS => {
                    let received = traffic.incoming.next(input).and_then(|received| {
                        let last = input.is_empty();
                        received.map_or(Ok(None), |it| react(traffic, it, last, now).map(Some))
                    });
                    match received {
                        Ok(None) => true,
                        Ok(Some(event)) => {
                            self.events.extend(event);
                            false
                        }
                        Err(error) => return Err(self.fail(error)),
                    }
                }
                State::Traffic(_) => true,
            };
            if done {
                return Ok(());
            }
        }
    }

    /// Whether the handshake has nothing more to do with the input for now.
    fn progress(&mut self, progress: Progress) -> bool {
        match progress {
            Progress::Waiting => true,
            Progress::Advanced => false,
            Progress::Asked(request) => {
                self.events.push_back(Event::AuthRequired(request));
                true
            }
            Progress::Done(mut traffic) => {
                core::mem::swap(traffic.outgoing.output(), &mut self.output);
                self.events.push_back(Event::Established(traffic.peer.clone()));
                self.state = State::Traffic(traffic);
                false
            }
        }
    }

    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        if let State::Traffic(traffic) = &mut self.state {
            core::mem::swap(traffic.outgoing.output(), &mut self.output);
        }
        self.state = State::Failed(error.clone());
        error
    }

    /// Goes on, or not, after an [`Event::AuthRequired`]. Then call
    /// [`handle_input`](Self::handle_input) again with what was left.
    ///
    /// # Errors
    /// The refusal, or [`LocalFault::UnaskedDecision`] if nobody asked.
    pub fn handle_auth(
        &mut self,
        now: Instant,
        decision: AuthDecision,
    ) -> Result<(), ProtocolError> {
        let result = match &mut self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Handshake(handshake) => handshake.decide(now, decision, self.output.tail()),
            State::Traffic(_) => {
                Err(ProtocolError::local(Stage::Traffic, LocalFault::UnaskedDecision))
            }
        };
        match result {
            Ok(progress) => {
                self.progress(progress);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The clock has reached [`poll_timeout`](Self::poll_timeout).
    ///
    /// # Errors
    /// Why the connection is over.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        let result = match &mut self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Handshake(handshake) => handshake.handle_timeout(now),
            State::Traffic(traffic) => traffic
                .heartbeat
                .handle_timeout(now)
                .and_then(|ping| ping.map_or(Ok(()), |ping| traffic.outgoing.ping(&ping))),
        };
        result.map_err(|error| self.fail(error))
    }

    /// The peer has closed its side. During the handshake that is an error, afterwards a normal end.
    ///
    /// # Errors
    /// [`Kind::PeerClosed`] with the stage that it interrupted.
    pub fn handle_end(&mut self) -> Result<(), ProtocolError> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Traffic(_) => Ok(()),
            State::Handshake(handshake) => {
                let error = ProtocolError {
                    side: Side::Peer,
                    stage: handshake.stage(),
                    kind: Kind::PeerClosed,
                };
                Err(self.fail(error))
            }
        }
    }

    /// Queues a message; `None` while the handshake is not complete.
    ///
    /// # Errors
    /// Why the connection is over.
    pub fn send(&mut self, message: &Message) -> Option<Result<(), ProtocolError>> {
        match &mut self.state {
            State::Handshake(_) => None,
            State::Failed(error) => Some(Err(error.clone())),
            State::Traffic(traffic) => match traffic.outgoing.send(message) {
                Ok(()) => Some(Ok(())),
                Err(error) => Some(Err(self.fail(error))),
            },
        }
    }

    /// The next octets to write.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Bytes> {
        match &mut self.state {
            State::Traffic(traffic) => traffic.outgoing.output().poll(),
            State::Handshake(_) | State::Failed(_) => self.output.poll(),
        }
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Handshake(handshake) => Some(handshake.deadline()),
            State::Traffic(traffic) => traffic.heartbeat.poll_timeout(),
            State::Failed(_) => None,
        }
    }

    /// How far the connection has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Handshake(handshake) => handshake.stage(),
            State::Traffic(_) => Stage::Traffic,
            State::Failed(error) => error.stage,
        }
    }

    /// The parts of an established connection, for a driver that works with both halves at once.
    /// Events that still wait are lost, so drain them before.
    ///
    /// # Errors
    /// Gives the connection back while its handshake is not complete or when it has failed.
    pub fn into_traffic(self) -> Result<Box<Traffic>, Box<Self>> {
        match self.state {
            State::Traffic(traffic) => Ok(traffic),
            State::Handshake(_) | State::Failed(_) => Err(Box::new(self)),
        }
    }

    /// The parts of an established connection in place.
    pub fn traffic(&mut self) -> Option<&mut Traffic> {
        match &mut self.state {
            State::Traffic(traffic) => Some(traffic),
            State::Handshake(_) | State::Failed(_) => None,
        }
    }
}

/// What a received thing leads to: heartbeats are answered here, the rest is an event. The TTL of a
/// PING runs only if it is the `last` thing that arrived: what follows is already the sign of life.
fn react(
    traffic: &mut Traffic,
    received: Received,
    last: bool,
    now: Instant,
) -> Result<Option<Event>, ProtocolError> {
    match received {
        Received::Message(message) => {
            Ok(Some(Event::Message(message.with_peer(traffic.peer.clone()))))
        }
        Received::Subscription(change, prefix) => Ok(Some(Event::Subscription(change, prefix))),
        Received::Pong(_) => {
            traffic.heartbeat.pong_received();
            Ok(None)
        }
        Received::Ping(ping) => {
            if last {
                traffic.heartbeat.ping_received(ping.ttl, now);
            }
            traffic.outgoing.pong(&ping.context).map(|()| None)
        }
    }
}
