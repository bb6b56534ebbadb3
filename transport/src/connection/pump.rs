//! Moves octets between a stream and a pipe until either ends.
//!
//! One poll does all there is to do: writes what waits, reads while there is room, and looks at the
//! clock. It holds no buffer while there is nothing to move.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use zmtp_core::error::ProtocolError;
use zmtp_core::traffic::{Heartbeat, OutputBuffer};

use super::reader::{Driver, Reader};
use super::write::write_some;
use crate::clock::Clock;
use crate::events::Disconnect;
use crate::net::Stream;
use crate::pipe::Pipe;

/// Writes in one poll, so that a busy connection lets others have their turn.
const TURNS: usize = 16;
/// How long to wait for the system to tell what a peer wrote before it closed, when nothing can be
/// written to it any more.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a visitor that finds much may stay away before the driver reads in its place.
const TERM: Duration = Duration::from_millis(1);

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
    /// Has the receiving half.
    pipe: Arc<Pipe>,
    heartbeat: Heartbeat,
    timer: Option<Pin<Box<Sleep>>>,
    /// While a visitor reads.
    term: Option<Pin<Box<Sleep>>>,
    writing: OutputBuffer,
    /// Whether the application is behind with what came.
    behind: bool,
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
        reader: Reader,
        heartbeat: Heartbeat,
    ) -> Self {
        pipe.seat(Some(reader));
        Self {
            stream,
            pipe,
            heartbeat,
            timer: None,
            term: None,
            writing: OutputBuffer::new(),
            behind: false,
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
        if let Err(end) = self.receive(cx, clock) {
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
            if !self.behind {
                break;
            }
            // The application takes its time with the rest.
            timer.as_mut().reset(Instant::now() + LAST_WORDS);
        }
        Poll::Ready(end.clone())
    }

    fn receive(&mut self, cx: &mut Context<'_>, clock: Clock) -> Result<(), End> {
        let Self { pipe, heartbeat, behind, term, .. } = self;
        let is_over = term.as_mut().is_some_and(|term| term.as_mut().poll(cx).is_ready());
        // Who reads just now may be back soon.
        let received = pipe.try_with_reader(None, |reader| {
            if reader.is_read_by_visitor(is_over) {
                return None;
            }
            let received = reader.receive(&mut Driver { pipe, heartbeat, clock }, cx);
            *behind = reader.is_behind();
            Some(received)
        });
        match received {
            Some(received) => {
                *term = None;
                received.map_err(End::Broken)
            }
            None => {
                self.look_again(cx, is_over);
                Ok(())
            }
        }
    }

    /// Looks at the end of the term, or of the next one, whether a visitor still reads.
    fn look_again(&mut self, cx: &mut Context<'_>, is_over: bool) {
        let term = self.term.get_or_insert_with(|| Box::pin(tokio::time::sleep(TERM)));
        if is_over {
            term.as_mut().reset(Instant::now() + TERM);
        }
        if term.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    fn tick(&mut self, cx: &mut Context<'_>, clock: Clock) -> Result<(), ProtocolError> {
        if self.behind {
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

impl Drop for Pump {
    fn drop(&mut self) {
        self.pipe.seat(None);
    }
}

fn broken(error: &std::io::Error) -> End {
    End::Broken(match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Disconnect::PeerClosed,
        kind => Disconnect::Io(kind),
    })
}
