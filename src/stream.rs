//! Sockets and monitors as streams and sinks.

use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use zmtp_core::Message;

use crate::error::{RecvError, SendError};
use crate::monitor::{Monitor, Observation};
use crate::{Receives, Sends, face};

/// A place for one future after the other, allocated once.
struct Slot<F> {
    future: Option<Pin<Box<F>>>,
    busy: bool,
}

impl<F: Future> Slot<F> {
    const fn new() -> Self {
        Self { future: None, busy: false }
    }

    fn set(&mut self, future: F) {
        match &mut self.future {
            Some(place) => place.as_mut().set(future),
            None => self.future = Some(Box::pin(future)),
        }
        self.busy = true;
    }

    /// Polls the future that is here; `None` if there is none.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let Some(future) = self.future.as_mut().filter(|_| self.busy) else {
            return Poll::Ready(None);
        };
        let output = ready!(future.as_mut().poll(context));
        self.busy = false;
        Poll::Ready(Some(output))
    }
}

/// The messages of a socket. Ends behind an error that stays.
pub(crate) fn incoming<S: Receives>(
    socket: impl Deref<Target = S> + Clone + Send + Sync + Unpin,
) -> impl Stream<Item = Result<Message, RecvError>> + Send + Unpin {
    let recv = |socket| async move { receive(socket).await };
    Incoming { socket, recv, slot: Slot::new(), over: false }
}

async fn receive<S: Receives>(socket: impl Deref<Target = S>) -> Result<Message, RecvError> {
    face::recv(&*socket, None).await
}

struct Incoming<H, M, F> {
    socket: H,
    recv: M,
    slot: Slot<F>,
    over: bool,
}

impl<H, M, F> Stream for Incoming<H, M, F>
where
    H: Clone + Unpin,
    M: Fn(H) -> F + Unpin,
    F: Future<Output = Result<Message, RecvError>>,
{
    type Item = Result<Message, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        if !this.slot.busy {
            this.slot.set((this.recv)(this.socket.clone()));
        }
        let item = ready!(this.slot.poll(context));
        this.over = matches!(&item, Some(Err(error)) if error.is_final());
        Poll::Ready(item)
    }
}

/// A place for messages to a socket.
pub(crate) fn outgoing<S: Sends>(
    socket: impl Deref<Target = S> + Clone + Send + Sync + Unpin,
) -> impl Sink<Message, Error = SendError> + Send + Unpin {
    let attempt = |socket: &_, message: &Message| attempt(socket, message);
    let send = |socket, message| async move { send(socket, message).await };
    Outgoing { socket, attempt, send, slot: Slot::new() }
}

fn attempt<S: Sends>(socket: &impl Deref<Target = S>, message: &Message) -> Result<(), SendError> {
    socket.attempt_send(message)
}

async fn send<S: Sends>(socket: impl Deref<Target = S>, message: Message) -> Result<(), SendError> {
    face::send(&*socket, &message, None).await
}

/// The future in the slot holds the one message that found no room.
struct Outgoing<H, A, M, F> {
    socket: H,
    attempt: A,
    send: M,
    slot: Slot<F>,
}

impl<H, A, M, F> Sink<Message> for Outgoing<H, A, M, F>
where
    H: Clone + Unpin,
    A: Fn(&H, &Message) -> Result<(), SendError> + Unpin,
    M: Fn(H, Message) -> F + Unpin,
    F: Future<Output = Result<(), SendError>>,
{
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let this = &mut *self;
        if this.slot.busy {
            // Whoever asks without waiting for `poll_ready` must not overwrite what is in hand.
            return Err(SendError::WouldBlock);
        }
        match (this.attempt)(&this.socket, &message) {
            Err(SendError::WouldBlock) => {
                this.slot.set((this.send)(this.socket.clone(), message));
                Ok(())
            }
            result => result,
        }
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        self.slot.poll(context).map(|sent| sent.unwrap_or(Ok(())))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(context)
    }
}

impl Monitor {
    /// The observations as a stream, which ends when the socket is gone.
    ///
    /// Cancel safe: nothing is lost when the future of an item is dropped.
    pub fn into_stream(self) -> impl Stream<Item = Observation> + Send + Unpin + 'static {
        let next = |mut monitor: Self| async move { (monitor.next().await, monitor) };
        let mut slot = Slot::new();
        slot.set(next(self));
        Observations { next, slot }
    }
}

struct Observations<M, F> {
    next: M,
    slot: Slot<F>,
}

impl<M, F> Stream for Observations<M, F>
where
    M: Fn(Monitor) -> F + Unpin,
    F: Future<Output = (Option<Observation>, Monitor)>,
{
    type Item = Observation;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Observation>> {
        let this = &mut *self;
        let Some((observation, monitor)) = ready!(this.slot.poll(context)) else {
            return Poll::Ready(None);
        };
        if observation.is_some() {
            this.slot.set((this.next)(monitor));
        }
        Poll::Ready(observation)
    }
}
