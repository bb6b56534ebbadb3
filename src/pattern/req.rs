//! REQ: one request, then its answer (28/REQREP, "The REQ Socket Type").

use std::sync::{Arc, Mutex};

use transport::{Owner, Pipe, PipeId};
use zmtp_core::error::ProtocolError;
use zmtp_core::wire::subscription::SubscriptionChange;
use zmtp_core::{Message, Part, SocketType};

use super::balance::Balancer;
use super::fair::FairQueue;
use super::lock;
use crate::error::{RecvError, SendError};

/// The pattern of REQ.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) out: Balancer,
    pub(crate) queue: FairQueue,
    state: Mutex<State>,
    immediate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// The peer behind this pipe has the request.
    Asked(PipeId),
    /// The peer that had the request has left, perhaps behind its answer.
    Lost(PipeId),
}

impl State {
    /// Whether an answer from there is wanted.
    fn awaits(self, pipe: PipeId) -> bool {
        matches!(self, Self::Asked(asked) | Self::Lost(asked) if asked == pipe)
    }
}

impl Request {
    pub(crate) fn new(immediate: bool) -> Arc<Self> {
        Arc::new(Self {
            out: Balancer::default(),
            queue: FairQueue::default(),
            state: Mutex::new(State::Idle),
            immediate,
        })
    }

    /// Sends behind an empty delimiter, to one peer.
    pub(crate) fn try_send(&self, message: &Message) -> Result<(), SendError> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Asked(_)) {
            return Err(SendError::State {
                socket_type: SocketType::REQ,
                expects: "has to receive the answer to its last request first",
            });
        }
        let mut request = message.clone();
        request.push_front(Part::EMPTY);
        let pipe = self.out.try_send(&request).ok_or(SendError::WouldBlock)?;
        *state = State::Asked(pipe.id());
        Ok(())
    }

    /// Whether the answer is there, or will not come; never while no request was sent.
    pub(crate) fn has_message(&self) -> bool {
        let state = lock(&self.state);
        let is_answer = |pipe: &Arc<Pipe>, message: &Message| {
            state.awaits(pipe.id()) && message.first().is_empty() && message.len() > 1
        };
        *state != State::Idle && (self.queue.find(is_answer) || matches!(*state, State::Lost(_)))
    }

    /// The answer of the peer that was asked; whatever else arrives is dropped.
    pub(crate) fn try_recv(&self) -> Result<Message, RecvError> {
        let mut state = lock(&self.state);
        if *state == State::Idle {
            return Err(RecvError::State {
                socket_type: SocketType::REQ,
                expects: "has to send a request first",
            });
        }
        while let Some((pipe, mut message)) = self.queue.try_recv() {
            let expected = state.awaits(pipe.id());
            let delimited = message.first().is_empty() && message.pop_front().is_some();
            if expected && delimited {
                *state = State::Idle;
                return Ok(message);
            }
            tracing::debug!(pipe = ?pipe.id(), expected, delimited, "an unasked or malformed answer was dropped");
        }
        if matches!(*state, State::Lost(_)) {
            *state = State::Idle;
            return Err(RecvError::RequestLost);
        }
        Err(RecvError::WouldBlock)
    }
}

impl Owner for Request {
    fn connecting(&self, pipe: &Arc<Pipe>) {
        if !self.immediate {
            self.out.add(pipe);
        }
    }

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        self.out.add(pipe);
        Ok(())
    }

    fn subscription(
        &self,
        _pipe: &Arc<Pipe>,
        _change: SubscriptionChange,
        _prefix: &[u8],
    ) -> Result<(), ProtocolError> {
        Ok(())
    }

    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool) {
        if self.immediate || !reconnecting {
            self.out.remove(pipe.id());
        }
        let mut state = lock(&self.state);
        if *state == State::Asked(pipe.id()) {
            *state = State::Lost(pipe.id());
        }
        drop(state);
        self.queue.wake_all();
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        self.queue.readable(pipe);
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {
        self.out.writable();
    }

    fn stopped(&self) {
        self.out.writable();
        self.queue.wake_all();
    }
}
