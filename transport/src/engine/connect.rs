//! One connection that this side makes, and makes again.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zmtp_core::error::{Kind, ProtocolError, Stage};
use zmtp_core::peer::{Peer, PeerAddress};
use zmtp_core::wire::greeting::MechanismName;

use super::{Moving, Shared, Standing, inproc};
use crate::backoff::Backoff;
use crate::connection::{Greeted, shake_hands};
use crate::endpoint::Endpoint;
use crate::events::{Disconnect, Event};
use crate::net::{DialErrorKind, Stream, dial};
use crate::pipe::Pipe;

/// An attempt to connect came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectFailure {
    /// Where to.
    pub endpoint: Endpoint,
    /// Why.
    pub cause: Disconnect,
    /// Whether no other attempt will be made.
    pub is_final: bool,
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            // It names the endpoint itself.
            Disconnect::Unreachable(error) => error.fmt(f),
            cause => write!(f, "cannot connect to {}: {cause}", self.endpoint),
        }
    }
}

impl std::error::Error for ConnectFailure {}

/// How far a connecter has come.
#[derive(Debug, Default)]
struct Progress {
    /// Who was reached last, and may be gone again.
    peer: Option<Arc<Peer>>,
    /// What came after that, if it was a failure.
    failure: Option<ConnectFailure>,
}

/// A connection under way; dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Connecting {
    endpoint: Endpoint,
    progress: watch::Receiver<Progress>,
    told: Option<Arc<Peer>>,
}

impl Connecting {
    /// Where to.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Waits for READY, or for the reason why an attempt came to nothing. A failure that is not final
    /// is told once, also when it happened before this was called; further attempts go on in the
    /// background and may be waited for again.
    ///
    /// A READY that was not told yet is told first, even if that peer has left again: what it sent
    /// until then can be received.
    ///
    /// Cancel safe: dropping the future leaves the connection as it is, and nothing goes untold.
    ///
    /// # Errors
    /// [`ConnectFailure`] with the reason.
    pub async fn ready(&mut self) -> Result<Arc<Peer>, ConnectFailure> {
        let mut untold = self.progress.has_changed().unwrap_or(false);
        loop {
            if let Some(outcome) = self.outcome(untold) {
                return outcome;
            }
            if self.progress.changed().await.is_err() {
                return Err(self.stopped());
            }
            untold = true;
        }
    }

    /// What there is to tell: READY, or a failure that is final or `untold`.
    fn outcome(&mut self, untold: bool) -> Option<Result<Arc<Peer>, ConnectFailure>> {
        let (peer, failure) = {
            let progress = self.progress.borrow_and_update();
            (progress.peer.clone(), progress.failure.clone())
        };
        match (peer, failure) {
            (Some(peer), None) => Some(Ok(self.tell(peer))),
            (Some(peer), Some(_)) if !is_same(self.told.as_ref(), &peer) => {
                // What came after it is for the next call.
                self.progress.mark_changed();
                Some(Ok(self.tell(peer)))
            }
            (_, failure) => failure.filter(|failure| failure.is_final || untold).map(Err),
        }
    }

    fn tell(&mut self, peer: Arc<Peer>) -> Arc<Peer> {
        self.told = Some(peer.clone());
        peer
    }

    fn stopped(&self) -> ConnectFailure {
        ConnectFailure { endpoint: self.endpoint.clone(), cause: Disconnect::Local, is_final: true }
    }
}

fn is_same(one: Option<&Arc<Peer>>, other: &Arc<Peer>) -> bool {
    one.is_some_and(|one| Arc::ptr_eq(one, other))
}

/// The task that connects, and a handle to wait for it.
pub(super) fn connect(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    pipe: Arc<Pipe>,
    stop: CancellationToken,
) -> (impl Future<Output = ()> + Send, Connecting) {
    let (progress, seen) = watch::channel(Progress::default());
    let connecting = Connecting { endpoint: endpoint.clone(), progress: seen, told: None };
    let connecter = Connecter { shared, endpoint, pipe, stop, progress };
    (connecter.run(), connecting)
}

pub(super) struct Connecter {
    pub(super) shared: Arc<Shared>,
    pub(super) endpoint: Endpoint,
    pub(super) pipe: Arc<Pipe>,
    pub(super) stop: CancellationToken,
    progress: watch::Sender<Progress>,
}

/// Whether a connection came about before it ended.
pub(super) struct Attempt {
    pub(super) established: bool,
    pub(super) cause: Disconnect,
}

impl Connecter {
    async fn run(self) {
        let mut backoff = Backoff::new(self.shared.options.reconnect.clone());
        let end = loop {
            self.shared.events.emit(Event::Connecting { endpoint: self.endpoint.clone() });
            let attempt = tokio::select! {
                biased;
                () = self.stop.cancelled() => break None,
                () = self.idle_close() => break None,
                attempt = self.attempt() => attempt,
            };
            if attempt.established {
                backoff.reset();
            }
            if self.is_final(&attempt) {
                break Some(attempt.cause);
            }
            if self.is_over() {
                // Whatever became of the last attempt, it is this side that makes no other.
                break Some(Disconnect::Local);
            }
            let delay = backoff.pause();
            self.shared.events.emit(Event::Retrying {
                endpoint: self.endpoint.clone(),
                delay,
                cause: attempt.cause.clone(),
            });
            self.fail(attempt.cause, false);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break None,
                () = self.idle_close() => break None,
                () = tokio::time::sleep(delay) => {}
            }
        };
        // Before anybody hears of the end: what is sent then must not go here.
        self.shared.retire(&self.pipe);
        if let Some(cause) = end {
            self.fail(cause, true);
        }
    }

    /// Resolves when the socket closes while there is no connection and nothing waits for one.
    async fn idle_close(&self) {
        self.shared.closing.cancelled().await;
        if self.pipe.unsent() > 0 || self.pipe.peer().is_some() {
            std::future::pending().await
        }
    }

    /// Whether no connection is wanted any more.
    fn is_over(&self) -> bool {
        let nothing_left = self.shared.closing.is_cancelled() && self.pipe.unsent() == 0;
        self.stop.is_cancelled() || nothing_left
    }

    fn fail(&self, cause: Disconnect, is_final: bool) {
        let failure = ConnectFailure { endpoint: self.endpoint.clone(), cause, is_final };
        if is_final && failure.cause != Disconnect::Local {
            self.shared.endpoint_refused(&failure);
            let (endpoint, cause) = (failure.endpoint.clone(), failure.cause.clone());
            self.shared.events.emit(Event::Stopped { endpoint, cause });
        }
        self.progress.send_modify(|progress| progress.failure = Some(failure));
    }

    /// A peer that proved who it is and said no will say no again, and what cannot be dialled now never
    /// can; the rest is for the options to say.
    fn is_final(&self, attempt: &Attempt) -> bool {
        let never = matches!(&attempt.cause, Disconnect::Unreachable(it) if it.is_permanent());
        never || self.is_refused(attempt) || self.is_to_stop(attempt)
    }

    fn is_to_stop(&self, attempt: &Attempt) -> bool {
        let stop = self.shared.options.reconnect_stop;
        let by_cause = match &attempt.cause {
            Disconnect::Local => return false,
            Disconnect::Unreachable(error) => {
                stop.refused && *error.kind() == DialErrorKind::Refused
            }
            Disconnect::Protocol(_) | Disconnect::PeerClosed | Disconnect::Io(_) => {
                stop.handshake_failed && !attempt.established
            }
        };
        stop.always || by_cause
    }

    fn is_refused(&self, attempt: &Attempt) -> bool {
        let Disconnect::Protocol(ProtocolError { kind, stage, .. }) = &attempt.cause else {
            return false;
        };
        let mechanism = self.shared.config.security().mechanism();
        match kind {
            Kind::ReportedByPeer(_) => mechanism != MechanismName::CURVE || *stage == Stage::Ready,
            _ => false,
        }
    }

    async fn attempt(&self) -> Attempt {
        if let Endpoint::Inproc(_) = self.endpoint {
            return inproc::attempt(self).await;
        }
        match self.dial_and_run().await {
            Ok(attempt) => attempt,
            Err(cause) => Attempt { established: false, cause },
        }
    }

    async fn dial_and_run(&self) -> Result<Attempt, Disconnect> {
        let shared = &self.shared;
        let (stream, address) = dial(&self.endpoint, &shared.options.transport).await?;
        shared
            .events
            .emit(Event::Connected { endpoint: self.endpoint.clone(), address: address.clone() });
        // Boxed, so that its room is free again while the connection lives.
        let greeted = Box::pin(self.greet(&stream, address)).await?;
        let (endpoint, pipe) = (&self.endpoint, &self.pipe);
        let peer = greeted.traffic.peer.clone();
        let mut standing = shared.admit(endpoint, stream, greeted, pipe, &self.stop)?;
        self.established(peer);
        let end = {
            let Standing { pump, session } = &mut standing;
            let stopped = pin!(session.stop(&self.stop).cancelled());
            Moving { pump, stopped, clock: &shared.clock }.await
        };
        let cause = shared.dismiss(endpoint, &standing, end, true);
        Ok(Attempt { established: true, cause })
    }

    async fn greet(&self, stream: &Stream, address: PeerAddress) -> Result<Greeted, ProtocolError> {
        let (shared, mut input) = (&self.shared, BytesMut::new());
        let hands = shared.hands(CancellationToken::new());
        let name = self.endpoint.to_string().into();
        let shaken = match shared.connection(name, &address, Some(&self.pipe)) {
            Ok(connection) => shake_hands(stream, Box::new(connection), &mut input, &hands).await,
            Err(error) => Err(error),
        };
        shaken.inspect_err(|error| {
            shared.failed(&self.endpoint, &address, error.clone(), hands.refused.get());
        })
    }

    pub(super) fn established(&self, peer: Arc<Peer>) {
        self.progress.send_replace(Progress { peer: Some(peer), failure: None });
    }
}
