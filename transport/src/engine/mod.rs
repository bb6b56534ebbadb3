//! All endpoints and connections of one socket.

mod accept;
mod connect;
mod inproc;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;
use zap::GuardLimits;
use zmtp_core::SocketType;
use zmtp_core::auth::Authenticator;
use zmtp_core::connection::{Connection, ConnectionConfig, Doorkeeper, Link};
use zmtp_core::error::{LocalFault, ProtocolError, Stage};
use zmtp_core::peer::{Peer, PeerAddress, RoutingId};
use zmtp_core::traffic::Traffic;

pub use self::connect::{ConnectFailure, Connecting};
pub use self::inproc::Hub;
use crate::ask::Judge;
use crate::backlog::{Backlog, DepartedLimits};
use crate::backoff::{Reconnect, ReconnectStop};
use crate::clock::Clock;
use crate::connection::{End, Greeted, Hands, Pump, Reader};
use crate::endpoint::{Endpoint, EndpointError};
use crate::events::{Disconnect, Event, EventSink};
use crate::lock::lock;
use crate::net::{BindError, Listener, Stream, TransportOptions};
use crate::pipe::{HighWaterMarks, Owner, Pipe, PipeId};
use crate::random::OsRandom;
use crate::sessions::{Session, Sessions};
use crate::warning::{self, Refused};

/// Settings of an engine beside those of the protocol.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Who judges peers. Without one, a peer that would have to be judged is refused.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// How long the authenticator may take, and how many decisions may be pending. Default: 2 s and
    /// 1,024. The handshake's own limit applies too.
    pub authentication: GuardLimits,
    /// Connections in handshake per listener. Default: 1,024; a host that is not loopback gets a
    /// quarter of them.
    pub max_half_open: usize,
    /// Bounds of each pipe.
    pub marks: HighWaterMarks,
    /// How much may wait to be received from peers that have left, before new ones have to wait.
    pub departed: DepartedLimits,
    /// Each pipe keeps only the last message, instead of heeding the marks.
    pub conflate: bool,
    /// Pauses between attempts to connect.
    pub reconnect: Reconnect,
    /// What else ends the attempts for good. Default: nothing but a refusal by the peer and what is
    /// [permanent](crate::net::DialError::is_permanent).
    pub reconnect_stop: ReconnectStop,
    /// Options of the transport's sockets.
    pub transport: TransportOptions,
    /// Where `inproc://` names live.
    pub hub: Hub,
    /// Events that are kept for a slow reader. Default: 1,024.
    pub event_capacity: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            authenticator: None,
            authentication: GuardLimits::default(),
            max_half_open: 1024,
            marks: HighWaterMarks::default(),
            departed: DepartedLimits::default(),
            conflate: false,
            reconnect: Reconnect::default(),
            reconnect_stop: ReconnectStop::default(),
            transport: TransportOptions::default(),
            hub: Hub::global(),
            event_capacity: 1024,
        }
    }
}

/// `bind` or `connect` could not even begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The endpoint is malformed or cannot be used that way.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The endpoint cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The inproc name is bound already.
    #[error("{0} is bound already in this process")]
    NameTaken(Endpoint),
    /// The call was made outside of a tokio runtime.
    #[error("there is no tokio runtime here: call from within one")]
    NoRuntime,
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
    /// A peer's routing id has 1 to 255 octets and does not begin with a zero octet.
    #[error("a routing id has 1 to 255 octets and does not begin with a zero octet")]
    RoutingId,
    /// Another peer of the socket has the routing id, or will have it.
    #[error("another peer has the routing id \"{0}\"")]
    RoutingIdTaken(RoutingId),
    /// Sockets of this type do not give routing ids to their peers.
    #[error("a {0} socket has no routing ids for its peers: only a ROUTER does")]
    NoRoutingIds(SocketType),
    /// The socket has no such endpoint.
    #[error("the socket is neither bound nor connected to {0}")]
    NoSuchEndpoint(Endpoint),
}

/// All endpoints and connections of one socket.
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    owner: Arc<dyn Owner>,
    config: Arc<ConnectionConfig>,
    options: EngineOptions,
    judge: Judge,
    sessions: Arc<Sessions>,
    backlog: Arc<Backlog>,
    events: EventSink,
    clock: Clock,
    tasks: TaskTracker,
    /// No new connections, neither accepted nor made.
    closing: CancellationToken,
    /// Everything ends now.
    stop: CancellationToken,
    endpoints: Mutex<HashMap<Endpoint, Running>>,
    pipes: Mutex<HashMap<PipeId, Weak<Pipe>>>,
    /// Why the last endpoint stopped for good, while there is no other.
    refused: Mutex<Option<ConnectFailure>>,
    /// Whether there was such an endpoint, to be seen without the lock.
    any_refused: AtomicBool,
    /// Messages that were handed over for sending and never written.
    given_up: AtomicUsize,
    /// Where the tasks run.
    runtime: OnceLock<Handle>,
}

/// An established connection. Many of them may have nothing to do for long: what is not needed until the
/// end has no place here.
struct Standing {
    pump: Pump,
    session: Session,
}

/// Asks the owner about a peer at the end of its handshake.
#[derive(Debug)]
struct Door {
    owner: Arc<dyn Owner>,
    /// Of a connecter.
    pipe: Option<Arc<Pipe>>,
}

impl Doorkeeper for Door {
    fn admit(&mut self, peer: &Peer) -> Result<(), ProtocolError> {
        self.owner.admits(self.pipe.as_deref(), peer)
    }
}

/// A listener or connecter.
#[derive(Debug, Clone)]
struct Running {
    /// Ends it and its connections.
    stop: CancellationToken,
}

impl Engine {
    /// An engine for `owner`; nothing runs yet.
    #[must_use]
    pub fn new(
        owner: Arc<dyn Owner>,
        config: Arc<ConnectionConfig>,
        options: EngineOptions,
    ) -> Self {
        let events = EventSink::new(options.event_capacity);
        let judge = Judge::new(&options);
        Self {
            shared: Arc::new(Shared {
                owner,
                config,
                sessions: Sessions::new(judge.clone()),
                backlog: Backlog::new(options.departed, events.clone()),
                options,
                judge,
                events,
                clock: Clock::start(),
                tasks: TaskTracker::new(),
                closing: CancellationToken::new(),
                stop: CancellationToken::new(),
                endpoints: Mutex::default(),
                pipes: Mutex::default(),
                refused: Mutex::default(),
                any_refused: AtomicBool::new(false),
                given_up: AtomicUsize::new(0),
                runtime: OnceLock::new(),
            }),
        }
    }

    /// Begins to accept connections and says where, with ports and names that the system chose.
    ///
    /// # Errors
    /// One of [`StartError`].
    pub async fn bind(&self, endpoint: &Endpoint) -> Result<Endpoint, StartError> {
        let shared = &self.shared;
        let runtime = shared.runtime()?;
        endpoint.check_bind()?;
        let stop = shared.stop.child_token();
        let running = Running { stop: stop.clone() };
        let local = if let Endpoint::Inproc(_) = endpoint {
            let requests = shared.options.hub.bind(endpoint)?;
            let task = inproc::accept(shared.clone(), endpoint.clone(), requests, stop);
            shared.tasks.spawn_on(task, &runtime);
            endpoint.clone()
        } else {
            let listener = Listener::bind(endpoint, &shared.options.transport).await?;
            let local = listener.local().clone();
            let task = accept::accept(shared.clone(), listener, stop);
            shared.tasks.spawn_on(task, &runtime);
            local
        };
        shared.add_endpoint(local.clone(), running);
        shared.events.emit(Event::Listening { endpoint: local.clone() });
        Ok(local)
    }

    /// Begins to connect, and to connect again whenever the connection is lost.
    ///
    /// # Errors
    /// One of [`StartError`]. Whether the peer can be reached shows later.
    pub fn connect(&self, endpoint: &Endpoint) -> Result<Connecting, StartError> {
        self.connect_with(endpoint, |_| Ok(()))
    }

    /// The same, for an owner that has to `prepare` the pipe before anything else happens to it.
    ///
    /// # Errors
    /// One of [`StartError`], or what `prepare` says: then there is no connection.
    pub fn connect_with(
        &self,
        endpoint: &Endpoint,
        prepare: impl FnOnce(&Arc<Pipe>) -> Result<(), StartError>,
    ) -> Result<Connecting, StartError> {
        let shared = &self.shared;
        let runtime = shared.runtime()?;
        endpoint.check_connect()?;
        let pipe = shared.new_pipe();
        prepare(&pipe).inspect_err(|_| shared.retire(&pipe))?;
        let stop = shared.stop.child_token();
        shared.add_endpoint(endpoint.clone(), Running { stop: stop.clone() });
        shared.owner.connecting(&pipe);
        let (task, connecting) = connect::connect(shared.clone(), endpoint.clone(), pipe, stop);
        shared.tasks.spawn_on(task, &runtime);
        Ok(connecting)
    }

    /// Ends a listener or a connecter together with its connections. What was not sent is lost.
    ///
    /// # Errors
    /// [`StartError::NoSuchEndpoint`].
    pub fn release(&self, endpoint: &Endpoint) -> Result<(), StartError> {
        match lock(&self.shared.endpoints).remove(endpoint) {
            Some(running) => {
                running.stop.cancel();
                Ok(())
            }
            None => Err(StartError::NoSuchEndpoint(endpoint.clone())),
        }
    }

    /// Why nothing will happen any more: the last endpoint was refused for good.
    #[must_use]
    #[inline]
    pub fn refused(&self) -> Option<ConnectFailure> {
        let any = self.shared.any_refused.load(Ordering::Acquire);
        any.then(|| lock(&self.shared.refused).clone()).flatten()
    }

    /// A reader of all events from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// A reader of the owner's own events from now on, if there are any: those about subscriptions.
    #[must_use]
    pub fn owner_events(&self) -> Option<broadcast::Receiver<Event>> {
        self.shared.owner.events().map(EventSink::subscribe)
    }

    /// Tasks that run for this socket: one per listener, connecter and connection.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.shared.tasks.len()
    }

    /// As [`close`](Self::close), in the background of the runtime that the socket was used in.
    pub fn close_in_background(&self, linger: Duration) {
        if let Some(runtime) = self.shared.runtime.get() {
            let engine = self.clone();
            runtime.spawn(async move { engine.close(linger).await });
        }
    }

    /// Accepts and connects no more, gives what waits to be sent up to `linger` to leave, then ends
    /// everything. Gives the number of messages that could not be sent.
    pub async fn close(&self, linger: Duration) -> usize {
        let shared = &self.shared;
        let before = shared.given_up.load(Ordering::Relaxed);
        shared.closing.cancel();
        shared.tasks.close();
        for pipe in shared.pipes() {
            pipe.finish();
        }
        if tokio::time::timeout(linger, shared.tasks.wait()).await.is_err() {
            shared.stop.cancel();
            shared.tasks.wait().await;
        }
        shared.stop.cancel();
        let given_up = shared.given_up.load(Ordering::Relaxed) - before;
        if given_up > 0 {
            tracing::warn!(
                given_up,
                ?linger,
                "messages could not be sent before the socket closed"
            );
        }
        given_up
    }
}

impl Shared {
    fn runtime(&self) -> Result<Handle, StartError> {
        if self.closing.is_cancelled() {
            return Err(StartError::Closed);
        }
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let begin = || {
            runtime.spawn(self.sessions.clone().watch(self.stop.clone()));
            runtime.clone()
        };
        Ok(self.runtime.get_or_init(begin).clone())
    }

    fn add_endpoint(&self, endpoint: Endpoint, running: Running) {
        lock(&self.endpoints).insert(endpoint, running);
        *lock(&self.refused) = None;
    }

    /// No other attempt will be made at an endpoint.
    fn endpoint_refused(&self, failure: &ConnectFailure) {
        let mut endpoints = lock(&self.endpoints);
        endpoints.remove(&failure.endpoint);
        let last = endpoints.is_empty();
        drop(endpoints);
        if last {
            *lock(&self.refused) = Some(failure.clone());
            self.any_refused.store(true, Ordering::Release);
            self.owner.stopped();
        }
    }

    fn new_pipe(&self) -> Arc<Pipe> {
        let pipe = Pipe::new(self.owner.clone(), self.options.marks, self.options.conflate);
        lock(&self.pipes).insert(pipe.id(), Arc::downgrade(&pipe));
        pipe
    }

    /// The pipe will have no connection any more.
    fn retire(&self, pipe: &Arc<Pipe>) {
        lock(&self.pipes).remove(&pipe.id());
        self.owner.lost(pipe, false);
        self.given_up.fetch_add(pipe.close(), Ordering::Relaxed);
        self.backlog.report();
    }

    fn pipes(&self) -> Vec<Arc<Pipe>> {
        lock(&self.pipes).values().filter_map(Weak::upgrade).collect()
    }

    fn hands(&self, evicted: CancellationToken) -> Hands {
        Hands { judge: self.judge.clone(), evicted, clock: self.clock, refused: OnceLock::new() }
    }

    /// The protocol side of a new connection. `listener` is our endpoint.
    fn connection(
        &self,
        listener: Arc<str>,
        address: &PeerAddress,
        pipe: Option<&Arc<Pipe>>,
    ) -> Result<Connection, ProtocolError> {
        let link = Link { address: address.clone(), listener };
        let door = Door { owner: self.owner.clone(), pipe: pipe.cloned() };
        Connection::new(self.config.clone(), link, self.clock.now(), &mut OsRandom)
            .map(|connection| connection.with_doorkeeper(door))
            .map_err(|_| ProtocolError::local(Stage::Greeting, LocalFault::Random))
    }

    fn succeeded(&self, endpoint: &Endpoint, peer: Arc<Peer>, pipe: &Pipe) {
        let (endpoint, routing_id) = (endpoint.clone(), pipe.label());
        self.events.emit(Event::HandshakeSucceeded { endpoint, peer, routing_id });
    }

    /// A handshake came to nothing.
    fn failed(
        &self,
        endpoint: &Endpoint,
        address: &PeerAddress,
        error: ProtocolError,
        refused: Option<&Refused>,
    ) {
        let mechanism = self.config.security().mechanism();
        warning::peer_failed(endpoint, address, mechanism, &error, refused);
        let (endpoint, address) = (endpoint.clone(), address.clone());
        self.events.emit(Event::HandshakeFailed { endpoint, address, error });
    }

    /// A connection that stood is gone.
    fn disconnected(
        &self,
        endpoint: &Endpoint,
        peer: &Peer,
        session: &Session,
        cause: &Disconnect,
        lost: usize,
    ) {
        if let Disconnect::Protocol(error) = cause {
            warning::peer_broken(endpoint, peer, error, lost, session.revoked_by());
        }
        self.events.emit(Event::Disconnected {
            endpoint: endpoint.clone(),
            address: peer.verified.address.clone(),
            cause: cause.clone(),
            lost,
        });
    }

    /// Lets an established connection in, and reports it.
    fn admit(
        &self,
        endpoint: &Endpoint,
        stream: Stream,
        greeted: Greeted,
        pipe: &Arc<Pipe>,
        stop: &CancellationToken,
    ) -> Result<Standing, ProtocolError> {
        let Greeted { traffic, input, judged } = greeted;
        let Traffic { peer, incoming, outgoing, heartbeat } = *traffic;
        let stream = Arc::new(stream);
        let admitted =
            pipe.go_online(&peer, outgoing, &stream).and_then(|()| self.owner.established(pipe));
        if let Err(error) = admitted {
            pipe.go_offline();
            self.failed(endpoint, &peer.verified.address, error.clone(), None);
            return Err(error);
        }
        let session = self.sessions.enter(pipe.id(), judged, &peer, stop);
        self.succeeded(endpoint, peer.clone(), pipe);
        if self.closing.is_cancelled() {
            pipe.finish();
        }
        let reader = Reader::new(stream.clone(), input, incoming, session.stop(stop).clone());
        let pump = Pump::new(stream, pipe.clone(), reader, heartbeat);
        Ok(Standing { pump, session })
    }

    /// An established connection has come to its end, or was stopped: reports it. `reconnecting` says
    /// whether the pipe outlives the connection.
    fn dismiss(
        &self,
        endpoint: &Endpoint,
        standing: &Standing,
        end: Option<End>,
        reconnecting: bool,
    ) -> Disconnect {
        let Standing { pump, session } = standing;
        let (stream, pipe) = pump.ends();
        pipe.seat(None);
        let peer = pipe.peer();
        if end == Some(End::Finished) {
            // Everything is in the hands of the system; let the peer see an orderly end.
            let _ = stream.shutdown_write();
        }
        pipe.suspend();
        self.owner.lost(pipe, reconnecting);
        let lost = pipe.go_offline();
        self.given_up.fetch_add(lost, Ordering::Relaxed);
        let cause = match end {
            Some(End::Finished) => Disconnect::Local,
            Some(End::Broken(cause)) => cause,
            None => put_out(session),
        };
        if let Some(peer) = peer {
            self.disconnected(endpoint, &peer, session, &cause, lost);
        }
        cause
    }
}

/// Moves octets until the connection ends, or until it is stopped, which is `None`.
struct Moving<'a, 'b> {
    pump: &'a mut Pump,
    stopped: Pin<&'a mut WaitForCancellationFuture<'b>>,
    clock: &'a Clock,
}

impl Future for Moving<'_, '_> {
    type Output = Option<End>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<End>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let clock = *self.clock;
        self.pump.poll(cx, clock).map(Some)
    }
}

/// Why this side ended a connection that stood.
fn put_out(session: &Session) -> Disconnect {
    session.revoked().cloned().map_or(Disconnect::Local, Disconnect::Protocol)
}
