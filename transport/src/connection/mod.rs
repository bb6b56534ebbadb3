//! One connection on one stream: first its handshake, then its traffic.

mod bodies;
mod handshake;
pub(crate) mod memory;
mod pump;

pub(crate) use handshake::{Greeted, Hands, shake_hands};
pub(crate) use pump::{End, Pump};
