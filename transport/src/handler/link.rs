//! A connection to a handler.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use zap::codec::{Request, ZapError};
use zmtp_core::auth::{AuthDecision, AuthRequest, Refusal};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::Security;
use zmtp_core::{Limits, SocketType};

use super::line::Line;
use crate::endpoint::{Endpoint, EndpointError};
use crate::engine::{Engine, EngineOptions, StartError};
use crate::events::{Disconnect, Event};

/// Why there is no decision of a handler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerFault {
    /// It was there once.
    #[error("the ZAP handler is gone")]
    Gone,
    /// It does not read the requests that it has.
    #[error("the ZAP handler has more requests than it takes")]
    Busy,
    /// There is no connection to it.
    #[error("the ZAP handler cannot be reached: {0}")]
    Unreachable(Disconnect),
    /// There cannot be a connection to it.
    #[error("the ZAP handler cannot be reached: {0}")]
    NotStarted(#[from] StartError),
    /// 27/ZAP has no words for the question.
    #[error("this cannot be asked in ZAP: {0}")]
    Inexpressible(ZapError),
    /// What it sent is no reply.
    #[error("the reply of the ZAP handler breaks a rule: {0}")]
    BadReply(ZapError),
}

impl From<EndpointError> for HandlerFault {
    fn from(error: EndpointError) -> Self {
        Self::NotStarted(error.into())
    }
}

impl HandlerFault {
    /// How to refuse for this reason: what is not there may come back, what is wrong stays wrong.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Gone | Self::Busy | Self::Unreachable(_) => Refusal::Temporary,
            Self::NotStarted(_) | Self::Inexpressible(_) | Self::BadReply(_) => Refusal::Internal,
        }
    }

    /// The refusal itself.
    pub fn decision(&self) -> AuthDecision {
        AuthDecision::refuse(self.refusal(), &self.to_string())
    }
}

/// A connection to a handler, made again whenever it is lost. Dropping it ends it.
///
/// Any number of requests may be under way; their ids tell them apart. It sets no time limit.
#[derive(Debug)]
pub struct HandlerLink {
    engine: Engine,
    line: Arc<Line>,
}

impl HandlerLink {
    /// Begins to connect.
    ///
    /// # Errors
    /// [`HandlerFault::NotStarted`].
    pub fn connect(
        endpoint: &Endpoint,
        security: Arc<dyn Security>,
        options: EngineOptions,
    ) -> Result<Self, HandlerFault> {
        let line = Arc::new(Line::default());
        let config = ConnectionConfig::new(SocketType::DEALER, security).with_limits(limits());
        let engine = Engine::new(line.clone(), Arc::new(config), options);
        let events = engine.events();
        engine.connect(endpoint)?;
        tokio::spawn(fail_early(events, Arc::downgrade(&line)));
        Ok(Self { engine, line })
    }

    /// Asks, and waits for the answer. A request that was not sent yet when the future is dropped never
    /// will be.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&self, request: &AuthRequest) -> Result<AuthDecision, HandlerFault> {
        let outcome = match self.line.ask(|id| Ok(Request::new(id, request)?.encode())) {
            Ok(pending) => pending.await,
            Err(fault) => Err(fault),
        };
        outcome.map_err(|fault| match (fault, self.engine.refused()) {
            (HandlerFault::Gone, Some(failure)) => HandlerFault::Unreachable(failure.cause),
            (fault, _) => fault,
        })
    }

    /// Requests that were not answered yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.line.pending()
    }

    /// Whether the handler refused for good to be asked: there will be no other attempt.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.line.is_over()
    }
}

impl Drop for HandlerLink {
    fn drop(&mut self) {
        self.engine.close_in_background(Duration::ZERO);
    }
}

/// Nobody waits for a connection that does not come about.
async fn fail_early(mut events: Receiver<Event>, line: std::sync::Weak<Line>) {
    loop {
        match events.recv().await {
            Ok(Event::Retrying { cause, .. } | Event::Stopped { cause, .. }) => {
                let Some(line) = line.upgrade() else { return };
                line.fail_unsent(&HandlerFault::Unreachable(cause));
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// What a reply can be: the largest metadata, beside a few short frames.
fn limits() -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.max_message = limits.max_metadata + 4096;
    limits.max_parts = 16;
    limits
}
