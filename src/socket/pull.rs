//! Pull: takes work in from PUSH peers, fairly (30/PIPELINE).

use std::sync::Arc;

use crate::pattern::duplex::Duplex;
use crate::socket::base::{Base, common, receives, refused};

/// takes work in from PUSH peers, fairly (30/PIPELINE).
#[derive(Debug)]
pub struct Pull {
    base: Base,
    pattern: Arc<Duplex>,
}

common!(Pull, PULL, Duplex, |options| Duplex::pulling(&options));
receives!(Pull, |this| this.pattern.queue.take());
