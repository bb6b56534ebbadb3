//! From a stream to a pipe: reads, decodes and delivers.
//!
//! The driver of a connection does that, and sleeps while nothing comes. Whoever waits for a message meanwhile
//! may read in its place, which saves waking one task to wake another: the visitor is told by the system
//! that something has come, takes plain messages out and leaves everything else to the driver. When it goes,
//! the system tells the driver again; where much comes, only after a while, since it is most probably back soon.

mod lease;
mod visit;

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio_util::sync::CancellationToken;
use zmtp_core::Message;
use zmtp_core::error::ProtocolError;
use zmtp_core::traffic::{Heartbeat, Incoming, Received, TAKE_FROM};

use self::lease::Lease;
pub use self::visit::Visit;
use super::bodies;
use super::memory::{READ, VISIT, give_input, take_input};
use crate::clock::Clock;
use crate::events::Disconnect;
use crate::net::Stream;
use crate::pipe::Pipe;

/// Octets of a large frame that room is made for when there is no more to go by than its header.
const UNPROVEN: usize = 64 * 1024;
/// Octets of a large frame that most room is made for because the one before was as large.
const MAX_PROVEN: u32 = 4 * 1024 * 1024;
/// Octets of a read that most probably brings the head of a large frame: its body is then read straight
/// to where it stays.
const HEAD: usize = 8 * 1024;
/// Reads in one turn, so that a busy connection lets others have theirs.
const TURNS: usize = 16;
/// Octets of a read that are much: more follows, most probably.
const MUCH: usize = VISIT;
/// Octets of a read that a visitor makes where little comes.
const LITTLE: usize = 512;

/// The receiving half of a connection.
pub(crate) struct Reader {
    stream: Arc<Stream>,
    incoming: Incoming,
    input: BytesMut,
    /// Whether `input` is the memory that the connections of a thread share.
    lent: bool,
    /// Whether the last frame was large, so that the next one most probably is.
    expects_large: bool,
    /// Octets of the last large frame that came whole, up to [`MAX_PROVEN`].
    proven: u32,
    /// Whether `input` may hold something whole that there was no room for, or that a visitor left.
    undelivered: bool,
    /// Whether the last read brought much.
    much: bool,
    /// Whether the last message that the driver decoded had parts, which visitors do not take.
    parted: bool,
    /// Who reads where much comes.
    lease: Lease,
    /// Whether what a visitor reads next is most probably so little that it needs no memory for it.
    little: bool,
    /// Whether the driver has nothing to do but to wait for messages.
    hospitable: bool,
    /// Whether the peer asks for signs of life, which only the driver gives.
    pinged: bool,
    messages: VecDeque<Message>,
    /// Octets that the messages in hand came as.
    decoded: usize,
    driver: Option<Waker>,
    /// Ends the connection: nothing is read for a visitor any more.
    stop: CancellationToken,
    /// What a visitor was told of the end of the stream.
    failed: Option<ErrorKind>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// What the driver knows and the reader needs.
pub(crate) struct Driver<'a> {
    pub(crate) pipe: &'a Arc<Pipe>,
    pub(crate) heartbeat: &'a mut Heartbeat,
    pub(crate) clock: Clock,
}

impl Reader {
    /// Takes over what the handshake left.
    pub(crate) fn new(
        stream: Arc<Stream>,
        input: BytesMut,
        mut incoming: Incoming,
        stop: CancellationToken,
    ) -> Self {
        incoming.use_bodies(&bodies::BODIES);
        Self {
            stream,
            incoming,
            undelivered: !input.is_empty(),
            input,
            lent: false,
            expects_large: false,
            proven: 0,
            much: false,
            parted: false,
            lease: Lease::default(),
            little: true,
            hospitable: false,
            pinged: false,
            messages: VecDeque::new(),
            decoded: 0,
            driver: None,
            stop,
            failed: None,
        }
    }

    /// Whether the driver leaves reading to a visitor, and has to look again at the end of a term; asked then, or
    /// for another reason.
    pub(crate) const fn is_read_by_visitor(&mut self, term_is_over: bool) -> bool {
        self.lease.is_watched(term_is_over)
    }

    /// Whether there may be something that the application has no room for.
    pub(crate) const fn is_behind(&self) -> bool {
        self.undelivered
    }

    /// Reads and decodes until there is nothing more, no room, or others should have their turn.
    pub(crate) fn receive(
        &mut self,
        driver: &mut Driver<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), Disconnect> {
        let result = self.receive_all(driver, cx);
        self.settle();
        self.hospitable = driver.heartbeat.poll_timeout().is_none()
            && !self.pinged
            && self.incoming.is_plain()
            && !driver.pipe.conflates();
        if self.hospitable && !self.driver.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
        result
    }

    fn receive_all(
        &mut self,
        driver: &mut Driver<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), Disconnect> {
        let mut octets = 0;
        for _ in 0..TURNS {
            if self.undelivered && !self.decode(driver, cx)? {
                return Ok(());
            }
            if octets >= READ {
                // The application takes what is still in the cache before more drives it out.
                break;
            }
            if let Some(kind) = self.failed {
                return Err(Disconnect::Io(kind));
            }
            match self.poll_read(cx) {
                Poll::Pending => {
                    self.lease.offer();
                    return Ok(());
                }
                Poll::Ready(Ok(0)) => return Err(Disconnect::PeerClosed),
                Poll::Ready(Ok(count)) => {
                    driver.heartbeat.received();
                    self.undelivered = true;
                    octets += count;
                }
                Poll::Ready(Err(error)) => return Err(Disconnect::Io(error.kind())),
            }
        }
        if self.undelivered {
            self.decode(driver, cx)?;
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        loop {
            match self.read(READ) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.stream.poll_read_ready(cx))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Reads up to `most` octets, or what is missing of a large frame.
    fn read(&mut self, most: usize) -> std::io::Result<usize> {
        let missing = if self.input.is_empty() { 0 } else { self.incoming.missing(&self.input) };
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let whole = self.input.len().saturating_add(missing);
        if missing > 0 && whole >= TAKE_FROM {
            self.make_room_for_large(missing);
            let count = self.stream.try_read_buf(&mut (&mut self.input).limit(missing))?;
            self.expects_large = true;
            self.much = count >= MUCH;
            if count == missing {
                self.proven = u32::try_from(whole).unwrap_or(MAX_PROVEN).min(MAX_PROVEN);
            }
            return Ok(count);
        }
        self.make_room(most);
        let begins = self.input.is_empty();
        let most = if self.expects_large { HEAD } else { most };
        let count = self.stream.try_read_out(&mut (&mut self.input).limit(most))?;
        self.expects_large = false;
        self.much = count >= MUCH;
        if begins {
            self.little = count < LITTLE;
        }
        Ok(count)
    }

    /// A large frame gets memory of its own. Its size grows with what has arrived, of this frame or of
    /// the one before, never by what a header announces alone.
    fn make_room_for_large(&mut self, missing: usize) {
        let room = missing.min(self.input.len().max(self.proven as usize).max(UNPROVEN));
        let is_full = self.input.capacity() == self.input.len();
        if self.lent || is_full && self.input.len() <= READ / 2 {
            // In memory that comes back, as what was left of the shared one does not.
            let mut own = bodies::room(self.input.len() + room);
            own.extend_from_slice(&self.input);
            self.exchange_input(own);
        } else if is_full {
            self.input.reserve(room);
        }
    }

    /// Makes room for an ordinary read in the memory that the connections of this thread share.
    fn make_room(&mut self, least: usize) {
        if !self.lent {
            let mut shared = take_input(least);
            shared.extend_from_slice(&self.input);
            self.input = shared;
            self.lent = true;
        } else if self.input.capacity() - self.input.len() < least / 4 {
            // Less than a large frame, at the end: it goes to the front.
            self.input.reserve(least.saturating_sub(self.input.len()));
        }
    }

    fn exchange_input(&mut self, own: BytesMut) {
        let before = std::mem::replace(&mut self.input, own);
        if std::mem::take(&mut self.lent) {
            give_input(before);
        }
    }

    /// Lets other connections read. What is left and does not fill most of the memory moves out of it.
    fn settle(&mut self) {
        if self.lent && self.input.len() <= READ / 2 {
            let own = match &*self.input {
                [] => BytesMut::new(),
                left => BytesMut::from(left),
            };
            self.exchange_input(own);
        }
    }

    /// Decodes all that there is room for. Whether there may be room for more.
    fn decode(
        &mut self,
        driver: &mut Driver<'_>,
        cx: &mut Context<'_>,
    ) -> Result<bool, Disconnect> {
        let pipe = driver.pipe;
        let Some(room) = pipe.room(cx.waker()) else { return self.look_ahead(driver) };
        // What was in hand while others had to be read first.
        let mut room = room.saturating_sub(self.messages.len());
        let result = loop {
            let before = self.messages.len();
            let octets = self.incoming.plain_messages(&self.input, room, &mut self.messages);
            self.input.advance(octets);
            self.decoded += octets;
            self.parted &= octets == 0;
            room -= self.messages.len() - before;
            if room == 0 {
                self.deliver(pipe);
                room = pipe.room(cx.waker()).unwrap_or(0);
                if room == 0 {
                    break Ok(false);
                }
            }
            if self.input.is_empty() {
                self.undelivered = false;
                break Ok(true);
            }
            match self.next() {
                Ok(Some(Received::Message(message))) => {
                    self.parted = message.len() > 1;
                    self.messages.push_back(message);
                    room -= 1;
                }
                Ok(Some(other)) => {
                    if let Err(error) = self.react(other, driver) {
                        break Err(error);
                    }
                }
                Ok(None) => {
                    self.undelivered = false;
                    break Ok(true);
                }
                Err(error) => break Err(error),
            }
        };
        self.deliver(pipe);
        result.map_err(Disconnect::from)
    }

    /// Decodes what is no message, up to the first message, which stays in hand.
    fn look_ahead(&mut self, driver: &mut Driver<'_>) -> Result<bool, Disconnect> {
        while self.messages.is_empty() {
            match self.next()? {
                Some(Received::Message(message)) => self.messages.push_back(message),
                Some(other) => self.react(other, driver)?,
                None => {
                    self.undelivered = false;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn next(&mut self) -> Result<Option<Received>, ProtocolError> {
        let before = self.input.len();
        let received = self.incoming.next(&mut self.input);
        self.decoded += before - self.input.len();
        received
    }

    fn deliver(&mut self, pipe: &Arc<Pipe>) {
        let octets = std::mem::take(&mut self.decoded);
        pipe.deliver(&mut self.messages, octets);
    }

    fn react(&mut self, received: Received, driver: &mut Driver<'_>) -> Result<(), ProtocolError> {
        match received {
            Received::Ping(ping) => {
                self.pinged = true;
                driver.heartbeat.ping_received(ping.ttl, driver.clock.now());
                driver.pipe.with_outgoing(|outgoing| outgoing.pong(&ping.context))
            }
            Received::Subscription(change, prefix) => {
                // In the order in which they came.
                self.deliver(driver.pipe);
                driver.pipe.owner().clone().subscription(driver.pipe, change, &prefix)
            }
            Received::Pong(_) => {
                driver.heartbeat.pong_received();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
