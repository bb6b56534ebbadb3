//! Halves of a socket: one sends, the other receives.

use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use zmtp_core::Message;

use crate::error::{RecvError, SendError};
use crate::{Dealer, Pair, Receives, Router, Sends, TwoWay, XPub, XSub, face, stream};

/// The sending half of a socket. The socket closes in the background when both halves are gone, as if
/// it were dropped; to close it and wait, [`reunite`](Self::reunite) them.
#[derive(Debug)]
pub struct SendHalf<S>(pub(crate) Arc<S>);

/// The receiving half of a socket; see [`SendHalf`].
#[derive(Debug)]
pub struct RecvHalf<S>(pub(crate) Arc<S>);

impl<S: Sends> SendHalf<S> {
    /// Sends a message, waiting while no peer takes one, for as long as
    /// [`Options::send_timeout`](crate::Options::send_timeout) allows.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    /// [`SendError`], never `WouldBlock`.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        face::send(&*self.0, &message.into(), self.0.send_limit()).await
    }

    /// Sends a message, waiting up to `timeout` while no peer takes one.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    /// [`SendError::TimedOut`] after that time: nothing was sent.
    pub async fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        face::send(&*self.0, &message.into(), Some(timeout)).await
    }

    /// Sends a message if a peer takes one at once.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] otherwise.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.attempt_send(&message.into())
    }

    /// A sink for messages; see [`Dealer::sink`].
    ///
    /// Cancel safe, as there.
    pub fn sink(&self) -> impl Sink<Message, Error = SendError> + Send + Unpin {
        stream::outgoing(&*self.0)
    }

    /// As [`sink`](Self::sink), with the half inside.
    ///
    /// Cancel safe, as there.
    pub fn into_sink(self) -> impl Sink<Message, Error = SendError> + Send + Unpin + 'static {
        stream::outgoing(self.0)
    }
}

impl<S> SendHalf<S> {
    /// The whole socket, for what is of neither half: endpoints, the monitor, subscriptions.
    #[must_use]
    pub fn as_socket(&self) -> &S {
        &self.0
    }

    /// The whole socket, to be owned again.
    ///
    /// # Errors
    /// Both halves, if they are of different sockets.
    pub fn reunite(self, half: RecvHalf<S>) -> Result<S, (Self, RecvHalf<S>)> {
        if !Arc::ptr_eq(&self.0, &half.0) {
            return Err((self, half));
        }
        drop(half);
        Arc::try_unwrap(self.0).map_err(|socket| (Self(socket.clone()), RecvHalf(socket)))
    }
}

impl<S: Receives> RecvHalf<S> {
    /// Receives a message, waiting for one, for as long as
    /// [`Options::recv_timeout`](crate::Options::recv_timeout) allows.
    ///
    /// Cancel safe: a dropped future has taken nothing.
    ///
    /// # Errors
    /// [`RecvError`], never `WouldBlock`.
    pub async fn recv(&self) -> Result<Message, RecvError> {
        face::recv(&*self.0, self.0.recv_limit()).await
    }

    /// Receives a message, waiting up to `timeout` for one.
    ///
    /// Cancel safe: a dropped future has taken nothing.
    ///
    /// # Errors
    /// [`RecvError::TimedOut`] after that time.
    pub async fn recv_timeout(&self, timeout: Duration) -> Result<Message, RecvError> {
        face::recv(&*self.0, Some(timeout)).await
    }

    /// Receives a message that is there already.
    ///
    /// # Errors
    /// [`RecvError::WouldBlock`] otherwise.
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        crate::face::try_recv(&*self.0)
    }

    /// The messages as a stream; see [`Dealer::stream`].
    ///
    /// Cancel safe, as there.
    pub fn stream(&self) -> impl Stream<Item = Result<Message, RecvError>> + Send + Unpin {
        stream::incoming(&*self.0)
    }

    /// As [`stream`](Self::stream), with the half inside.
    ///
    /// Cancel safe, as there.
    pub fn into_stream(
        self,
    ) -> impl Stream<Item = Result<Message, RecvError>> + Send + Unpin + 'static {
        stream::incoming(self.0)
    }
}

impl<S> RecvHalf<S> {
    /// The whole socket; see [`SendHalf::as_socket`].
    #[must_use]
    pub fn as_socket(&self) -> &S {
        &self.0
    }
}

macro_rules! two_way {
    ($($name:ident),+) => {$(
        impl TwoWay for $name {}

        impl $name {
            /// Two halves that different tasks can own.
            #[must_use]
            pub fn split(self) -> (SendHalf<Self>, RecvHalf<Self>) {
                let socket = Arc::new(self);
                (SendHalf(socket.clone()), RecvHalf(socket))
            }
        }
    )+};
}

two_way!(Dealer, Router, Pair, XPub, XSub);
