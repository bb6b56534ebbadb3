//! One connection on one stream: first its handshake, then its traffic.

mod bodies;
mod handshake;
pub(crate) mod memory;
mod pump;
mod reader;
mod write;

pub(crate) use handshake::{Greeted, Hands, begin_to_shake_hands, shake_hands};
pub(crate) use pump::{End, Pump};
pub(crate) use reader::Reader;
pub use reader::Visit;
pub(crate) use write::write_some;
