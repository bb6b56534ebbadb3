//! Security mechanisms as state machines: each state is a type that holds what exists at that moment
//! and is consumed by the next step.
//!
//! ```text
//!  Security ──prepare──▶ Opening ──open──▶ Step::Continue(Mechanism) ──step──▶ ...
//!  (one per socket)      (one per          Step::Authenticate(request, Suspended) ──resume──▶ ...
//!                         connection)      Step::Done(Established)
//! ```

mod claims;
pub mod null;
pub mod plain;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use bytes::{Bytes, BytesMut};

pub use claims::{local_metadata, parse_claims};

use crate::auth::{AuthRequest, Credentials, Domain, UserId};
use crate::error::{Misbehaved, ProtocolError, Stage};
use crate::limits::Limits;
use crate::peer::{Claimed, PeerAddress, RoutingId};
use crate::random::{RandomError, RandomSource};
use crate::socket_type::SocketType;
use crate::time::Instant;
use crate::traffic::Codec;
use crate::wire::command::{Command, name};
use crate::wire::greeting::{MechanismName, Version};
use crate::wire::metadata::Metadata;
use crate::wire::reason::ErrorReason;

/// Which part a side plays in a mechanism; independent of who binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Presents credentials.
    Client,
    /// Judges credentials.
    Server,
}

/// The security of a socket: one mechanism and its keys or credentials, for all its connections.
pub trait Security: Send + Sync + fmt::Debug {
    /// The mechanism to announce.
    fn mechanism(&self) -> MechanismName;

    /// The role to announce; `None` for mechanisms without roles.
    fn role(&self) -> Option<Role>;

    /// Draws all randomness that one connection will need.
    ///
    /// # Errors
    /// [`RandomError`] when the source cannot deliver.
    fn prepare(&self, random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError>;

    /// Tells the peer why it is refused. Clients of PLAIN and CURVE tell nothing.
    fn refuse(&self, reason: &ErrorReason, out: &mut Outbox<'_>) {
        if self.role() != Some(Role::Client) {
            out.command(name::ERROR, &reason.encode());
        }
    }

    /// Whether ERROR may come from the peer at all; a client never sends it (26/CURVEZMQ, "The ERROR
    /// Command").
    fn may_be_refused(&self) -> bool {
        self.role() != Some(Role::Server)
    }
}

/// A handshake whose greetings are not exchanged yet.
pub trait Opening: Send + fmt::Debug {
    /// Begins: both greetings name this mechanism.
    ///
    /// # Errors
    /// When this side cannot begin.
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError>;
}

/// A handshake that waits for one command of the peer.
pub trait Mechanism: Send + fmt::Debug {
    /// Which command that is.
    fn stage(&self) -> Stage;

    /// Octets in the body of the longest command that can be right now; judged on the frame header.
    fn max_command(&self) -> usize;

    /// Takes the command. ERROR never comes here.
    ///
    /// # Errors
    /// The rule that the peer broke.
    fn step(
        self: Box<Self>,
        now: Instant,
        command: Command<'_>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError>;

    /// The command is not there yet: sends what was held back in case it was. Default: nothing.
    fn starved(&mut self, out: &mut Outbox<'_>) {
        let _ = out;
    }
}

/// A handshake that waits for the authenticator.
pub trait Suspended: Send + fmt::Debug {
    /// Goes on: the peer was accepted. A refusal never comes here; the handshake is dropped then.
    ///
    /// # Errors
    /// When this side cannot go on.
    fn resume(
        self: Box<Self>,
        accepted: Accepted,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError>;
}

/// What comes after a step.
#[derive(Debug)]
pub enum Step {
    /// Another command of the peer.
    Continue(Box<dyn Mechanism>),
    /// A decision.
    Authenticate(Box<AuthRequest>, Box<dyn Suspended>),
    /// Traffic.
    Done(Box<Established>),
}

/// The proof that the authenticator let the peer in; made nowhere but from its decision.
#[derive(Debug)]
pub struct Accepted {
    user_id: Option<UserId>,
    metadata: Metadata,
}

impl Accepted {
    pub(crate) const fn new(user_id: Option<UserId>, metadata: Metadata) -> Self {
        Self { user_id, metadata }
    }

    pub(crate) fn into_facts(self) -> (Option<UserId>, Metadata) {
        (self.user_id, self.metadata)
    }
}

/// A complete handshake: the only source of a traffic codec.
#[derive(Debug)]
pub struct Established {
    /// What the peer said of itself.
    pub claimed: Claimed,
    /// The peer's permanent key, if the mechanism proved one.
    pub public_key: Option<[u8; 32]>,
    /// The decision, where this side asked for one.
    pub accepted: Option<Accepted>,
    /// The data of the READY that is still to be sent, after the peer was
    /// [admitted](crate::connection::Doorkeeper).
    pub ready: Option<Bytes>,
    /// Encryption of the traffic.
    pub codec: Codec,
}

/// What a mechanism needs to know of its connection.
#[derive(Debug, Clone)]
pub struct Session {
    /// Type of our socket.
    pub socket_type: SocketType,
    /// Our properties, encoded.
    pub metadata: Bytes,
    /// Version in the peer's greeting.
    pub peer_version: Version,
    /// as-server in the peer's greeting.
    pub peer_as_server: bool,
    /// The domain to name in requests; under NULL an empty one means that nobody is asked.
    pub domain: Domain,
    /// Where the peer is.
    pub address: PeerAddress,
    /// Our endpoint.
    pub listener: Arc<str>,
    /// What the peer may cost.
    pub limits: Arc<Limits>,
}

impl Session {
    /// A request for a decision about this peer.
    #[must_use]
    pub fn request(&self, mechanism: MechanismName, credentials: Credentials) -> Box<AuthRequest> {
        Box::new(AuthRequest {
            domain: self.domain.clone(),
            address: self.address.clone(),
            listener: self.listener.clone(),
            routing_id: RoutingId::default(),
            mechanism,
            credentials,
            metadata: Metadata::new(),
        })
    }
}

/// Where a mechanism puts the commands that it sends.
pub struct Outbox<'a> {
    out: &'a mut BytesMut,
}

/// The length only: what waits may be a password.
impl fmt::Debug for Outbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({} octets)", self.out.len())
    }
}

impl<'a> Outbox<'a> {
    /// Appends to `out`.
    pub const fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }

    /// Appends one command frame.
    pub fn command(&mut self, name: &[u8], data: &[u8]) {
        Command { name, data }.encode_frame(self.out);
    }

    /// Appends a command frame with a body of any octets, for the one that libzmq misspells.
    pub(crate) fn raw_command(&mut self, body: &[u8]) {
        use crate::wire::frame::{FrameHeader, FrameKind};
        FrameHeader::new(FrameKind::Command, body.len()).encode(self.out);
        self.out.extend_from_slice(body);
    }
}

/// Octets in the body of ERROR with its longest reason.
const MAX_ERROR: usize = 1 + name::ERROR.len() + 1 + 255;

/// Octets in the body of the longest command that can come where `name` with metadata is expected:
/// that one or ERROR, which a small limit for metadata must not cut off.
fn max_metadata_command(name: &[u8], limits: &Limits) -> usize {
    (1 + name.len()).saturating_add(limits.max_metadata).max(MAX_ERROR)
}

/// Insists that `command` has this name.
///
/// # Errors
/// [`Misbehaved::UnexpectedCommand`].
pub fn expect_command(
    command: &Command<'_>,
    name: &[u8],
    stage: Stage,
) -> Result<(), ProtocolError> {
    if command.name == name {
        Ok(())
    } else {
        Err(ProtocolError::peer(stage, Misbehaved::UnexpectedCommand))
    }
}
