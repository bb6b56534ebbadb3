//! NULL: no security, but the authenticator may still judge the address (37/ZMTP, "The NULL Security
//! Mechanism").
//!
//! ```text
//!  domain set ──▶ authenticator ──accept──▶ send READY ──▶ wait for READY ──▶ done
//!  no domain  ─────────────────────────────────┘
//! ```
//!
//! A READY of the peer that is there before the decision is looked at before ours is sent, which then
//! depends on what the peer asks for.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::{
    Accepted, Established, Mechanism, Opening, Outbox, Role, Security, Session, Step, Suspended,
    expect_command, max_metadata_command, parse_claims,
};
use crate::auth::Credentials;
use crate::error::{ProtocolError, Stage};
use crate::random::{RandomError, RandomSource};
use crate::time::Instant;
use crate::wire::command::{Command, name};
use crate::wire::greeting::MechanismName;

/// The NULL mechanism; it has no settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Null;

impl Security for Null {
    fn mechanism(&self) -> MechanismName {
        MechanismName::NULL
    }

    fn role(&self) -> Option<Role> {
        None
    }

    fn prepare(&self, _random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
        Ok(Box::new(*self))
    }
}

impl Opening for Null {
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        if session.domain.is_empty() {
            out.command(name::READY, &session.metadata);
            let next = ExpectReady { session, accepted: None, held: false };
            return Ok(Step::Continue(Box::new(next)));
        }
        let request = session.request(MechanismName::NULL, Credentials::Null);
        Ok(Step::Authenticate(request, Box::new(HoldReady { session })))
    }
}

/// READY is held back until the decision is there.
#[derive(Debug)]
struct HoldReady {
    session: Arc<Session>,
}

impl Suspended for HoldReady {
    fn resume(
        self: Box<Self>,
        accepted: Accepted,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        let (session, accepted) = (self.session, Some(accepted));
        Ok(Step::Continue(Box::new(ExpectReady { session, accepted, held: true })))
    }
}

#[derive(Debug)]
struct ExpectReady {
    session: Arc<Session>,
    accepted: Option<Accepted>,
    /// Ours was not sent yet.
    held: bool,
}

impl Mechanism for ExpectReady {
    fn stage(&self) -> Stage {
        Stage::Ready
    }

    fn max_command(&self) -> usize {
        max_metadata_command(name::READY, &self.session.limits)
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::READY, Stage::Ready)?;
        let claimed = parse_claims(&self.session, command.data)
            .map_err(|kind| ProtocolError::peer(Stage::Ready, kind))?;
        let Self { session, accepted, held } = *self;
        let ready = held.then(|| session.metadata.clone());
        Ok(Step::Done(Box::new(Established {
            claimed,
            public_key: None,
            accepted,
            ready,
            codec: None,
        })))
    }

    fn starved(&mut self, out: &mut Outbox<'_>) {
        if core::mem::take(&mut self.held) {
            out.command(name::READY, &self.session.metadata);
        }
    }
}
