//! What was looked at on the way to a decision.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zmtp_core::auth::{AuthDecision, AuthStatus, Domain, Refusal, UserId};

use crate::address::{AddressRule, AddressVerdict};
use crate::gate::Admission;

/// A decision, and how it came about.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Decision {
    /// What was decided.
    pub verdict: AuthDecision,
    /// What was looked at, in order; the last step is the one that decided.
    pub steps: Vec<Step>,
}

impl Decision {
    /// The status as ZAP writes it.
    #[must_use]
    pub const fn status(&self) -> AuthStatus {
        self.verdict.status()
    }

    /// The verdict, with the step that decided if it is a refusal.
    pub(crate) fn into_verdict(self) -> AuthDecision {
        match self.steps.last() {
            Some(step) => self.verdict.by_step(format_args!("{}: {step}", step.name())),
            None => self.verdict,
        }
    }

    /// The address rule that decided last, if any.
    #[must_use]
    pub fn rule(&self) -> Option<&AddressRule> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Address { rule, .. } => rule.as_ref(),
            _ => None,
        })
    }

    /// The provider that was asked last, what it found, the file that says so, and whether it was
    /// remembered.
    #[must_use]
    pub fn provider(&self) -> Option<(&Arc<str>, &Finding)> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Provider { name, finding } => Some((name, finding)),
            _ => None,
        })
    }
}

/// Which table of address rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// The one for all.
    All,
    /// The one of the listeners that this pattern covers.
    Listener(Arc<str>),
    /// The one of a domain, or of `*`.
    Domain(Domain),
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("rules for all"),
            Self::Listener(pattern) => write!(f, "rules of listener {}", pattern.escape_debug()),
            Self::Domain(domain) => write!(f, "rules of domain \"{domain}\""),
        }
    }
}

/// What a provider found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Let it in.
    Accepted {
        /// The file that says so.
        file: Option<Arc<Path>>,
        /// Whether the verdict was remembered.
        remembered: bool,
    },
    /// Keep it out.
    Refused(Refusal),
    /// Not known here.
    Abstained(&'static str),
    /// It is asked, and the answer is still out.
    Asked,
    /// It panicked.
    Panicked,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Whether the authenticator is [stopped](crate::Authenticator::stop).
    Stopped,
    /// Whether the request fits together.
    Request {
        /// What is wrong with it.
        fault: Option<&'static str>,
    },
    /// Whether the source came too often or failed too often.
    Source(Admission),
    /// What a table of address rules says.
    Address {
        /// The table.
        table: Table,
        /// What it says.
        verdict: AddressVerdict,
        /// The rule that says so, if it is one.
        rule: Option<AddressRule>,
    },
    /// Which entry the domain has under its mechanism.
    Domain {
        /// The entry: the domain itself or `*`; `None` if there is none.
        entry: Option<Domain>,
        /// Why there is none.
        fault: Option<&'static str>,
    },
    /// What a provider found.
    Provider {
        /// Its name.
        name: Arc<str>,
        /// What it found.
        finding: Finding,
    },
    /// Who the peer is.
    Identity {
        /// The user.
        user_id: Option<UserId>,
        /// How many properties come with it.
        properties: usize,
        /// Why it cannot be that.
        fault: Option<&'static str>,
    },
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// On to the next.
    Pass,
    /// On to the next, without having helped.
    Abstain,
    /// The end.
    Refuse,
}

impl Step {
    /// What was looked at, in one word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Request { .. } => "request",
            Self::Source(_) => "source",
            Self::Address { .. } => "address",
            Self::Domain { .. } => "domain",
            Self::Provider { .. } => "provider",
            Self::Identity { .. } => "identity",
        }
    }

    /// How it went.
    #[must_use]
    pub const fn went(&self) -> Went {
        match self {
            Self::Request { fault: None }
            | Self::Source(Admission::Admitted | Admission::Exempt | Admission::NotCounted)
            | Self::Address { verdict: AddressVerdict::Allowed, .. }
            | Self::Domain { entry: Some(_), .. }
            | Self::Provider { finding: Finding::Accepted { .. }, .. }
            | Self::Identity { fault: None, .. } => Went::Pass,
            Self::Provider { finding: Finding::Abstained(_), .. } => Went::Abstain,
            _ => Went::Refuse,
        }
    }
}

/// What was found, in words.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the authenticator is stopped"),
            Self::Request { fault } => {
                f.write_str(fault.unwrap_or("mechanism and credentials fit"))
            }
            Self::Source(admission) => admission.fmt(f),
            Self::Address { table, rule: Some(rule), .. } => write!(f, "{table}: {rule}"),
            Self::Address { table, verdict: AddressVerdict::Unlisted, .. } => {
                write!(f, "{table}: no rule covers it, and others are allowed by name")
            }
            Self::Address { table, .. } => write!(f, "{table}: nothing against it"),
            Self::Domain { entry: Some(entry), .. } => write!(f, "entry \"{entry}\""),
            Self::Domain { fault, .. } => f.write_str(fault.unwrap_or("no entry")),
            Self::Provider { name, finding } => write!(f, "{}: {finding}", name.escape_debug()),
            Self::Identity { fault: Some(fault), .. } => f.write_str(fault),
            Self::Identity { user_id, properties, .. } => {
                match user_id {
                    Some(user_id) => write!(f, "user {user_id}")?,
                    None => f.write_str("no user")?,
                }
                if *properties == 0 { Ok(()) } else { write!(f, ", {properties} properties") }
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { file, remembered } => {
                f.write_str(if *remembered { "accepted, as remembered" } else { "accepted" })?;
                file.as_ref().map_or(Ok(()), |file| write!(f, " by {}", file.display()))
            }
            Self::Refused(status) => write!(f, "refused with {status}"),
            Self::Abstained(text) => f.write_str(text),
            Self::Asked => f.write_str("asked, without answer so far"),
            Self::Panicked => f.write_str("panicked"),
        }
    }
}
