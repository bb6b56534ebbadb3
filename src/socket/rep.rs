//! Rep: answers one question after the other (28/REQREP).

use std::sync::Arc;

use crate::pattern::rep::Reply;
use crate::socket::base::{Base, common, receives, refused, sends};

/// answers one question after the other (28/REQREP).
#[derive(Debug)]
pub struct Rep {
    base: Base,
    pattern: Arc<Reply>,
}

common!(Rep, REP, Reply, |options| Reply::new());
sends!(Rep, |this, message| this.pattern.try_send(message), &this.pattern.writable);
receives!(
    Rep,
    |this| this.pattern.take(),
    this.pattern.has_message(),
    Err(this.pattern.why_none())
);
