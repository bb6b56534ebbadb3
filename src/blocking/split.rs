//! Halves of a blocking socket: one sends, the other receives.

use std::sync::Arc;
use std::time::Duration;

use zmtp_core::Message;

use super::{IntoMessages, Messages, Socket};
use crate::error::{RecvError, SendError};
use crate::{Receives, Sends, TwoWay};

/// The sending half of a blocking socket. The socket is dropped with the second half, and that waits as
/// dropping a [`Socket`] does; to close it, [`reunite`](Self::reunite) them.
#[derive(Debug)]
pub struct SendHalf<S: crate::Socket>(Arc<Socket<S>>);

/// The receiving half of a blocking socket; see [`SendHalf`].
#[derive(Debug)]
pub struct RecvHalf<S: crate::Socket>(Arc<Socket<S>>);

impl<S: TwoWay> Socket<S> {
    /// Two halves that different threads can own.
    #[must_use]
    pub fn split(self) -> (SendHalf<S>, RecvHalf<S>) {
        self.into_halves()
    }
}

impl<S: crate::Socket> Socket<S> {
    pub(super) fn into_halves(self) -> (SendHalf<S>, RecvHalf<S>) {
        let socket = Arc::new(self);
        (SendHalf(socket.clone()), RecvHalf(socket))
    }
}

impl<S: Sends> SendHalf<S> {
    /// Sends a message; see [`Socket::send`].
    ///
    /// # Errors
    /// [`SendError`], never `WouldBlock`.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.send(message)
    }

    /// Sends a message, waiting up to `timeout` while no peer takes one.
    ///
    /// # Errors
    /// [`SendError::TimedOut`] after that time: nothing was sent.
    pub fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        self.0.send_timeout(message, timeout)
    }

    /// Sends a message if a peer takes one at once.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] otherwise.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.try_send(message)
    }
}

impl<S: crate::Socket> SendHalf<S> {
    /// The whole socket, for what is of neither half: endpoints, the monitor, subscriptions.
    #[must_use]
    pub fn as_socket(&self) -> &Socket<S> {
        &self.0
    }

    /// The whole socket, to be owned again.
    ///
    /// # Errors
    /// Both halves, if they are of different sockets.
    pub fn reunite(self, half: RecvHalf<S>) -> Result<Socket<S>, (Self, RecvHalf<S>)> {
        if !Arc::ptr_eq(&self.0, &half.0) {
            return Err((self, half));
        }
        drop(half);
        Arc::try_unwrap(self.0).map_err(|socket| (Self(socket.clone()), RecvHalf(socket)))
    }
}

impl<S: Receives> RecvHalf<S> {
    /// Receives a message; see [`Socket::recv`].
    ///
    /// # Errors
    /// [`RecvError`], never `WouldBlock`.
    pub fn recv(&self) -> Result<Message, RecvError> {
        self.0.recv()
    }

    /// Receives a message, waiting up to `timeout` for one.
    ///
    /// # Errors
    /// [`RecvError::TimedOut`] after that time.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message, RecvError> {
        self.0.recv_timeout(timeout)
    }

    /// Receives a message that is there already.
    ///
    /// # Errors
    /// [`RecvError::WouldBlock`] otherwise.
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        self.0.try_recv()
    }

    /// All messages, one after the other; see [`Socket::messages`].
    #[must_use]
    pub fn messages(&self) -> Messages<'_, S> {
        self.0.messages()
    }

    /// As [`messages`](Self::messages), with the half inside.
    #[must_use]
    pub fn into_messages(self) -> IntoMessages<S> {
        IntoMessages::new(self.0)
    }
}

impl<S: crate::Socket> RecvHalf<S> {
    /// The whole socket; see [`SendHalf::as_socket`].
    #[must_use]
    pub fn as_socket(&self) -> &Socket<S> {
        &self.0
    }
}
