//! The handler of 27/ZAP that the application binds at [`ENDPOINT`] in this process.
//!
//! As soon as there is one, it decides in place of the authenticator of each socket, and is asked as any
//! other server asks it: from a DEALER, by the frames of the specification. That stays so when it is gone
//! again: then nobody comes in until another one is bound, or [`Hub::dismiss_handler`] was called.
//!
//! Whom it let in is not judged again later: frames have no way to say that something changed.

mod line;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use zap::codec::{ENDPOINT, Request, ZapError};
use zap::{GuardLimits, Guarded};
use zmtp_core::SocketType;
use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, PendingDecision, Refusal};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::ProtocolError;
use zmtp_core::mechanism::null::Null;

use self::line::Line;
use crate::ask::RuntimeTimer;
use crate::endpoint::{Endpoint, EndpointError};
use crate::engine::{Engine, EngineOptions, Hub, StartError};
use crate::events::Event;
use crate::pipe::HighWaterMarks;

/// Why there is no decision of the handler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandlerFault {
    /// It was there once; see [`Hub::dismiss_handler`].
    #[error("the ZAP handler at {ENDPOINT} is gone")]
    Gone,
    #[error("the ZAP handler has more requests than it takes")]
    Busy,
    #[error("the ZAP handler cannot be reached: {0}")]
    Unreachable(ProtocolError),
    #[error("the ZAP handler cannot be reached: {0}")]
    NotStarted(#[from] StartError),
    #[error("this cannot be asked in ZAP: {0}")]
    Inexpressible(ZapError),
    #[error("the reply of the ZAP handler breaks a rule: {0}")]
    BadReply(ZapError),
}

impl From<EndpointError> for HandlerFault {
    fn from(error: EndpointError) -> Self {
        Self::NotStarted(error.into())
    }
}

impl HandlerFault {
    /// What is not there may come back; what is wrong stays wrong.
    const fn refusal(&self) -> Refusal {
        match self {
            Self::Gone | Self::Busy | Self::Unreachable(_) => Refusal::Temporary,
            Self::NotStarted(_) | Self::Inexpressible(_) | Self::BadReply(_) => Refusal::Internal,
        }
    }
}

/// Asks the handler on behalf of one socket.
#[derive(Debug)]
pub(crate) struct Handler {
    hub: Hub,
    guarded: Arc<dyn Authenticator>,
}

impl Handler {
    pub(crate) fn new(hub: &Hub, limits: GuardLimits) -> Self {
        let front = Arc::new(Front { hub: hub.clone(), limits, link: Mutex::default() });
        let asking = zap::from_fn(move |request| decide(front.clone(), request));
        let guarded = Arc::new(Guarded::new(asking, RuntimeTimer, limits));
        Self { hub: hub.clone(), guarded }
    }

    /// Whether it is for the handler to decide. Whoever comes to the handler itself, does not have to ask
    /// it for leave.
    pub(crate) fn rules(&self, request: &AuthRequest) -> bool {
        self.hub.has_handler() && &*request.listener != ENDPOINT
    }

    pub(crate) fn ask(&self, request: Arc<AuthRequest>) -> PendingDecision {
        self.guarded.authenticate(request)
    }
}

async fn decide(front: Arc<Front>, request: Arc<AuthRequest>) -> AuthDecision {
    match front.ask(&request).await {
        Ok(decision) => decision,
        Err(fault) => AuthDecision::refuse(fault.refusal(), &fault.to_string()),
    }
}

/// The socket that asks.
#[derive(Debug)]
struct Front {
    hub: Hub,
    limits: GuardLimits,
    link: Mutex<Option<Arc<Link>>>,
}

impl Front {
    async fn ask(&self, request: &AuthRequest) -> Result<AuthDecision, HandlerFault> {
        let link = self.link()?;
        let pending = link.line.ask(|id| Ok(Request::new(id, request)?.encode()))?;
        pending.await
    }

    /// What connects to the handler; made when it is needed first, and again when it was refused for good.
    fn link(&self) -> Result<Arc<Link>, HandlerFault> {
        let endpoint: Endpoint = ENDPOINT.parse()?;
        if !self.hub.is_bound(&endpoint) {
            return Err(HandlerFault::Gone);
        }
        let mut current = crate::engine::lock(&self.link);
        match &*current {
            Some(link) if !link.line.is_over() => Ok(link.clone()),
            _ => Ok(current.insert(Arc::new(self.connect(&endpoint)?)).clone()),
        }
    }

    fn connect(&self, endpoint: &Endpoint) -> Result<Link, HandlerFault> {
        let line = Arc::new(Line::default());
        let config = ConnectionConfig::new(SocketType::DEALER, Arc::new(Null));
        let mark = self.limits.pending.max(1);
        let options = EngineOptions {
            hub: self.hub.clone(),
            marks: HighWaterMarks { send: mark, receive: mark },
            ..EngineOptions::default()
        };
        let engine = Engine::new(line.clone(), Arc::new(config), options);
        let mut events = engine.events();
        let waiting = Arc::downgrade(&line);
        engine.connect(endpoint)?;
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(Event::HandshakeFailed { error, .. }) => {
                        let Some(line) = waiting.upgrade() else { return };
                        line.fail_all(&HandlerFault::Unreachable(error));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(Link { engine, line })
    }
}

/// A connection to the handler, and who waits for it.
#[derive(Debug)]
struct Link {
    engine: Engine,
    line: Arc<Line>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.engine.close_in_background(std::time::Duration::ZERO);
    }
}

/// The id of a request as its frame.
fn frame_of(id: u64) -> Bytes {
    Bytes::copy_from_slice(&id.to_be_bytes())
}
