//! The server of CURVE.
//!
//! Four scalar multiplications for each connection that gets as far as READY: the key of (C', s),
//! which opens HELLO and seals WELCOME; S' from s' (fixed base), only when HELLO proved to be genuine;
//! and the keys of (C', s') and (C, s'). A refused HELLO costs one.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use zmtp_core::auth::{AuthRequest, Credentials};
use zmtp_core::error::{BoxName, Kind, Malformed, Misbehaved, ProtocolError, Stage};
use zmtp_core::mechanism::{
    Accepted, Established, Mechanism, Opening, Outbox, Role, Security, Session, Step, Suspended,
    expect_command, parse_claims,
};
use zmtp_core::peer::Claimed;
use zmtp_core::wire::command::{Command, name};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::{Instant, RandomError, RandomSource};

use crate::boxes::{BoxKey, long_nonce, short_nonce};
use crate::cookie::Issued;
use crate::keys::{KeyPair, PublicKey, SecretKey};
use crate::nonce::{self, Received, Sent};
use crate::traffic;
use crate::wire::{self, Hello, Initiate, InitiateContent, LongNonce};

/// Has every client prove its key, then asks the authenticator about it.
///
/// Each connection draws 96 octets, in this order: the transient secret key s' (32), the key of the
/// cookie (32), the nonce of the cookie (16), the nonce of WELCOME (16).
#[derive(Debug, Clone)]
pub struct CurveServer {
    /// S and s.
    keys: Arc<KeyPair>,
}

impl CurveServer {
    /// The server with these keys.
    #[must_use]
    pub fn new(keys: KeyPair) -> Self {
        Self { keys: Arc::new(keys) }
    }
}

impl Security for CurveServer {
    fn mechanism(&self) -> MechanismName {
        MechanismName::CURVE
    }

    fn role(&self) -> Option<Role> {
        Some(Role::Server)
    }

    fn prepare(&self, random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
        let fresh = Box::new(Fresh::draw(random)?);
        Ok(Box::new(Prepared { keys: self.keys.clone(), fresh }))
    }
}

/// What one connection drew. It is boxed so that it is not copied from state to state, and each
/// state only borrows what it holds: what is dropped is erased.
#[derive(Debug)]
struct Fresh {
    /// s'. Its public half is computed when a genuine HELLO has come.
    transient: SecretKey,
    cookie_key: BoxKey,
    cookie_nonce: LongNonce,
    welcome_nonce: LongNonce,
}

impl Fresh {
    fn draw(random: &mut dyn RandomSource) -> Result<Self, RandomError> {
        let mut fresh = Self {
            transient: SecretKey::generate(random)?,
            cookie_key: BoxKey::generate(random)?,
            cookie_nonce: [0; 16],
            welcome_nonce: [0; 16],
        };
        random.fill(&mut fresh.cookie_nonce)?;
        random.fill(&mut fresh.welcome_nonce)?;
        Ok(fresh)
    }
}

#[derive(Debug)]
struct Prepared {
    keys: Arc<KeyPair>,
    fresh: Box<Fresh>,
}

impl Opening for Prepared {
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        let Self { keys, fresh } = *self;
        Ok(Step::Continue(Box::new(ExpectHello { session, keys, fresh })))
    }
}

#[derive(Debug)]
struct ExpectHello {
    session: Arc<Session>,
    keys: Arc<KeyPair>,
    fresh: Box<Fresh>,
}

impl Mechanism for ExpectHello {
    fn stage(&self) -> Stage {
        Stage::Hello
    }

    fn max_command(&self) -> usize {
        wire::HELLO_LEN
    }

    fn step(
        self: Box<Self>,
        now: Instant,
        command: Command<'_>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::HELLO, Stage::Hello)?;
        let (welcome, next) = self
            .answer(now, command.data)
            .map_err(|kind| ProtocolError::peer(Stage::Hello, kind))?;
        out.command(name::WELCOME, &welcome);
        Ok(Step::Continue(Box::new(next)))
    }
}

impl ExpectHello {
    /// Checks HELLO, cheap things first. Gives the data of WELCOME, and what remains of this state
    /// when s' and S' are forgotten.
    fn answer(&self, now: Instant, data: &[u8]) -> Result<(Vec<u8>, ExpectInitiate), Kind> {
        let hello = Hello::parse(data)?;
        let key = BoxKey::agree(self.keys.secret(), &hello.client)
            .map_err(|_| Misbehaved::LowOrderKey)?;
        let text = wire::opened(&key, &short_nonce(nonce::HELLO, hello.nonce), hello.sealed)
            .map_err(|_| Kind::Unopenable(BoxName::Hello))?;
        if text.as_slice() != wire::ZEROS {
            return Err(Malformed::HelloContent.into());
        }

        let Fresh { transient, cookie_key, cookie_nonce, welcome_nonce } = &*self.fresh;
        let (cookie, issued) =
            Issued::new(cookie_key.clone(), cookie_nonce, hello.client, transient, now);
        let public = transient.public_key();
        let content: [&[u8]; 2] = [public.as_bytes(), &cookie];
        let nonce = long_nonce(nonce::WELCOME, welcome_nonce);
        let welcome = wire::sealed(&[welcome_nonce], &key, &nonce, &content);
        let (session, keys) = (self.session.clone(), self.keys.clone());
        let last = Received::first(hello.nonce);
        Ok((welcome, ExpectInitiate { session, keys, issued, last }))
    }
}

#[derive(Debug)]
struct ExpectInitiate {
    session: Arc<Session>,
    keys: Arc<KeyPair>,
    issued: Issued,
    last: Received,
}

impl Mechanism for ExpectInitiate {
    fn stage(&self) -> Stage {
        Stage::Initiate
    }

    fn max_command(&self) -> usize {
        wire::INITIATE_LEN.saturating_add(self.session.limits.max_metadata)
    }

    fn step(
        self: Box<Self>,
        now: Instant,
        command: Command<'_>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::INITIATE, Stage::Initiate)?;
        let (request, next) = self
            .judge(now, command.data)
            .map_err(|kind| ProtocolError::peer(Stage::Initiate, kind))?;
        Ok(Step::Authenticate(request, Box::new(next)))
    }
}

impl ExpectInitiate {
    /// Checks INITIATE. Gives the question for the authenticator, and what READY needs.
    fn judge(&self, now: Instant, data: &[u8]) -> Result<(Box<AuthRequest>, HoldReady), Kind> {
        let initiate = Initiate::parse(data)?;
        let transient = self.issued.redeem(now, initiate.cookie)?;
        let last = self.last.rise_to(initiate.nonce)?;
        let agree = |public| BoxKey::agree(&transient, public).map_err(|_| Misbehaved::LowOrderKey);
        let key = agree(self.issued.client())?;
        let nonce = short_nonce(nonce::INITIATE, initiate.nonce);
        let text = wire::opened(&key, &nonce, initiate.sealed)
            .map_err(|_| Kind::Unopenable(BoxName::Initiate))?;
        let content = InitiateContent::parse(&text)?;
        self.verify_vouch(&agree(&content.client)?, &content)?;

        let claimed = parse_claims(&self.session, content.metadata)?;
        let public_key = *content.client.as_bytes();
        let credentials = Credentials::Curve { public_key };
        let mut request = self.session.request(MechanismName::CURVE, credentials);
        request.routing_id = claimed.routing_id.clone();
        request.metadata = claimed.metadata.clone();
        let session = self.session.clone();
        Ok((request, HoldReady { session, key, public_key, claimed, last }))
    }

    /// Whether the owner of C says that it speaks with C', and to S. libzmq does not look at S; then
    /// a server that the client trusts less could pass the vouch on (26/CURVEZMQ, "Differences from
    /// CurveCP").
    fn verify_vouch(&self, key: &BoxKey, content: &InitiateContent<'_>) -> Result<(), Kind> {
        let nonce = long_nonce(nonce::VOUCH, content.vouch_nonce);
        let unopenable = Kind::Unopenable(BoxName::Vouch);
        let Ok(text) = wire::opened(key, &nonce, content.vouch) else { return Err(unopenable) };
        let Some((client, server)) = wire::two_keys(&text) else { return Err(unopenable) };
        if !self.issued.client().ct_eq(&PublicKey::from_bytes(*client)) {
            return Err(Misbehaved::VouchClientKey.into());
        }
        if !self.keys.public().ct_eq(&PublicKey::from_bytes(*server)) {
            return Err(Misbehaved::VouchServerKey.into());
        }
        Ok(())
    }
}

/// READY is held back until the decision is there and the peer is admitted.
#[derive(Debug)]
struct HoldReady {
    session: Arc<Session>,
    /// Of C' and S'.
    key: BoxKey,
    /// C.
    public_key: [u8; 32],
    claimed: Claimed,
    last: Received,
}

impl Suspended for HoldReady {
    fn resume(
        self: Box<Self>,
        accepted: Accepted,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        let nonce = short_nonce(nonce::READY, nonce::OF_READY);
        let head: [&[u8]; 1] = [&nonce::OF_READY.to_be_bytes()];
        let ready = wire::sealed(&head, &self.key, &nonce, &[&self.session.metadata]);
        let sent = Sent::after(nonce::OF_READY);
        Ok(Step::Done(Box::new(Established {
            claimed: self.claimed.clone(),
            public_key: Some(self.public_key),
            accepted: Some(accepted),
            ready: Some(ready.into()),
            codec: traffic::codec(Role::Server, self.key.clone(), sent, self.last),
        })))
    }
}
