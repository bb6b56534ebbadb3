//! One event per decision, and who is told of it.

mod sink;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::{debug, info, warn};
use zmtp_core::auth::{AuthDecision, AuthRequest, AuthStatus, Credentials, Domain, UserId};
use zmtp_core::peer::PeerAddress;
use zmtp_core::wire::greeting::MechanismName;

pub use sink::{AuthSink, JsonLines};

use crate::decide::{Decision, Finding, Step};

/// A decision as those see it who watch: everything but secrets. Text from a peer is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthEvent {
    /// When.
    pub time: SystemTime,
    /// The endpoint of ours.
    pub listener: Arc<str>,
    /// Where the peer is, as the transport says.
    pub address: PeerAddress,
    /// The domain.
    pub domain: Domain,
    /// The mechanism.
    pub mechanism: MechanismName,
    /// Who the peer says it is: a user name, a key, or nothing.
    pub claim: String,
    /// The user that it is, if it may come in.
    pub user_id: Option<UserId>,
    /// The address rule that covers it, as in [`AddressRule`](crate::AddressRule).
    pub rule: Option<String>,
    /// The provider that was asked last.
    pub provider: Option<Arc<str>>,
    /// The file that let it in.
    pub file: Option<Arc<Path>>,
    /// Whether the verdict was remembered from an earlier request.
    pub remembered: bool,
    /// The status.
    pub status: AuthStatus,
    /// Why not; `OK` if it may come in.
    pub text: Cow<'static, str>,
    /// How long the decision took.
    pub took: Duration,
    /// The generation of the policy; `None` if no policy decided.
    pub generation: Option<u64>,
    /// What a policy that is being tried would have decided, if it is something else.
    pub shadow: Option<(AuthStatus, String)>,
}

impl AuthEvent {
    /// The event of a decision that nobody explains.
    pub(crate) fn new(request: &AuthRequest, verdict: &AuthDecision) -> Self {
        let (user_id, text) = match verdict {
            AuthDecision::Accept { user_id, .. } => (user_id.clone(), "OK".into()),
            AuthDecision::Refuse { text, .. } => (None, text.escape_debug().to_string().into()),
        };
        Self {
            time: SystemTime::now(),
            listener: request.listener.clone(),
            address: request.address.clone(),
            domain: request.domain.clone(),
            mechanism: request.mechanism,
            claim: claim(request),
            user_id,
            rule: None,
            provider: None,
            file: None,
            remembered: false,
            status: verdict.status(),
            text,
            took: Duration::ZERO,
            generation: None,
            shadow: None,
        }
    }

    /// The event of a decision with its steps.
    pub(crate) fn explained(request: &AuthRequest, decision: &Decision) -> Self {
        let mut event = Self::new(request, &decision.verdict);
        event.rule = decision.rule().map(ToString::to_string);
        if let Some((name, finding)) = decision.provider() {
            event.provider = Some(name.clone());
            if let Finding::Accepted { file, remembered } = finding {
                (event.file, event.remembered) = (file.clone(), *remembered);
            }
        }
        event
    }

    /// The transport of the listener: `tcp`, `ipc`, `inproc`; empty if the listener is not known.
    #[must_use]
    pub fn transport(&self) -> &str {
        self.listener.split_once("://").map_or("", |(transport, _)| transport)
    }

    /// The address without port and in canonical form; `None` if it is none of IP.
    #[must_use]
    pub fn canonical_address(&self) -> Option<std::net::IpAddr> {
        self.address.ip()
    }
}

/// Who a peer says it is, as far as somebody wants to read it.
struct Claim<'a>(&'a AuthRequest);

impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.credentials {
            Credentials::Plain { username, .. } => username.escape_ascii().fmt(f),
            Credentials::Curve { public_key } => f.write_str(&z85::encode(public_key)),
            // Of a peer that is in: what is kept of its credentials begins with the user.
            Credentials::Other(kept) if self.0.mechanism == MechanismName::PLAIN => {
                kept.first().map_or(Ok(()), |user| user.expose().escape_ascii().fmt(f))
            }
            _ => Ok(()),
        }
    }
}

/// Who a peer says it is: a user name, a key in Z85, or nothing. Escaped.
#[must_use]
pub fn claim(request: &AuthRequest) -> String {
    Claim(request).to_string()
}

/// What decided: a file, or else a provider, or else an address rule.
struct By<'a>(Option<&'a Decision>);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(decision) = self.0 else { return Ok(()) };
        match (decision.provider(), decision.rule()) {
            (Some((_, Finding::Accepted { file: Some(file), .. })), _) => file.display().fmt(f),
            (Some((name, _)), _) => name.escape_debug().fmt(f),
            (None, Some(rule)) => rule.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

/// Logs a decision, with its steps if it has any: accepted INFO, refused DEBUG. The warning is for the
/// driver of the connection, which limits how many there are and knows what else there is to say. Nothing
/// is written out that nobody listens to.
pub(crate) fn log(request: &AuthRequest, verdict: &AuthDecision, decision: Option<&Decision>) {
    let AuthRequest { address, domain, mechanism, .. } = request;
    let listener = request.listener.escape_debug();
    let by = By(decision);
    match verdict {
        AuthDecision::Accept { user_id, .. } => {
            let user = user_id.as_ref().map_or("", UserId::as_str).escape_debug();
            info!(%address, %listener, %domain, %mechanism, %user, %by, "accepted");
        }
        AuthDecision::Refuse { status, text, .. } => {
            let (claim, text) = (Claim(request), text.escape_debug());
            debug!(%address, %listener, %domain, %mechanism, %claim, %by, %status, %text, "refused");
        }
    }
}

/// Logs what a policy on trial would have decided.
pub(crate) fn log_difference(request: &AuthRequest, status: AuthStatus, text: &str) {
    let AuthRequest { address, domain, mechanism, .. } = request;
    let claim = Claim(request);
    warn!(%address, %domain, %mechanism, %claim, %status, %text, "the policy on trial differs");
}

/// Logs what was decided by somebody who does not explain himself.
pub(crate) fn record(request: &AuthRequest, decision: &AuthDecision) {
    log(request, decision, None);
}

/// Whether what a policy on trial decides is something else, and what.
pub(crate) fn difference(live: &AuthDecision, trial: &Decision) -> Option<(AuthStatus, String)> {
    let undecided =
        matches!(trial.steps.last(), Some(Step::Provider { finding: Finding::Asked, .. }));
    let same = match (live, &trial.verdict) {
        (AuthDecision::Refuse { status, .. }, AuthDecision::Refuse { status: other, .. }) => {
            status == other
        }
        (live, trial) => live == trial,
    };
    if same || undecided {
        return None;
    }
    let text = match &trial.verdict {
        AuthDecision::Accept { user_id, .. } => {
            format!("as {}", user_id.as_ref().map_or("nobody", UserId::as_str).escape_debug())
        }
        AuthDecision::Refuse { text, .. } => text.escape_debug().to_string(),
    };
    Some((trial.status(), text))
}
