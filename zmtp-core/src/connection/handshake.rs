//! From the greeting to [`Established`]: the same for all mechanisms.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::{Buf, BytesMut};

use super::Doorkeeper;
use super::config::{ConnectionConfig, Link};
use crate::auth::{AuthDecision, AuthRequest};
use crate::error::{Incompatible, Kind, LocalFault, Misbehaved, ProtocolError, Side, Stage};
use crate::mechanism::{
    Accepted, Established, Mechanism, Opening, Outbox, Role, Session, Step, Suspended,
};
use crate::peer::{Peer, Verified};
use crate::random::{RandomError, RandomSource};
use crate::time::Instant;
use crate::traffic::{Heartbeat, Incoming, Outgoing, OutputBuffer, Traffic};
use crate::wire::command::{Command, name};
use crate::wire::frame::{FrameHeader, FrameKind};
use crate::wire::greeting::{GREETING_LEN, Greeting, SIGNATURE_LEN, Version};
use crate::wire::metadata::Metadata;
use crate::wire::reason::ErrorReason;

#[derive(Debug)]
pub(super) struct Handshake {
    config: Arc<ConnectionConfig>,
    link: Link,
    deadline: Instant,
    state: State,
    /// Whether the peer has shown the signature of a greeting.
    signed: bool,
    doorkeeper: Option<Box<dyn Doorkeeper>>,
}

#[derive(Debug)]
enum State {
    ExpectGreeting(Box<dyn Opening>),
    ExpectCommand(Box<dyn Mechanism>),
    ExpectDecision(Box<dyn Suspended>),
    /// The handshake is over, well or not; its owner drops it.
    Over,
}

/// What the owner has to do next.
pub(super) enum Progress {
    /// Wait for octets or for a decision.
    Waiting,
    /// Something was consumed: call again.
    Advanced,
    /// Ask the authenticator.
    Asked(Arc<AuthRequest>),
    /// Go over to traffic.
    Done(Box<Traffic>),
}

impl Handshake {
    pub(super) fn new(
        config: Arc<ConnectionConfig>,
        link: Link,
        now: Instant,
        random: &mut dyn RandomSource,
        out: &mut BytesMut,
    ) -> Result<Self, RandomError> {
        let opening = config.security.prepare(random)?;
        let greeting = Greeting {
            version: Version::V3_1,
            mechanism: config.security.mechanism(),
            as_server: config.security.role() == Some(Role::Server),
        };
        out.extend_from_slice(&greeting.encode());
        let deadline = now + config.limits.handshake_timeout;
        let state = State::ExpectGreeting(opening);
        Ok(Self { config, link, deadline, state, signed: false, doorkeeper: None })
    }

    pub(super) fn set_doorkeeper(&mut self, doorkeeper: Box<dyn Doorkeeper>) {
        self.doorkeeper = Some(doorkeeper);
    }

    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn stage(&self) -> Stage {
        match &self.state {
            // Whoever leaves behind the signature speaks ZMTP, and has seen which mechanism we want.
            State::ExpectGreeting(_) | State::Over if self.signed => Stage::Mechanism,
            State::ExpectGreeting(_) | State::Over => Stage::Greeting,
            State::ExpectCommand(mechanism) => mechanism.stage(),
            State::ExpectDecision(_) => Stage::Authentication,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if now < self.deadline {
            return Ok(());
        }
        // Whoever is waited for broke it: the authenticator is ours.
        let side = match self.state {
            State::ExpectDecision(_) => Side::Local,
            State::ExpectGreeting(_) | State::ExpectCommand(_) | State::Over => Side::Peer,
        };
        Err(ProtocolError { side, stage: self.stage(), kind: Kind::TimedOut })
    }

    /// Consumes one greeting or one command, if it is all there.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Progress, ProtocolError> {
        match core::mem::replace(&mut self.state, State::Over) {
            State::ExpectGreeting(opening) => self.greeting(opening, now, input, out),
            State::ExpectCommand(mechanism) => self.command(mechanism, now, input, out),
            state @ (State::ExpectDecision(_) | State::Over) => {
                self.state = state;
                Ok(Progress::Waiting)
            }
        }
    }

    fn greeting(
        &mut self,
        opening: Box<dyn Opening>,
        now: Instant,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Progress, ProtocolError> {
        let decoded =
            Greeting::decode(input).map_err(|kind| ProtocolError::peer(Stage::Greeting, kind))?;
        self.signed = input.len() >= SIGNATURE_LEN;
        let Some(peer) = decoded else {
            self.state = State::ExpectGreeting(opening);
            return Ok(Progress::Waiting);
        };
        input.advance(GREETING_LEN);
        self.compatible(&peer).map_err(|kind| ProtocolError::peer(Stage::Mechanism, kind))?;
        let session = Arc::new(Session {
            socket_type: self.config.socket_type,
            metadata: self.config.metadata.clone(),
            peer_version: peer.version,
            peer_as_server: peer.as_server,
            domain: self.config.domain.clone(),
            address: self.link.address.clone(),
            listener: self.link.listener.clone(),
            limits: self.config.limits.clone(),
        });
        let step = opening.open(session, &mut Outbox::new(out));
        self.take(step, now, out)
    }

    fn compatible(&self, peer: &Greeting) -> Result<(), Incompatible> {
        let ours = self.config.security.mechanism();
        if peer.mechanism != ours {
            return Err(Incompatible::Mechanism { ours, theirs: peer.mechanism });
        }
        // A zero says nothing: libzmq announces it in both roles.
        if peer.as_server && self.config.security.role() == Some(Role::Server) {
            return Err(Incompatible::BothServers);
        }
        Ok(())
    }

    fn command(
        &mut self,
        mut mechanism: Box<dyn Mechanism>,
        now: Instant,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Progress, ProtocolError> {
        let stage = mechanism.stage();
        let fault = |kind: Kind| ProtocolError::peer(stage, kind);
        let decoded = FrameHeader::decode(input).map_err(|error| fault(error.into()))?;
        let Some((header, at)) = decoded else {
            mechanism.starved(&mut Outbox::new(out));
            self.state = State::ExpectCommand(mechanism);
            return Ok(Progress::Waiting);
        };
        if header.kind != FrameKind::Command {
            return Err(fault(Misbehaved::MessageInHandshake.into()));
        }
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        if len > mechanism.max_command() {
            return Err(fault(Misbehaved::OversizedCommand.into()));
        }
        let Some(body) = input.get(at..).and_then(|rest| rest.get(..len)) else {
            mechanism.starved(&mut Outbox::new(out));
            self.state = State::ExpectCommand(mechanism);
            return Ok(Progress::Waiting);
        };
        let command = Command::decode_lenient(body).map_err(|error| fault(error.into()))?;
        let step = if command.name == name::ERROR {
            Err(fault(self.refused(command.data)))
        } else {
            mechanism.step(now, command, &mut Outbox::new(out))
        };
        input.advance(at + len);
        self.take(step, now, out)
    }

    fn refused(&self, data: &[u8]) -> Kind {
        if !self.config.security.may_be_refused() {
            return Misbehaved::UnexpectedCommand.into();
        }
        match ErrorReason::decode(data) {
            Ok(reason) => Kind::ReportedByPeer(reason),
            Err(malformed) => malformed.into(),
        }
    }

    /// The decision of the authenticator has come.
    pub(super) fn decide(
        &mut self,
        now: Instant,
        decision: AuthDecision,
        out: &mut BytesMut,
    ) -> Result<Progress, ProtocolError> {
        let stage = self.stage();
        let State::ExpectDecision(suspended) = core::mem::replace(&mut self.state, State::Over)
        else {
            return Err(ProtocolError::local(stage, LocalFault::UnaskedDecision));
        };
        let step = match decision {
            AuthDecision::Accept { user_id, metadata } => {
                suspended.resume(Accepted::new(user_id, metadata), &mut Outbox::new(out))
            }
            AuthDecision::Refuse { status, text, .. } => {
                Err(ProtocolError::local(stage, Kind::Denied { status, text }))
            }
        };
        self.take(step, now, out)
    }

    fn take(
        &mut self,
        step: Result<Step, ProtocolError>,
        now: Instant,
        out: &mut BytesMut,
    ) -> Result<Progress, ProtocolError> {
        let progress = step.and_then(|step| match step {
            Step::Continue(mechanism) => {
                self.state = State::ExpectCommand(mechanism);
                Ok(Progress::Advanced)
            }
            Step::Authenticate(request, suspended) => {
                self.state = State::ExpectDecision(suspended);
                Ok(Progress::Asked(Arc::from(request)))
            }
            Step::Done(established) => {
                self.establish(*established, now, out).map(Box::new).map(Progress::Done)
            }
        });
        if let Some(reason) = progress.as_ref().err().and_then(ProtocolError::reply) {
            self.config.security.refuse(&reason, &mut Outbox::new(out));
        }
        progress
    }

    /// READY, which tells the peer that it is in, comes after the last word on that.
    fn establish(
        &mut self,
        established: Established,
        now: Instant,
        out: &mut BytesMut,
    ) -> Result<Traffic, ProtocolError> {
        let Established { claimed, public_key, accepted, ready, codec } = established;
        let (user_id, metadata) = accepted.map_or((None, Metadata::new()), Accepted::into_facts);
        let version = claimed.version;
        let (seal, open) = codec.unzip();
        let verified = Verified {
            address: self.link.address.clone(),
            mechanism: self.config.security.mechanism(),
            public_key,
            user_id,
            metadata,
        };
        let peer = Arc::new(Peer { verified, claimed });
        if let Some(doorkeeper) = &mut self.doorkeeper {
            doorkeeper.admit(&peer)?;
        }
        if let Some(ready) = ready {
            Outbox::new(out).command(name::READY, &ready);
        }
        let publisher = self.config.socket_type.publishes();
        Ok(Traffic {
            peer,
            incoming: Incoming::new(open, self.config.limits.clone(), publisher),
            outgoing: Outgoing::new(seal, OutputBuffer::new(), version),
            heartbeat: Heartbeat::new(&self.config.heartbeat, version, now),
        })
    }
}
