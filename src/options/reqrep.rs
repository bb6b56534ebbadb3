//! Options of REQ, DEALER and ROUTER.

use super::Options;

/// Settings of sockets that ask and route.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReqRep {
    pub(crate) relaxed: bool,
    pub(crate) correlate: bool,
    pub(crate) probe: bool,
    /// Unless set, as the type has it.
    pub(crate) mandatory: Option<bool>,
    pub(crate) handover: bool,
    pub(crate) notify: Option<RouterNotify>,
}

/// What a ROUTER's application is told of its peers by messages of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouterNotify {
    /// That one is there (`ZMQ_NOTIFY_CONNECT`).
    Connect,
    /// That one has left (`ZMQ_NOTIFY_DISCONNECT`).
    Disconnect,
    /// Both.
    All,
}

impl RouterNotify {
    /// Whether a peer that is there is told.
    pub(crate) const fn connect(self) -> bool {
        matches!(self, Self::Connect | Self::All)
    }

    /// Whether a peer that has left is told.
    pub(crate) const fn disconnect(self) -> bool {
        matches!(self, Self::Disconnect | Self::All)
    }
}

impl Options {
    /// REQ: `send` is allowed while an answer is owed, and gives the former request up
    /// (`ZMQ_REQ_RELAXED`). Use it together with [`req_correlate`](Self::req_correlate): otherwise a late
    /// answer of the same peer to the former request passes for the answer to the new one. Default: off.
    pub fn req_relaxed(mut self, on: bool) -> Self {
        self.reqrep.relaxed = on;
        self
    }

    /// REQ: every request carries a number of four octets in front of its delimiter, and only an answer
    /// with the same number is one (`ZMQ_REQ_CORRELATE`). The peer has to send the whole envelope back,
    /// as every REP does. Default: off.
    pub fn req_correlate(mut self, on: bool) -> Self {
        self.reqrep.correlate = on;
        self
    }

    /// REQ, DEALER and ROUTER: each new peer is sent an empty message before anything else, so that a
    /// ROUTER learns of this socket although it has nothing to say yet (`ZMQ_PROBE_ROUTER`). Only for
    /// sockets whose peers expect that. Default: off.
    pub fn probe_router(mut self, on: bool) -> Self {
        self.reqrep.probe = on;
        self
    }

    /// ROUTER: a message for an unknown routing id is an error (`ZMQ_ROUTER_MANDATORY`). Default: on,
    /// unlike libzmq; when off, such messages are dropped.
    pub fn router_mandatory(mut self, on: bool) -> Self {
        self.reqrep.mandatory = Some(on);
        self
    }

    /// ROUTER: a peer takes over the routing id of a live one with the same user id
    /// (`ZMQ_ROUTER_HANDOVER`, which asks for no user id). Default: off, the newcomer is refused.
    pub fn router_handover(mut self, on: bool) -> Self {
        self.reqrep.handover = on;
        self
    }

    /// ROUTER: `recv` gives a message of a routing id and an empty part when a peer is there, before
    /// what it sends, and when it has left, behind what it sent (`ZMQ_ROUTER_NOTIFY`). A peer may send
    /// such a message too: who must be certain watches the [`Monitor`](crate::Monitor), whose events name
    /// the routing ids. A hand-over is told as a new peer only. Default: nothing is told.
    pub fn router_notify(mut self, what: RouterNotify) -> Self {
        self.reqrep.notify = Some(what);
        self
    }
}
