//! Handlers of 27/ZAP that are asked as any server asks them: from a DEALER, by the frames of the
//! specification.
//!
//! The one that the application binds at [`ENDPOINT`] in this process decides in place of the authenticator
//! of each socket as soon as it is there. That stays so when it is gone again: then nobody comes in until
//! another one is bound, or [`Hub::dismiss_handler`] was called. Whom it let in is not judged again later:
//! frames have no way to say that something changed.

mod line;
mod link;

use std::sync::{Arc, Mutex};

use zap::GuardLimits;
use zap::codec::ENDPOINT;
use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, PendingDecision};
use zmtp_core::mechanism::null::Null;

pub use self::link::{HandlerFault, HandlerLink};
use crate::ask::guarded;
use crate::endpoint::Endpoint;
use crate::engine::{EngineOptions, Hub};
use crate::pipe::HighWaterMarks;

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
        Self { hub: hub.clone(), guarded: guarded(Arc::new(asking), limits) }
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
    front.ask(&request).await.unwrap_or_else(|fault| fault.decision())
}

/// The connection by which it is asked.
#[derive(Debug)]
struct Front {
    hub: Hub,
    limits: GuardLimits,
    link: Mutex<Option<Arc<HandlerLink>>>,
}

impl Front {
    async fn ask(&self, request: &AuthRequest) -> Result<AuthDecision, HandlerFault> {
        self.link()?.ask(request).await
    }

    /// Made when it is needed first, and again when the handler refused for good to be asked.
    fn link(&self) -> Result<Arc<HandlerLink>, HandlerFault> {
        let endpoint: Endpoint = ENDPOINT.parse()?;
        if !self.hub.is_bound(&endpoint) {
            return Err(HandlerFault::Gone);
        }
        let mut current = crate::lock::lock(&self.link);
        match &*current {
            Some(link) if !link.is_over() => Ok(link.clone()),
            _ => Ok(current.insert(Arc::new(self.connect(&endpoint)?)).clone()),
        }
    }

    fn connect(&self, endpoint: &Endpoint) -> Result<HandlerLink, HandlerFault> {
        let mark = self.limits.pending.max(1);
        let options = EngineOptions {
            hub: self.hub.clone(),
            marks: HighWaterMarks { send: mark, receive: mark },
            ..EngineOptions::default()
        };
        HandlerLink::connect(endpoint, Arc::new(Null), options)
    }
}
