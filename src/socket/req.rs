//! Req: asks one peer in turn and receives its answer, strictly one after the other (28/REQREP).

use std::sync::Arc;

use crate::pattern::req::Request;
use crate::socket::base::{Base, common, receives, refused, sends};

/// asks one peer in turn and receives its answer, strictly one after the other (28/REQREP).
#[derive(Debug)]
pub struct Req {
    base: Base,
    pattern: Arc<Request>,
}

common!(Req, REQ, Request, |options| Request::new(&options));
sends!(Req, |this, message| this.pattern.try_send(message), this.pattern.out.changed());
receives!(Req, |this| this.pattern.take(), this.pattern.has_message(), this.pattern.look_again());
