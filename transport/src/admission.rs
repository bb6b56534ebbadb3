//! Who may be in handshake with a listener at the same time.
//!
//! A peer that has not authenticated costs a descriptor and some memory. When all places are taken,
//! the oldest half-open connection leaves, so that silent peers cannot keep an honest one out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_util::sync::CancellationToken;
use zmtp_core::peer::PeerAddress;

use crate::lock::lock;

/// The network whose half-open connections count together. `None` for loopback and for what is no IP
/// address: there the quarter does not apply.
fn host_of(address: &PeerAddress) -> Option<IpAddr> {
    address.network().filter(|_| address.ip().is_some_and(|ip| !ip.is_loopback()))
}

#[derive(Debug)]
pub(crate) struct Admission {
    places: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    half_open: BTreeMap<u64, (Option<IpAddr>, CancellationToken)>,
    hosts: HashMap<IpAddr, BTreeMap<u64, ()>>,
}

/// The place of one half-open connection; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    number: u64,
    evicted: CancellationToken,
}

impl Admission {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places: places.max(1), table: Mutex::default() })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    /// Takes a place; the oldest connection of the same host, or the oldest of all, makes room.
    pub(crate) fn enter(self: &Arc<Self>, address: &PeerAddress) -> Place {
        let host = host_of(address);
        let mut table = self.table();
        let of_host = host.and_then(|host| table.hosts.get(&host));
        let quota = (self.places / 4).max(1);
        let oldest = match of_host {
            Some(of_host) if of_host.len() >= quota => of_host.keys().next().copied(),
            _ if table.half_open.len() >= self.places => table.half_open.keys().next().copied(),
            _ => None,
        };
        if let Some((_, evicted)) = oldest.and_then(|oldest| table.remove(oldest)) {
            evicted.cancel();
        }
        let number = table.next;
        table.next += 1;
        let evicted = CancellationToken::new();
        table.half_open.insert(number, (host, evicted.clone()));
        if let Some(host) = host {
            table.hosts.entry(host).or_default().insert(number, ());
        }
        Place { admission: self.clone(), number, evicted }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.table().half_open.len()
    }
}

impl Table {
    fn remove(&mut self, number: u64) -> Option<(Option<IpAddr>, CancellationToken)> {
        let removed = self.half_open.remove(&number)?;
        if let Some(host) = removed.0
            && let Some(of_host) = self.hosts.get_mut(&host)
        {
            of_host.remove(&number);
            if of_host.is_empty() {
                self.hosts.remove(&host);
            }
        }
        Some(removed)
    }
}

impl Place {
    /// Fires when another connection needs this place.
    pub(crate) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.table().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> PeerAddress {
        PeerAddress::Ip(text.parse().expect("an address"))
    }

    // hostile: R1
    #[test]
    fn the_oldest_makes_room() {
        let admission = Admission::new(8);
        let places: Vec<_> =
            (0..8).map(|n| admission.enter(&at(&format!("10.0.0.{n}:1")))).collect();
        let newcomer = admission.enter(&at("10.0.0.99:1"));
        assert!(places[0].evicted().is_cancelled());
        assert!(places[1..].iter().all(|place| !place.evicted().is_cancelled()));
        assert!(!newcomer.evicted().is_cancelled());
        assert_eq!(admission.len(), 8);
        drop(places);
        drop(newcomer);
        assert_eq!(admission.len(), 0);
    }

    #[test]
    fn a_host_has_a_quarter_and_loopback_all() {
        let admission = Admission::new(8);
        let other = admission.enter(&at("10.0.0.1:1"));
        let first = admission.enter(&at("[2001:db8::1]:1"));
        let second = admission.enter(&at("[2001:db8::2]:1"));
        let third = admission.enter(&at("[2001:db8::3]:1"));
        assert!(first.evicted().is_cancelled(), "one /64 counts as one host");
        assert!(!second.evicted().is_cancelled() && !other.evicted().is_cancelled());
        let local: Vec<_> = (0..5).map(|_| admission.enter(&at("127.0.0.1:1"))).collect();
        assert!(local.iter().all(|place| !place.evicted().is_cancelled()));
        drop(third);
    }

    /// One below the default limit, at it, and one above; of one host and of all.
    #[test]
    fn the_default_places_are_exact() {
        const PLACES: usize = 1024;
        for (what, limit, host) in
            [("a host", PLACES / 4, true), ("all", PLACES, false), ("loopback", PLACES, true)]
        {
            for count in [limit - 1, limit, limit + 1] {
                let admission = Admission::new(PLACES);
                let address = |n: usize| match what {
                    "loopback" => at("127.0.0.1:1"),
                    _ if host => at("10.0.0.1:1"),
                    _ => at(&format!("10.{}.{}.1:1", n / 256, n % 256)),
                };
                let places: Vec<_> = (0..count).map(|n| admission.enter(&address(n))).collect();
                let evicted = places.iter().filter(|it| it.evicted().is_cancelled()).count();
                assert_eq!(evicted, count.saturating_sub(limit), "{what}: {count}");
            }
        }
        assert_eq!(crate::EngineOptions::default().max_half_open, PLACES);
    }
}
