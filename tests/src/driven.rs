//! Peers that speak the protocol properly, but not through a socket: each octet is in the hands of
//! the test.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use ironhouse::peer::PeerAddress;
use ironhouse::{Endpoint, Message, OsRandom, SocketType};
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::error::ProtocolError;
use zmtp_core::mechanism::Security;

use crate::raw::Raw;
use crate::rt;

/// A client on a TCP connection.
#[derive(Debug)]
pub struct Driven {
    /// The connection, for octets that no protocol machine would send.
    pub raw: Raw,
    connection: Connection,
    begin: Instant,
    taken: usize,
    input: BytesMut,
}

/// How the handshake of a [`Driven`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Both sides are content.
    Established,
    /// The octets that it was allowed to write are used up.
    Spent,
    /// This side is not content, or the other one closed.
    Failed(ProtocolError),
}

impl Driven {
    /// Connects to where a socket of ours listens; nothing is written yet.
    ///
    /// # Panics
    /// If nobody listens there.
    pub async fn connect(
        to: &Endpoint,
        security: impl Security + 'static,
        kind: SocketType,
    ) -> Self {
        Self::connect_with(to, Arc::new(ConnectionConfig::new(kind, Arc::new(security)))).await
    }

    /// The same, with more to say of itself.
    ///
    /// # Panics
    /// If nobody listens there.
    pub async fn connect_with(to: &Endpoint, config: Arc<ConnectionConfig>) -> Self {
        let raw = Raw::connect(to).await;
        let link = Link { address: PeerAddress::Unknown, listener: "a test".into() };
        let now = zmtp_core::Instant::ORIGIN;
        let connection = Connection::new(config, link, now, &mut OsRandom).expect("randomness");
        Self { raw, connection, begin: Instant::now(), taken: 0, input: BytesMut::new() }
    }

    /// Shakes hands, with `chunk` octets to a write and at most `budget` of them in all.
    pub async fn shake_hands(&mut self, chunk: usize, mut budget: usize) -> Outcome {
        loop {
            while let Some(octets) = self.connection.poll_output() {
                for some in octets.chunks(chunk) {
                    let some = &some[..some.len().min(budget)];
                    self.raw.write(some).await;
                    budget -= some.len();
                    if budget == 0 {
                        return Outcome::Spent;
                    }
                }
            }
            while let Some(event) = self.connection.poll_event() {
                if let Event::Established(_) = event {
                    return Outcome::Established;
                }
            }
            if let Err(error) = self.read().await {
                return Outcome::Failed(error);
            }
        }
    }

    /// Sends a message over the established connection.
    ///
    /// # Panics
    /// If it is not established.
    pub async fn send(&mut self, message: impl Into<Message>) {
        let sent = self.connection.send(&message.into()).expect("established");
        sent.expect("no error");
        while let Some(octets) = self.connection.poll_output() {
            self.raw.write(&octets).await;
        }
    }

    /// The octets that a message would be sent as; they count as sent.
    ///
    /// # Panics
    /// If it is not established.
    pub fn encode(&mut self, message: impl Into<Message>) -> Vec<u8> {
        let sent = self.connection.send(&message.into()).expect("established");
        sent.expect("no error");
        let mut octets = Vec::new();
        while let Some(some) = self.connection.poll_output() {
            octets.extend_from_slice(&some);
        }
        octets
    }

    async fn read(&mut self) -> Result<(), ProtocolError> {
        let more = rt::in_time("octets or an end", self.raw.read_some()).await;
        let now = zmtp_core::Instant::after_origin(self.begin.elapsed());
        if !more {
            return self.connection.handle_end();
        }
        self.input.extend_from_slice(self.raw.seen.get(self.taken..).unwrap_or_default());
        self.taken = self.raw.seen.len();
        self.connection.handle_input(now, &mut self.input)
    }
}
