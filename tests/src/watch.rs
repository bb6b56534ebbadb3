//! Waiting for an event of a monitor, ours or theirs.

use std::fmt;

use ironhouse::error::{ConnectFailure, Disconnect};
use ironhouse::peer::Peer;
use ironhouse::{Connecting, Event, Monitor};
use libzmq_reference as zmq;
use std::sync::Arc;
use zmq::consts::*;
use zmtp_core::error::{Kind, ProtocolError, Side, Stage};

use crate::rt;

/// The first event that `wanted` makes something of; those before it are gone.
///
/// # Panics
/// If it does not come; says what came instead.
pub async fn event<T>(
    what: &str,
    monitor: &mut Monitor,
    mut wanted: impl FnMut(&Event) -> Option<T>,
) -> T {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(rt::LATE, async {
        while let Some(event) = monitor.next_event().await {
            if let Some(found) = wanted(&event) {
                return Some(found);
            }
            seen.push(event);
        }
        None
    });
    match found.await {
        Ok(Some(found)) => found,
        Ok(None) => panic!("{what}: our socket ended after {seen:#?}"),
        Err(_) => panic!("{what}: waited in vain for an event of ours after {seen:#?}"),
    }
}

/// Why the next handshake of ours failed.
///
/// # Panics
/// If none fails.
pub async fn failure(what: &str, monitor: &mut Monitor) -> ProtocolError {
    event(what, monitor, |event| match event {
        Event::HandshakeFailed { error, .. } => Some(error.clone()),
        _ => None,
    })
    .await
}

/// Who the next handshake of ours succeeded with.
///
/// # Panics
/// If none succeeds.
pub async fn success(what: &str, monitor: &mut Monitor) -> Arc<Peer> {
    event(what, monitor, |event| match event {
        Event::HandshakeSucceeded { peer, .. } => Some(peer.clone()),
        _ => None,
    })
    .await
}

/// Why the next connection of ours that was established ended.
///
/// # Panics
/// If none ends.
pub async fn disconnected(what: &str, monitor: &mut Monitor) -> Disconnect {
    event(what, monitor, |event| match event {
        Event::Disconnected { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

/// How `ready` of ours fails next.
///
/// # Panics
/// If it succeeds, or waits for ever.
pub async fn refusal(what: &str, connecting: &mut Connecting) -> ConnectFailure {
    match rt::in_time(what, connecting.ready()).await {
        Err(failure) => failure,
        Ok(peer) => panic!("{what}: was let in by {peer:?}"),
    }
}

/// What a failed handshake must look like on our side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Who broke it.
    pub side: Side,
    /// How far it had come.
    pub stage: Stage,
    /// What happened.
    pub kind: Kind,
    /// The catalogue's id of the rule.
    pub rule: &'static str,
}

impl Fault {
    /// A fault or decision of ours.
    pub fn local(stage: Stage, kind: impl Into<Kind>, rule: &'static str) -> Self {
        Self { side: Side::Local, stage, kind: kind.into(), rule }
    }

    /// A fault or decision of the peer.
    pub fn peer(stage: Stage, kind: impl Into<Kind>, rule: &'static str) -> Self {
        Self { side: Side::Peer, stage, kind: kind.into(), rule }
    }

    /// The peer closed without a word.
    #[must_use]
    pub fn closed(stage: Stage) -> Self {
        Self::peer(stage, Kind::PeerClosed, "ZMTP-ERROR-05")
    }
}

impl From<&ProtocolError> for Fault {
    fn from(error: &ProtocolError) -> Self {
        let ProtocolError { side, stage, kind } = error.clone();
        Self { side, stage, kind, rule: error.rule().id }
    }
}

/// The fault in a failed attempt to connect.
///
/// # Panics
/// If the attempt failed for reasons other than the protocol.
#[must_use]
pub fn fault_of(failure: &ConnectFailure) -> Fault {
    match &failure.cause {
        Disconnect::Protocol(error) => error.into(),
        other => panic!("the attempt failed for another reason: {other}"),
    }
}

/// What libzmq's monitor must tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Their {
    /// `ZMQ_EVENT_*`.
    pub event: u16,
    /// Its value, where it has one that means something.
    pub value: Option<u32>,
}

impl Their {
    /// The handshake is complete.
    pub const SUCCESS: Self = Self { event: ZMQ_EVENT_HANDSHAKE_SUCCEEDED, value: Some(0) };

    /// The connection ended, without a word about the reason.
    pub const DISCONNECTED: Self = Self { event: ZMQ_EVENT_DISCONNECTED, value: None };

    /// The handshake ended with an errno.
    #[must_use]
    pub const fn no_detail(errno: u32) -> Self {
        Self { event: ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, value: Some(errno) }
    }

    /// A rule was broken.
    #[must_use]
    pub const fn protocol(value: u32) -> Self {
        Self { event: ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, value: Some(value) }
    }

    /// A ZAP handler said no.
    #[must_use]
    pub const fn auth(status: u32) -> Self {
        Self { event: ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, value: Some(status) }
    }

    fn matches(self, event: &zmq::MonitorEvent) -> bool {
        event.event == self.event && self.value.is_none_or(|value| event.value == value)
    }
}

impl fmt::Debug for Their {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = zmq::MonitorEvent { event: self.event, value: 0, endpoint: String::new() };
        write!(f, "{}({:#x?})", name.name(), self.value)
    }
}

/// The events that say how a handshake went.
const OUTCOMES: u16 = ZMQ_EVENT_HANDSHAKE_SUCCEEDED
    | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
    | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
    | ZMQ_EVENT_DISCONNECTED;

/// Waits until libzmq tells how the first handshake went, and compares. Blocks.
///
/// # Panics
/// If it tells something else, or nothing.
pub fn theirs(what: &str, monitor: &zmq::Monitor, expected: Their) {
    match monitor.wait_for(OUTCOMES, rt::LATE) {
        Some(event) => {
            assert!(
                expected.matches(&event),
                "{what}: expected {expected:?}, libzmq says {event:?}"
            );
        }
        None => panic!("{what}: expected {expected:?}, libzmq says nothing"),
    }
}
