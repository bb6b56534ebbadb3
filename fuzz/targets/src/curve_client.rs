//! The client of CURVE. The plan of what is spoilt is in the octets.

use zmtp_core::mechanism::Role;

use crate::common::handshake;
use crate::common::side::Kind;

/// Complete only when what arrived is what the server said, with real boxes and with glass ones.
pub fn run(data: &[u8]) {
    handshake::run(Kind::Curve, Role::Client, data);
}
