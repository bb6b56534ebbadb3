//! One side of a connection, with what a driver would keep for it and the checks that always hold.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use zmtp_core::auth::{AuthDecision, AuthRequest};
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::error::ProtocolError;
use zmtp_core::peer::{Peer, PeerAddress};
use zmtp_core::{Instant, Limits, Message};

use super::heap;
use super::random::Counting;
use super::secrets;

/// How what arrives is cut into reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// As it comes.
    Whole,
    /// At most so many octets at a time.
    Every(usize),
}

/// A connection with its read buffer, its authenticator and what came out of it.
#[derive(Debug)]
pub struct Node {
    /// The connection itself.
    pub connection: Connection,
    /// Virtual time.
    pub now: Instant,
    /// All events but questions to the authenticator.
    pub events: Vec<Event>,
    /// What the authenticator was asked.
    pub asked: Vec<Arc<AuthRequest>>,
    /// Why it is over.
    pub error: Option<ProtocolError>,
    /// All that it ever wrote.
    pub output: Vec<u8>,
    /// All that it was ever given.
    pub fed: Vec<u8>,
    /// What the authenticator says at once, if it does.
    pub answer: Option<AuthDecision>,
    limits: Limits,
    cut: Cut,
    input: BytesMut,
}

/// All that can be seen of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    events: Vec<Event>,
    asked: Vec<Arc<AuthRequest>>,
    output: Vec<u8>,
    error: Option<ProtocolError>,
    timeout: Option<Instant>,
}

impl Node {
    /// Its authenticator accepts everybody.
    ///
    /// # Panics
    /// Never: the randomness is endless.
    #[must_use]
    pub fn new(config: ConnectionConfig, seed: u8, cut: Cut) -> Self {
        let link = Link { address: PeerAddress::Unknown, listener: "tcp://fuzz".into() };
        let limits = (**config.limits()).clone();
        let now = Instant::ORIGIN;
        let connection = Connection::new(Arc::new(config), link, now, &mut Counting(seed));
        let mut node = Self {
            connection: connection.expect("randomness"),
            now,
            events: Vec::new(),
            asked: Vec::new(),
            error: None,
            output: Vec::new(),
            fed: Vec::new(),
            answer: Some(AuthDecision::accept()),
            limits,
            cut,
            input: BytesMut::new(),
        };
        node.drain();
        node
    }

    /// Octets arrive, cut as they have to be.
    pub fn feed(&mut self, octets: &[u8]) {
        let most = match self.cut {
            Cut::Whole => octets.len().max(1),
            Cut::Every(count) => count.max(1),
        };
        for some in octets.chunks(most) {
            self.input.extend_from_slice(some);
            self.fed.extend_from_slice(some);
            self.work();
        }
    }

    /// Gives the connection another chance at what it left.
    pub fn work(&mut self) {
        loop {
            // A message that is being collected may be as long as the limit says.
            let (size, limit) = (self.fed.len(), self.limits.max_metadata);
            let (connection, input, now) = (&mut self.connection, &mut self.input, self.now);
            let result = heap::bounded(size, limit, || connection.handle_input(now, input));
            self.note(result);
            if !self.drain() {
                return;
            }
        }
    }

    /// The authenticator says something.
    pub fn decide(&mut self, decision: AuthDecision) {
        let result = self.connection.handle_auth(self.now, decision);
        self.note(result);
        self.work();
    }

    /// The peer closes.
    pub fn end(&mut self) {
        let result = self.connection.handle_end();
        self.note(result);
        self.drain();
    }

    /// Time passes; every timer on the way fires at its moment, and moves on or ends the connection.
    ///
    /// # Panics
    /// If a timer stays in the past.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.connection.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let result = self.connection.handle_timeout(self.now);
            self.note(result);
            self.drain();
            let next = self.connection.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer stays in the past");
        }
        self.now = end;
    }

    /// The application sends; says whether it could.
    pub fn send(&mut self, message: &Message) -> bool {
        match self.connection.send(message) {
            None => false,
            Some(result) => {
                let sent = result.is_ok();
                self.note(result);
                self.drain();
                sent
            }
        }
    }

    /// Octets that wait unread.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.input.len()
    }

    /// The peer, if the handshake was completed.
    #[must_use]
    pub fn peer(&self) -> Option<&Arc<Peer>> {
        self.events.iter().find_map(|event| match event {
            Event::Established(peer) => Some(peer),
            _ => None,
        })
    }

    /// The messages that arrived.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let message = |event: &Event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        };
        self.events.iter().filter_map(message).collect()
    }

    /// The last look: an error stays the same and nothing more is written, no event came before the
    /// handshake was complete, and nothing secret is printed anywhere.
    ///
    /// # Panics
    /// If any of that does not hold.
    pub fn verdict(mut self) -> Verdict {
        if self.error.is_some() {
            let (written, events) = (self.output.len(), self.events.len());
            self.feed(b"\x00\x00\x04\x01\x00 more");
            self.wait(Duration::from_secs(3600));
            self.send(&Message::from("more"));
            self.decide(AuthDecision::accept());
            self.end();
            assert_eq!((self.output.len(), self.events.len()), (written, events), "after the end");
        }
        for (at, event) in self.events.iter().enumerate() {
            let first = matches!(event, Event::Established(_));
            assert_eq!(first, at == 0, "the handshake comes first, and once: {:?}", self.events);
        }
        let mut text = format!("{:?} {:?}", self.connection, self.asked);
        if let Some(error) = &self.error {
            text.push_str(&format!("{error} {error:?}"));
            assert!(!error.to_string().contains(char::is_control), "unescaped: {error:?}");
        }
        secrets::assert_not_in(&text, &self.fed);
        let timeout = self.connection.poll_timeout();
        Verdict {
            events: self.events,
            asked: self.asked,
            output: self.output,
            error: self.error,
            timeout,
        }
    }

    fn note(&mut self, result: Result<(), ProtocolError>) {
        match (&self.error, result) {
            (None, result) => self.error = result.err(),
            (Some(first), result) => assert_eq!(Err(first), result.as_ref(), "errors stay"),
        }
    }

    /// Whether something came out that may let the connection go on.
    fn drain(&mut self) -> bool {
        self.write();
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
        self.write();
        // Every event and every frame of ours has its cause in at least two octets of the peer.
        assert!(self.events.len() <= self.fed.len() / 2 + 1, "events from nothing");
        any
    }

    fn write(&mut self) {
        while let Some(octets) = self.connection.poll_output() {
            assert!(!octets.is_empty(), "nothing to write, again and again");
            self.output.extend_from_slice(&octets);
        }
    }
}
