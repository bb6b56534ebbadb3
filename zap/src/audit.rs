//! One log record per decision.

use tracing::{info, warn};
use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, UserId};

/// Logs what was decided, by whoever decided it: accepted INFO, refused WARN. There is no secret in
/// it: a user name is, as it tells whom to call, but a password is not.
pub(crate) fn record(request: &AuthRequest, decision: &AuthDecision) {
    let AuthRequest { domain, address, listener, mechanism, .. } = request;
    let claim = claim(&request.credentials);
    match decision {
        AuthDecision::Accept { user_id, .. } => {
            let user = user_id.as_ref().map_or("", UserId::as_str).escape_debug();
            info!(%address, listener = %listener.escape_debug(), %domain, %mechanism, %user, "accepted");
        }
        AuthDecision::Refuse { status, text } => {
            let text = text.escape_debug();
            warn!(%address, listener = %listener.escape_debug(), %domain, %mechanism, %claim, %status, %text, "refused");
        }
    }
}

/// Who a peer says it is.
fn claim(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Plain { username, .. } => username.escape_ascii().to_string(),
        Credentials::Curve { public_key } => z85::encode(public_key),
        _ => String::new(),
    }
}
