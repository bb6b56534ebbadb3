//! REP: one question, then its answer, back the way it came (28/REQREP, "The REP Socket Type").

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use transport::{Owner, Pipe, TrySendError};
use zmtp_core::error::ProtocolError;
use zmtp_core::{Message, Part, SocketType};

use super::fair::FairQueue;
use super::lock;
use crate::error::{Expected, RecvError, SendError};

/// The pattern of REP.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) queue: FairQueue,
    asked: Mutex<Option<Question>>,
    pub(crate) writable: Notify,
}

/// Where the answer goes.
#[derive(Debug)]
struct Question {
    pipe: Arc<Pipe>,
    /// Routing ids and the delimiter.
    envelope: Vec<Part>,
}

impl Reply {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Whether there is a question; never while another one is to be answered.
    pub(crate) fn has_message(&self) -> bool {
        let asked = lock(&self.asked);
        asked.is_none() && self.queue.find(|_, message| envelope(message).is_some())
    }

    /// The next question, without its envelope; none while another one is to be answered.
    pub(crate) fn take(&self) -> Option<Message> {
        let mut asked = lock(&self.asked);
        if asked.is_some() {
            return None;
        }
        while let Some((pipe, message)) = self.queue.try_recv(|pipe, _| pipe.clone()) {
            match envelope(&message).and_then(|parts| message.take_front(parts)) {
                Some((envelope, question)) => {
                    *asked = Some(Question { pipe, envelope });
                    return Some(question);
                }
                None => {
                    tracing::debug!(pipe = ?pipe.id(), "a request without an envelope was dropped");
                }
            }
        }
        None
    }

    /// Why there was none.
    pub(crate) fn why_none(&self) -> RecvError {
        match *lock(&self.asked) {
            None => RecvError::WouldBlock,
            Some(_) => {
                RecvError::State { socket_type: SocketType::REP, expects: Expected::SendAnswer }
            }
        }
    }

    /// Answers the question.
    pub(crate) fn try_send(&self, message: &Message) -> Result<(), SendError> {
        let mut asked = lock(&self.asked);
        let Some(Question { pipe, envelope }) = &*asked else {
            return Err(SendError::State {
                socket_type: SocketType::REP,
                expects: Expected::ReceiveRequest,
            });
        };
        let sent = match pipe.is_connected() {
            true => pipe.try_send_now(envelope, message),
            false => Err(TrySendError::Closed),
        };
        match sent {
            Err(TrySendError::Full) => Err(SendError::WouldBlock),
            Ok(()) => {
                *asked = None;
                Ok(())
            }
            Err(TrySendError::Closed) => {
                *asked = None;
                Err(SendError::PeerGone)
            }
        }
    }
}

/// The parts in front of a question: up to the first empty one, with something behind it.
fn envelope(message: &Message) -> Option<usize> {
    let delimiter = message.parts().position(|part| part.is_empty())?;
    Some(delimiter + 1).filter(|parts| *parts < message.len())
}

impl Owner for Reply {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn established(&self, _pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        Ok(())
    }

    fn lost(&self, _pipe: &Arc<Pipe>, _reconnecting: bool) {
        self.writable.notify_waiters();
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        self.queue.readable(pipe);
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {
        self.writable.notify_waiters();
    }

    fn stopped(&self) {
        self.writable.notify_waiters();
        self.queue.wake_all();
    }
}
