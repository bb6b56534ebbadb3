//! Peers that an authenticator let in are judged again whenever it decides by something else.
//!
//! A connection that was judged is a [`Session`]: the request as far as it was kept, and a token that
//! ends it. One task per socket waits for the next revision, asks again about every session a few at a
//! time, and puts out whoever would not come in now.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zmtp_core::auth::{AuthDecision, AuthRequest, PendingDecision, Refusal};
use zmtp_core::error::{Kind, ProtocolError, Stage};
use zmtp_core::peer::Peer;

use crate::ask::Judge;
use crate::lock::lock;
use crate::pipe::PipeId;

/// Sessions that are asked about before other tasks have their turn.
const TURN: usize = 64;
/// Decisions that may be pending at once; the authenticator has handshakes to judge, too.
const PENDING: usize = 64;
/// Pauses before asking again about a session for which there was only a temporary error. When all are
/// used up it ends: nobody vouches for it.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400)];

/// The question about a peer, as it can be asked again, and the revision it was asked under.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) request: Arc<AuthRequest>,
    pub(crate) revision: u64,
}

/// The sessions of one socket.
#[derive(Debug)]
pub(crate) struct Sessions {
    judge: Judge,
    live: Mutex<HashMap<PipeId, Arc<Live>>>,
    /// A session began under a revision that is over.
    stale: Notify,
}

#[derive(Debug)]
struct Live {
    request: Arc<AuthRequest>,
    revision: AtomicU64,
    peer: Arc<Peer>,
    stop: CancellationToken,
    revoked: OnceLock<Revoked>,
}

/// Why a peer was put out.
#[derive(Debug)]
struct Revoked {
    error: ProtocolError,
    /// What in the authenticator said so.
    step: Option<Arc<str>>,
}

/// A connection, judged or not; it is judged again as long as this lives.
#[derive(Debug)]
pub(crate) struct Session {
    judged: Option<Box<Entry>>,
}

#[derive(Debug)]
struct Entry {
    sessions: Arc<Sessions>,
    id: PipeId,
    live: Arc<Live>,
}

impl Sessions {
    pub(crate) fn new(judge: Judge) -> Arc<Self> {
        Arc::new(Self { judge, live: Mutex::default(), stale: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PipeId, Arc<Live>>> {
        lock(&self.live)
    }

    /// The connection of a pipe is established. `stop` ends it from outside.
    pub(crate) fn enter(
        self: &Arc<Self>,
        id: PipeId,
        judged: Option<Judged>,
        peer: &Arc<Peer>,
        stop: &CancellationToken,
    ) -> Session {
        let Some(Judged { request, revision }) = judged else {
            return Session { judged: None };
        };
        let live = Arc::new(Live {
            request,
            revision: AtomicU64::new(revision),
            peer: peer.clone(),
            stop: stop.child_token(),
            revoked: OnceLock::new(),
        });
        self.lock().insert(id, live.clone());
        // After it stands in the table: a change from now on will find it there.
        if self.judge.revision() != Some(revision) {
            self.stale.notify_one();
        }
        Session { judged: Some(Box::new(Entry { sessions: self.clone(), id, live })) }
    }

    /// Judges again at every change, until stopped.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let Some(mut revision) = self.judge.revision() else { return };
        let mut slow = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.judge_all(revision, &mut slow) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.judge.revised(revision) => {}
                () = self.stale.notified() => {}
            }
            revision = self.judge.revision().unwrap_or(revision);
        }
    }

    /// Asks about all sessions that were judged under another revision.
    async fn judge_all(&self, revision: u64, slow: &mut JoinSet<()>) {
        let is_stale = |live: &&Arc<Live>| live.revision.load(Ordering::Relaxed) != revision;
        let stale: Vec<_> = self.lock().values().filter(is_stale).cloned().collect();
        for turn in stale.chunks(TURN) {
            for live in turn {
                live.revision.store(revision, Ordering::Relaxed);
                let mut pending = self.judge.ask_again(live.request.clone());
                let at_once = pending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                match at_once {
                    Poll::Ready(decision) if !is_temporary(&decision) => live.settle(decision),
                    Poll::Ready(decision) => {
                        let pending = Box::pin(std::future::ready(decision));
                        self.judge_slowly(live, pending, slow).await;
                    }
                    Poll::Pending => self.judge_slowly(live, pending, slow).await,
                }
            }
            tokio::task::yield_now().await;
        }
    }

    async fn judge_slowly(
        &self,
        live: &Arc<Live>,
        pending: PendingDecision,
        slow: &mut JoinSet<()>,
    ) {
        while slow.try_join_next().is_some() {}
        while slow.len() >= PENDING {
            slow.join_next().await;
        }
        slow.spawn(judge_patiently(self.judge.clone(), live.clone(), pending));
    }
}

/// Waits for a decision, and asks again while there are only temporary errors.
async fn judge_patiently(judge: Judge, live: Arc<Live>, pending: PendingDecision) {
    let patience = async {
        let mut decision = pending.await;
        for pause in PAUSES {
            if !is_temporary(&decision) {
                break;
            }
            tokio::time::sleep(pause).await;
            decision = judge.ask_again(live.request.clone()).await;
        }
        decision
    };
    tokio::select! {
        () = live.stop.cancelled() => {}
        decision = patience => live.settle(decision),
    }
}

fn is_temporary(decision: &AuthDecision) -> bool {
    matches!(decision, AuthDecision::Refuse { status: Refusal::Temporary, .. })
}

impl Live {
    /// Goes on only for a peer that would come in now as who it came in.
    fn settle(&self, decision: AuthDecision) {
        let verified = &self.peer.verified;
        let (status, text, step) = match decision {
            AuthDecision::Accept { user_id, metadata } => {
                if user_id == verified.user_id && metadata == verified.metadata {
                    return;
                }
                // It may come back at once, with the facts of now.
                (Refusal::Temporary, "Its user id or properties are others now".into(), None)
            }
            AuthDecision::Refuse { status, text, step } => (status, text, step),
        };
        let error = ProtocolError::local(Stage::Traffic, Kind::Revoked { status, text });
        // The first reason stays.
        let _ = self.revoked.set(Revoked { error, step });
        self.stop.cancel();
    }
}

impl Session {
    /// Fires when the connection has to end. `stop` is what ends it from outside.
    pub(crate) fn stop<'a>(&'a self, stop: &'a CancellationToken) -> &'a CancellationToken {
        self.judged.as_ref().map_or(stop, |entry| &entry.live.stop)
    }

    /// Why, if the peer was put out.
    pub(crate) fn revoked(&self) -> Option<&ProtocolError> {
        Some(&self.judged.as_ref()?.live.revoked.get()?.error)
    }

    /// What in the authenticator said so.
    pub(crate) fn revoked_by(&self) -> Option<&str> {
        self.judged.as_ref()?.live.revoked.get()?.step.as_deref()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.id);
    }
}
