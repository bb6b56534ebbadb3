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
    pub(crate) spin: Duration,
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
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The one that was put back last.
    #[inline]
    pub(crate) fn take(&self) -> Option<Message> {
        if self.any() { self.take_first() } else { None }
    }

    #[cold]
    fn take_first(&self) -> Option<Message> {
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
        options.check(socket_type)?;
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
            spin,
            ..
        } = options;
        if !security.domain.is_empty() && security.authenticator.is_none() {
            return Err(ConfigError::NoAuthenticator(security.domain.to_string()));
        }
        engine.authenticator = security.authenticator;
        let config = ConnectionConfig::new(socket_type, security.mechanism)
            .with_domain(security.domain)
            .with_limits(limits)
            .with_heartbeat(heartbeat)
            .with_metadata(&routing_id, &properties)?;
        let engine = Engine::new(owner, Arc::new(config), engine);
        let returned = Returned::default();
        Ok(Self { engine, send_limit, recv_limit, spin, returned, linger, closed: false })
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
                crate::Monitor::new(&self.base.engine)
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

pub(crate) use common;

pub(crate) use super::traffic::{receives, refused, sends};
