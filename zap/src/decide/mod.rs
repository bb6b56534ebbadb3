//! The decision, a function of policy, request and time.

mod step;

use std::borrow::Cow;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, Domain, Refusal, UserId};
use zmtp_core::wire::greeting::MechanismName;

pub use step::{Decision, Finding, Step, Table, Went};

use crate::address::{AddressRules, AddressVerdict};
use crate::codec::check_properties;
use crate::gate::Admission;
use crate::guard::Isolated;
use crate::policy::{ANONYMOUS, ANY_DOMAIN, Chain, Policy};
use crate::provider::{Answer, Grant, Verdict};
use crate::store::key_user_id;

/// Why a peer is kept out.
type Refused = (Refusal, Cow<'static, str>);

/// Decides by address, then domain, then credentials, as of now; each step can only refuse.
///
/// Nothing is counted, remembered or logged, so that the same question may be asked for an explanation.
/// A provider whose answer takes a while is asked, but not waited for: then the decision is to refuse
/// for now (300). A synchronous function is called on this thread. The texts of refusals are for the log
/// of this side, and say no more of a user than that the credentials are wrong.
pub fn decide(policy: &Policy, request: &AuthRequest) -> Decision {
    decide_at(policy, request, SystemTime::now())
}

/// [Decides](decide) as of some time, which matters to certificates that are not always valid.
pub fn decide_at(policy: &Policy, request: &AuthRequest, now: SystemTime) -> Decision {
    decide_on(Calls::Here, policy, request, now)
}

/// [Decides](decide_at) without holding up this thread.
pub(crate) fn decide_quickly(policy: &Policy, request: &AuthRequest, now: SystemTime) -> Decision {
    decide_on(Calls::Apart, policy, request, now)
}

fn decide_on(calls: Calls, policy: &Policy, request: &AuthRequest, now: SystemTime) -> Decision {
    let mut steps = Steps::new(Admission::NotCounted, calls);
    let verdict = {
        let decision = pin!(walk(policy, request, now, &mut steps));
        match decision.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => verdict,
            Poll::Pending => AuthDecision::refuse(Refusal::Temporary, "A provider takes a while"),
        }
    };
    Decision { verdict, steps: steps.taken }
}

/// [Decides](decide) as of some time, and waits for providers whose answers take a while.
///
/// Cancel safe: a dropped future has decided nothing.
pub async fn decide_patiently(policy: &Policy, request: &AuthRequest, now: SystemTime) -> Decision {
    let mut steps = Steps::new(Admission::NotCounted, Calls::Apart);
    let verdict = walk(policy, request, now, &mut steps).await;
    Decision { verdict, steps: steps.taken }
}

/// Where functions are called that may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// On this thread.
    Here,
    /// On their own threads.
    Apart,
}

/// What was looked at so far.
pub(crate) struct Steps {
    pub(crate) taken: Vec<Step>,
    calls: Calls,
}

impl Steps {
    pub(crate) fn new(admission: Admission, calls: Calls) -> Self {
        let mut taken = Vec::with_capacity(6);
        taken.push(Step::Source(admission));
        Self { taken, calls }
    }

    pub(crate) fn take(&mut self, step: Step) {
        self.taken.push(step);
    }
}

/// Decides, and waits for providers where it must.
pub(crate) async fn walk(
    policy: &Policy,
    request: &AuthRequest,
    now: SystemTime,
    steps: &mut Steps,
) -> AuthDecision {
    match walk_on(policy, request, now, steps).await {
        Ok(Grant { user_id, metadata, .. }) => AuthDecision::Accept { user_id, metadata },
        Err((status, text)) => AuthDecision::refuse(status, &text),
    }
}

async fn walk_on(
    policy: &Policy,
    request: &AuthRequest,
    now: SystemTime,
    steps: &mut Steps,
) -> Result<Grant, Refused> {
    check_request(policy, request, steps)?;
    check_address(policy, request, steps)?;
    let chain = match find_chain(policy, request) {
        Ok((chain, entry)) => {
            steps.take(Step::Domain { entry: Some(entry), fault: None });
            chain
        }
        Err(text) => {
            steps.take(Step::Domain { entry: None, fault: Some(text) });
            return Err(no(text));
        }
    };
    let mut grant = match chain {
        Some(chain) => ask(chain, request, now, steps).await?,
        None => Grant { user_id: UserId::new(ANONYMOUS), ..Grant::default() },
    };
    name_user(policy, request, &mut grant);
    check_grant(&grant, steps)?;
    Ok(grant)
}

fn no(text: &'static str) -> Refused {
    (Refusal::Failure, text.into())
}

/// Whether the credentials are those of the mechanism, and all is there that the policy asks for. What is
/// kept of PLAIN has another form.
fn check_request(policy: &Policy, request: &AuthRequest, steps: &mut Steps) -> Result<(), Refused> {
    let fits = match (request.mechanism, &request.credentials) {
        (MechanismName::NULL, Credentials::Null)
        | (MechanismName::PLAIN, Credentials::Plain { .. } | Credentials::Other(_))
        | (MechanismName::CURVE, Credentials::Curve { .. }) => true,
        (MechanismName::NULL | MechanismName::PLAIN | MechanismName::CURVE, _) => false,
        _ => true,
    };
    // Rules that might apply are not to be passed by.
    let unplaced = request.listener.is_empty() && policy.listeners().next().is_some();
    let fault = match (fits, unplaced) {
        (false, _) => Some("Invalid credentials"),
        (true, true) => Some("Listener not told"),
        (true, false) => None,
    };
    steps.take(Step::Request { fault });
    fault.map_or(Ok(()), |text| Err(no(text)))
}

/// The rules for all, then those of the listener, then those of the domain.
fn check_address(policy: &Policy, request: &AuthRequest, steps: &mut Steps) -> Result<(), Refused> {
    judge(&policy.addresses, || Table::All, request, steps)?;
    if let Some((pattern, rules)) = policy.rules_of_listener(&request.listener) {
        judge(rules, || Table::Listener(pattern.clone()), request, steps)?;
    }
    if let Some((rules, any)) = policy.domain_addresses.get(&request.domain) {
        judge(rules, || Table::Domain(entry_name(&request.domain, any)), request, steps)?;
    }
    Ok(())
}

fn judge(
    rules: &AddressRules,
    table: impl FnOnce() -> Table,
    request: &AuthRequest,
    steps: &mut Steps,
) -> Result<(), Refused> {
    let (verdict, rule) = rules.explain(&request.address);
    steps.take(Step::Address { table: table(), verdict, rule: rule.cloned() });
    match verdict {
        AddressVerdict::Allowed => Ok(()),
        AddressVerdict::Denied => Err(no("Address denied")),
        AddressVerdict::Unlisted => Err(no("Address not allowed")),
    }
}

fn entry_name(domain: &Domain, any: bool) -> Domain {
    if any { Domain::new(ANY_DOMAIN).unwrap_or_default() } else { domain.clone() }
}

/// The providers for a request, which are none for NULL where nothing is said of it; and the entry
/// under which they stand.
fn find_chain<'a>(
    policy: &'a Policy,
    request: &AuthRequest,
) -> Result<(Option<&'a Chain>, Domain), &'static str> {
    let Some(chains) = policy.chains(request.mechanism) else {
        return match request.mechanism {
            MechanismName::NULL => Ok((None, entry_name(&request.domain, true))),
            MechanismName::PLAIN => Err("No passwords defined"),
            MechanismName::CURVE => Err("No keys defined"),
            _ => Err("Unknown mechanism"),
        };
    };
    let (chain, any) = chains.get(&request.domain).ok_or("Unknown domain")?;
    Ok((Some(chain), entry_name(&request.domain, any)))
}

/// Asks one provider after the other, until one knows.
async fn ask(
    chain: &Chain,
    request: &AuthRequest,
    now: SystemTime,
    steps: &mut Steps,
) -> Result<Grant, Refused> {
    let mut last = "Invalid credentials";
    for link in chain {
        let step = |finding| Step::Provider { name: link.name.clone(), finding };
        let calls = steps.calls;
        let answer = Isolated::call(|| match link.provider.judge(request, now) {
            Answer::Blocks(work) if calls == Calls::Here => Answer::Now(work.here()),
            Answer::Blocks(work) => Answer::Later(work.apart()),
            answer => answer,
        });
        let verdict = match answer {
            Some(Answer::Now(verdict)) => Some(verdict),
            Some(Answer::Later(pending)) => {
                steps.take(step(Finding::Asked));
                let verdict = Isolated::new(pending).await;
                steps.taken.pop();
                verdict
            }
            Some(Answer::Blocks(_)) | None => None,
        };
        let mut found = |finding| steps.take(step(finding));
        match verdict {
            Some(Verdict::Accept(grant)) => {
                let (file, remembered) = (grant.file.clone(), grant.remembered);
                found(Finding::Accepted { file, remembered });
                return Ok(grant);
            }
            Some(Verdict::Refuse { status, text }) => {
                found(Finding::Refused(status));
                return Err((status, text));
            }
            Some(Verdict::Abstain(text)) => {
                found(Finding::Abstained(text));
                last = text;
            }
            None => {
                found(Finding::Panicked);
                return Err((Refusal::Internal, "A provider panicked".into()));
            }
        }
    }
    Err(no(last))
}

/// The user of a key is the one that the policy names, or its provider, or the text of the key.
fn name_user(policy: &Policy, request: &AuthRequest, grant: &mut Grant) {
    let Credentials::Curve { public_key } = &request.credentials else { return };
    let named = policy.name_key.as_ref().and_then(|name| (name.0)(public_key));
    if let Some(user_id) = named {
        grant.user_id = Some(user_id);
    } else if grant.user_id.is_none() {
        grant.user_id = Some(key_user_id(public_key));
    }
}

/// A provider is no more to be believed than a handler of ZAP.
fn check_grant(grant: &Grant, steps: &mut Steps) -> Result<(), Refused> {
    let fault =
        check_properties(&grant.metadata).err().map(|_| "Properties that nobody may attach");
    let (user_id, properties) = (grant.user_id.clone(), grant.metadata.len());
    steps.take(Step::Identity { user_id, properties, fault });
    fault.map_or(Ok(()), |text| Err((Refusal::Internal, text.into())))
}
