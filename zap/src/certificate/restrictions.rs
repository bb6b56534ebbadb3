//! When, where and whence the holder of a key may come in.

use std::time::{Duration, SystemTime};

use zmtp_core::auth::{AuthRequest, Domain};

use super::CertificateFault;
use crate::address::{AddressRules, AddressVerdict};

const NOT_BEFORE: &str = "not-before";
const NOT_AFTER: &str = "not-after";
const DOMAINS: &str = "domains";
const ADDRESSES: &str = "addresses";
const TIME: &str = "a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the metadata of a certificate demands besides the key.
///
/// | name | value | demands |
/// |---|---|---|
/// | `not-before` | `2027-01-31` or `2027-01-31T12:00:00Z` | this time or later; a date is its first moment in UTC |
/// | `not-after` | the same | this time or earlier; a date is its last moment in UTC |
/// | `domains` | `lab, office` | one of these domains |
/// | `addresses` | `192.0.2.0/24, unix` | an address that one of these [rules](AddressRules) covers |
///
/// A value that cannot be understood makes the whole certificate unreadable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restrictions {
    not_before: Option<SystemTime>,
    not_after: Option<SystemTime>,
    domains: Option<Vec<Domain>>,
    addresses: Option<AddressRules>,
}

/// Whether a name of metadata restricts.
pub(super) fn is_restriction(name: &str) -> bool {
    [NOT_BEFORE, NOT_AFTER, DOMAINS, ADDRESSES].iter().any(|it| it.eq_ignore_ascii_case(name))
}

impl Restrictions {
    /// Takes one more property; those that do not restrict leave no trace.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<(), CertificateFault> {
        match name.to_ascii_lowercase().as_str() {
            NOT_BEFORE => self.not_before = Some(time(value, NOT_BEFORE, Duration::ZERO)?),
            NOT_AFTER => {
                self.not_after = Some(time(value, NOT_AFTER, DAY - Duration::from_nanos(1))?);
            }
            DOMAINS => {
                let fault = CertificateFault::Restriction(DOMAINS, "domains, separated by commas");
                let domains: Option<Vec<_>> = list(value).map(Domain::new).collect();
                self.domains = Some(domains.filter(|it| !it.is_empty()).ok_or(fault)?);
            }
            ADDRESSES => {
                let fault = || {
                    CertificateFault::Restriction(ADDRESSES, "address rules, separated by commas")
                };
                let mut rules = AddressRules::new();
                list(value).try_for_each(|rule| rules.allow(rule)).map_err(|_| fault())?;
                self.addresses = Some(rules).filter(|rules| !rules.is_empty());
                self.addresses.as_ref().ok_or_else(fault)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Why a request may not come in now, if it may not.
    pub(crate) fn forbid(&self, request: &AuthRequest, now: SystemTime) -> Option<&'static str> {
        let listed = |domains: &Vec<Domain>| domains.contains(&request.domain);
        let covered =
            |rules: &AddressRules| rules.judge(&request.address) == AddressVerdict::Allowed;
        if self.not_before.is_some_and(|start| now < start) {
            Some("Key not valid yet")
        } else if self.not_after.is_some_and(|end| now > end) {
            Some("Key not valid any more")
        } else if !self.domains.as_ref().is_none_or(listed) {
            Some("Key not valid in this domain")
        } else if !self.addresses.as_ref().is_none_or(covered) {
            Some("Key not valid from this address")
        } else {
            None
        }
    }
}

fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// A time, or a date and so much more.
fn time(
    value: &str,
    name: &'static str,
    into_day: Duration,
) -> Result<SystemTime, CertificateFault> {
    let date = humantime::parse_rfc3339(&format!("{value}T00:00:00Z"));
    let date = date.ok().and_then(|date| date.checked_add(into_day));
    let time = date.or_else(|| humantime::parse_rfc3339(value).ok());
    time.ok_or(CertificateFault::Restriction(name, TIME))
}
