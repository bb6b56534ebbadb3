//! Dealer: talks to REP, DEALER and ROUTER peers without waiting for answers (28/REQREP).

use std::sync::Arc;

use crate::error::SendError;
use crate::pattern::duplex::Duplex;
use crate::socket::base::{Base, common, receives, refused, sends};

/// talks to REP, DEALER and ROUTER peers without waiting for answers (28/REQREP).
#[derive(Debug)]
pub struct Dealer {
    base: Base,
    pattern: Arc<Duplex>,
}

common!(Dealer, DEALER, Duplex, |options| Duplex::dealing(&options));
sends!(
    Dealer,
    |this, message| this.pattern.try_send(message).ok_or(SendError::WouldBlock),
    this.pattern.out.changed()
);
receives!(Dealer, |this| this.pattern.queue.take());
