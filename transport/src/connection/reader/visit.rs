//! Reading in place of the driver.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll};

use bytes::Buf;

use super::{LITTLE, READ, Reader, VISIT};
use crate::net::Stream;
use crate::pipe::{Batch, Pipe};

/// Octets of a read that a visitor makes without being told that there is something, where more than a little comes.
const GLANCE: usize = 2 * 1024;
/// Octets after which a visitor lets others have their turn though it has nothing whole.
const TURN: usize = 1024 * 1024;

/// What came of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// The driver does this by itself.
    Declined,
    /// There is nothing yet. The visitor will be woken, and the driver will not.
    Waiting,
    /// There are messages in the batch.
    Found,
}

impl Reader {
    /// As the driver does, for somebody else. Who has found something is told of nothing any more.
    pub(crate) fn visit(&mut self, pipe: &Pipe, batch: &mut Batch, cx: &mut Context<'_>) -> Visit {
        if !self.is_open() {
            return Visit::Declined;
        }
        if self.undelivered {
            return match self.stop.is_cancelled() {
                true => Visit::Declined,
                false => self.find_rest(pipe, batch),
            };
        }
        let mut octets = 0;
        loop {
            let read = match self.stream.poll_read_ready(cx) {
                Poll::Pending => {
                    self.lease.wait();
                    self.settle();
                    return Visit::Waiting;
                }
                Poll::Ready(_) if self.stop.is_cancelled() => return Visit::Declined,
                Poll::Ready(Err(error)) => Err(error),
                Poll::Ready(Ok(())) if self.little && self.input.is_empty() => {
                    let read =
                        |stream: &Stream, room: &mut [u8]| stream.try_read_out(&mut &mut *room);
                    self.read_apart::<LITTLE>(pipe, batch, read)
                }
                Poll::Ready(Ok(())) => {
                    let most = if self.much { READ } else { VISIT };
                    self.read(most).inspect(|_| self.take_plain(pipe, batch))
                }
            };
            octets += read.as_ref().unwrap_or(&0);
            if let Some(visit) = self.conclude(batch, read) {
                return visit;
            }
            if octets >= TURN {
                cx.waker().wake_by_ref();
                self.lease.wait();
                return Visit::Waiting;
            }
        }
    }

    /// What a visitor has read and had no room for.
    #[inline(never)]
    fn find_rest(&mut self, pipe: &Pipe, batch: &mut Batch) -> Visit {
        self.take_plain(pipe, batch);
        self.found_much(batch)
    }

    /// The same without waiting: asks the system, whatever the runtime knows.
    pub(crate) fn glance(&mut self, pipe: &Pipe, batch: &mut Batch) -> Visit {
        if !self.is_open() || self.stop.is_cancelled() {
            return Visit::Declined;
        }
        if self.lease.is_taken() {
            return self.glance_at_much(pipe, batch);
        }
        if self.much {
            return Visit::Declined;
        }
        let read = match self.little {
            true => self.read_apart::<LITTLE>(pipe, batch, Stream::read_at_once),
            false => self.read_apart::<GLANCE>(pipe, batch, Stream::read_at_once),
        };
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Visit::Waiting,
            read => self.found(batch, read.err().map(|error| error.kind())),
        }
    }

    /// Reads on without waiting: nobody else does.
    #[inline(never)]
    fn glance_at_much(&mut self, pipe: &Pipe, batch: &mut Batch) -> Visit {
        if self.undelivered {
            return self.find_rest(pipe, batch);
        }
        let read = self.read(READ).inspect(|_| self.take_plain(pipe, batch));
        let found_none = read.is_err();
        self.conclude(batch, read).unwrap_or_else(|| {
            if found_none {
                self.lease.wait();
                self.settle();
            }
            Visit::Waiting
        })
    }

    /// The system tells the driver again of what comes.
    pub(crate) fn leave(&mut self) {
        self.lease.end();
        self.settle();
        let Some(driver) = &self.driver else { return };
        let told = self.stream.poll_read_ready(&mut Context::from_waker(driver));
        if self.undelivered || told.is_ready() {
            driver.wake_by_ref();
        }
    }

    /// Whether a visitor may read, unless the connection was stopped.
    pub(crate) fn is_open(&self) -> bool {
        self.hospitable
            && !self.parted
            && self.lease.is_offered()
            && (!self.undelivered || self.lease.is_taken())
            && self.failed.is_none()
    }

    /// Reads and takes messages without memory for it, but for what is left behind them.
    fn read_apart<const ROOM: usize>(
        &mut self,
        pipe: &Pipe,
        batch: &mut Batch,
        read: impl FnOnce(&Stream, &mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut octets = [0; ROOM];
        let count = read(&self.stream, &mut octets)?;
        self.little = count < LITTLE;
        self.much = false;
        let read = octets.get(..count).unwrap_or_default();
        if self.input.is_empty() {
            let taken = pipe.receive_into(batch, |most, messages| {
                self.incoming.plain_messages(read, most, messages)
            });
            let left = read.get(taken..).unwrap_or_default();
            if !left.is_empty() {
                self.input.extend_from_slice(left);
                self.undelivered = true;
            }
        } else {
            self.input.extend_from_slice(read);
            self.take_plain(pipe, batch);
        }
        Ok(count)
    }

    /// A visitor takes messages of one part, and everything else waits for the driver.
    fn take_plain(&mut self, pipe: &Pipe, batch: &mut Batch) {
        let Self { incoming, input, .. } = self;
        pipe.receive_into(batch, |most, messages| {
            let before = input.len();
            loop {
                let taken = incoming.plain_messages(input, most - messages.len(), messages);
                input.advance(taken);
                if messages.len() >= most {
                    break;
                }
                let Some(message) = incoming.long_message(input) else { break };
                messages.push_back(message);
            }
            before - input.len()
        });
        self.undelivered = !self.input.is_empty() && !incoming.is_begin_of_message(&self.input);
    }

    /// What came of a read for a visitor; nothing yet if there is no more than the begin of a message.
    fn conclude(&mut self, batch: &Batch, read: io::Result<usize>) -> Option<Visit> {
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Ok(1..) if batch.is_empty() && !self.undelivered => None,
            Ok(1..) if self.much => Some(self.found_much(batch)),
            read => Some(self.found_and_left(batch, read.err().map(|error| error.kind()))),
        }
    }

    /// Much was read, and a visitor reads on when it is back, unless it comes to nothing.
    fn found_much(&mut self, batch: &Batch) -> Visit {
        if batch.is_empty() || !self.lease.renew() {
            return self.found_and_left(batch, None);
        }
        if self.lease.needs_watch() {
            self.wake_driver();
        }
        Visit::Found
    }

    /// A visitor leaves with what it has found.
    fn found_and_left(&mut self, batch: &Batch, failed: Option<ErrorKind>) -> Visit {
        self.leave();
        self.found(batch, failed)
    }

    /// A visitor has found this; the driver gets what it has not taken.
    fn found(&mut self, batch: &Batch, failed: Option<ErrorKind>) -> Visit {
        self.failed = failed;
        if batch.is_empty() || self.undelivered {
            self.wake_driver();
        }
        if batch.is_empty() { Visit::Declined } else { Visit::Found }
    }

    fn wake_driver(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }
}
