//! The client of CURVE.
//!
//! Four scalar multiplications for each connection: C' from c' (fixed base) and the keys of (c', S),
//! (c', S') and (c, S').

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use zmtp_core::error::{BoxName, Kind, LocalFault, Misbehaved, ProtocolError, Stage};
use zmtp_core::mechanism::{
    Established, Mechanism, Opening, Outbox, Role, Security, Session, Step, expect_command,
    parse_claims,
};
use zmtp_core::wire::command::{Command, name};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::{Instant, RandomError, RandomSource};

use crate::boxes::{BoxKey, long_nonce, short_nonce};
use crate::keys::{KeyError, KeyPair, PublicKey, SecretKey};
use crate::nonce::{self, Received, Sent};
use crate::traffic;
use crate::wire::{self, Hello, LongNonce, Ready, Welcome};

/// Proves its own key to the one server that has the secret half of a known key.
///
/// Each connection draws 48 octets, in this order: the transient secret key c' (32), the nonce of the
/// vouch (16).
#[derive(Debug, Clone)]
pub struct CurveClient {
    keys: Arc<Keys>,
}

#[derive(Debug)]
struct Keys {
    /// C and c.
    own: KeyPair,
    /// S.
    server: PublicKey,
}

impl CurveClient {
    /// The client with these keys, for the server with that one. A client cannot do without
    /// (26/CURVEZMQ, "General Design").
    ///
    /// # Errors
    /// [`KeyError::LowOrder`] for a server key that anybody could impersonate, such as zeros.
    pub fn new(keys: KeyPair, server_key: PublicKey) -> Result<Self, KeyError> {
        if server_key.is_low_order() {
            return Err(KeyError::LowOrder);
        }
        Ok(Self { keys: Arc::new(Keys { own: keys, server: server_key }) })
    }
}

impl Security for CurveClient {
    fn mechanism(&self) -> MechanismName {
        MechanismName::CURVE
    }

    fn role(&self) -> Option<Role> {
        Some(Role::Client)
    }

    fn prepare(&self, random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
        let mut fresh = Fresh { transient: SecretKey::generate(random)?, vouch_nonce: [0; 16] };
        random.fill(&mut fresh.vouch_nonce)?;
        Ok(Box::new(Prepared { keys: self.keys.clone(), fresh: Box::new(fresh) }))
    }
}

/// What one connection drew. It is boxed so that it is not copied from state to state, and each
/// state only borrows what it holds: what is dropped is erased.
#[derive(Debug)]
struct Fresh {
    /// c'.
    transient: SecretKey,
    vouch_nonce: LongNonce,
}

#[derive(Debug)]
struct Prepared {
    keys: Arc<Keys>,
    fresh: Box<Fresh>,
}

impl Opening for Prepared {
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        let Self { keys, fresh } = *self;
        let client = fresh.transient.public_key();
        let key = BoxKey::agree(&fresh.transient, &keys.server)
            .map_err(|_| ProtocolError::local(Stage::Hello, LocalFault::ServerKey))?;
        let nonce = short_nonce(nonce::HELLO, nonce::OF_HELLO);
        out.command(name::HELLO, &Hello::build(&client, nonce::OF_HELLO, &key, &nonce));
        Ok(Step::Continue(Box::new(ExpectWelcome { session, keys, fresh, client, key })))
    }
}

#[derive(Debug)]
struct ExpectWelcome {
    session: Arc<Session>,
    keys: Arc<Keys>,
    fresh: Box<Fresh>,
    /// C'.
    client: PublicKey,
    /// Of C' and S.
    key: BoxKey,
}

impl Mechanism for ExpectWelcome {
    fn stage(&self) -> Stage {
        Stage::Welcome
    }

    fn max_command(&self) -> usize {
        wire::WELCOME_LEN.max(wire::MAX_ERROR)
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::WELCOME, Stage::Welcome)?;
        let (initiate, key) =
            self.answer(command.data).map_err(|kind| ProtocolError::peer(Stage::Welcome, kind))?;
        out.command(name::INITIATE, &initiate);
        let (session, server) = (self.session.clone(), self.keys.server);
        Ok(Step::Continue(Box::new(ExpectReady { session, server, key })))
    }
}

impl ExpectWelcome {
    /// Opens WELCOME. Gives the data of INITIATE, and the key of C' and S'.
    fn answer(&self, data: &[u8]) -> Result<(Vec<u8>, BoxKey), Kind> {
        let welcome = Welcome::parse(data)?;
        let nonce = long_nonce(nonce::WELCOME, welcome.nonce);
        let text = wire::opened(&self.key, &nonce, welcome.sealed)
            .map_err(|_| Kind::Unopenable(BoxName::Welcome))?;
        let (transient, cookie) = Welcome::parse_content(&text)?;
        let agree = |secret| {
            BoxKey::agree(secret, &transient).map_err(|_| Kind::from(Misbehaved::LowOrderKey))
        };
        let key = agree(&self.fresh.transient)?;
        let vouch = self.vouch(&agree(self.keys.own.secret())?);

        let content: [&[u8]; 3] =
            [self.keys.own.public().as_bytes(), &vouch, &self.session.metadata];
        let head: [&[u8]; 2] = [cookie, &nonce::OF_INITIATE.to_be_bytes()];
        let nonce = short_nonce(nonce::INITIATE, nonce::OF_INITIATE);
        Ok((wire::sealed(&head, &key, &nonce, &content), key))
    }

    /// Shows under the key of C and S' that the owner of C speaks with C', and to S.
    fn vouch(&self, key: &BoxKey) -> Vec<u8> {
        let nonce = &self.fresh.vouch_nonce;
        let content: [&[u8]; 2] = [self.client.as_bytes(), self.keys.server.as_bytes()];
        wire::sealed(&[nonce], key, &long_nonce(nonce::VOUCH, nonce), &content)
    }
}

#[derive(Debug)]
struct ExpectReady {
    session: Arc<Session>,
    /// S.
    server: PublicKey,
    /// Of C' and S'.
    key: BoxKey,
}

impl Mechanism for ExpectReady {
    fn stage(&self) -> Stage {
        Stage::Ready
    }

    fn max_command(&self) -> usize {
        wire::READY_LEN.saturating_add(self.session.limits.max_metadata).max(wire::MAX_ERROR)
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::READY, Stage::Ready)?;
        let established =
            self.finish(command.data).map_err(|kind| ProtocolError::peer(Stage::Ready, kind))?;
        Ok(Step::Done(Box::new(established)))
    }
}

impl ExpectReady {
    fn finish(&self, data: &[u8]) -> Result<Established, Kind> {
        let ready = Ready::parse(data)?;
        let metadata =
            wire::opened(&self.key, &short_nonce(nonce::READY, ready.nonce), ready.sealed)
                .map_err(|_| Kind::Unopenable(BoxName::Ready))?;
        let (sent, last) = (Sent::after(nonce::OF_INITIATE), Received::first(ready.nonce));
        Ok(Established {
            claimed: parse_claims(&self.session, &metadata)?,
            public_key: Some(*self.server.as_bytes()),
            accepted: None,
            ready: None,
            codec: traffic::codec(Role::Client, self.key.clone(), sent, last),
        })
    }
}
