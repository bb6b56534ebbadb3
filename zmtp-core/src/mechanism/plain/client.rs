//! The client of PLAIN.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::auth::Secret;
use crate::error::{Malformed, ProtocolError, Stage};
use crate::mechanism::{
    Established, MAX_ERROR, Mechanism, Opening, Outbox, Role, Security, Session, Step,
    expect_command, max_metadata_command, parse_claims,
};
use crate::random::{RandomError, RandomSource};
use crate::time::Instant;
use crate::wire::command::{Command, name};
use crate::wire::greeting::MechanismName;
use crate::wire::reason::ErrorReason;

/// Presents a user name and a password to whoever announces PLAIN.
///
/// They leave only after the peer's greeting named PLAIN as well, but in clear text: anybody on the
/// way can read them.
#[derive(Debug, Clone)]
pub struct PlainClient {
    hello: Arc<Secret>,
}

/// A user name or password over 255 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PLAIN user name or password has at most 255 octets")]
pub struct CredentialTooLong;

impl PlainClient {
    /// The credentials to present.
    ///
    /// # Errors
    /// [`CredentialTooLong`] if either has more than 255 octets.
    pub fn new(username: &[u8], password: &[u8]) -> Result<Self, CredentialTooLong> {
        let mut hello = Vec::with_capacity(2 + username.len() + password.len());
        for text in [username, password] {
            hello.push(u8::try_from(text.len()).map_err(|_| CredentialTooLong)?);
            hello.extend_from_slice(text);
        }
        Ok(Self { hello: Arc::new(Secret::new(hello)) })
    }
}

impl Security for PlainClient {
    fn mechanism(&self) -> MechanismName {
        MechanismName::PLAIN
    }

    fn role(&self) -> Option<Role> {
        Some(Role::Client)
    }

    fn prepare(&self, _random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
        Ok(Box::new(self.clone()))
    }

    fn refuse(&self, _reason: &ErrorReason, _out: &mut Outbox<'_>) {}
}

impl Opening for PlainClient {
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        out.command(name::HELLO, self.hello.expose());
        Ok(Step::Continue(Box::new(ExpectWelcome { session })))
    }
}

#[derive(Debug)]
struct ExpectWelcome {
    session: Arc<Session>,
}

impl Mechanism for ExpectWelcome {
    fn stage(&self) -> Stage {
        Stage::Welcome
    }

    fn max_command(&self) -> usize {
        // Longer than WELCOME.
        MAX_ERROR
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::WELCOME, Stage::Welcome)?;
        if !command.data.is_empty() {
            return Err(ProtocolError::peer(Stage::Welcome, Malformed::WelcomeBody));
        }
        out.command(name::INITIATE, &self.session.metadata);
        Ok(Step::Continue(Box::new(ExpectReady { session: self.session })))
    }
}

#[derive(Debug)]
struct ExpectReady {
    session: Arc<Session>,
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
        Ok(Step::Done(Box::new(Established {
            claimed,
            public_key: None,
            accepted: None,
            ready: None,
            codec: None,
        })))
    }
}
