//! The first 64 octets: `[how to cut, octets..]`.

use std::sync::Arc;

use zmtp_core::SocketType;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::null::Null;
use zmtp_core::wire::greeting::Greeting;

use crate::common::node::{Cut, Node};
use crate::common::{naive, split};

/// Greetings are judged on the octets that are there, and never read beyond the 64th.
pub fn run(data: &[u8]) {
    let ([cut], octets) = split(data);
    let whole = Greeting::decode(octets);
    assert_eq!(Greeting::decode(octets.get(..64).unwrap_or(octets)), whole, "beyond the 64th octet");
    for at in 0..octets.len().min(64) {
        let part = Greeting::decode(&octets[..at]);
        assert!(part == Ok(None) || part == whole, "{part:?} at {at}, then {whole:?}");
    }
    let read = naive::greeting(octets);
    assert_eq!(matches!(whole, Ok(Some(_))), read.is_some(), "{whole:?} is {read:?}");
    if let (Ok(Some(greeting)), Some(read)) = (&whole, &read) {
        let again = greeting.encode();
        assert_eq!(again[10..33], octets[10..33], "what counts");
        let version = (greeting.version.major, greeting.version.minor);
        assert_eq!((version, greeting.as_server), (read.version, read.as_server));
        assert_eq!(greeting.mechanism.octets()[..], read.mechanism);
    }
    let node = |cut| {
        let config = ConnectionConfig::new(SocketType::PULL, Arc::new(Null));
        let mut node = Node::new(config, 0, cut);
        node.feed(octets);
        node
    };
    let whole = node(Cut::Whole);
    if whole.error.as_ref().is_some_and(|error| error.stage <= zmtp_core::error::Stage::Mechanism) {
        assert!(whole.unread() + 64 >= octets.len(), "more than a greeting was taken");
    }
    let cut = node(Cut::Every(usize::from(cut) % 64 + 1));
    assert_eq!(cut.verdict(), whole.verdict(), "cut and whole");
}
