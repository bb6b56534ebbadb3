//! The vocabulary of authentication: what is asked, what is answered, and who answers.
//!
//! A mechanism proves what it can, hands out an [`AuthRequest`], and continues only with an
//! [`AuthDecision`]. The handler is an [`Authenticator`], called directly by the driver of the
//! connection.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::peer::{PeerAddress, RoutingId};
use crate::wire::greeting::MechanismName;
use crate::wire::metadata::Metadata;

/// A short string of 27/ZAP: at most 255 octets.
macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text, or `None` for more than 255 octets.
            #[must_use]
            pub fn new(text: &str) -> Option<Self> {
                (text.len() <= 255).then(|| Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether there is no text.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        /// Escaped, as it may come from a peer.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.escape_debug())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{self}\"")
            }
        }
    };
}

short_text! {
    /// The realm in which credentials mean something; chosen by the side that authenticates.
    Domain
}
short_text! {
    /// The name under which an authenticator knows a peer.
    UserId
}

/// Octets that must not be seen: erased on drop, compared in constant time, hidden by `Debug`.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the octets over.
    #[must_use]
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The octets themselves; keep them out of logs.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What a peer presented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing (NULL).
    Null,
    /// A user name and password (PLAIN). Any octets are possible.
    Plain {
        /// The name, as sent.
        username: Bytes,
        /// The password, as sent.
        password: Secret,
    },
    /// A permanent public key whose possession was proved (CURVE).
    Curve {
        /// The key.
        public_key: [u8; 32],
    },
    /// Credential frames of a mechanism that this crate does not know, from a ZAP request.
    Other(Vec<Secret>),
}

/// A question to the authenticator: may this peer come in?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRequest {
    /// The domain configured on the socket; empty if none.
    pub domain: Domain,
    /// Where the peer is.
    pub address: PeerAddress,
    /// The endpoint of ours that the peer is connected to or that we connected to.
    pub listener: Arc<str>,
    /// The routing id that the peer asks for, when it is known by now; else empty.
    pub routing_id: RoutingId,
    /// The mechanism in use.
    pub mechanism: MechanismName,
    /// What the peer presented, proved as far as the mechanism can.
    pub credentials: Credentials,
    /// The peer's properties, where the mechanism has authenticated them (CURVE).
    pub metadata: Metadata,
}

/// The status of a ZAP reply (27/ZAP, "Status Codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuthStatus {
    /// 200: let it in.
    Success,
    /// 300: not now; the peer may try again.
    TemporaryError,
    /// 400: no.
    Failure,
    /// 500: the authenticator is broken.
    InternalError,
}

impl AuthStatus {
    /// The three digits.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Success => "200",
            Self::TemporaryError => "300",
            Self::Failure => "400",
            Self::InternalError => "500",
        }
    }

    /// The status of three digits; there are no others than the four.
    #[must_use]
    pub const fn from_code(code: &[u8]) -> Option<Self> {
        match code {
            b"200" => Some(Self::Success),
            b"300" => Some(Self::TemporaryError),
            b"400" => Some(Self::Failure),
            b"500" => Some(Self::InternalError),
            _ => None,
        }
    }
}

impl fmt::Display for AuthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The answer of an authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum AuthDecision {
    /// Let the peer in.
    Accept {
        /// The user it is; `None` if the authenticator does not name users.
        user_id: Option<UserId>,
        /// Properties to attach to everything that comes from it.
        metadata: Metadata,
    },
    /// Keep the peer out.
    Refuse {
        /// Why, as a status.
        status: Refusal,
        /// Why, for our own logs.
        text: Arc<str>,
        /// What in the authenticator said so, for our own logs: a step, and the rule or provider in it.
        /// `None` where it does not say.
        step: Option<Arc<str>>,
    },
}

/// A status that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 300: not now. The peer learns nothing and may try again.
    Temporary,
    /// 400: no. The peer is told.
    Failure,
    /// 500: the authenticator is broken. The peer is told.
    Internal,
}

impl Refusal {
    /// The status as ZAP writes it.
    #[must_use]
    pub const fn status(self) -> AuthStatus {
        match self {
            Self::Temporary => AuthStatus::TemporaryError,
            Self::Failure => AuthStatus::Failure,
            Self::Internal => AuthStatus::InternalError,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
    }
}

impl AuthDecision {
    /// Lets the peer in without naming a user.
    pub const fn accept() -> Self {
        Self::Accept { user_id: None, metadata: Metadata::new() }
    }

    /// Lets the peer in as `user_id`.
    pub const fn accept_as(user_id: UserId) -> Self {
        Self::Accept { user_id: Some(user_id), metadata: Metadata::new() }
    }

    /// Keeps the peer out, and says why.
    pub fn refuse(status: Refusal, text: &str) -> Self {
        Self::Refuse { status, text: text.into(), step: None }
    }

    /// Says what in the authenticator refused; an acceptance stays as it is.
    pub fn by_step(mut self, said_so: impl fmt::Display) -> Self {
        if let Self::Refuse { step, .. } = &mut self {
            *step = Some(alloc::format!("{said_so}").into());
        }
        self
    }

    /// The status as ZAP writes it.
    #[must_use]
    pub const fn status(&self) -> AuthStatus {
        match self {
            Self::Accept { .. } => AuthStatus::Success,
            Self::Refuse { status, .. } => status.status(),
        }
    }
}

/// A decision that may take a while.
pub type PendingDecision = Pin<Box<dyn Future<Output = AuthDecision> + Send>>;

/// The next [revision](Authenticator::revision), when it comes.
pub type PendingRevision = Pin<Box<dyn Future<Output = u64> + Send>>;

/// Who decides whether a peer comes in.
///
/// The driver of a connection calls it once per handshake, isolates its panics, limits its time and
/// takes the lack of an answer for a refusal.
///
/// One whose decisions may change later says so with [`revision`](Self::revision). Then the driver keeps
/// what [`retain`](Self::retain) leaves of each request, waits with [`revised`](Self::revised), and asks
/// with [`authenticate_again`](Self::authenticate_again) about every peer that is in; whoever would
/// not come in now, or not as the same user with the same properties, is put out.
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// Starts to decide. The future may be dropped at any moment, when the peer leaves or time is up.
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision;

    /// Counts the changes of what it decides by. Default: `None`, decisions stand for good.
    fn revision(&self) -> Option<u64> {
        None
    }

    /// Waits until the revision is another than `since`. Default: without end.
    fn revised(&self, since: u64) -> PendingRevision {
        let _ = since;
        Box::pin(core::future::pending())
    }

    /// What to keep of a request while its peer is in; called before [`authenticate`](Self::authenticate),
    /// with the same request. Default: all of it, a password included.
    fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        request.clone()
    }

    /// Starts to decide about a peer that is in, from what [`retain`](Self::retain) left. Default: as if it
    /// came now.
    fn authenticate_again(&self, retained: Arc<AuthRequest>) -> PendingDecision {
        self.authenticate(retained)
    }
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        (**self).authenticate(request)
    }

    fn revision(&self) -> Option<u64> {
        (**self).revision()
    }

    fn revised(&self, since: u64) -> PendingRevision {
        (**self).revised(since)
    }

    fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        (**self).retain(request)
    }

    fn authenticate_again(&self, retained: Arc<AuthRequest>) -> PendingDecision {
        (**self).authenticate_again(retained)
    }
}
