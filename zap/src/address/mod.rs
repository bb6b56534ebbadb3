//! Address rules: which peers may come near at all, before anybody looks at credentials.

mod networks;
mod pattern;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use zmtp_core::peer::PeerAddress;

use networks::Networks;
use pattern::Pattern;
pub use pattern::{AddressError, AddressFault};

/// What the rules say about a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressVerdict {
    /// A rule allows it, or there are rules that deny others only.
    Allowed,
    /// A rule denies it.
    Denied,
    /// No rule names it, and there are rules that allow others.
    Unlisted,
}

/// A rule as it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRule {
    /// Whether it allows.
    pub allows: bool,
    /// What it covers, as written.
    pub text: Arc<str>,
    /// The line of the policy file, if it comes from one.
    pub line: Option<usize>,
}

/// `allow 192.0.2.0/24 (line 7)`
impl fmt::Display for AddressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.allows { "allow" } else { "deny" }, self.text)?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// Allowed and denied addresses in one table, one entry per network, where the later call replaces.
///
/// The narrowest rule that covers a peer decides: the longest prefix, or user before group before
/// all of `unix`. A peer that no rule covers is let through only while nothing is allowed by name.
/// That holds across transports: a list of allowed networks keeps out every peer on a Unix socket
/// and in this process unless `unix`, `unix:uid=..`, `unix:gid=..` or `inproc` is allowed as well.
///
/// | rule | covers |
/// |---|---|
/// | `192.0.2.7`, `2001:db8::7` | one address |
/// | `192.0.2.0/24`, `2001:db8::/32` | a network; bits behind the prefix must be zero |
/// | `192.0.2.7-192.0.2.19` | from the first to the last, as the networks that make it up |
/// | `loopback` | 127.0.0.0/8 and ::1 |
/// | `private` | 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7 |
/// | `unix` | every process on a Unix socket |
/// | `unix:uid=1000`, `unix:gid=100` | processes of one user or group |
/// | `inproc` | this process |
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is the IPv4 address, in rules and in peers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AddressRules {
    rules: Vec<AddressRule>,
    /// Each entry is the index of its rule.
    v4: Networks<u32>,
    v6: Networks<u128>,
    others: HashMap<Pattern, u32>,
    /// How many entries allow.
    allowing: usize,
}

impl AddressRules {
    /// No rules: everybody is let through.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows what `rule` covers.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn allow(&mut self, rule: &str) -> Result<(), AddressError> {
        self.insert(true, rule, None).map(drop)
    }

    /// Denies what `rule` covers.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn deny(&mut self, rule: &str) -> Result<(), AddressError> {
        self.insert(false, rule, None).map(drop)
    }

    /// Adds a rule, and returns those that it replaces, wholly or in part.
    pub(crate) fn insert(
        &mut self,
        allows: bool,
        rule: &str,
        line: Option<usize>,
    ) -> Result<Vec<AddressRule>, AddressError> {
        let patterns = pattern::parse(rule)?;
        let index = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        self.rules.push(AddressRule { allows, text: rule.into(), line });
        let mut replaced = Vec::new();
        for pattern in patterns {
            let earlier = match pattern {
                Pattern::Net(IpNet::V4(net)) => {
                    self.v4.insert(net.network().to_bits(), net.prefix_len(), index)
                }
                Pattern::Net(IpNet::V6(net)) => {
                    self.v6.insert(net.network().to_bits(), net.prefix_len(), index)
                }
                other => self.others.insert(other, index),
            };
            let earlier = earlier.and_then(|index| self.rule(index)).cloned();
            self.allowing += usize::from(allows);
            self.allowing -= usize::from(earlier.as_ref().is_some_and(|rule| rule.allows));
            replaced.extend(earlier);
        }
        Ok(replaced)
    }

    /// Whether there are no rules.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules, in the order in which they were given.
    #[must_use]
    pub fn rules(&self) -> &[AddressRule] {
        &self.rules
    }

    /// The rules that no later one replaced, in the order in which they were given.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &AddressRule> {
        let others = self.others.values().copied();
        let indices: BTreeSet<u32> =
            self.v4.values().chain(self.v6.values()).chain(others).collect();
        indices.into_iter().filter_map(|index| self.rule(index))
    }

    /// What the rules say about a peer at `address`.
    #[must_use]
    pub fn judge(&self, address: &PeerAddress) -> AddressVerdict {
        self.explain(address).0
    }

    /// What the rules say about a peer at `address`, and which of them says it.
    #[must_use]
    pub fn explain(&self, address: &PeerAddress) -> (AddressVerdict, Option<&AddressRule>) {
        let rule = self.narrowest(address).and_then(|index| self.rule(index));
        let verdict = match rule {
            Some(AddressRule { allows: true, .. }) => AddressVerdict::Allowed,
            Some(_) => AddressVerdict::Denied,
            None if self.allowing > 0 => AddressVerdict::Unlisted,
            None => AddressVerdict::Allowed,
        };
        (verdict, rule)
    }

    /// Gets ready to judge; else the first peer after a change waits for that.
    pub(crate) fn prepare(&self) {
        self.v4.ranges();
        self.v6.ranges();
    }

    fn rule(&self, index: u32) -> Option<&AddressRule> {
        self.rules.get(usize::try_from(index).ok()?)
    }

    /// The narrowest rule that covers `address`.
    fn narrowest(&self, address: &PeerAddress) -> Option<u32> {
        let first =
            |patterns: &[Pattern]| patterns.iter().find_map(|p| self.others.get(p)).copied();
        match *address {
            PeerAddress::Ip(ip) => match ip.ip().to_canonical() {
                IpAddr::V4(ip) => self.v4.narrowest(ip.to_bits()),
                IpAddr::V6(ip) => self.v6.narrowest(ip.to_bits()),
            },
            PeerAddress::Process { uid, gid, .. } => {
                first(&[Pattern::Uid(uid), Pattern::Gid(gid), Pattern::Unix])
            }
            PeerAddress::Inproc => first(&[Pattern::Inproc]),
            _ => None,
        }
    }
}
