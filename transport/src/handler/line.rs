//! Requests that are under way to the handler, and the replies that come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::oneshot;
use zap::codec::{Reply, ZapError};
use zmtp_core::Message;
use zmtp_core::auth::AuthDecision;
use zmtp_core::error::ProtocolError;

use super::link::HandlerFault;
use crate::pipe::{Batch, Owner, Pipe, TrySendError};

type Outcome = Result<AuthDecision, HandlerFault>;

/// The owner of the pipe to the handler.
#[derive(Debug, Default)]
pub(super) struct Line {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pipe: Option<Arc<Pipe>>,
    online: bool,
    /// The id of the next request.
    next: u64,
    /// In the order in which they asked.
    waiting: BTreeMap<u64, Waiting>,
    /// No other attempt to connect will be made.
    over: bool,
}

#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Outcome>,
    /// The request, until there is a connection to send it over. What nobody waits for any more when there
    /// is one, is not sent.
    unsent: Option<Message>,
}

/// Forgets a request for whose reply nobody waits any more.
struct Place<'a> {
    line: &'a Line,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.lock().waiting.remove(&self.id);
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        crate::lock::lock(&self.state)
    }

    /// Whether the handler refused for good to be asked.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    pub(super) fn pending(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Sends the request that `frames` makes of an id, as soon as there is a connection.
    pub(super) fn ask(
        &self,
        frames: impl FnOnce(Bytes) -> Result<Vec<Bytes>, ZapError>,
    ) -> Result<impl Future<Output = Outcome>, HandlerFault> {
        let (answer, outcome) = oneshot::channel();
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        drop(state);
        let message = request(frames(frame_of(id)).map_err(HandlerFault::Inexpressible)?);

        let mut state = self.lock();
        let pipe = state.pipe.clone().ok_or(HandlerFault::Gone)?;
        let (now, later) = if state.online { (Some(message), None) } else { (None, Some(message)) };
        state.waiting.insert(id, Waiting { answer, unsent: later });
        drop(state);
        let place = Place { line: self, id };
        if let Some(message) = now {
            send(&pipe, &message)?;
        }
        Ok(async move {
            let _place = place;
            outcome.await.unwrap_or(Err(HandlerFault::Gone))
        })
    }

    /// There will be no reply to what was sent up to now.
    fn fail_sent(&self, fault: &HandlerFault) {
        self.fail(fault, |waiting| waiting.unsent.is_none());
    }

    /// What waits for a connection waits in vain.
    pub(super) fn fail_unsent(&self, fault: &HandlerFault) {
        self.fail(fault, |waiting| waiting.unsent.is_some());
    }

    fn fail(&self, fault: &HandlerFault, whom: impl Fn(&Waiting) -> bool) {
        let failed: Vec<_> =
            self.lock().waiting.extract_if(.., |_, waiting| whom(waiting)).collect();
        for (_, Waiting { answer, .. }) in failed {
            // Whoever does not wait any more needs no answer.
            let _ = answer.send(Err(fault.clone()));
        }
    }

    /// Sends what waited for a connection.
    fn flush(&self, pipe: &Pipe) {
        let mut state = self.lock();
        state.online = true;
        let unsent: Vec<_> = state
            .waiting
            .iter_mut()
            .filter_map(|(id, waiting)| Some((*id, waiting.unsent.take()?)))
            .collect();
        drop(state);
        for (id, message) in unsent {
            if let Err(fault) = send(pipe, &message)
                && let Some(waiting) = self.lock().waiting.remove(&id)
            {
                // Whoever does not wait any more needs no answer.
                let _ = waiting.answer.send(Err(fault));
            }
        }
    }

    /// Hands a reply to the request that it names. What names none that was ever made is a fault in the
    /// reply to the oldest one, as a handler that answers in order would make it.
    fn take(&self, message: &Message) {
        let frames: Vec<&[u8]> = message.parts().map(|part| part.as_bytes()).collect();
        let named = frames.get(2).and_then(|id| Some(u64::from_be_bytes((*id).try_into().ok()?)));
        let mut state = self.lock();
        let known = named.filter(|id| *id < state.next);
        let Some(id) = known.or_else(|| Some(*state.waiting.first_key_value()?.0)) else {
            tracing::warn!("the ZAP handler sent something that nobody asked for");
            return;
        };
        let Some(Waiting { answer, .. }) = state.waiting.remove(&id) else {
            tracing::debug!(id, "the ZAP handler replied too late, or twice");
            return;
        };
        drop(state);
        let reply = Reply::decode_message(&frames, &frame_of(id));
        let outcome = reply.map(|reply| reply.decision().clone()).map_err(HandlerFault::BadReply);
        // Whoever does not wait any more needs no answer.
        let _ = answer.send(outcome);
    }
}

impl Owner for Line {
    fn connecting(&self, pipe: &Arc<Pipe>) {
        self.lock().pipe = Some(pipe.clone());
    }

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        self.flush(pipe);
        Ok(())
    }

    fn lost(&self, _pipe: &Arc<Pipe>, reconnecting: bool) {
        let mut state = self.lock();
        state.online = false;
        if !reconnecting {
            (state.pipe, state.over) = (None, true);
        }
        drop(state);
        self.fail_sent(&HandlerFault::Gone);
    }

    fn readable(&self, pipe: &Arc<Pipe>) {
        let mut batch = Batch::default();
        while pipe.refill(&mut batch) {
            while let Some(message) = batch.pop() {
                self.take(&message);
            }
        }
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {}

    fn stopped(&self) {
        self.lock().over = true;
    }
}

/// The id of a request as its frame.
fn frame_of(id: u64) -> Bytes {
    Bytes::copy_from_slice(&id.to_be_bytes())
}

/// A request behind the empty delimiter, which a DEALER adds itself (27/ZAP, "Message Format").
fn request(body: Vec<Bytes>) -> Message {
    let mut message = Message::new(Bytes::new());
    body.into_iter().for_each(|frame| message.push(frame));
    message
}

fn send(pipe: &Pipe, message: &Message) -> Result<(), HandlerFault> {
    pipe.try_send(message).map_err(|error| match error {
        TrySendError::Full => HandlerFault::Busy,
        TrySendError::Closed => HandlerFault::Gone,
    })
}
