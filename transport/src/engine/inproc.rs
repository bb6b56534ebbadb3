//! Connections within the process: no octets, but the same handshake in memory, so that the same
//! rules hold and the same authenticator is asked.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::BytesMut;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use zmtp_core::connection::{Connection, Event as CoreEvent};
use zmtp_core::error::{Kind, ProtocolError, Side};
use zmtp_core::peer::{Peer, PeerAddress};

use super::connect::{Attempt, Connecter};
use super::{Shared, StartError};
use crate::connection::Hands;
use crate::endpoint::Endpoint;
use crate::events::{Disconnect, Event};
use crate::lock::lock;
use crate::pipe::{Joint, Pipe};
use crate::sessions::{Judged, Session};

/// A space of `inproc://` names.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    inner: Arc<Names>,
}

#[derive(Debug, Default)]
struct Names {
    bound: Mutex<HashMap<Endpoint, mpsc::UnboundedSender<Request>>>,
    changed: Notify,
    /// A ZAP handler was bound, and not dismissed since.
    handler: AtomicBool,
}

/// Somebody wants to connect to a bound name.
pub(super) struct Request {
    connection: Connection,
    hands: Hands,
    reply: oneshot::Sender<Result<Joined, ProtocolError>>,
}

/// Both ends agreed, and the one that was bound has its pipe ready.
struct Joined {
    peer: Arc<Peer>,
    /// For judging the peer again.
    judged: Option<Judged>,
    pipe: Arc<Pipe>,
    joint: Arc<Joint>,
}

impl Hub {
    /// A space of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The space that all sockets share unless told otherwise.
    #[must_use]
    pub fn global() -> Self {
        static GLOBAL: OnceLock<Hub> = OnceLock::new();
        GLOBAL.get_or_init(Self::new).clone()
    }

    /// Lets the authenticators of the sockets decide again, unless a ZAP handler is bound at
    /// `inproc://zeromq.zap.01` now. Without this call one that was bound there once is the only one that lets
    /// anybody in, and when it is gone nobody does: a handler that crashed must not open the door.
    pub fn dismiss_handler(&self) {
        let bound = lock(&self.inner.bound);
        let is_bound = bound.keys().any(is_handler);
        self.inner.handler.store(is_bound, Ordering::SeqCst);
    }

    /// Whether a ZAP handler decides, even if it is gone.
    pub(crate) fn has_handler(&self) -> bool {
        self.inner.handler.load(Ordering::SeqCst)
    }

    /// Whether somebody is bound to the name now.
    pub(crate) fn is_bound(&self, name: &Endpoint) -> bool {
        lock(&self.inner.bound).contains_key(name)
    }

    pub(super) fn bind(&self, name: &Endpoint) -> Result<Bound, StartError> {
        let (sender, requests) = mpsc::unbounded_channel();
        let mut bound = lock(&self.inner.bound);
        if bound.contains_key(name) {
            return Err(StartError::NameTaken(name.clone()));
        }
        bound.insert(name.clone(), sender);
        if is_handler(name) {
            self.inner.handler.store(true, Ordering::SeqCst);
        }
        drop(bound);
        self.inner.changed.notify_waiters();
        Ok(Bound { hub: self.clone(), name: name.clone(), requests })
    }

    /// Waits until somebody binds the name.
    async fn find(&self, name: &Endpoint) -> mpsc::UnboundedSender<Request> {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(sender) = lock(&self.inner.bound).get(name) {
                return sender.clone();
            }
            changed.await;
        }
    }
}

/// Whether this is where ZAP handlers are bound (27/ZAP, "Architecture").
fn is_handler(name: &Endpoint) -> bool {
    matches!(name, Endpoint::Inproc(_)) && name.to_string() == zap::codec::ENDPOINT
}

/// A name, bound as long as this lives.
pub(super) struct Bound {
    hub: Hub,
    name: Endpoint,
    requests: mpsc::UnboundedReceiver<Request>,
}

impl Drop for Bound {
    fn drop(&mut self) {
        lock(&self.hub.inner.bound).remove(&self.name);
    }
}

/// The accept loop of a name.
pub(super) async fn accept(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    mut bound: Bound,
    stop: CancellationToken,
) {
    loop {
        let request = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = shared.closing.cancelled() => break,
            request = bound.requests.recv() => request,
        };
        let Some(request) = request else { break };
        let (shared, endpoint, stop) = (shared.clone(), endpoint.clone(), stop.clone());
        shared.clone().tasks.spawn(async move { serve(&shared, &endpoint, request, &stop).await });
    }
    drop(bound);
    shared.events.emit(Event::Unbound { endpoint });
}

async fn serve(shared: &Shared, endpoint: &Endpoint, request: Request, stop: &CancellationToken) {
    let Request { mut connection, hands, reply } = request;
    let our_hands = shared.hands(CancellationToken::new());
    let address = PeerAddress::Inproc;
    shared.events.emit(Event::Connected { endpoint: endpoint.clone(), address: address.clone() });
    let agreed = match shared.connection(endpoint.to_string().into(), &address, None) {
        Ok(mut ours) => tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = shared.closing.cancelled() => return,
            agreed = agree((&mut ours, &our_hands), (&mut connection, &hands)) => agreed,
        },
        Err(error) => Err(Box::new((error.clone(), error))),
    };
    let [(peer, judged), (our_peer, judged_there)] = match agreed {
        Ok(known) => known,
        Err(errors) => {
            shared.failed(endpoint, &address, errors.0, our_hands.refused.get());
            let _ = reply.send(Err(errors.1));
            return;
        }
    };
    let pipe = shared.new_pipe();
    pipe.meet(&peer);
    if let Err(error) = shared.owner.established(&pipe) {
        shared.failed(endpoint, &address, error.clone(), None);
        let _ = reply.send(Err(ProtocolError { side: Side::Peer, ..error }));
        shared.retire(&pipe);
        return;
    }
    let session = shared.sessions.enter(pipe.id(), judged, &peer, stop);
    shared.succeeded(endpoint, peer.clone(), &pipe);
    let joint = Arc::new(Joint::default());
    let gone = joint.gone().clone().drop_guard();
    let (pipe_there, joint_there) = (pipe.clone(), joint.clone());
    let joined =
        Joined { peer: our_peer, judged: judged_there, pipe: pipe_there, joint: joint_there };
    if reply.send(Ok(joined)).is_ok() {
        until_gone(shared, &joint, &session, stop, &pipe).await;
    }
    drop(gone);
    shared.retire(&pipe);
    let cause = cause(shared, stop, &joint, &pipe);
    shared.disconnected(endpoint, &peer, &session, &cause, 0);
}

/// Which side ended a connection that stood, and why.
fn cause(shared: &Shared, stop: &CancellationToken, joint: &Joint, pipe: &Pipe) -> Disconnect {
    match joint.failure(pipe.id()) {
        Some(error) => Disconnect::Protocol(error),
        None if stop.is_cancelled() || shared.closing.is_cancelled() => Disconnect::Local,
        None => Disconnect::PeerClosed,
    }
}

/// What was sent is with the receiver already: nothing has to be waited for when closing.
async fn until_gone(
    shared: &Shared,
    joint: &Joint,
    session: &Session,
    stop: &CancellationToken,
    pipe: &Pipe,
) {
    tokio::select! {
        () = joint.gone().cancelled() => {}
        () = session.stop(stop).cancelled() => {
            if let Some(error) = session.revoked() {
                joint.fail(pipe.id(), error.clone());
            }
        }
        () = shared.closing.cancelled() => {}
    }
}

/// One attempt of a connecter: waits for the name, agrees, stays.
pub(super) async fn attempt(connecter: &Connecter) -> Attempt {
    let Connecter { shared, endpoint, pipe, stop, .. } = connecter;
    let failed = |cause| Attempt { established: false, cause };
    let bound = shared.options.hub.find(endpoint).await;
    let name = endpoint.to_string().into();
    let connection = match shared.connection(name, &PeerAddress::Inproc, Some(pipe)) {
        Ok(connection) => connection,
        Err(error) => return failed(error.into()),
    };
    let (reply, joined) = oneshot::channel();
    let hands = shared.hands(CancellationToken::new());
    let request = Request { connection, hands, reply };
    let joined = match bound.send(request) {
        Ok(()) => joined.await,
        Err(_) => return failed(Disconnect::PeerClosed),
    };
    let joined = match joined {
        Ok(Ok(joined)) => joined,
        Ok(Err(error)) => {
            shared.failed(endpoint, &PeerAddress::Inproc, error.clone(), None);
            return failed(error.into());
        }
        Err(_) => return failed(Disconnect::PeerClosed),
    };
    let gone = joined.joint.gone().clone().drop_guard();
    pipe.meet(&joined.peer);
    if let Err(error) = shared.owner.established(pipe) {
        pipe.go_offline();
        shared.failed(endpoint, &PeerAddress::Inproc, error.clone(), None);
        return failed(error.into());
    }
    // Only now that both owners know their pipe, and would name who sent what.
    Pipe::join(pipe, &joined.pipe, &joined.joint);
    let peer = joined.peer;
    let session = shared.sessions.enter(pipe.id(), joined.judged, &peer, stop);
    shared.succeeded(endpoint, peer.clone(), pipe);
    connecter.established(peer.clone());
    until_gone(shared, &joined.joint, &session, stop, pipe).await;
    drop(gone);
    pipe.suspend();
    shared.owner.lost(pipe, true);
    let lost = pipe.go_offline();
    let cause = cause(shared, stop, &joined.joint, pipe);
    shared.disconnected(endpoint, &peer, &session, &cause, lost);
    Attempt { established: true, cause }
}

/// Runs both ends of a handshake against each other. On failure each end has its own reason.
async fn agree(
    ours: (&mut Connection, &Hands),
    theirs: (&mut Connection, &Hands),
) -> Result<[(Arc<Peer>, Option<Judged>); 2], Box<(ProtocolError, ProtocolError)>> {
    let mut ends = [End::new(ours.0, ours.1), End::new(theirs.0, theirs.1)];
    let clock = ours.1.clock;
    // As over a wire, the end that is less patient decides, whoever it waits for.
    let deadline = ends.iter().filter_map(|end| end.connection.poll_timeout()).min();
    let deadline = deadline.map(|at| clock.at(at));
    loop {
        let mut moved = false;
        for (from, to) in [(0, 1), (1, 0)] {
            let Ok([from, to]) = ends.get_disjoint_mut([from, to]) else { continue };
            if !in_time(deadline, from.react()).await {
                from.expire();
                to.expire();
            }
            while let Some(octets) = from.connection.poll_output() {
                to.input.extend_from_slice(&octets);
                moved = true;
            }
            to.take();
        }
        let [a, b] = &mut ends;
        if let (Some(peer), Some(other)) = (&a.peer, &b.peer) {
            return Ok([(peer.clone(), a.judged.take()), (other.clone(), b.judged.take())]);
        }
        let failed = a.error.is_some() || b.error.is_some();
        // Or neither end has anything to say: two clients, or two servers.
        let silent = !a.active && !b.active;
        if !moved && (failed || silent) {
            return Err(Box::new((a.reason(), b.reason())));
        }
    }
}

/// Whether the future was done before the deadline.
async fn in_time(deadline: Option<Instant>, future: impl Future<Output = ()>) -> bool {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.is_ok(),
        None => {
            future.await;
            true
        }
    }
}

struct End<'a> {
    connection: &'a mut Connection,
    hands: &'a Hands,
    input: BytesMut,
    peer: Option<Arc<Peer>>,
    judged: Option<Judged>,
    error: Option<ProtocolError>,
    /// Whether the last look brought something new.
    active: bool,
}

impl<'a> End<'a> {
    fn new(connection: &'a mut Connection, hands: &'a Hands) -> Self {
        let input = BytesMut::new();
        Self { connection, hands, input, peer: None, judged: None, error: None, active: true }
    }

    fn take(&mut self) {
        if self.error.is_none() {
            let now = self.hands.clock.now();
            self.error = self.connection.handle_input(now, &mut self.input).err();
        }
    }

    /// Fails if its own time is over.
    fn expire(&mut self) {
        if self.error.is_none() {
            let now = self.hands.clock.now();
            self.error = self.connection.handle_timeout(now).err();
        }
    }

    async fn react(&mut self) {
        self.active = false;
        while let Some(event) = self.connection.poll_event() {
            self.active = true;
            match event {
                CoreEvent::AuthRequired(request) => {
                    let (decision, judged) = self.hands.judge.ask(request.clone());
                    self.judged = judged;
                    let decision = decision.await;
                    self.hands.note(Some(&request), &decision);
                    let now = self.hands.clock.now();
                    self.error = self.connection.handle_auth(now, decision).err();
                    self.take();
                }
                CoreEvent::Established(peer) => self.peer = Some(peer),
                _ => {}
            }
        }
    }

    /// Why this end failed; if it did not, the other one left it.
    fn reason(&self) -> ProtocolError {
        self.error.clone().unwrap_or_else(|| ProtocolError {
            side: Side::Peer,
            stage: self.connection.stage(),
            kind: Kind::PeerClosed,
        })
    }
}
