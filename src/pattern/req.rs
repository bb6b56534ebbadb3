//! REQ: one request, then its answer (28/REQREP, "The REQ Socket Type").

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};

use transport::{Owner, Pipe, PipeId};
use zmtp_core::error::ProtocolError;
use zmtp_core::{Message, Part, SocketType};

use super::balance::Balancer;
use super::fair::FairQueue;
use super::lock;
use crate::error::{Expected, RecvError, SendError};
use crate::options::Options;

/// Answers to a request that was given up, which are passed over at once.
const PASS_OVER: usize = 1024;

/// What stands before a request that has no number.
static DELIMITER: [Part; 1] = [Part::EMPTY];

/// The pattern of REQ.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) out: Balancer,
    pub(crate) queue: FairQueue,
    turn: Mutex<Turn>,
    immediate: bool,
    relaxed: bool,
    correlate: bool,
    probe: bool,
}

/// Whose turn it is, and what makes an answer one.
#[derive(Debug)]
struct Turn {
    state: State,
    /// The number of the last request, which its answer has to bear too if requests are numbered.
    number: u32,
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
    pub(crate) fn new(options: &Options) -> Arc<Self> {
        // Not from zero: what a socket before us was owed is not taken for ours.
        let number = RandomState::new().hash_one(()) as u32;
        Arc::new(Self {
            out: Balancer::default(),
            queue: FairQueue::default(),
            turn: Mutex::new(Turn { state: State::Idle, number }),
            immediate: options.immediate,
            relaxed: options.reqrep.relaxed,
            correlate: options.reqrep.correlate,
            probe: options.reqrep.probe,
        })
    }

    /// Sends behind an empty delimiter, to one peer.
    pub(crate) fn try_send(&self, message: &Message) -> Result<(), SendError> {
        let mut turn = lock(&self.turn);
        if matches!(turn.state, State::Asked(_)) && !self.relaxed {
            return Err(SendError::State {
                socket_type: SocketType::REQ,
                expects: Expected::ReceiveAnswer,
            });
        }
        // Without numbers, what has come so far could be taken for the answer to this request.
        if !self.correlate
            && self.pass_over()
            && let State::Asked(pipe) = turn.state
        {
            // That may have been the answer.
            turn.state = State::Lost(pipe);
        }
        let number = turn.number.wrapping_add(1);
        let sent = match self.correlate {
            true => self
                .out
                .try_send_now(&[number.to_be_bytes().as_slice().into(), Part::EMPTY], message),
            false => self.out.try_send_now(&DELIMITER, message),
        };
        let pipe = sent.ok_or(SendError::WouldBlock)?;
        *turn = Turn { state: State::Asked(pipe), number };
        Ok(())
    }

    /// Drops what has arrived; whether there was anything.
    fn pass_over(&self) -> bool {
        (0..PASS_OVER).take_while(|_| self.queue.try_recv(|_, _| ()).is_some()).count() > 0
    }

    /// The parts in front of the body, if the message has the envelope of an answer to this request.
    fn envelope(&self, number: u32, message: &Message) -> Option<usize> {
        let numbered = usize::from(self.correlate);
        let delimited = message.get(numbered)?.is_empty() && message.len() > numbered + 1;
        let matches = !self.correlate || *message.first() == number.to_be_bytes()[..];
        (delimited && matches).then_some(numbered + 1)
    }

    /// Whether the answer is there, or will not come; never while no request was sent.
    pub(crate) fn has_message(&self) -> bool {
        let turn = lock(&self.turn);
        let Turn { state, number } = *turn;
        let is_answer = |pipe: &Arc<Pipe>, message: &Message| {
            state.awaits(pipe.id()) && self.envelope(number, message).is_some()
        };
        state != State::Idle && (self.queue.find(is_answer) || matches!(state, State::Lost(_)))
    }

    /// The answer of the peer that was asked; whatever else arrives is dropped.
    pub(crate) fn take(&self) -> Option<Message> {
        self.answer(&mut lock(&self.turn))
    }

    /// Why there was none. Of a peer that has left, the answer may have come since.
    pub(crate) fn look_again(&self) -> Result<Message, RecvError> {
        let mut turn = lock(&self.turn);
        match turn.state {
            State::Asked(_) => Err(RecvError::WouldBlock),
            State::Idle => Err(RecvError::State {
                socket_type: SocketType::REQ,
                expects: Expected::SendRequest,
            }),
            State::Lost(_) => self.answer(&mut turn).ok_or_else(|| {
                turn.state = State::Idle;
                RecvError::RequestLost
            }),
        }
    }

    fn answer(&self, turn: &mut Turn) -> Option<Message> {
        if turn.state == State::Idle {
            return None;
        }
        while let Some((pipe, message)) = self.queue.try_recv(|pipe, _| pipe.id()) {
            let expected = turn.state.awaits(pipe);
            let envelope = self.envelope(turn.number, &message).filter(|_| expected);
            if let Some((_, answer)) = envelope.and_then(|parts| message.take_front(parts)) {
                turn.state = State::Idle;
                return Some(answer);
            }
            tracing::debug!(?pipe, expected, "an unasked or malformed answer was dropped");
        }
        None
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

    fn lost(&self, pipe: &Arc<Pipe>, reconnecting: bool) {
        if self.immediate || !reconnecting {
            self.out.remove(pipe.id());
        }
        let mut turn = lock(&self.turn);
        if turn.state == State::Asked(pipe.id()) {
            turn.state = State::Lost(pipe.id());
        }
        drop(turn);
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

    fn hello(&self) -> Option<Message> {
        self.probe.then(Message::default)
    }
}
