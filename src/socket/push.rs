//! Push: hands work to PULL peers, each message to the next one in turn (30/PIPELINE).

use std::sync::Arc;

use crate::error::SendError;
use crate::pattern::duplex::Duplex;
use crate::socket::base::{Base, common, refused, sends};

/// hands work to PULL peers, each message to the next one in turn (30/PIPELINE).
#[derive(Debug)]
pub struct Push {
    base: Base,
    pattern: Arc<Duplex>,
}

common!(Push, PUSH, Duplex, |options| Duplex::pushing(&options));
sends!(
    Push,
    |this, message| this.pattern.try_send(message).ok_or(SendError::WouldBlock),
    this.pattern.out.changed()
);
