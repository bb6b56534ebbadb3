//! The fifth house is of iron, and gave this project its name: CURVE, and the server knows its clients by
//! their keys. Whoever is not on the list stays outside, and the application learns who sent what.
//!
//! `cargo run --example ironhouse`

use ironhouse::auth::UserId;
use ironhouse::error::{Disconnect, Kind};
use ironhouse::{
    Authenticator, Event, KeyPair, KeySet, Options, PublicKey, Pull, Push, Security,
    ServerSecurity, curve_keypair,
};

fn client(keys: KeyPair, server_key: PublicKey) -> Result<Push, Box<dyn std::error::Error>> {
    let security = Security::curve_client(keys, server_key)?;
    Ok(Push::new(Options::new().security(security))?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (house, alice, mallory) = (curve_keypair()?, curve_keypair()?, curve_keypair()?);
    let server_key = *house.public();

    // Keys may as well lie in a directory, one file for each client: see `CertificateStore`, and
    // `ironhouse keygen`, which writes such files.
    let mut known = KeySet::new();
    known.insert_as(*alice.public().as_bytes(), UserId::new("alice").ok_or("too long")?);
    let keeper = Authenticator::new().allow("127.0.0.1")?.configure_curve("*", known)?;
    let server = Pull::new(
        Options::new().security(ServerSecurity::curve(house).with_authenticator(keeper)),
    )?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    let push = client(alice, server_key)?;
    push.connect(&endpoint)?.ready().await?;
    push.send("hello").await?;
    let message = server.recv().await?;
    // Proved by its key, not claimed by the client.
    println!("{} says {:?}", message.user_id().ok_or("nobody?")?, message.first());

    let push = client(mallory, server_key)?;
    let failure = push.connect(&endpoint)?.ready().await.expect_err("nobody knows mallory");
    match failure.cause {
        Disconnect::Protocol(error) if matches!(error.kind, Kind::ReportedByPeer(_)) => {
            println!("mallory is refused at stage {}: {}", error.stage, error.kind);
        }
        other => return Err(format!("expected another reason than: {other}").into()),
    }

    // The client learns that it was refused, the server why.
    while let Some(event) = events.next_event().await {
        if let Event::HandshakeFailed { error, .. } = event {
            println!("the server knows why: {} ({})", error.kind, error.rule());
            return Ok(());
        }
    }
    Err("the server ended".into())
}
