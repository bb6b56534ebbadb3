//! Clients of libzmq that try to come in at a server of ours.

use ironhouse::auth::{Refusal, UserId};
use ironhouse::{Endpoint, Event, Monitor, Options, Pull, Security};
use libzmq_reference as zmq;
use zmtp_core::error::Kind;

use crate::keys::Keys;
use crate::theirs::{self, Setup};
use crate::{Fallible, rt, watch};

/// What became of a client.
pub type Outcome = Result<Guest, (Refusal, String)>;

/// A client that came in, as its first message shows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Guest {
    /// The user as whom it came in.
    pub user_id: String,
    /// The properties that the authenticator attached.
    pub properties: Vec<(String, Vec<u8>)>,
}

/// A PULL of ours where somebody may come in.
#[derive(Debug)]
pub struct Door {
    server: Pull,
    events: Monitor,
    /// Where it is.
    pub endpoint: Endpoint,
}

impl Door {
    /// A door that lets in whom `security` lets in.
    ///
    /// # Errors
    /// None.
    pub async fn new(security: &Security) -> Fallible<Self> {
        let server = Pull::new(Options::new().security(security.clone()))?;
        let events = server.monitor();
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        Ok(Self { server, events, endpoint })
    }

    /// What becomes of the next client, which says hello.
    ///
    /// # Errors
    /// A [`ProtocolError`](zmtp_core::error::ProtocolError), if its handshake fails without anybody having
    /// decided about it.
    ///
    /// # Panics
    /// If nobody comes, or says something else.
    pub async fn verdict(&mut self) -> Fallible<Outcome> {
        let denied = watch::event("a verdict", &mut self.events, |event| match event {
            Event::HandshakeSucceeded { .. } => Some(None),
            Event::HandshakeFailed { error, .. } => Some(Some(error.clone())),
            _ => None,
        });
        if let Some(error) = denied.await {
            return match error.kind {
                Kind::Denied { status, text } => Ok(Err((status, text.to_string()))),
                _ => Err(error.into()),
            };
        }
        let message = rt::in_time("a message", self.server.recv()).await?;
        assert_eq!(message.first(), "hello");
        let peer = message.peer().ok_or("a message from somebody")?;
        let property = |(name, value): (&str, &bytes::Bytes)| (name.to_owned(), value.to_vec());
        Ok(Ok(Guest {
            user_id: peer.user_id().map_or("", UserId::as_str).to_owned(),
            properties: peer.verified.metadata.iter().map(property).collect(),
        }))
    }
}

/// How a PUSH of libzmq fares at a PULL of ours, and what our side says of it.
///
/// # Errors
/// Those of [`Door::verdict`].
///
/// # Panics
/// If nothing happens.
pub async fn visit(security: &Security, client: &Setup) -> Fallible<Outcome> {
    let mut door = Door::new(security).await?;
    let context = theirs::context();
    let push = context.socket(zmq::SocketType::Push)?;
    client(&push)?;
    push.connect(&door.endpoint.to_string())?;
    push.send("hello", 0)?;
    door.verdict().await
}

/// Refused with 400, for this reason.
pub fn refused(text: &str) -> Outcome {
    Err((Refusal::Failure, text.into()))
}

/// A guest without properties.
pub fn guest(user_id: impl ToString) -> Outcome {
    Ok(Guest { user_id: user_id.to_string(), properties: Vec::new() })
}

/// A client that says nothing of itself.
#[must_use]
pub fn nobody() -> Setup {
    theirs::setup(|_| Ok(()))
}

/// A client with a password.
#[must_use]
pub fn user(name: &'static str, password: &'static str) -> Setup {
    theirs::setup(|socket| {
        socket.plain_username(name)?.plain_password(password)?;
        Ok(())
    })
}

/// A client with a key.
#[must_use]
pub fn holder(client: &Keys, server: &Keys) -> Setup {
    let (client, server) = (client.clone(), server.public());
    theirs::setup(move |socket| client.present(socket, &server))
}
