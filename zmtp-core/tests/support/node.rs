//! One side of a connection, with what a driver would keep for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use zmtp_core::auth::{AuthDecision, AuthRequest};
use zmtp_core::connection::{Connection, ConnectionConfig, Doorkeeper, Event, Link};
use zmtp_core::error::ProtocolError;
use zmtp_core::peer::{Peer, PeerAddress};
use zmtp_core::{Instant, Message, RandomError, RandomSource, SocketType};

use super::{hello_null, null};

/// A connection with its read buffer, its authenticator and what came out of it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) connection: Connection,
    /// Virtual time.
    pub(crate) now: Instant,
    /// All events but questions to the authenticator.
    pub(crate) events: Vec<Event>,
    /// What the authenticator was asked.
    pub(crate) asked: Vec<Arc<AuthRequest>>,
    /// Why it is over.
    pub(crate) error: Option<ProtocolError>,
    answer: Option<AuthDecision>,
    input: BytesMut,
    output: Vec<u8>,
}

/// All that can be seen of a connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) events: Vec<Event>,
    pub(crate) asked: Vec<Arc<AuthRequest>>,
    pub(crate) output: Vec<u8>,
    pub(crate) error: Option<ProtocolError>,
    pub(crate) timeout: Option<Instant>,
}

/// NULL and PLAIN need no randomness.
struct NoRandom;

impl RandomSource for NoRandom {
    fn fill(&mut self, _out: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

impl Node {
    /// Its authenticator accepts everybody.
    pub(crate) fn new(config: ConnectionConfig) -> Self {
        Self::with_random(config, &mut NoRandom)
    }

    /// The same for a mechanism that needs randomness.
    pub(crate) fn with_random(config: ConnectionConfig, random: &mut dyn RandomSource) -> Self {
        let link = Link { address: PeerAddress::Unknown, listener: "tcp://test".into() };
        let now = Instant::ORIGIN;
        let connection = Connection::new(Arc::new(config), link, now, random).unwrap();
        Self {
            connection,
            now,
            events: Vec::new(),
            asked: Vec::new(),
            error: None,
            answer: Some(AuthDecision::accept()),
            input: BytesMut::new(),
            output: Vec::new(),
        }
    }

    /// A NULL connection with its handshake behind it and nothing left to write.
    pub(crate) fn established(ours: SocketType, theirs: &str) -> Self {
        Self::with_traffic(null(ours), theirs)
    }

    /// The same with other settings.
    pub(crate) fn with_traffic(config: ConnectionConfig, theirs: &str) -> Self {
        let mut node = Self::new(config);
        node.feed(&hello_null(theirs)).peer();
        node.events.clear();
        node.written();
        node
    }

    /// What the authenticator says; `None` for nothing until [`decide`](Self::decide).
    pub(crate) fn answering(mut self, answer: impl Into<Option<AuthDecision>>) -> Self {
        self.answer = answer.into();
        self
    }

    /// Who has the last word on the peer.
    pub(crate) fn kept_by(mut self, doorkeeper: impl Doorkeeper + 'static) -> Self {
        self.connection = self.connection.with_doorkeeper(doorkeeper);
        self
    }

    /// Octets arrive.
    pub(crate) fn feed(&mut self, octets: &[u8]) -> &mut Self {
        self.input.extend_from_slice(octets);
        self.work();
        self
    }

    /// Octets arrive one by one.
    pub(crate) fn dribble(&mut self, octets: &[u8]) -> &mut Self {
        for octet in octets {
            self.feed(&[*octet]);
        }
        self
    }

    /// The authenticator has thought about it.
    pub(crate) fn decide(&mut self, decision: AuthDecision) -> &mut Self {
        let result = self.connection.handle_auth(self.now, decision);
        self.note(result);
        self.work();
        self
    }

    /// What came out is looked at.
    pub(crate) fn work_off(&mut self) -> &mut Self {
        self.drain();
        self
    }

    /// The peer closes.
    pub(crate) fn end(&mut self) -> &mut Self {
        let result = self.connection.handle_end();
        self.note(result);
        self
    }

    /// Time passes; every timer on the way fires at its moment.
    pub(crate) fn wait(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(due) = self.connection.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.fire();
        }
        self.now = end;
        self
    }

    /// The clock has reached the next timer.
    pub(crate) fn fire(&mut self) {
        let result = self.connection.handle_timeout(self.now);
        self.note(result);
        self.drain();
    }

    /// The application sends.
    pub(crate) fn send(&mut self, message: impl Into<Message>) -> &mut Self {
        self.connection.send(&message.into()).expect("established").unwrap();
        self.drain();
        self
    }

    /// What was written since the last call.
    pub(crate) fn written(&mut self) -> Vec<u8> {
        self.drain();
        std::mem::take(&mut self.output)
    }

    /// Octets that wait unread.
    pub(crate) fn unread(&self) -> usize {
        self.input.len()
    }

    /// The messages that arrived since the last call.
    pub(crate) fn messages(&mut self) -> Vec<Message> {
        let is_message = |event: &mut Event| matches!(event, Event::Message(_));
        let taken = self.events.extract_if(.., is_message);
        let message =
            |event| if let Event::Message(message) = event { Some(message) } else { None };
        taken.filter_map(message).collect()
    }

    /// The peer, if the handshake is complete.
    pub(crate) fn try_peer(&self) -> Option<Arc<Peer>> {
        self.events.iter().find_map(|event| match event {
            Event::Established(peer) => Some(peer.clone()),
            _ => None,
        })
    }

    /// The peer; the handshake must be complete.
    #[track_caller]
    pub(crate) fn peer(&self) -> Arc<Peer> {
        self.try_peer().unwrap_or_else(|| panic!("not established: {self:?}"))
    }

    /// Why it is over; it must be.
    #[track_caller]
    pub(crate) fn refused(&self) -> &ProtocolError {
        self.error.as_ref().unwrap_or_else(|| panic!("not refused: {self:?}"))
    }

    pub(crate) fn verdict(mut self) -> Verdict {
        let output = self.written();
        let timeout = self.connection.poll_timeout();
        Verdict { events: self.events, asked: self.asked, output, error: self.error, timeout }
    }

    fn note(&mut self, result: Result<(), ProtocolError>) {
        match (&self.error, result) {
            (None, result) => self.error = result.err(),
            (Some(first), result) => assert_eq!(Err(first), result.as_ref(), "errors are sticky"),
        }
    }

    fn work(&mut self) {
        loop {
            let result = self.connection.handle_input(self.now, &mut self.input);
            self.note(result);
            if !self.drain() {
                return;
            }
        }
    }

    /// Whether something came out that may let the connection go on.
    fn drain(&mut self) -> bool {
        while let Some(octets) = self.connection.poll_output() {
            self.output.extend_from_slice(&octets);
        }
        let mut any = false;
        while let Some(event) = self.connection.poll_event() {
            any = true;
            let Event::AuthRequired(request) = event else {
                self.events.push(event);
                continue;
            };
            self.asked.push(request);
            if let Some(answer) = self.answer.clone() {
                let result = self.connection.handle_auth(self.now, answer);
                self.note(result);
            }
        }
        while let Some(octets) = self.connection.poll_output() {
            self.output.extend_from_slice(&octets);
        }
        any
    }
}

/// Feeds `octets` whole, one by one, and cut in two at every position (at a few hundred of them where
/// there are many); the outcome must be the same each time.
#[track_caller]
pub(crate) fn same_however_cut(make: impl Fn() -> Node, octets: &[u8]) -> Verdict {
    let mut node = make();
    node.feed(octets);
    let whole = node.verdict();
    let mut node = make();
    node.dribble(octets);
    assert_eq!(node.verdict(), whole, "one by one");
    for at in (1..octets.len()).step_by(1 + octets.len() / 1000) {
        let (head, tail) = octets.split_at(at);
        let mut node = make();
        node.feed(head).feed(tail);
        assert_eq!(node.verdict(), whole, "cut at {at} of {}", octets.len());
    }
    whole
}
