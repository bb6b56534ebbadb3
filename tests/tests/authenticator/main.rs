//! The Authenticator at work on sockets, with clients of libzmq.

mod pyzmq;
mod vocabulary;

use ironhouse::auth::Refusal;
use ironhouse::{
    Authenticator, Event, Options, Pull, Security, ServerSecurity, auth, load_certificate,
};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::theirs::{self, Setup};
use ironhouse_tests::{Fallible, rt, watch};
use libzmq_reference as zmq;
use zmtp_core::error::Kind;

/// What became of a client.
type Outcome = Result<Guest, (Refusal, String)>;

/// A client that came in, as its first message shows it.
#[derive(Debug, PartialEq, Eq)]
struct Guest {
    user_id: String,
    /// The properties that the authenticator attached.
    properties: Vec<(String, Vec<u8>)>,
}

/// How a PUSH of libzmq fares at a PULL of ours, and what our side says of it.
async fn visit(security: &Security, client: &Setup) -> Fallible<Outcome> {
    let server = Pull::new(Options::new().security(security.clone()))?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    let context = theirs::context();
    let push = context.socket(zmq::SocketType::Push)?;
    client(&push)?;
    push.connect(&endpoint.to_string())?;
    push.send("Hello", 0)?;
    let denied = watch::event("a verdict", &mut events, |event| match event {
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
    let message = rt::in_time("a message", server.recv()).await?;
    assert_eq!(message.first(), "Hello");
    let peer = message.peer().ok_or("a message from somebody")?;
    let property = |(name, value): (&str, &bytes::Bytes)| (name.to_owned(), value.to_vec());
    let user_id = peer.user_id().map_or("", auth::UserId::as_str).to_owned();
    Ok(Ok(Guest { user_id, properties: peer.verified.metadata.iter().map(property).collect() }))
}

fn refused(text: &str) -> Outcome {
    Err((Refusal::Failure, text.into()))
}

/// A guest without properties.
fn guest(user_id: impl ToString) -> Outcome {
    Ok(Guest { user_id: user_id.to_string(), properties: Vec::new() })
}

fn null(judge: &Authenticator) -> Fallible<Security> {
    Ok(Security::null_with_authenticator("global", judge.clone())?)
}

fn plain(judge: &Authenticator) -> Security {
    ServerSecurity::plain().with_authenticator(judge.clone())
}

fn curve(server: &Keys, judge: &Authenticator) -> Security {
    ServerSecurity::curve(server.pair()).with_authenticator(judge.clone())
}

fn nobody() -> Setup {
    theirs::setup(|_| Ok(()))
}

fn user(name: &'static str, password: &'static str) -> Setup {
    theirs::setup(|socket| {
        socket.plain_username(name)?.plain_password(password)?;
        Ok(())
    })
}

fn holder(client: &Keys, server: &Keys) -> Setup {
    let (client, server) = (client.clone(), server.public());
    theirs::setup(move |socket| client.present(socket, &server))
}

/// The keys in a file.
fn keys_in(file: impl AsRef<std::path::Path>) -> Fallible<Keys> {
    Ok(Keys(ironhouse::certificate_keys(&load_certificate(file)?)?))
}
