//! Authenticators in other programs, by 27/ZAP over ipc or tcp: [`RemoteAuthenticator`] asks one,
//! [`serve_zap`] is one.
//!
//! ```text
//!   socket ── AuthRequest ──▶ RemoteAuthenticator ── circuit ─▶ link ══ CURVE ══▶ serve_zap ──▶ authenticator
//!                             pool, time limit     └ circuit ─▶ link ══ CURVE ══▶ any ROUTER or REP
//! ```

mod circuit;
mod pool;
mod serve;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use transport::Endpoint;
use transport::endpoint::EndpointError;
use zmtp_core::auth::{AuthRequest, Authenticator, PendingDecision};
use zmtp_core::wire::greeting::MechanismName;

use self::circuit::Patience;
use self::pool::Pool;
pub use self::serve::{ServeError, serve_zap};
use crate::security::Security;
use crate::socket::IntoEndpoint;

/// There can be no handler behind such an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The endpoint is malformed or cannot be connected to.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Anybody on the way could let anybody in, and read every password.
    #[error("{0} needs CURVE: over {mechanism} anybody on the way could let anybody in", mechanism = .1)]
    Unprotected(Endpoint, MechanismName),
}

/// Asks a handler of 27/ZAP in another program. Fails closed: who gets no answer is refused, with status 300
/// while that may change.
///
/// The handler has a ROUTER or REP socket: the command `ironhouse zap serve`, which decides by a policy file,
/// a program that calls [`serve_zap`], or any other. Requests are spread over a few
/// connections. Each has a circuit breaker: after some failures in a row it is not asked for a while, twice as
/// long each time, and one request tries it again.
///
/// A peer that was let in is not judged again when the handler would decide otherwise.
///
/// ```
/// use ironhouse::{RemoteAuthenticator, Security, ServerSecurity, curve_keypair};
///
/// # let (ours, handler) = (curve_keypair()?, *curve_keypair()?.public());
/// let handler = RemoteAuthenticator::new("tcp://192.0.2.7:9100", Security::curve_client(ours, handler)?)?;
/// let security = ServerSecurity::curve(curve_keypair()?).with_authenticator(handler);
/// # let _ = security;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RemoteAuthenticator {
    settings: Settings,
    /// Made when it is asked first, in the runtime of the socket.
    pool: Arc<OnceLock<Arc<Pool>>>,
}

#[derive(Debug, Clone)]
struct Settings {
    endpoints: Vec<Endpoint>,
    security: Security,
    connections: usize,
    pending: usize,
    time: Duration,
    patience: Patience,
}

impl RemoteAuthenticator {
    /// Asks the handler at `endpoint`. Nothing happens before the first request.
    ///
    /// # Errors
    /// A malformed endpoint, or tcp without CURVE.
    pub fn new(endpoint: impl IntoEndpoint, security: Security) -> Result<Self, RemoteError> {
        let endpoint = connectable(endpoint)?;
        let mechanism = security.mechanism.mechanism();
        if matches!(endpoint, Endpoint::Tcp(_)) && mechanism != MechanismName::CURVE {
            return Err(RemoteError::Unprotected(endpoint, mechanism));
        }
        Ok(Self::of(endpoint, security))
    }

    /// As [`new`](Self::new), also over tcp without CURVE. **Whoever is on the way, or gets hold of the
    /// port, lets in whom they like and reads every password.**
    ///
    /// # Errors
    /// A malformed endpoint.
    pub fn dangerous_unprotected(
        endpoint: impl IntoEndpoint,
        security: Security,
    ) -> Result<Self, RemoteError> {
        Ok(Self::of(connectable(endpoint)?, security))
    }

    fn of(endpoint: Endpoint, security: Security) -> Self {
        let settings = Settings {
            endpoints: vec![endpoint],
            security,
            connections: 2,
            pending: 1024,
            time: Duration::from_millis(1500),
            patience: Patience::default(),
        };
        Self { settings, pool: Arc::default() }
    }

    /// Asks this handler, too, which has the same keys and decides the same: the one with the fewest open
    /// requests is asked, and one that fails is left out.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn or(self, endpoint: impl IntoEndpoint) -> Result<Self, RemoteError> {
        let Self { settings, .. } = Self::new(endpoint, self.settings.security.clone())?;
        Ok(self.set(|own| own.endpoints.extend(settings.endpoints)))
    }

    /// Connections to each endpoint. Default: 2; at least 1.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        self.set(|own| own.connections = connections.max(1))
    }

    /// Requests that may be open at once; more are refused with 300. Default: 1,024.
    #[must_use]
    pub fn max_pending(self, requests: usize) -> Self {
        self.set(|own| own.pending = requests)
    }

    /// How long to wait for an answer, the time to connect included. Default: 1.5 s, less than the
    /// [limit of a socket](crate::Options::authentication_limit).
    #[must_use]
    pub fn time_limit(self, limit: Duration) -> Self {
        self.set(|own| own.time = limit)
    }

    /// After so many failures in a row a connection is not used for `pause`, then twice as long up to
    /// `max_pause`. Default: 5 failures, 0.5 s, 30 s.
    #[must_use]
    pub fn patience(self, failures: u32, pause: Duration, max_pause: Duration) -> Self {
        self.set(|own| own.patience = Patience { failures: failures.max(1), pause, max_pause })
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        // What was made with the old settings belongs to the clones that have them.
        Self { pool: Arc::default(), ..self }
    }
}

fn connectable(endpoint: impl IntoEndpoint) -> Result<Endpoint, RemoteError> {
    let endpoint = endpoint.into_endpoint()?;
    endpoint.check_connect()?;
    Ok(endpoint)
}

impl fmt::Debug for RemoteAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteAuthenticator").field(&self.settings).finish()
    }
}

impl Authenticator for RemoteAuthenticator {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        let pool = self.pool.get_or_init(|| Arc::new(Pool::new(&self.settings))).clone();
        zap::from_fn(move |request| pool.clone().decide(request)).authenticate(request)
    }
}
