//! The server of PLAIN.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::auth::{Credentials, Secret};
use crate::error::{Malformed, ProtocolError, Stage};
use crate::mechanism::{
    Accepted, Established, Mechanism, Opening, Outbox, Role, Security, Session, Step, Suspended,
    expect_command, max_metadata_command, parse_claims,
};
use crate::random::{RandomError, RandomSource};
use crate::time::Instant;
use crate::wire::Reader;
use crate::wire::command::{Command, MISSPELT_ERROR, name};
use crate::wire::greeting::MechanismName;
use crate::wire::reason::ErrorReason;

/// Asks the authenticator about every user name and password.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainServer {
    /// Send ERROR with the spelling of libzmq's PLAIN server (`^RROR`), the only one that libzmq's
    /// clients recognise; default: the spelling of the specification.
    pub misspell_error: bool,
}

impl Security for PlainServer {
    fn mechanism(&self) -> MechanismName {
        MechanismName::PLAIN
    }

    fn role(&self) -> Option<Role> {
        Some(Role::Server)
    }

    fn prepare(&self, _random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
        Ok(Box::new(*self))
    }

    fn refuse(&self, reason: &ErrorReason, out: &mut Outbox<'_>) {
        let data = reason.encode();
        if self.misspell_error {
            let body: Vec<u8> = MISSPELT_ERROR.iter().copied().chain(data).collect();
            out.raw_command(&body);
        } else {
            out.command(name::ERROR, &data);
        }
    }
}

impl Opening for PlainServer {
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        Ok(Step::Continue(Box::new(ExpectHello { session })))
    }
}

#[derive(Debug)]
struct ExpectHello {
    session: Arc<Session>,
}

impl Mechanism for ExpectHello {
    fn stage(&self) -> Stage {
        Stage::Hello
    }

    fn max_command(&self) -> usize {
        1 + name::HELLO.len() + 2 * (1 + 255)
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::HELLO, Stage::Hello)?;
        let credentials = parse_hello(command.data)
            .ok_or_else(|| ProtocolError::peer(Stage::Hello, Malformed::Credentials))?;
        let request = self.session.request(MechanismName::PLAIN, credentials);
        Ok(Step::Authenticate(request, Box::new(HoldWelcome { session: self.session })))
    }
}

fn parse_hello(data: &[u8]) -> Option<Credentials> {
    let mut reader = Reader::new(data);
    let username = reader.short_string().ok()?;
    let password = reader.short_string().ok()?;
    reader.is_empty().then(|| Credentials::Plain {
        username: Bytes::copy_from_slice(username),
        password: Secret::new(password.to_vec()),
    })
}

/// WELCOME is held back until the decision is there.
#[derive(Debug)]
struct HoldWelcome {
    session: Arc<Session>,
}

impl Suspended for HoldWelcome {
    fn resume(
        self: Box<Self>,
        accepted: Accepted,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        out.command(name::WELCOME, &[]);
        Ok(Step::Continue(Box::new(ExpectInitiate { session: self.session, accepted })))
    }
}

#[derive(Debug)]
struct ExpectInitiate {
    session: Arc<Session>,
    accepted: Accepted,
}

impl Mechanism for ExpectInitiate {
    fn stage(&self) -> Stage {
        Stage::Initiate
    }

    fn max_command(&self) -> usize {
        max_metadata_command(name::INITIATE, &self.session.limits)
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::INITIATE, Stage::Initiate)?;
        let claimed = parse_claims(&self.session, command.data)
            .map_err(|kind| ProtocolError::peer(Stage::Initiate, kind))?;
        Ok(Step::Done(Box::new(Established {
            claimed,
            public_key: None,
            accepted: Some(self.accepted),
            ready: Some(self.session.metadata.clone()),
            codec: None,
        })))
    }
}
