//! The other side of NULL, which differs in nothing but what it is called. The plan of what is spoilt is in the octets.

use zmtp_core::mechanism::Role;

use crate::common::handshake;
use crate::common::side::Kind;

/// Complete exactly when a greeting and a READY by the book have come.
pub fn run(data: &[u8]) {
    handshake::run(|_| Kind::Null, Role::Server, data);
}
