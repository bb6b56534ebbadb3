//! What all socket types have in common.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use transport::{Endpoint, Engine, Owner};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::{Message, SocketType};

use crate::error::ConfigError;
use crate::options::Options;
use crate::pattern::lock;

/// The engine of a socket and how it ends.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) engine: Engine,
    pub(crate) send_limit: Option<Duration>,
    pub(crate) recv_limit: Option<Duration>,
    pub(crate) returned: Returned,
    pub(crate) linger: Duration,
    closed: bool,
}

/// Messages that were received and put back.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    /// Whether there are any, to be seen without the lock.
    any: AtomicBool,
    messages: Mutex<VecDeque<Message>>,
}

impl Returned {
    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The one that was put back last.
    #[inline]
    pub(crate) fn take(&self) -> Option<Message> {
        if !self.any() {
            return None;
        }
        let mut messages = lock(&self.messages);
        let message = messages.pop_front();
        self.any.store(!messages.is_empty(), Ordering::Release);
        message
    }

    /// Puts one back, before the others.
    pub(crate) fn put(&self, message: Message) {
        lock(&self.messages).push_front(message);
        self.any.store(true, Ordering::Release);
    }
}

impl Base {
    pub(crate) fn new(
        socket_type: SocketType,
        owner: Arc<dyn Owner>,
        options: Options,
    ) -> Result<Self, ConfigError> {
        let Options {
            security,
            limits,
            routing_id,
            properties,
            heartbeat,
            mut engine,
            linger,
            send_limit,
            recv_limit,
            ..
        } = options;
        if !security.domain.is_empty() && security.authenticator.is_none() {
            return Err(ConfigError::NoAuthenticator(security.domain.to_string()));
        }
        engine.authenticator = security.authenticator;
        engine.conflate &= can_conflate(socket_type);
        let config = ConnectionConfig::new(socket_type, security.mechanism)
            .with_domain(security.domain)
            .with_limits(limits)
            .with_heartbeat(heartbeat)
            .with_metadata(&routing_id, &properties)?;
        let engine = Engine::new(owner, Arc::new(config), engine);
        let returned = Returned::default();
        Ok(Self { engine, send_limit, recv_limit, returned, linger, closed: false })
    }

    /// When dropped before it is done, dropping `self` goes on with it.
    pub(crate) async fn close(mut self) -> usize {
        let given_up = self.engine.close(self.linger).await;
        self.closed = true;
        given_up
    }
}

impl Drop for Base {
    /// The same as closing, in the background.
    fn drop(&mut self) {
        if !self.closed {
            self.engine.close_in_background(self.linger);
        }
    }
}

/// The types for which keeping the last message only makes sense (`ZMQ_CONFLATE`).
const fn can_conflate(socket_type: SocketType) -> bool {
    use SocketType::{DEALER, PUB, PULL, PUSH, SUB};
    matches!(socket_type, DEALER | PUB | PULL | PUSH | SUB)
}

/// An endpoint, or the text of one.
pub trait IntoEndpoint {
    /// Parses, if there is anything to parse.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    fn into_endpoint(self) -> Result<Endpoint, transport::endpoint::EndpointError>;
}

impl IntoEndpoint for Endpoint {
    fn into_endpoint(self) -> Result<Endpoint, transport::endpoint::EndpointError> {
        Ok(self)
    }
}

impl IntoEndpoint for &Endpoint {
    fn into_endpoint(self) -> Result<Endpoint, transport::endpoint::EndpointError> {
        Ok(self.clone())
    }
}

impl IntoEndpoint for &str {
    fn into_endpoint(self) -> Result<Endpoint, transport::endpoint::EndpointError> {
        self.parse()
    }
}

impl IntoEndpoint for &String {
    fn into_endpoint(self) -> Result<Endpoint, transport::endpoint::EndpointError> {
        self.parse()
    }
}

impl IntoEndpoint for String {
    fn into_endpoint(self) -> Result<Endpoint, transport::endpoint::EndpointError> {
        self.parse()
    }
}

/// The calls that every socket type has.
macro_rules! common {
    ($name:ident, $type:ident, $pattern:ty, |$options:ident| $new:expr) => {
        impl $name {
            /// A socket with these options. Nothing is sent before `bind` or `connect`.
            ///
            /// # Errors
            /// [`ConfigError`](crate::error::ConfigError) for options that do not fit together.
            pub fn new($options: crate::Options) -> Result<Self, crate::error::ConfigError> {
                let pattern: std::sync::Arc<$pattern> = $new;
                let socket_type = zmtp_core::SocketType::$type;
                let base = crate::socket::base::Base::new(socket_type, pattern.clone(), $options)?;
                Ok(Self { base, pattern })
            }

            /// Accepts connections at `endpoint` and says where: `tcp://127.0.0.1:*` lets the system
            /// choose the port, and the result names it.
            ///
            /// Cancel safe: when dropped before it is done, nothing is bound.
            ///
            /// # Errors
            /// [`StartError`](crate::error::StartError) for a malformed endpoint or one that cannot be bound.
            pub async fn bind(
                &self,
                endpoint: impl crate::IntoEndpoint,
            ) -> Result<crate::Endpoint, crate::error::StartError> {
                let endpoint = endpoint.into_endpoint()?;
                self.base.engine.bind(&endpoint).await
            }

            /// Connects to `endpoint` in the background, and again whenever the connection is lost. To
            /// know whether it worked, await [`ready`](crate::Connecting::ready) of the result.
            ///
            /// # Errors
            /// [`StartError`](crate::error::StartError) for a malformed endpoint or outside of a runtime.
            pub fn connect(
                &self,
                endpoint: impl crate::IntoEndpoint,
            ) -> Result<crate::Connecting, crate::error::StartError> {
                let endpoint = endpoint.into_endpoint()?;
                self.base.engine.connect(&endpoint)
            }

            /// Stops to accept connections at `endpoint`, as `bind` named it, and ends those it has.
            ///
            /// # Errors
            /// [`StartError::NoSuchEndpoint`](crate::error::StartError).
            pub fn unbind(
                &self,
                endpoint: impl crate::IntoEndpoint,
            ) -> Result<(), crate::error::StartError> {
                let endpoint = endpoint.into_endpoint()?;
                self.base.engine.release(&endpoint)
            }

            /// Ends the connection to `endpoint`.
            ///
            /// # Errors
            /// [`StartError::NoSuchEndpoint`](crate::error::StartError).
            pub fn disconnect(
                &self,
                endpoint: impl crate::IntoEndpoint,
            ) -> Result<(), crate::error::StartError> {
                self.unbind(endpoint)
            }

            /// What happens from now on: connections, refusals with their reasons, losses.
            #[must_use]
            pub fn monitor(&self) -> crate::Monitor {
                crate::Monitor::new(self.base.engine.events())
            }

            /// Sends what waits, for as long as the linger option allows, and ends everything. Gives the
            /// number of messages that could not be sent.
            ///
            /// Cancel safe: when dropped before it is done, closing goes on in the background, with
            /// the linger time from its beginning.
            pub async fn close(self) -> usize {
                self.base.close().await
            }
        }

        impl crate::face::Socket for $name {}

        impl crate::face::sealed::Face for $name {
            fn face_type(&self) -> zmtp_core::SocketType {
                zmtp_core::SocketType::$type
            }

            fn engine(&self) -> &transport::Engine {
                &self.base.engine
            }

            fn linger(&self) -> std::time::Duration {
                self.base.linger
            }

            async fn finish(self) -> usize {
                self.close().await
            }
        }

        impl crate::face::sealed::FromOptions for $name {
            fn from_options(options: crate::Options) -> Result<Self, crate::error::ConfigError> {
                Self::new(options)
            }
        }
    };
}

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
            /// sent, so flush the sink before dropping it: what it has in hand is lost with it. Futures
            /// that work on the sink can be dropped without loss.
            pub fn sink(
                &self,
            ) -> impl futures_sink::Sink<crate::Message, Error = crate::error::SendError> + Send + Unpin
            {
                crate::stream::outgoing(self)
            }

            /// As [`sink`](Self::sink), with the socket inside.
            pub fn into_sink(
                self,
            ) -> impl futures_sink::Sink<crate::Message, Error = crate::error::SendError>
            + Send
            + Unpin
            + 'static {
                crate::stream::outgoing(std::sync::Arc::new(self))
            }

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

/// `recv` and `try_recv`; `$try` gives `RecvError::WouldBlock` when it has to wait. `$has` says whether
/// `$try` has something to give; left out, it is whether the queue holds a message.
macro_rules! receives {
    ($name:ident, |$this:ident| $try:expr) => {
        receives!($name, |$this| $try, $this.pattern.queue.has_message());
    };
    ($name:ident, |$this:ident| $try:expr, $has:expr) => {
        impl $name {
            /// Receives a message, waiting for one, for as long as
            /// [`Options::recv_timeout`](crate::Options::recv_timeout) allows.
            ///
            /// Cancel safe: a dropped future has taken nothing.
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
            pub fn try_recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                if let Some(message) = self.base.returned.take() {
                    return Ok(message);
                }
                let $this = self;
                let result: Result<crate::Message, crate::error::RecvError> = $try;
                match result {
                    Err(crate::error::RecvError::WouldBlock) => Err(refused!(self.base, RecvError)
                        .unwrap_or(crate::error::RecvError::WouldBlock)),
                    result => result,
                }
            }
        }

        impl crate::face::Receives for $name {}

        impl crate::face::sealed::Receiving for $name {
            fn attempt_recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                self.try_recv()
            }

            fn receivable(&self) -> &tokio::sync::Notify {
                self.pattern.queue.changed()
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
        }
    };
}

pub(crate) use {common, receives, refused, sends};
