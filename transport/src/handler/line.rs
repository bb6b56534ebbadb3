//! Requests that are under way to the handler, and the replies that come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::oneshot;
use zap::codec::{Reply, ZapError};
use zmtp_core::Message;
use zmtp_core::auth::AuthDecision;
use zmtp_core::error::ProtocolError;
use zmtp_core::wire::subscription::SubscriptionChange;

use super::{HandlerFault, frame_of};
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
    /// The id of the next request.
    next: u64,
    /// In the order in which they asked.
    waiting: BTreeMap<u64, oneshot::Sender<Outcome>>,
    /// No other attempt to connect will be made.
    over: bool,
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
        crate::engine::lock(&self.state)
    }

    /// Whether the handler refused for good to be asked.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Sends the request that `frames` makes of an id.
    pub(super) fn ask(
        &self,
        frames: impl FnOnce(Bytes) -> Result<Vec<Bytes>, ZapError>,
    ) -> Result<impl Future<Output = Outcome>, HandlerFault> {
        let (answer, outcome) = oneshot::channel();
        let mut state = self.lock();
        let (id, pipe) = (state.next, state.pipe.clone().ok_or(HandlerFault::Gone)?);
        state.next += 1;
        state.waiting.insert(id, answer);
        drop(state);
        let place = Place { line: self, id };
        let body = frames(frame_of(id)).map_err(HandlerFault::Inexpressible)?;
        let mut message = Message::new(Bytes::new());
        body.into_iter().for_each(|frame| message.push(frame));
        pipe.try_send(&message).map_err(|error| match error {
            TrySendError::Full => HandlerFault::Busy,
            _ => HandlerFault::Gone,
        })?;
        Ok(async move {
            let _place = place;
            outcome.await.unwrap_or(Err(HandlerFault::Gone))
        })
    }

    /// There will be no reply to what was asked up to now.
    pub(super) fn fail_all(&self, fault: &HandlerFault) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        for answer in waiting.into_values() {
            // Whoever does not wait any more needs no answer.
            let _ = answer.send(Err(fault.clone()));
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
        let Some(answer) = state.waiting.remove(&id) else {
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

    fn established(&self, _pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
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

    fn lost(&self, _pipe: &Arc<Pipe>, reconnecting: bool) {
        if !reconnecting {
            let mut state = self.lock();
            (state.pipe, state.over) = (None, true);
        }
        self.fail_all(&HandlerFault::Gone);
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
