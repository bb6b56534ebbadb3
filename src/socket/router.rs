//! Router: talks to each peer by its routing id, the first part of every message (28/REQREP).

use std::sync::Arc;

use crate::error::RecvError;
use crate::pattern::router::Routing;
use crate::socket::base::{Base, common, receives, refused, sends};

/// talks to each peer by its routing id, the first part of every message (28/REQREP).
#[derive(Debug)]
pub struct Router {
    base: Base,
    pattern: Arc<Routing>,
}

common!(Router, ROUTER, Routing, |options| Routing::new(&options));
sends!(Router, |this, message| this.pattern.try_send(message), &this.pattern.changed);
receives!(Router, |this| this.pattern.try_recv().ok_or(RecvError::WouldBlock));
