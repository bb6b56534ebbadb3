//! What all socket types have in common.

use std::sync::Arc;
use std::time::Duration;

use transport::{Endpoint, Engine, Owner};
use zmtp_core::SocketType;
use zmtp_core::connection::ConnectionConfig;

use crate::error::ConfigError;
use crate::options::Options;

/// The engine of a socket and how it ends.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) engine: Engine,
    linger: Duration,
    closed: bool,
}

impl Base {
    pub(crate) fn new(
        socket_type: SocketType,
        owner: Arc<dyn Owner>,
        options: Options,
    ) -> Result<Self, ConfigError> {
        let Options {
            security, limits, routing_id, properties, heartbeat, mut engine, linger, ..
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
        Ok(Self { engine, linger, closed: false })
    }

    pub(crate) async fn close(mut self) -> usize {
        self.closed = true;
        self.engine.close(self.linger).await
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
                crate::Monitor::new(self.base.engine.events())
            }

            /// Sends what waits, for as long as the linger option allows, and ends everything. Gives the
            /// number of messages that could not be sent.
            pub async fn close(self) -> usize {
                self.base.close().await
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
            /// Sends a message, waiting while no peer takes one.
            ///
            /// Cancel safe: a dropped future has sent nothing.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError), never `WouldBlock`.
            pub async fn send(
                &self,
                message: impl Into<crate::Message>,
            ) -> Result<(), crate::error::SendError> {
                let message = message.into();
                let $this = self;
                crate::pattern::retry(
                    $changed,
                    || $this.attempt_send(&message),
                    |error| *error == crate::error::SendError::WouldBlock,
                )
                .await
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
    };
}

/// `recv` and `try_recv`; `$try` gives `RecvError::WouldBlock` when it has to wait.
macro_rules! receives {
    ($name:ident, |$this:ident| $try:expr) => {
        impl $name {
            /// Receives a message, waiting for one.
            ///
            /// Cancel safe: a dropped future has taken nothing.
            ///
            /// # Errors
            /// [`RecvError`](crate::error::RecvError), never `WouldBlock`.
            pub async fn recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                crate::pattern::retry(
                    self.pattern.queue.changed(),
                    || self.try_recv(),
                    |error| *error == crate::error::RecvError::WouldBlock,
                )
                .await
            }

            /// Receives a message that is there already.
            ///
            /// # Errors
            /// [`RecvError::WouldBlock`](crate::error::RecvError) otherwise.
            pub fn try_recv(&self) -> Result<crate::Message, crate::error::RecvError> {
                let $this = self;
                let result: Result<crate::Message, crate::error::RecvError> = $try;
                match result {
                    Err(crate::error::RecvError::WouldBlock) => Err(refused!(self.base, RecvError)
                        .unwrap_or(crate::error::RecvError::WouldBlock)),
                    result => result,
                }
            }
        }
    };
}

pub(crate) use {common, receives, refused, sends};
