//! What the tests of this crate share: octets written by hand, one side under test, and two of them.

mod node;
mod octets;
mod pair;

pub(crate) use node::{Node, Verdict, same_however_cut};
pub(crate) use octets::*;
pub(crate) use pair::{Cut, Pair, Way};

use std::sync::Arc;
use std::time::Duration;

use zmtp_core::auth::Domain;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::null::Null;
use zmtp_core::mechanism::plain::{PlainClient, PlainServer};
use zmtp_core::{Limits, SocketType};

pub(crate) fn null(socket_type: SocketType) -> ConnectionConfig {
    ConnectionConfig::new(socket_type, Arc::new(Null))
}

/// NULL with a domain: the authenticator is asked.
pub(crate) fn guarded(socket_type: SocketType) -> ConnectionConfig {
    null(socket_type).with_domain(Domain::new("test").unwrap())
}

/// A DEALER that is `admin` with password `secret`.
pub(crate) fn plain_client() -> ConnectionConfig {
    let security = PlainClient::new(b"admin", b"secret").unwrap();
    ConnectionConfig::new(SocketType::DEALER, Arc::new(security))
}

/// A ROUTER that asks for name and password.
pub(crate) fn plain_server() -> ConnectionConfig {
    ConnectionConfig::new(SocketType::ROUTER, Arc::new(PlainServer::default()))
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The default limits with some changed.
pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::DEFAULT;
    change(&mut limits);
    limits
}
