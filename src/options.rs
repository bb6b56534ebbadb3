//! What can be set on a socket before it is made.

mod applies;
mod pubsub;
mod reqrep;
mod transport;

use std::time::Duration;

use ::transport::{DepartedLimits, EngineOptions, HighWaterMarks, Hub, Reconnect, ReconnectStop};
use bytes::Bytes;
use zmtp_core::Limits;
use zmtp_core::peer::RoutingId;
use zmtp_core::traffic::HeartbeatConfig;
use zmtp_core::wire::heartbeat::Ttl;
use zmtp_core::wire::metadata::Metadata;

pub(crate) use self::pubsub::{PubSub, Told};
use self::reqrep::ReqRep;
pub use self::reqrep::RouterNotify;
use crate::error::ConfigError;
use crate::security::Security;

/// How long a socket that is dropped or closed tries to send what waits, unless told otherwise.
pub const DEFAULT_LINGER: Duration = Duration::from_secs(30);

/// Options of a socket, complete before the socket is made: none can come too late.
///
/// None is ignored either. An option that begins with the names of socket types is for those only, and
/// making a socket of another type with it fails
/// ([`ConfigError::OptionNotForType`](crate::error::ConfigError::OptionNotForType)), unless it asks for
/// nothing, as `conflate(false)` does. Bounds are for all types.
///
/// ```
/// use std::time::Duration;
/// use ironhouse::Options;
///
/// let options = Options::new().send_high_water_mark(10_000).linger(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) security: Security,
    pub(crate) limits: Limits,
    pub(crate) routing_id: RoutingId,
    pub(crate) properties: Metadata,
    pub(crate) heartbeat: HeartbeatConfig,
    pub(crate) engine: EngineOptions,
    pub(crate) linger: Duration,
    pub(crate) immediate: bool,
    pub(crate) reqrep: ReqRep,
    pub(crate) pubsub: PubSub,
    pub(crate) send_limit: Option<Duration>,
    pub(crate) recv_limit: Option<Duration>,
    pub(crate) spin: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: no security, finite limits everywhere.
    pub fn new() -> Self {
        Self {
            security: Security::null(),
            limits: Limits::DEFAULT,
            routing_id: RoutingId::default(),
            properties: Metadata::new(),
            heartbeat: HeartbeatConfig::default(),
            engine: EngineOptions::default(),
            linger: DEFAULT_LINGER,
            immediate: false,
            reqrep: ReqRep::default(),
            pubsub: PubSub::default(),
            send_limit: None,
            recv_limit: None,
            spin: Duration::ZERO,
        }
    }

    /// Mechanism, keys and authenticator. Default: [`Security::null`].
    pub fn security(mut self, security: impl Into<Security>) -> Self {
        self.security = security.into();
        self
    }

    /// REQ, DEALER and ROUTER: the id by which a ROUTER peer knows this socket (`ZMQ_ROUTING_ID`): 1 to
    /// 255 octets that do not begin with zero. Default: the ROUTER makes one up.
    ///
    /// # Errors
    /// [`ConfigError::RoutingId`] for any other length or a leading zero.
    pub fn routing_id(mut self, id: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let id = RoutingId::new(id).filter(|id| !id.is_empty() && !id.is_reserved());
        self.routing_id = id.ok_or(ConfigError::RoutingId)?;
        Ok(self)
    }

    /// A property to tell every peer (`ZMQ_METADATA`); its name begins with `X-`.
    ///
    /// # Errors
    /// [`ConfigError::PropertyName`] for another name, [`ConfigError::Metadata`] if it cannot be
    /// expressed on the wire.
    pub fn property(mut self, name: &str, value: impl Into<Bytes>) -> Result<Self, ConfigError> {
        if !name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-")) {
            return Err(ConfigError::PropertyName(name.to_owned()));
        }
        self.properties.push(name, value)?;
        Ok(self)
    }

    /// How much may wait to be received from peers that have connected and left again, over all of them;
    /// zero means no bound. What is beyond it is not lost: no message of a new peer is taken until half
    /// of it was received ([`Event::BacklogFull`](crate::Event::BacklogFull)). Default: 10,000 messages,
    /// 64 MiB.
    pub fn departed_limits(mut self, limits: DepartedLimits) -> Self {
        self.engine.departed = limits;
        self
    }

    /// Messages that may wait to be sent to one peer; zero means no mark (`ZMQ_SNDHWM`). Default: 1,000.
    pub fn send_high_water_mark(mut self, messages: usize) -> Self {
        self.engine.marks.send = messages;
        self
    }

    /// Messages of one peer that may wait to be received; zero means no mark (`ZMQ_RCVHWM`). Default:
    /// 1,000.
    pub fn receive_high_water_mark(mut self, messages: usize) -> Self {
        self.engine.marks.receive = messages;
        self
    }

    /// PUSH, PULL, DEALER, PUB and SUB: keep only the last message to each peer and from each peer, in
    /// place of the marks (`ZMQ_CONFLATE`). Unlike in libzmq, other types refuse it, and a message may
    /// have several parts. Default: off.
    pub fn conflate(mut self, on: bool) -> Self {
        self.engine.conflate = on;
        self
    }

    /// Both marks at once.
    pub fn high_water_marks(mut self, marks: HighWaterMarks) -> Self {
        self.engine.marks = marks;
        self
    }

    /// How long closing or dropping the socket tries to send what waits (`ZMQ_LINGER`). Default: 30 s.
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// How long `send` waits for a peer to take the message until it fails with
    /// [`TimedOut`](crate::error::SendError::TimedOut) (`ZMQ_SNDTIMEO`). Default: without end. Streams and
    /// sinks wait without end.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.send_limit = Some(timeout);
        self
    }

    /// How long `recv` waits for a message until it fails with
    /// [`TimedOut`](crate::error::RecvError::TimedOut) (`ZMQ_RCVTIMEO`). Default: without end. Streams and
    /// sinks wait without end.
    pub fn recv_timeout(mut self, timeout: Duration) -> Self {
        self.recv_limit = Some(timeout);
        self
    }

    /// All types that receive: how long `recv` looks for a message again and again before it sleeps.
    /// Default: not at all; a [blocking](crate::blocking) socket up to 60 µs where messages came within that time
    /// lately.
    ///
    /// Waking an idle core takes tens of microseconds. Who expects the next message sooner than that, as a
    /// REQ does its answer, gets it faster for the price of a core that never rests: some 100 µs are
    /// plenty. An asynchronous socket lets its runtime go on meanwhile, and a blocking one all blocking
    /// sockets, but either keeps its core, so spin only where there is one for each.
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = time;
        self
    }

    /// REQ, DEALER, PUSH and PAIR: send only over connections that stand; without it, messages wait for
    /// one that is being made (`ZMQ_IMMEDIATE`). Default: off. All other types only ever send over
    /// connections that stand.
    pub fn immediate(mut self, on: bool) -> Self {
        self.immediate = on;
        self
    }

    /// Time between two PINGs to a silent peer (`ZMQ_HEARTBEAT_IVL`). Default: none are sent.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat.interval = Some(interval);
        self
    }

    /// Time without a sign of life after a PING until the peer is given up (`ZMQ_HEARTBEAT_TIMEOUT`).
    /// Needs an interval. Default: the interval.
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat.timeout = Some(timeout);
        self
    }

    /// How long the peer should wait for a sign of life of ours, in steps of a tenth of a second up to
    /// 6,553.5 s (`ZMQ_HEARTBEAT_TTL`). PINGs carry it, so it needs an interval. Default: no limit.
    pub fn heartbeat_ttl(mut self, ttl: Duration) -> Self {
        self.heartbeat.ttl = Ttl::from_duration(ttl);
        self
    }

    /// Pauses between attempts to connect (`ZMQ_RECONNECT_IVL`, `ZMQ_RECONNECT_IVL_MAX`).
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.engine.reconnect = reconnect;
        self
    }

    /// What ends the attempts to connect for good, beside a refusal by the peer and what no attempt can
    /// change (`ZMQ_RECONNECT_STOP`). Default: nothing.
    pub fn reconnect_stop(mut self, stop: ReconnectStop) -> Self {
        self.engine.reconnect_stop = stop;
        self
    }

    /// Connections in handshake per listener. Default: 1,024.
    pub fn max_half_open(mut self, connections: usize) -> Self {
        self.engine.max_half_open = connections;
        self
    }

    /// How long the authenticator may take for one decision; then the peer is refused with 300, and may
    /// try again. Default: 2 s.
    pub fn authentication_limit(mut self, limit: Duration) -> Self {
        self.engine.authentication.time = limit;
        self
    }

    /// Decisions of the authenticator that may be pending at once; more peers are refused with 300.
    /// Default: 1,024.
    pub fn max_pending_authentications(mut self, decisions: usize) -> Self {
        self.engine.authentication.pending = decisions;
        self
    }

    /// Where `inproc://` names live. Default: one space for the process.
    pub fn hub(mut self, hub: Hub) -> Self {
        self.engine.hub = hub;
        self
    }
}
