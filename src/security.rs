//! Security of a socket: which mechanism, which role, and who judges.
//!
//! A server cannot be described without saying who judges its clients: either an authenticator or, by
//! name, nobody.

use std::sync::Arc;

use curve::{CurveClient, CurveServer, KeyPair, PublicKey};
use zmtp_core::auth::{AuthDecision, AuthRequest, Authenticator, Domain, PendingDecision, Refusal};
use zmtp_core::mechanism::Security as Mechanism;
use zmtp_core::mechanism::null::Null;
use zmtp_core::mechanism::plain::{CredentialTooLong, PlainClient, PlainServer};

/// The mechanism of a socket, its keys or credentials, and who judges its peers.
#[derive(Debug, Clone)]
pub struct Security {
    pub(crate) mechanism: Arc<dyn Mechanism>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) domain: Domain,
}

impl Security {
    /// No security: anybody may connect, and read and alter what is sent.
    #[must_use]
    pub fn null() -> Self {
        Self::client(Null)
    }

    /// No security but for a look at the address of each peer, by `authenticator`.
    ///
    /// # Errors
    /// [`DomainError`] unless the domain has 1 to 255 octets.
    pub fn null_with_authenticator(
        domain: &str,
        authenticator: impl Authenticator + 'static,
    ) -> Result<Self, DomainError> {
        let domain = domain_of(domain)?;
        Ok(Self { authenticator: Some(Arc::new(authenticator)), domain, ..Self::null() })
    }

    /// No security but for a look at the address of each peer, by the ZAP handler that the application
    /// binds; see [`ServerSecurity::with_zap_handler`].
    ///
    /// # Errors
    /// [`DomainError`] unless the domain has 1 to 255 octets.
    pub fn null_with_zap_handler(domain: &str) -> Result<Self, DomainError> {
        Self::null_with_authenticator(domain, Unhandled)
    }

    /// A user name and password, sent in clear text to whoever announces PLAIN.
    ///
    /// # Errors
    /// [`CredentialTooLong`] if either has more than 255 octets.
    pub fn plain_client(
        username: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, CredentialTooLong> {
        Ok(Self::client(PlainClient::new(username.as_ref(), password.as_ref())?))
    }

    /// A client of CURVE: talks only to the server that has the secret key of `server_key`.
    ///
    /// # Errors
    /// [`ServerKeyError`] for a server key that anybody could impersonate, such as zeros.
    pub fn curve_client(keys: KeyPair, server_key: PublicKey) -> Result<Self, ServerKeyError> {
        Ok(Self::client(CurveClient::new(keys, server_key).map_err(|_| ServerKeyError)?))
    }

    /// The mechanism, for those who drive a connection themselves.
    #[must_use]
    pub fn mechanism(&self) -> &Arc<dyn Mechanism> {
        &self.mechanism
    }

    /// Whether somebody judges the peers.
    #[must_use]
    pub const fn has_authenticator(&self) -> bool {
        self.authenticator.is_some()
    }

    fn client(mechanism: impl Mechanism + 'static) -> Self {
        Self { mechanism: Arc::new(mechanism), authenticator: None, domain: Domain::default() }
    }
}

/// A server of PLAIN or CURVE that still lacks a judge for its clients.
///
/// ```
/// use ironhouse::{ServerSecurity, curve_keypair};
///
/// let anyone = ServerSecurity::curve(curve_keypair()?).dangerous().accept_any_client();
/// # let _ = anyone;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "say who judges the clients: with_authenticator, or dangerous().accept_any_client"]
pub struct ServerSecurity {
    mechanism: ServerMechanism,
    domain: Domain,
}

#[derive(Debug, Clone)]
enum ServerMechanism {
    Plain(PlainServer),
    Curve(CurveServer),
}

impl ServerSecurity {
    /// Clients present a user name and password in clear text. They are refused with ERROR as the
    /// specification spells it.
    pub fn plain() -> Self {
        Self {
            mechanism: ServerMechanism::Plain(PlainServer::default()),
            domain: Domain::default(),
        }
    }

    /// As [`plain`](Self::plain), but clients are refused with the misspelt ERROR of libzmq's server, the
    /// only one that libzmq's clients report as a refusal.
    pub fn plain_with_misspelt_error() -> Self {
        Self {
            mechanism: ServerMechanism::Plain(PlainServer { misspell_error: true }),
            domain: Domain::default(),
        }
    }

    /// Clients prove that they have the secret key of the public key that they present.
    pub fn curve(keys: KeyPair) -> Self {
        let mechanism = ServerMechanism::Curve(CurveServer::new(keys));
        Self { mechanism, domain: Domain::default() }
    }

    /// The domain to name when asking the authenticator (`ZMQ_ZAP_DOMAIN`). Default: empty.
    ///
    /// # Errors
    /// [`DomainError`] unless the domain has 1 to 255 octets.
    pub fn domain(mut self, domain: &str) -> Result<Self, DomainError> {
        self.domain = domain_of(domain)?;
        Ok(self)
    }

    /// Every client is judged by `authenticator`.
    #[must_use]
    pub fn with_authenticator(self, authenticator: impl Authenticator + 'static) -> Security {
        Security {
            authenticator: Some(Arc::new(authenticator)),
            domain: self.domain.clone(),
            mechanism: self.into_mechanism(),
        }
    }

    /// Every client is judged by the REP or ROUTER that the application binds at
    /// `inproc://zeromq.zap.01` in the same [hub](crate::Options::hub), by the frames of 27/ZAP. None comes in
    /// before there is one, nor when it is gone (status 300).
    ///
    /// Such a handler also takes the place of any other authenticator from when it is bound, until
    /// [`Hub::dismiss_handler`](crate::Hub::dismiss_handler) is called.
    #[must_use]
    pub fn with_zap_handler(self) -> Security {
        self.with_authenticator(Unhandled)
    }

    /// Ways to finish that give security up.
    pub fn dangerous(self) -> DangerousServerSecurity {
        DangerousServerSecurity(self)
    }

    fn into_mechanism(self) -> Arc<dyn Mechanism> {
        match self.mechanism {
            ServerMechanism::Plain(plain) => Arc::new(plain),
            ServerMechanism::Curve(curve) => Arc::new(curve),
        }
    }
}

/// Ways to finish a [`ServerSecurity`] that give security up.
#[derive(Debug, Clone)]
#[must_use]
pub struct DangerousServerSecurity(ServerSecurity);

impl DangerousServerSecurity {
    /// Every client comes in, whatever its key or password.
    #[must_use]
    pub fn accept_any_client(self) -> Security {
        self.0.with_authenticator(AnyClient)
    }
}

/// Lets everybody in.
#[derive(Debug, Clone, Copy)]
struct AnyClient;

impl Authenticator for AnyClient {
    fn authenticate(&self, _request: Arc<AuthRequest>) -> PendingDecision {
        Box::pin(std::future::ready(AuthDecision::accept()))
    }
}

/// Lets nobody in while there is no ZAP handler, which would have been asked instead.
#[derive(Debug, Clone, Copy)]
struct Unhandled;

impl Authenticator for Unhandled {
    fn authenticate(&self, _request: Arc<AuthRequest>) -> PendingDecision {
        let text = "no ZAP handler is bound at inproc://zeromq.zap.01";
        Box::pin(std::future::ready(AuthDecision::refuse(Refusal::Temporary, text)))
    }
}

/// A domain has 1 to 255 octets (27/ZAP, "Message Format").
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an authentication domain has 1 to 255 octets")]
pub struct DomainError;

/// The server key is one that gives a predictable secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server key is no usable CURVE key: anybody could claim to be that server")]
pub struct ServerKeyError;

fn domain_of(text: &str) -> Result<Domain, DomainError> {
    Domain::new(text).filter(|domain| !domain.is_empty()).ok_or(DomainError)
}
