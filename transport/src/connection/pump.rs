//! Moves octets between a stream and a pipe until either ends.
//!
//! One poll does all there is to do: writes what waits, reads while there is room, and looks at the
//! clock. It holds no buffer while there is nothing to move.

use std::collections::VecDeque;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::time::{Instant, Sleep};
use zmtp_core::Message;
use zmtp_core::error::ProtocolError;
use zmtp_core::traffic::{Heartbeat, Incoming, OutputBuffer, Received, TAKE_FROM};

use super::bodies;
use super::memory::{READ, give_input, take_input};
use super::write::write_some;
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
/// Reads and writes in one poll, so that a busy connection lets others have their turn.
const TURNS: usize = 16;
/// How long to wait for the system to tell what a peer wrote before it closed, when nothing can be
/// written to it any more.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How the traffic of a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// All was written after the socket said that nothing more comes.
    Finished,
    /// Otherwise.
    Broken(Disconnect),
}

/// Drives an established connection.
pub(crate) struct Pump {
    stream: Arc<Stream>,
    pipe: Arc<Pipe>,
    incoming: Incoming,
    heartbeat: Heartbeat,
    timer: Option<Pin<Box<Sleep>>>,
    input: BytesMut,
    /// Whether `input` is the memory that the connections of a thread share.
    lent: bool,
    /// Whether the last frame was large, so that the next one most probably is.
    expects_large: bool,
    /// Octets of the last large frame that came whole, up to [`MAX_PROVEN`].
    proven: u32,
    /// Whether `input` may hold something whole that there was no room for.
    undelivered: bool,
    messages: VecDeque<Message>,
    /// Octets that the messages in hand came as.
    decoded: usize,
    writing: OutputBuffer,
    /// Nothing can be written any more. What the peer wrote before is read to its end, or until this timer
    /// fires while nothing more comes.
    unwritable: Option<Box<LastWords>>,
}

struct LastWords {
    end: End,
    timer: Pin<Box<Sleep>>,
}

impl Pump {
    /// Takes over what the handshake left; the outgoing half already belongs to the pipe.
    pub(crate) fn new(
        stream: Arc<Stream>,
        pipe: Arc<Pipe>,
        input: BytesMut,
        mut incoming: Incoming,
        heartbeat: Heartbeat,
    ) -> Self {
        incoming.use_bodies(&bodies::BODIES);
        Self {
            stream,
            pipe,
            incoming,
            heartbeat,
            timer: None,
            undelivered: !input.is_empty(),
            input,
            lent: false,
            expects_large: false,
            proven: 0,
            messages: VecDeque::new(),
            decoded: 0,
            writing: OutputBuffer::new(),
            unwritable: None,
        }
    }

    /// Between whom.
    pub(crate) fn ends(&self) -> (&Stream, &Arc<Pipe>) {
        (&self.stream, &self.pipe)
    }

    /// Does all there is to do; ready when the traffic has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, clock: Clock) -> Poll<End> {
        // Decode before the clock: what arrived in time counts, however late we look.
        let received = self.receive(cx, clock);
        self.settle();
        if let Err(end) = received {
            return Poll::Ready(end);
        }
        if let Err(error) = self.tick(cx, clock) {
            return Poll::Ready(End::Broken(error.into()));
        }
        if self.unwritable.is_none() {
            match self.transmit(cx) {
                Ok(()) if self.writing.is_empty() && self.pipe.is_drained() => {
                    return Poll::Ready(End::Finished);
                }
                Ok(()) => return Poll::Pending,
                Err(end) => {
                    let timer = Box::pin(tokio::time::sleep(LAST_WORDS));
                    self.unwritable = Some(Box::new(LastWords { end, timer }));
                }
            }
        }
        self.last_words(cx)
    }

    /// A peer that has closed may have written much before, which comes first: reading to its end ends the
    /// connection. The system tells that it may be read; if not, the time is up.
    fn last_words(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let Some(last) = self.unwritable.as_deref_mut() else { return Poll::Pending };
        let LastWords { end, timer } = last;
        while !self.pipe.is_finished() {
            ready!(timer.as_mut().poll(cx));
            if !self.undelivered {
                break;
            }
            // The application takes its time with the rest.
            timer.as_mut().reset(Instant::now() + LAST_WORDS);
        }
        Poll::Ready(end.clone())
    }

    /// Reads and decodes until there is nothing more, no room, or others should have their turn.
    fn receive(&mut self, cx: &mut Context<'_>, clock: Clock) -> Result<(), End> {
        let mut octets = 0;
        for _ in 0..TURNS {
            if self.undelivered && !self.decode(cx, clock)? {
                return Ok(());
            }
            if octets >= READ {
                // The application takes what is still in the cache before more drives it out.
                break;
            }
            match self.poll_read(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(End::Broken(Disconnect::PeerClosed)),
                Poll::Ready(Ok(count)) => {
                    self.heartbeat.received();
                    self.undelivered = true;
                    octets += count;
                }
                Poll::Ready(Err(error)) => return Err(End::Broken(Disconnect::Io(error.kind()))),
            }
        }
        if self.undelivered {
            self.decode(cx, clock)?;
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        loop {
            match self.read() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.stream.poll_read_ready(cx))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    fn read(&mut self) -> std::io::Result<usize> {
        let missing = if self.input.is_empty() { 0 } else { self.incoming.missing(&self.input) };
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let whole = self.input.len().saturating_add(missing);
        if missing > 0 && whole >= TAKE_FROM {
            self.make_room_for_large(missing);
            let count = self.stream.try_read_buf(&mut (&mut self.input).limit(missing))?;
            self.expects_large = true;
            if count == missing {
                self.proven = u32::try_from(whole).unwrap_or(MAX_PROVEN).min(MAX_PROVEN);
            }
            return Ok(count);
        }
        self.make_room();
        let most = if self.expects_large { HEAD } else { READ };
        let count = self.stream.try_read_out(&mut (&mut self.input).limit(most))?;
        self.expects_large = false;
        Ok(count)
    }

    /// A large frame gets memory of its own. Its size grows with what has arrived, of this frame or of
    /// the one before, never by what a header announces alone.
    fn make_room_for_large(&mut self, missing: usize) {
        let room = missing.min(self.input.len().max(self.proven as usize).max(UNPROVEN));
        if self.lent {
            let mut own = bodies::room(self.input.len() + room);
            own.extend_from_slice(&self.input);
            self.exchange_input(own);
        } else if self.input.capacity() == self.input.len() {
            self.input.reserve(room);
        }
    }

    /// Makes room for an ordinary read in the memory that the connections of this thread share.
    fn make_room(&mut self) {
        if !self.lent {
            let mut shared = take_input();
            shared.extend_from_slice(&self.input);
            self.input = shared;
            self.lent = true;
        } else if self.input.capacity() - self.input.len() < READ / 4 {
            // Less than a large frame, at the end: it goes to the front.
            self.input.reserve(READ - self.input.len());
        }
    }

    fn exchange_input(&mut self, own: BytesMut) {
        give_input(std::mem::replace(&mut self.input, own));
        self.lent = false;
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
    fn decode(&mut self, cx: &mut Context<'_>, clock: Clock) -> Result<bool, End> {
        let Some(room) = self.pipe.room(cx.waker()) else { return self.look_ahead(clock) };
        // What was in hand while others had to be read first.
        let mut room = room.saturating_sub(self.messages.len());
        let result = loop {
            let before = self.input.len();
            room -= self.incoming.plain_messages(&mut self.input, room, &mut self.messages);
            self.decoded += before - self.input.len();
            if room == 0 {
                self.deliver();
                room = self.pipe.room(cx.waker()).unwrap_or(0);
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
                    self.messages.push_back(message);
                    room -= 1;
                }
                Ok(Some(other)) => {
                    if let Err(error) = self.react(other, clock) {
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
        self.deliver();
        result.map_err(|error| End::Broken(error.into()))
    }

    /// Decodes what is no message, up to the first message, which stays in hand.
    fn look_ahead(&mut self, clock: Clock) -> Result<bool, End> {
        let broken = |error: ProtocolError| End::Broken(error.into());
        while self.messages.is_empty() {
            match self.next().map_err(broken)? {
                Some(Received::Message(message)) => self.messages.push_back(message),
                Some(other) => self.react(other, clock).map_err(broken)?,
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

    fn deliver(&mut self) {
        let octets = std::mem::take(&mut self.decoded);
        self.pipe.deliver(&mut self.messages, octets);
    }

    fn react(&mut self, received: Received, clock: Clock) -> Result<(), ProtocolError> {
        match received {
            Received::Ping(ping) => {
                self.heartbeat.ping_received(ping.ttl, clock.now());
                self.pipe.with_outgoing(|outgoing| outgoing.pong(&ping.context))
            }
            Received::Subscription(change, prefix) => {
                // In the order in which they came.
                self.deliver();
                self.pipe.owner().clone().subscription(&self.pipe, change, &prefix)
            }
            Received::Pong(_) => {
                self.heartbeat.pong_received();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tick(&mut self, cx: &mut Context<'_>, clock: Clock) -> Result<(), ProtocolError> {
        if self.undelivered {
            // We do not read while the application does not: the peer's silence is our doing.
            self.heartbeat.received();
        }
        while let Some(due) = self.heartbeat.poll_timeout() {
            let due = clock.at(due);
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            if let Some(ping) = self.heartbeat.handle_timeout(clock.now())? {
                self.pipe.with_outgoing(|outgoing| outgoing.ping(&ping))?;
            }
        }
        self.timer = None;
        Ok(())
    }

    /// Writes until there is nothing more, no room, or others should have their turn.
    fn transmit(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for _ in 0..TURNS {
            if self.writing.is_empty() && !self.pipe.take_output(&mut self.writing, cx.waker()) {
                return Ok(());
            }
            match write_some(&self.stream, &self.writing) {
                Ok(count) => {
                    self.writing.advance(count);
                    self.pipe.written(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    match self.stream.poll_write_ready(cx) {
                        Poll::Pending => return Ok(()),
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => return Err(broken(&error)),
                    }
                }
                Err(error) => return Err(broken(&error)),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }
}

fn broken(error: &std::io::Error) -> End {
    End::Broken(match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Disconnect::PeerClosed,
        kind => Disconnect::Io(kind),
    })
}
