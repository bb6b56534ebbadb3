//! The client of PLAIN. The plan of what is spoilt is in the octets.

use zmtp_core::mechanism::Role;

use crate::common::handshake;
use crate::common::side::Kind;

/// The password leaves only after a greeting that says PLAIN; complete exactly by the book.
pub fn run(data: &[u8]) {
    handshake::run(|_| Kind::Plain, Role::Client, data);
}
