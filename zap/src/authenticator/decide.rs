//! The decision, a function of policy and request.

use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, Domain, Refusal, Secret, UserId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

use super::{CurveKeys, Policy};
use crate::address::AddressVerdict;
use crate::store::key_user_id;

/// Who came in, or why nobody did.
type Outcome = Result<(Option<UserId>, Metadata), &'static str>;

/// Who is who speaks NULL, unless the policy says otherwise; pyzmq's choice.
const ANONYMOUS: &str = "anonymous";

/// Decides by address, then domain, then credentials; each step can only refuse.
///
/// A refusal is always final (status 400): a policy in memory has no temporary errors. Its texts are
/// for the log of this side, and say no more of a user than that the credentials are wrong.
pub fn decide(policy: &Policy, request: &AuthRequest) -> AuthDecision {
    match outcome(policy, request) {
        Ok((user_id, metadata)) => AuthDecision::Accept { user_id, metadata },
        Err(text) => AuthDecision::refuse(Refusal::Failure, text),
    }
}

fn outcome(policy: &Policy, request: &AuthRequest) -> Outcome {
    match policy.addresses.judge(&request.address) {
        AddressVerdict::Allowed => {}
        AddressVerdict::Denied => return Err("Address denied"),
        AddressVerdict::Unlisted => return Err("Address not allowed"),
    }
    match (request.mechanism, &request.credentials) {
        (MechanismName::NULL, Credentials::Null) => null(policy, &request.domain),
        (MechanismName::PLAIN, Credentials::Plain { username, password }) => {
            plain(policy, &request.domain, username, password)
        }
        (MechanismName::CURVE, Credentials::Curve { public_key }) => {
            curve(policy, &request.domain, public_key)
        }
        (MechanismName::NULL | MechanismName::PLAIN | MechanismName::CURVE, _) => {
            Err("Invalid credentials")
        }
        _ => Err("Unknown mechanism"),
    }
}

fn null(policy: &Policy, domain: &Domain) -> Outcome {
    let user_id = if policy.null.is_empty() {
        UserId::new(ANONYMOUS)
    } else {
        policy.null.get(domain).ok_or("Unknown domain")?.clone()
    };
    Ok((user_id, Metadata::new()))
}

/// Unknown users and wrong passwords get one answer, after the same work.
fn plain(policy: &Policy, domain: &Domain, username: &[u8], password: &Secret) -> Outcome {
    if policy.plain.is_empty() {
        return Err("No passwords defined");
    }
    let users = policy.plain.get(domain).ok_or("Unknown domain")?;
    let user_id = users.verify(username, password).ok_or("Invalid credentials")?;
    Ok((Some(user_id), Metadata::new()))
}

fn curve(policy: &Policy, domain: &Domain, key: &[u8; 32]) -> Outcome {
    if policy.curve.is_empty() {
        return Err("No keys defined");
    }
    let (user_id, metadata) = match policy.curve.get(domain).ok_or("Unknown domain")? {
        CurveKeys::AllowAny => (key_user_id(key), Metadata::new()),
        CurveKeys::Only(keys) => keys.verify(key).ok_or("Unknown key")?,
    };
    Ok((Some(user_id), metadata))
}
