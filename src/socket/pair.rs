//! Pair: talks to one other PAIR and no second (31/EXPAIR).

use std::sync::Arc;

use crate::error::SendError;
use crate::pattern::pair::Exclusive;
use crate::socket::base::{Base, common, receives, refused, sends};

/// Talks to one other PAIR and no second (31/EXPAIR).
///
/// The peer is whoever was first: the endpoint that was connected to, from `connect` on and as long as
/// the socket tries to reach it, or the first that connected in, until it leaves. All others are
/// refused, which the [`Monitor`](crate::Monitor) tells as a failed handshake with
/// `LocalFault::Occupied`.
#[derive(Debug)]
pub struct Pair {
    base: Base,
    pattern: Arc<Exclusive>,
}

common!(Pair, PAIR, Exclusive, |options| Exclusive::new(options.immediate));
sends!(
    Pair,
    |this, message| this.pattern.try_send(message).ok_or(SendError::WouldBlock),
    &this.pattern.changed
);
receives!(Pair, |this| this.pattern.queue.take());
