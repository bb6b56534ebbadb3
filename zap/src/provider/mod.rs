//! Who knows credentials: stores, functions, and whatever a program brings.

mod any;
mod blocking;
mod callback;
mod principals;
mod remembering;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use zmtp_core::auth::{AuthRequest, Credentials, Refusal, UserId};
use zmtp_core::wire::metadata::Metadata;

pub(crate) use any::{AnyKey, Anyone};
pub use blocking::Blocking;
pub use callback::{CurveCallback, IntoVerdict, provider_fn, sync_provider_fn};
pub(crate) use principals::covers;
pub use principals::{PrincipalError, Principals};
pub use remembering::{Remember, Remembering};

/// One of those who are asked in turn about the credentials of a mechanism in a domain.
///
/// An engine isolates its panics; a time limit is the business of [`Guarded`](crate::Guarded). What
/// [`judge`](Self::judge) does itself holds up the connections of that thread, so it must be quick: slow
/// work belongs into a future ([`provider_fn`]) or on other threads ([`sync_provider_fn`]).
pub trait Provider: Send + Sync + fmt::Debug {
    /// Its name in events and explanations, without secrets.
    fn name(&self) -> Cow<'_, str>;

    /// Judges a request at a point in time.
    fn judge(&self, request: &AuthRequest, now: SystemTime) -> Answer;

    /// What to keep of the credentials while the peer is in, in place of a secret; `None` keeps them
    /// as they are. What is kept of PLAIN is [`Credentials::Other`], which no peer can present; its first
    /// frame is the user, as events show it.
    fn retain(&self, request: &AuthRequest) -> Option<Credentials> {
        let _ = request;
        None
    }

    /// The file or directory that it was read from.
    fn source(&self) -> Option<&Path> {
        None
    }

    /// Reads its source again; `None` if it has none.
    fn reload(&self) -> Option<Result<Arc<dyn Provider>, ReloadError>> {
        None
    }

    /// What it left out of its source because it is bad, by file and line, never repeating a secret.
    fn left_out(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it says, one fact per entry, to compare two policies.
    fn statements(&self) -> Vec<Statement> {
        vec![Statement::new(self.name())]
    }
}

/// A source that cannot be read again: where and what is wrong, never repeating a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReloadError(pub String);

/// One fact of a policy: what can be shown, and a digest of what cannot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// The fact, without secrets.
    pub text: String,
    /// Differs when a secret behind the fact differs; means nothing outside of this process.
    pub secret: u128,
}

impl Statement {
    /// A fact without secrets.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), secret: 0 }
    }
}

/// The answer of a provider: a verdict, one that takes a while, or work that comes to one.
pub enum Answer {
    /// Here it is.
    Now(Verdict),
    /// It comes.
    Later(PendingVerdict),
    /// Somebody has to work for it, and that may block.
    Blocks(Blocking),
}

/// A verdict that takes a while.
pub type PendingVerdict = Pin<Box<dyn Future<Output = Verdict> + Send>>;

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(verdict) => verdict.fmt(f),
            Self::Later(_) => f.write_str("Later(..)"),
            Self::Blocks(work) => work.fmt(f),
        }
    }
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        Self::Now(verdict)
    }
}

/// What a provider says of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Let it in.
    Accept(Grant),
    /// Keep it out; nobody else is asked.
    Refuse {
        /// Why, as a status.
        status: Refusal,
        /// Why, in words.
        text: Cow<'static, str>,
    },
    /// Somebody else may know it. When nobody does, it is refused with the words of the last.
    Abstain(&'static str),
}

impl Verdict {
    /// Keeps a peer out for good (400).
    pub fn refuse(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuse { status: Refusal::Failure, text: text.into() }
    }

    /// Keeps a peer out for now (300).
    pub fn not_now(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuse { status: Refusal::Temporary, text: text.into() }
    }

    /// Keeps a peer out because this side is broken (500).
    pub fn broken(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuse { status: Refusal::Internal, text: text.into() }
    }
}

/// What a peer gets that may come in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// The user that it is; `None` under CURVE stands for the text of its key.
    pub user_id: Option<UserId>,
    /// Properties to attach to what comes from it.
    pub metadata: Metadata,
    /// The file that says so.
    pub file: Option<Arc<Path>>,
    /// Whether the verdict was remembered from an earlier request.
    pub remembered: bool,
}

impl Grant {
    /// Lets a peer in as `user_id`.
    #[must_use]
    pub fn user(user_id: UserId) -> Self {
        Self { user_id: Some(user_id), ..Self::default() }
    }
}
