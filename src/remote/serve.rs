//! Being the handler that other programs ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;
use zap::GuardLimits;
use zmtp_core::Message;
use zmtp_core::auth::Authenticator;

use crate::Router;
use crate::error::{RecvError, SendError};
use crate::face::sealed::Receiving;

/// Serving ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The ROUTER receives no more.
    #[error("requests cannot be received: {0}")]
    Recv(#[from] RecvError),
    /// The ROUTER sends no more.
    #[error("replies cannot be sent: {0}")]
    Send(SendError),
}

/// Answers the requests of 27/ZAP that come to `router`, by `authenticator`, until it is dropped.
///
/// Each is decided by itself: one that takes long, or that makes the authenticator panic, delays and hurts no
/// other. What is no request is answered as such, or dropped where nobody could get an answer. The limits say
/// how long a decision may take and how many may be pending; what is over them is answered with 300.
///
/// Whoever connects can ask, so the ROUTER's own security should say who may:
///
/// ```no_run
/// use ironhouse::{Authenticator, KeySet, Options, Router, ServerSecurity, curve_keypair, serve_zap};
///
/// # async fn serve(programs: KeySet, policy: Authenticator) -> Result<(), Box<dyn std::error::Error>> {
/// let programs = Authenticator::new().configure_curve("*", programs)?;
/// let security = ServerSecurity::curve(curve_keypair()?).with_authenticator(programs);
/// let router = Router::new(Options::new().security(security))?;
/// router.bind("tcp://*:9100").await?;
/// serve_zap(&router, policy, Default::default()).await?;
/// # Ok(()) }
/// ```
///
/// Cancel safe: requests without a reply are put back into the ROUTER when the future is dropped, to be
/// received next, by another call of this for example.
///
/// # Errors
/// [`ServeError`] when the ROUTER cannot go on.
pub async fn serve_zap(
    router: &Router,
    authenticator: impl Authenticator + 'static,
    limits: GuardLimits,
) -> Result<(), ServeError> {
    let authenticator = transport::guarded(Arc::new(authenticator), limits);
    let mut deciding = JoinSet::new();
    let mut open = Open { router, requests: BTreeMap::new(), next: 0 };
    loop {
        // A reply that is ready goes out before another request comes in.
        tokio::select! {
            biased;
            Some(decided) = deciding.join_next() => {
                // A decision does not panic: it is guarded.
                if let Ok((number, reply)) = decided {
                    open.requests.remove(&number);
                    if let Some(reply) = reply {
                        send(router, reply)?;
                    }
                }
            }
            request = router.recv() => {
                let request = request?;
                let authenticator = authenticator.clone();
                let number = open.insert(request.clone());
                deciding.spawn(async move {
                    let frames: Vec<_> = request.parts().map(|part| part.as_bytes()).collect();
                    (number, zap::handler::answer(&authenticator, &frames).await)
                });
            }
        }
    }
}

/// Requests that are not answered yet, in the order in which they came.
struct Open<'a> {
    router: &'a Router,
    requests: BTreeMap<u64, Message>,
    next: u64,
}

impl Open<'_> {
    fn insert(&mut self, request: Message) -> u64 {
        self.next += 1;
        self.requests.insert(self.next, request);
        self.next
    }
}

impl Drop for Open<'_> {
    /// The oldest is put back last, to be the next one.
    fn drop(&mut self) {
        while let Some((_, request)) = self.requests.pop_last() {
            self.router.give_back(request);
        }
    }
}

/// Never waits: a program that does not read its replies must not hold up those of others.
fn send(router: &Router, reply: Vec<Bytes>) -> Result<(), ServeError> {
    let Some(reply) = Message::from_parts(reply) else { return Ok(()) };
    match router.try_send(reply) {
        Ok(()) => {}
        Err(SendError::WouldBlock) => {
            tracing::warn!("a program does not read the replies to its ZAP requests: dropped one");
        }
        Err(SendError::HostUnreachable(_) | SendError::PeerGone) => {
            tracing::debug!("a program left before the reply to its ZAP request");
        }
        Err(error) => return Err(ServeError::Send(error)),
    }
    Ok(())
}
