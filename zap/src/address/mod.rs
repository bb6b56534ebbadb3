//! Address rules: which peers may come near at all, before anybody looks at credentials.

mod pattern;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use zmtp_core::peer::PeerAddress;

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
/// | `loopback` | 127.0.0.0/8 and ::1 |
/// | `private` | 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7 |
/// | `unix` | every process on a Unix socket |
/// | `unix:uid=1000`, `unix:gid=100` | processes of one user or group |
/// | `inproc` | this process |
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is the IPv4 address, in rules and in peers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressRules {
    /// Whether each pattern is allowed.
    rules: HashMap<Pattern, bool>,
    /// Prefix lengths in use, so that a look-up tries only those.
    v4_lengths: BTreeSet<u8>,
    v6_lengths: BTreeSet<u8>,
    /// How many rules allow.
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
        self.insert(rule, true)
    }

    /// Denies what `rule` covers.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn deny(&mut self, rule: &str) -> Result<(), AddressError> {
        self.insert(rule, false)
    }

    fn insert(&mut self, rule: &str, allowed: bool) -> Result<(), AddressError> {
        for pattern in pattern::parse(rule)? {
            match pattern {
                Pattern::Net(IpNet::V4(net)) => _ = self.v4_lengths.insert(net.prefix_len()),
                Pattern::Net(IpNet::V6(net)) => _ = self.v6_lengths.insert(net.prefix_len()),
                _ => {}
            }
            let replaced = self.rules.insert(pattern, allowed);
            self.allowing += usize::from(allowed);
            self.allowing -= usize::from(replaced == Some(true));
        }
        Ok(())
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules say about a peer at `address`.
    #[must_use]
    pub fn judge(&self, address: &PeerAddress) -> AddressVerdict {
        match self.narrowest(address) {
            Some(true) => AddressVerdict::Allowed,
            Some(false) => AddressVerdict::Denied,
            None if self.allowing > 0 => AddressVerdict::Unlisted,
            None => AddressVerdict::Allowed,
        }
    }

    /// What the narrowest rule says that covers `address`.
    fn narrowest(&self, address: &PeerAddress) -> Option<bool> {
        let first = |patterns: &[Pattern]| patterns.iter().find_map(|p| self.rules.get(p)).copied();
        match *address {
            PeerAddress::Ip(ip) => self.longest_prefix(ip.ip().to_canonical()),
            PeerAddress::Process { uid, gid, .. } => {
                first(&[Pattern::Uid(uid), Pattern::Gid(gid), Pattern::Unix])
            }
            PeerAddress::Inproc => first(&[Pattern::Inproc]),
            _ => None,
        }
    }

    fn longest_prefix(&self, ip: IpAddr) -> Option<bool> {
        let lengths = if ip.is_ipv4() { &self.v4_lengths } else { &self.v6_lengths };
        lengths.iter().rev().find_map(|length| {
            let net = IpNet::new(ip, *length).ok()?.trunc();
            self.rules.get(&Pattern::Net(net)).copied()
        })
    }
}
