//! What a policy says, fact by fact, and what another one says otherwise.

use std::collections::BTreeMap;
use std::fmt;

use zmtp_core::auth::UserId;
use zmtp_core::wire::greeting::MechanismName;

use super::{ANONYMOUS, ANY_DOMAIN, Policy};
use crate::address::AddressRules;
use crate::gate::{BanRules, Rate};
use crate::provider::{Anyone, Provider as _, Statement};

/// A fact that differs between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How it differs.
    pub kind: DifferenceKind,
    /// The fact, without secrets.
    pub text: String,
}

/// How a fact differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Only the new policy says it.
    Added,
    /// Only the old policy says it.
    Removed,
    /// Both say it, but a secret or a property behind it is another.
    Changed,
}

/// `+ addresses: deny 192.0.2.66`
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            DifferenceKind::Added => '+',
            DifferenceKind::Removed => '-',
            DifferenceKind::Changed => '~',
        };
        write!(f, "{sign} {}", self.text)
    }
}

impl Policy {
    /// What a new policy says that this one does not, or says otherwise; sorted by fact.
    #[must_use]
    pub fn differences(&self, new: &Self) -> Vec<Difference> {
        let facts = |policy: &Self| -> BTreeMap<String, u128> {
            policy.statements().into_iter().map(|it| (it.text, it.secret)).collect()
        };
        let (old, new) = (facts(self), facts(new));
        let gone = old.iter().filter_map(|(text, secret)| match new.get(text) {
            None => Some((text, DifferenceKind::Removed)),
            Some(other) if other != secret => Some((text, DifferenceKind::Changed)),
            Some(_) => None,
        });
        let come = new.keys().filter(|text| !old.contains_key(*text));
        let come = come.map(|text| (text, DifferenceKind::Added));
        let mut differences: Vec<_> =
            gone.chain(come).map(|(text, kind)| Difference { kind, text: text.clone() }).collect();
        differences.sort_by(|a, b| a.text.cmp(&b.text));
        differences
    }

    /// What the policy says, one fact per entry.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let mut facts = vec![
            format!("limits: per source {}", rate(self.limits.per_source)),
            format!("limits: all {}", rate(self.limits.all)),
            format!("limits: bans {}", bans(self.limits.bans)),
        ];
        let mut rules = |scope: &str, rules: &AddressRules| {
            facts.extend(rules.in_force().map(|rule| {
                format!("{scope}: {} {}", if rule.allows { "allow" } else { "deny" }, rule.text)
            }));
        };
        rules("limits: exempt", &self.limits.exempt);
        rules("addresses", &self.addresses);
        for (endpoint, table) in &self.listeners {
            rules(&format!("listener {}", endpoint.escape_debug()), table);
        }
        for (domain, table) in self.domain_addresses.iter() {
            rules(&format!("domain \"{}\"", domain.escape_debug()), table);
        }
        let patterns: Vec<_> =
            self.listeners().map(|name| name.escape_debug().to_string()).collect();
        if patterns.len() > 1 {
            // The first that fits counts.
            facts.push(format!("listeners: {}", patterns.join(", then ")));
        }
        let mut statements: Vec<_> = facts.into_iter().map(Statement::new).collect();
        if self.chains(MechanismName::NULL).is_none() {
            let everybody = Anyone(UserId::new(ANONYMOUS));
            let name = everybody.name();
            for said in [format!("asks {name}"), name.into_owned()] {
                statements.push(Statement::new(format!("domain \"{ANY_DOMAIN}\", NULL: {said}")));
            }
        }
        for (mechanism, domains) in &self.mechanisms {
            for (domain, chain) in domains.iter() {
                let scope = format!("domain \"{}\", {mechanism}", domain.escape_debug());
                let names: Vec<_> = chain.iter().map(|link| &*link.name).collect();
                statements.push(Statement::new(format!("{scope}: asks {}", names.join(", then "))));
                let said = chain.iter().flat_map(|link| link.provider.statements());
                statements.extend(said.map(|Statement { text, secret }| Statement {
                    text: format!("{scope}: {text}"),
                    secret,
                }));
            }
        }
        statements
    }
}

fn rate(rate: Option<Rate>) -> String {
    rate.map_or("off".into(), |Rate { per_second, burst }| {
        format!("{per_second} a second, {burst} at once")
    })
}

fn bans(rules: Option<BanRules>) -> String {
    let Some(BanRules { after, within, first, longest }) = rules else { return "off".into() };
    let [within, first, longest] = [within, first, longest].map(humantime::format_duration);
    format!("after {after} refusals within {within}, for {first} up to {longest}")
}
