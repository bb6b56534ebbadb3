//! The sending half of a pipe.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use zmtp_core::Message;
use zmtp_core::error::ProtocolError;
use zmtp_core::traffic::{Outgoing, OutputBuffer};

use super::Pipe;

/// A message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrySendError {
    /// The high-water mark is reached.
    Full,
    /// The pipe sends nothing any more.
    Closed,
}

#[derive(Debug)]
pub(super) struct Outbound {
    link: Link,
    /// Zero means no mark.
    high_water: usize,
    /// Where each message that is not wholly written ends, counted in octets of this connection.
    ends: VecDeque<u64>,
    encoded: u64,
    written: u64,
    /// No more messages are taken.
    finished: bool,
    /// Somebody was told "full" and waits to hear otherwise.
    blocked: bool,
    driver: Option<Waker>,
}

#[derive(Debug)]
enum Link {
    /// No connection yet, or not now: messages wait as they are.
    Offline(VecDeque<Message>),
    /// Messages are encoded for this connection.
    Online(Box<Outgoing>),
    /// Messages go straight to the pipe of a socket in this process.
    Direct(Arc<Pipe>),
    /// Never again.
    Closed,
}

impl Outbound {
    pub(super) fn new(high_water: usize) -> Self {
        Self {
            link: Link::Offline(VecDeque::new()),
            high_water,
            ends: VecDeque::new(),
            encoded: 0,
            written: 0,
            finished: false,
            blocked: false,
            driver: None,
        }
    }

    pub(super) const fn high_water(&self) -> usize {
        self.high_water
    }

    pub(super) fn unsent(&self) -> usize {
        match &self.link {
            Link::Offline(queue) => queue.len(),
            Link::Online(_) => self.ends.len(),
            // What was sent is with the receiver.
            Link::Direct(_) | Link::Closed => 0,
        }
    }

    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        let room = match &self.link {
            Link::Direct(receiver) => receiver.takes_more(),
            _ => self.high_water == 0 || self.unsent() < self.high_water,
        };
        self.blocked |= !room;
        room && !self.finished && !matches!(self.link, Link::Closed)
    }

    #[inline]
    pub(super) fn push(&mut self, message: &Message) -> Result<(), TrySendError> {
        if self.finished {
            return Err(TrySendError::Closed);
        }
        if self.high_water != 0 && self.unsent() >= self.high_water {
            self.blocked = true;
            return Err(TrySendError::Full);
        }
        match &mut self.link {
            Link::Closed => return Err(TrySendError::Closed),
            Link::Offline(queue) => queue.push_back(message.clone()),
            Link::Direct(receiver) => {
                if !receiver.accept(message.clone()) {
                    self.blocked = true;
                    return Err(TrySendError::Full);
                }
            }
            Link::Online(outgoing) => {
                let before = outgoing.output().len();
                if outgoing.send(message).is_err() {
                    // Nonces are used up: this connection is over, its driver will say so.
                    return Err(TrySendError::Closed);
                }
                self.encoded += (outgoing.output().len() - before) as u64;
                self.ends.push_back(self.encoded);
            }
        }
        Ok(())
    }

    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        self.driver.take()
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    pub(super) fn is_drained(&self) -> bool {
        self.finished && self.unsent() == 0
    }

    pub(super) fn go_online(&mut self, outgoing: Outgoing) -> Result<(), ProtocolError> {
        let waiting = match std::mem::replace(&mut self.link, Link::Online(Box::new(outgoing))) {
            Link::Offline(queue) => queue,
            Link::Online(_) | Link::Direct(_) | Link::Closed => VecDeque::new(),
        };
        self.ends.clear();
        self.encoded = 0;
        self.written = 0;
        let Link::Online(outgoing) = &mut self.link else { return Ok(()) };
        // What the handshake left to write is no message, but it has its place in the stream.
        self.encoded = outgoing.output().len() as u64;
        for message in waiting {
            let before = outgoing.output().len();
            outgoing.send(&message)?;
            self.encoded += (outgoing.output().len() - before) as u64;
            self.ends.push_back(self.encoded);
        }
        Ok(())
    }

    /// Connects to a pipe in this process. Gives what waited; the caller passes it on.
    pub(super) fn go_direct(&mut self, receiver: Arc<Pipe>) -> VecDeque<Message> {
        match &mut self.link {
            Link::Offline(queue) => {
                let waiting = std::mem::take(queue);
                self.link = Link::Direct(receiver);
                waiting
            }
            // The end that was bound has left already: the one that connects hears of it next.
            Link::Online(_) | Link::Direct(_) | Link::Closed => VecDeque::new(),
        }
    }

    /// What was encoded for the connection is lost with it.
    pub(super) fn go_offline(&mut self) -> usize {
        if matches!(self.link, Link::Closed) {
            return 0;
        }
        self.link = Link::Offline(VecDeque::new());
        self.driver = None;
        std::mem::take(&mut self.ends).len()
    }

    pub(super) fn close(&mut self) -> usize {
        let given_up = self.unsent();
        self.link = Link::Closed;
        self.ends = VecDeque::new();
        self.driver = None;
        self.blocked = false;
        given_up
    }

    pub(super) fn take_output(&mut self, empty: &mut OutputBuffer, waker: &Waker) -> bool {
        if let Link::Online(outgoing) = &mut self.link
            && !outgoing.output().is_empty()
        {
            std::mem::swap(outgoing.output(), empty);
            return true;
        }
        self.driver = Some(waker.clone());
        false
    }

    pub(super) fn written(&mut self, octets: usize) {
        self.written += octets as u64;
        while self.ends.front().is_some_and(|end| *end <= self.written) {
            self.ends.pop_front();
        }
        if self.ends.is_empty() && self.ends.capacity() > 64 {
            self.ends = VecDeque::new();
        }
    }

    /// Whether enough was written for a blocked sender to go on: half of the mark.
    pub(super) fn has_low_water(&self) -> bool {
        self.unsent() <= self.high_water / 2
    }

    pub(super) fn take_blocked(&mut self) -> bool {
        std::mem::take(&mut self.blocked)
    }

    pub(super) fn with_outgoing(
        &mut self,
        use_it: impl FnOnce(&mut Outgoing) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let Link::Online(outgoing) = &mut self.link else { return Ok(()) };
        let before = outgoing.output().len();
        use_it(outgoing)?;
        self.encoded += outgoing.output().len().saturating_sub(before) as u64;
        Ok(())
    }
}
