//! Octets to messages and commands.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

use super::bodies::LONG;
use super::{Bodies, Open};
use crate::error::{Kind, Misbehaved, ProtocolError, Stage};
use crate::limits::Limits;
use crate::message::{Message, Part};
use crate::wire::command::{Command, name};
use crate::wire::frame::{DELIMITER, FrameHeader, FrameKind};
use crate::wire::heartbeat::{Ping, PingContext, decode_pong};
use crate::wire::subscription::SubscriptionChange;

/// A body from this many octets that is alone in the input takes the allocation along, unless that is
/// much too large. All others are copied out: that costs less than new memory for the next read, and
/// no body pins much more memory than its own.
pub const TAKE_FROM: usize = 32 * 1024;

/// The receiving half of an established connection.
#[derive(Debug)]
pub struct Incoming {
    open: Option<Box<dyn Open>>,
    limits: Arc<Limits>,
    bodies: &'static Bodies,
    publisher: bool,
    parts: Vec<Part>,
    octets: usize,
}

/// Something whole that the peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A message, all parts of it.
    Message(Message),
    /// A heartbeat, to be answered with [`Outgoing::pong`](super::Outgoing::pong).
    Ping(Ping),
    /// The answer to a heartbeat, or an unsolicited one; either is only a sign of life.
    Pong(PingContext),
    /// A change of what the peer subscribes to; only where this side publishes.
    Subscription(SubscriptionChange, Bytes),
}

impl Incoming {
    pub(crate) fn new(open: Option<Box<dyn Open>>, limits: Arc<Limits>, publisher: bool) -> Self {
        let bodies = &Bodies::ALLOCATED;
        Self { open, limits, bodies, publisher, parts: Vec::new(), octets: 0 }
    }

    /// Long bodies get their memory from `bodies` from now on.
    pub const fn use_bodies(&mut self, bodies: &'static Bodies) {
        self.bodies = bodies;
    }

    /// Whether what comes may be for [`plain_messages`](Self::plain_messages): it is not encrypted, and this side
    /// does not publish.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.open.is_none() && !self.publisher
    }

    /// Takes the next whole thing off the front of `input`; `None` when more octets are needed.
    ///
    /// Unknown commands are skipped. Nothing is allocated by a length that the peer announced, and
    /// parts of an unfinished message never leave this type.
    ///
    /// # Errors
    /// The rule that the peer broke. The connection is over then; do not call again.
    #[inline]
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Received>, ProtocolError> {
        self.next_inner(input).map_err(|kind| ProtocolError::peer(Stage::Traffic, kind))
    }

    /// Appends the messages at the front of `input` that need nothing but a copy, up to `most` of them, and
    /// says how many octets they came as. What is behind those is for [`next`](Self::next).
    pub fn plain_messages(
        &self,
        input: &[u8],
        most: usize,
        messages: &mut VecDeque<Message>,
    ) -> usize {
        if !self.is_plain() || !self.parts.is_empty() {
            return 0;
        }
        let limit = self.limits.max_message.min(TAKE_FROM - 1);
        let mut rest = input;
        let before = messages.len();
        loop {
            while messages.len() - before < most
                && let Some((body, behind)) = plain_message(rest, limit)
            {
                // Filled in its place: a message that was just written is moved at the price of ten.
                messages.push_back(Message::EMPTY);
                if let Some(message) = messages.back_mut() {
                    match body.len() {
                        LONG.. => *message.first_mut() = self.bodies.copy(body),
                        _ => message.first_mut().assign(body),
                    }
                }
                rest = behind;
            }
            if rest.starts_with(&DELIMITER)
                && messages.len() - before < most
                && let Some((body, behind)) = self.delimited(rest, limit)
            {
                messages.push_back(Message::delimited(self.copy(body)));
                rest = behind;
            } else {
                break;
            }
        }
        input.len() - rest.len()
    }

    /// Takes the message at the front of `input` if it is whole and of one part, however long. For what
    /// [`plain_messages`](Self::plain_messages) leaves because it need not be copied.
    pub fn long_message(&self, input: &mut BytesMut) -> Option<Message> {
        let (at, len) = self.plain_frame(input).filter(|(at, len)| input.len() - at >= *len)?;
        input.advance(at);
        Some(Message::new(self.take_part(input, len)))
    }

    /// Whether all of `input` is the begin of a message of one part, of which more is to come.
    #[must_use]
    pub fn is_begin_of_message(&self, input: &[u8]) -> bool {
        match FrameHeader::decode(input) {
            Ok(None) => self.is_plain(),
            _ => self.plain_frame(input).is_some_and(|(at, len)| input.len() - at < len),
        }
    }

    /// Where the body of the message of one part at the front begins, and its length, if such a message may come.
    fn plain_frame(&self, input: &[u8]) -> Option<(usize, usize)> {
        let (header, at) = FrameHeader::decode(input).ok()??;
        let plain = self.is_plain() && self.parts.is_empty();
        let len = usize::try_from(header.len).ok().filter(|len| *len <= self.limits.max_message)?;
        (plain && header.kind == FrameKind::Message { more: false }).then_some((at, len))
    }

    /// The body of a message of REQ or REP at the front, as [`plain_message`]: one part behind the delimiter that is
    /// there.
    #[inline(never)]
    fn delimited<'a>(&self, input: &'a [u8], limit: usize) -> Option<(&'a [u8], &'a [u8])> {
        let behind = input.get(DELIMITER.len()..).filter(|_| self.limits.max_parts >= 2)?;
        plain_message(behind, limit)
    }

    /// Octets that the frame at the front of `input` still lacks, at least one.
    ///
    /// A hint for the size of the next read; the peer chose it, so bound it before reserving.
    #[must_use]
    pub fn missing(&self, input: &[u8]) -> u64 {
        match FrameHeader::decode(input) {
            Ok(Some((header, at))) => {
                (at as u64).saturating_add(header.len).saturating_sub(input.len() as u64).max(1)
            }
            Ok(None) | Err(_) => 1,
        }
    }

    fn next_inner(&mut self, input: &mut BytesMut) -> Result<Option<Received>, Kind> {
        while let Some((header, at)) = FrameHeader::decode(input)? {
            let len = self.judge(header)?;
            if input.len() - at < len {
                return Ok(None);
            }
            input.advance(at);
            let received = match &mut self.open {
                None => self.clear(header.kind, len, input)?,
                Some(open) => {
                    let (kind, content) = open.open(input.get_mut(..len).unwrap_or_default())?;
                    let end = content.end.min(len);
                    let start = content.start.min(end);
                    self.fits(kind, end - start)?;
                    input.advance(start);
                    let received = self.clear(kind, end - start, input)?;
                    input.advance(len - end);
                    received
                }
            };
            if received.is_some() {
                return Ok(received);
            }
        }
        Ok(None)
    }

    /// Holds the header against the limits, before any octet of the body is waited for.
    ///
    /// What a box holds is not known before it is open; until then it may be as large as either kind.
    fn judge(&self, header: FrameHeader) -> Result<usize, Kind> {
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        match &self.open {
            None => self.fits(header.kind, len)?,
            Some(open) => {
                let content = len.saturating_sub(open.overhead());
                self.fits(FrameKind::Command, content)
                    .or_else(|_| self.fits(FrameKind::Message { more: false }, content))?;
            }
        }
        Ok(len)
    }

    /// Whether a command, or a part behind those of the same message that are already here, may have
    /// `len` octets. A part with another one behind it needs room for both.
    fn fits(&self, kind: FrameKind, len: usize) -> Result<(), Misbehaved> {
        let limits = &self.limits;
        match kind {
            FrameKind::Command if len > limits.max_command => Err(Misbehaved::CommandTooLarge),
            FrameKind::Command => Ok(()),
            FrameKind::Message { .. } if len > limits.max_message.saturating_sub(self.octets) => {
                Err(Misbehaved::MessageTooLarge)
            }
            FrameKind::Message { more }
                if self.parts.len() + usize::from(more) >= limits.max_parts.max(1) =>
            {
                Err(Misbehaved::TooManyParts)
            }
            FrameKind::Message { .. } => Ok(()),
        }
    }

    /// Takes a body of `len` octets off the front of `input`, which holds at least as many.
    fn clear(
        &mut self,
        kind: FrameKind,
        len: usize,
        input: &mut BytesMut,
    ) -> Result<Option<Received>, Kind> {
        match kind {
            FrameKind::Message { more } => {
                let part = self.take_part(input, len);
                Ok(self.message_part(part, more))
            }
            FrameKind::Command => {
                let received = self.command(input.get(..len).unwrap_or_default())?;
                input.advance(len.min(input.len()));
                Ok(received)
            }
        }
    }

    #[inline]
    fn take_part(&self, input: &mut BytesMut, len: usize) -> Part {
        if len >= TAKE_FROM && len == input.len() && input.capacity() <= 2 * len {
            return self.bodies.take(core::mem::take(input));
        }
        let body = input.get(..len).unwrap_or_default();
        let part = self.copy(body);
        input.advance(len.min(input.len()));
        part
    }

    #[inline]
    fn copy(&self, body: &[u8]) -> Part {
        if body.len() >= LONG { self.bodies.copy(body) } else { Part::copy_from(body) }
    }

    fn message_part(&mut self, part: Part, more: bool) -> Option<Received> {
        if !more && self.parts.is_empty() {
            return Some(self.whole(part));
        }
        self.octets += part.len();
        self.parts.push(part);
        if more {
            return None;
        }
        self.octets = 0;
        Message::from_parts(core::mem::take(&mut self.parts)).map(Received::Message)
    }

    fn whole(&self, part: Part) -> Received {
        if self.publisher
            && let Some((change, prefix)) = SubscriptionChange::from_message(&part)
        {
            return Received::Subscription(change, Bytes::copy_from_slice(prefix));
        }
        Received::Message(Message::new(part))
    }

    fn command(&self, body: &[u8]) -> Result<Option<Received>, Kind> {
        let command = Command::decode(body)?;
        let change = match command.name {
            name::PING => return Ok(Some(Received::Ping(Ping::decode(command.data)?))),
            name::PONG => return Ok(Some(Received::Pong(decode_pong(command.data)?))),
            name::ERROR => return Err(Misbehaved::LateError.into()),
            name::SUBSCRIBE => SubscriptionChange::Subscribe,
            name::CANCEL => SubscriptionChange::Cancel,
            _ => return Ok(None),
        };
        // Not for the application of another socket type, whatever the peer thinks it talks to.
        let prefix = self.publisher.then(|| Bytes::copy_from_slice(command.data));
        Ok(prefix.map(|prefix| Received::Subscription(change, prefix)))
    }
}

/// The body of a message at the front, if it is whole, of one part and not too long, and what is behind.
#[inline]
fn plain_message(input: &[u8], limit: usize) -> Option<(&[u8], &[u8])> {
    let (header, at) = FrameHeader::decode(input).ok()??;
    let len = usize::try_from(header.len).ok()?;
    let plain = header.kind == FrameKind::Message { more: false } && len <= limit;
    input.get(at..).filter(|_| plain)?.split_at_checked(len)
}
