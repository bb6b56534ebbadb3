//! Messages and commands to octets.

use alloc::boxed::Box;

use bytes::{BufMut, BytesMut};

use super::{OutputBuffer, Seal};
use crate::error::{Misbehaved, ProtocolError, Stage};
use crate::message::{Message, Part};
use crate::wire::command::{Command, name};
use crate::wire::frame::{FrameHeader, FrameKind, MAX_HEADER_LEN};
use crate::wire::greeting::Version;
use crate::wire::heartbeat::{Ping, PingContext};
use crate::wire::subscription::SubscriptionChange;

/// Bodies from this many octets are chained to their header instead of being copied behind it.
const CHAIN_FROM: usize = 4096;

/// The sending half of an established connection.
///
/// Every message is encoded (and encrypted) the moment it is given; nothing is interleaved with the
/// parts of a message.
#[derive(Debug)]
pub struct Outgoing {
    seal: Option<Box<dyn Seal>>,
    output: OutputBuffer,
    subscriptions_as_commands: bool,
}

impl Outgoing {
    pub(crate) fn new(
        seal: Option<Box<dyn Seal>>,
        output: OutputBuffer,
        peer_version: Version,
    ) -> Self {
        Self { seal, output, subscriptions_as_commands: peer_version >= Version::V3_1 }
    }

    /// Encodes a whole message.
    ///
    /// # Errors
    /// Only when the connection cannot go on: [`LocalFault::NoncesExhausted`](crate::error::LocalFault).
    #[inline]
    pub fn send(&mut self, message: &Message) -> Result<(), ProtocolError> {
        self.send_behind(&[], message)
    }

    /// Encodes a whole message of `front` and the parts of `message`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_behind(&mut self, front: &[Part], message: &Message) -> Result<(), ProtocolError> {
        if !front.is_empty() {
            self.front(front, message)?;
        }
        let (first, rest) = message.split_first();
        self.part(first, !rest.is_empty())?;
        for (left, part) in (0..rest.len()).rev().zip(rest) {
            self.part(part, left > 0)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn front(&mut self, front: &[Part], message: &Message) -> Result<(), ProtocolError> {
        let room = |part: &Part| MAX_HEADER_LEN + part.len();
        let whole = front.iter().chain(message.parts()).map(room).sum();
        if self.seal.is_none() && whole < CHAIN_FROM {
            // In one piece, which is written as it is.
            self.output.room_for(whole);
        }
        front.iter().try_for_each(|part| self.part(part, true))
    }

    #[inline]
    fn part(&mut self, part: &Part, more: bool) -> Result<(), ProtocolError> {
        let kind = FrameKind::Message { more };
        if self.seal.is_some() {
            return self.sealed(kind, &[part]);
        }
        let header = FrameHeader::new(kind, part.len());
        match part.as_shared() {
            Some(body) if body.len() >= CHAIN_FROM => {
                header.encode(self.output.room_for(MAX_HEADER_LEN));
                self.output.push_shared(body.clone());
            }
            _ => {
                let tail = self.output.room_for(MAX_HEADER_LEN + part.len());
                header.encode(tail);
                tail.put_slice(part);
            }
        }
        Ok(())
    }

    fn sealed(&mut self, kind: FrameKind, chunks: &[&[u8]]) -> Result<(), ProtocolError> {
        let Some(seal) = &mut self.seal else { return Ok(()) };
        let content = chunks.iter().map(|chunk| chunk.len()).sum::<usize>();
        let out = self.output.room_for(MAX_HEADER_LEN + seal.overhead() + content);
        seal.seal(kind, chunks, out).map_err(|fault| ProtocolError::local(Stage::Traffic, fault))
    }

    /// Encodes a command.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn command(&mut self, command: Command<'_>) -> Result<(), ProtocolError> {
        if self.seal.is_none() {
            command.encode_frame(self.output.tail());
            return Ok(());
        }
        let name_len = [u8::try_from(command.name.len()).unwrap_or(u8::MAX)];
        self.sealed(FrameKind::Command, &[&name_len, command.name, command.data])
    }

    /// Asks the peer for a sign of life.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn ping(&mut self, ping: &Ping) -> Result<(), ProtocolError> {
        ping.with_command(|command| self.command(command))
    }

    /// Answers a PING.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`Misbehaved::PingFlood`] when thousands of PONGs wait.
    pub fn pong(&mut self, context: &PingContext) -> Result<(), ProtocolError> {
        if !self.output.count_pong() {
            return Err(ProtocolError::peer(Stage::Traffic, Misbehaved::PingFlood));
        }
        self.command(Command { name: name::PONG, data: context.as_bytes() })
    }

    /// Subscribes to `prefix` or cancels that, in the form of the peer's version.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn subscription(
        &mut self,
        change: SubscriptionChange,
        prefix: &[u8],
    ) -> Result<(), ProtocolError> {
        if self.subscriptions_as_commands {
            return self.command(change.command(prefix));
        }
        let mut body = BytesMut::with_capacity(1 + prefix.len());
        body.put_u8(change.marker());
        body.put_slice(prefix);
        self.part(&body.freeze().into(), false)
    }

    /// What waits to be written.
    #[inline]
    pub fn output(&mut self) -> &mut OutputBuffer {
        &mut self.output
    }
}
