//! The calls of socket types that send, and of those that receive.

/// The error of a call that would have to wait for what can never come.
macro_rules! refused {
    ($base:expr, $error:ident) => {
        $base.engine.refused().map(|failure| crate::error::$error::Refused(Box::new(failure)))
    };
}

/// `send` and `try_send`; `$try` gives `SendError::WouldBlock` when it has to wait.
macro_rules! sends {
    ($name:ident, |$this:ident, $message:ident| $try:expr, $changed:expr) => {
        impl $name {
            /// Sends a message, waiting while no peer takes one, for as long as
            /// [`Options::send_timeout`](crate::Options::send_timeout) allows.
            ///
            /// Cancel safe: a dropped future has sent nothing.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError), never `WouldBlock`.
            pub async fn send(
                &self,
                message: impl Into<crate::Message>,
            ) -> Result<(), crate::error::SendError> {
                crate::face::send(self, &message.into(), self.base.send_limit).await
            }

            /// Sends a message, waiting up to `timeout` while no peer takes one.
            ///
            /// Cancel safe: a dropped future has sent nothing.
            ///
            /// # Errors
            /// [`SendError::TimedOut`](crate::error::SendError) after that time: nothing was sent.
            pub async fn send_timeout(
                &self,
                message: impl Into<crate::Message>,
                timeout: std::time::Duration,
            ) -> Result<(), crate::error::SendError> {
                crate::face::send(self, &message.into(), Some(timeout)).await
            }

            /// Sends a message if a peer takes one at once.
            ///
            /// # Errors
            /// [`SendError::WouldBlock`](crate::error::SendError) otherwise.
            pub fn try_send(
                &self,
                message: impl Into<crate::Message>,
            ) -> Result<(), crate::error::SendError> {
                self.attempt_send(&message.into())
            }

            /// A sink for messages.
            ///
            /// It takes a message in hand if no peer takes it at once, and asks for no other until it is
            /// sent, so flush the sink before dropping it: what it has in hand is lost with it.
            ///
            /// Cancel safe: futures that work on the sink can be dropped without loss.
            pub fn sink(
                &self,
            ) -> impl futures_sink::Sink<crate::Message, Error = crate::error::SendError> + Send + Unpin
            {
                crate::stream::outgoing(self)
            }

            /// As [`sink`](Self::sink), with the socket inside.
            ///
            /// Cancel safe, as there.
            pub fn into_sink(
                self,
            ) -> impl futures_sink::Sink<crate::Message, Error = crate::error::SendError>
            + Send
            + Unpin
            + 'static {
                crate::stream::outgoing(std::sync::Arc::new(self))
            }

            #[inline]
            fn attempt_send(
                &self,
                $message: &crate::Message,
            ) -> Result<(), crate::error::SendError> {
                let $this = self;
                let result: Result<(), crate::error::SendError> = $try;
                match result {
                    Err(crate::error::SendError::WouldBlock) => Err(refused!(self.base, SendError)
                        .unwrap_or(crate::error::SendError::WouldBlock)),
                    result => result,
                }
            }
        }

        impl crate::face::Sends for $name {}

        impl crate::face::sealed::Sending for $name {
            fn attempt_send(
                &self,
                message: &crate::Message,
            ) -> Result<(), crate::error::SendError> {
                $name::attempt_send(self, message)
            }

            fn sendable(&self) -> &tokio::sync::Notify {
                let $this = self;
                $changed
            }

            fn send_limit(&self) -> Option<std::time::Duration> {
                self.base.send_limit
            }
        }
    };
}

/// `recv` and `try_recv`. `$take` gives a message that is there; when it gives none, `$otherwise` looks again and
/// says why, and is `RecvError::WouldBlock` when it has to wait. `$has` says whether either has something to give;
/// both left out, nothing but messages of the queue is given.
macro_rules! receives {
    ($name:ident, |$this:ident| $take:expr) => {
        receives!($name, |$this| $take, $this.pattern.queue.has_message());
    };
    ($name:ident, |$this:ident| $take:expr, $has:expr) => {
        receives!($name, |$this| $take, $has, Err(crate::error::RecvError::WouldBlock));
    };
    ($name:ident, |$this:ident| $take:expr, $has:expr, $otherwise:expr) => {
        impl $name {
            /// Receives a message, waiting for one, for as long as
            /// [`Options::recv_timeout`](crate::Options::recv_timeout) allows.
            ///
            /// Cancel safe: a dropped future has taken nothing. One that is kept and polled no more, though it
            /// was woken, may hold up what else happens to the connection that it waits at, such as its end.
            ///
            /// # Errors
            /// [`RecvError`](crate::error::RecvError), never `WouldBlock`.
            pub async fn recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                crate::face::recv(self, self.base.recv_limit).await
            }

            /// Receives a message, waiting up to `timeout` for one.
            ///
            /// Cancel safe: a dropped future has taken nothing.
            ///
            /// # Errors
            /// [`RecvError::TimedOut`](crate::error::RecvError) after that time.
            pub async fn recv_timeout(
                &self,
                timeout: std::time::Duration,
            ) -> Result<crate::Message, crate::error::RecvError> {
                crate::face::recv(self, Some(timeout)).await
            }

            /// The messages as a stream. Ends behind an error that stays.
            ///
            /// Cancel safe: nothing is taken before it is given, so the stream and the futures that work
            /// on it can be dropped without loss.
            pub fn stream(
                &self,
            ) -> impl futures_core::Stream<Item = Result<crate::Message, crate::error::RecvError>>
            + Send
            + Unpin {
                crate::stream::incoming(self)
            }

            /// As [`stream`](Self::stream), with the socket inside.
            ///
            /// Cancel safe, as there.
            pub fn into_stream(
                self,
            ) -> impl futures_core::Stream<Item = Result<crate::Message, crate::error::RecvError>>
            + Send
            + Unpin
            + 'static {
                crate::stream::incoming(std::sync::Arc::new(self))
            }

            /// Receives a message that is there already.
            ///
            /// # Errors
            /// [`RecvError::WouldBlock`](crate::error::RecvError) otherwise.
            #[inline]
            pub fn try_recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                crate::face::try_recv(self)
            }

            #[inline]
            fn take(&self) -> Option<crate::Message> {
                if let Some(message) = self.base.returned.take() {
                    return Some(message);
                }
                let $this = self;
                $take
            }

            #[inline(never)]
            fn take_or_say_why(&self) -> Result<crate::Message, crate::error::RecvError> {
                #[allow(unused_variables, reason = "most types have nothing to look at")]
                let $this = self;
                let result: Result<crate::Message, crate::error::RecvError> = $otherwise;
                match result {
                    Err(crate::error::RecvError::WouldBlock) => Err(refused!(self.base, RecvError)
                        .unwrap_or(crate::error::RecvError::WouldBlock)),
                    result => result,
                }
            }
        }

        impl crate::face::Receives for $name {}

        impl crate::face::sealed::Receiving for $name {
            #[inline]
            fn take(&self) -> Option<crate::Message> {
                $name::take(self)
            }

            fn attempt_recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                match self.take() {
                    Some(message) => Ok(message),
                    None => self.take_or_say_why(),
                }
            }

            fn receivable(&self) -> &tokio::sync::Notify {
                self.pattern.queue.changed()
            }

            fn guest(&self) -> crate::pattern::guest::Guest<'_> {
                self.pattern.queue.guest()
            }

            fn make_way(&self) {
                self.pattern.queue.make_way();
            }

            fn watch(&self, begins: bool) {
                self.pattern.queue.watch(begins);
            }

            fn has_message(&self) -> bool {
                let $this = self;
                self.base.returned.any() || $has || self.base.engine.refused().is_some()
            }

            fn give_back(&self, message: crate::Message) {
                self.base.returned.put(message);
                self.pattern.queue.changed().notify_one();
            }

            fn recv_limit(&self) -> Option<std::time::Duration> {
                self.base.recv_limit
            }

            fn spin(&self) -> std::time::Duration {
                self.base.spin
            }
        }
    };
}

pub(crate) use {receives, refused, sends};
