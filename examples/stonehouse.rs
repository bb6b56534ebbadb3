//! The fourth house is of stone: CURVE. Everything is encrypted, and a client knows that it talks to the
//! right server, because only that one has the secret half of the server's key. The server lets everybody
//! in; it is the least to use on the open network.
//!
//! `cargo run --example stonehouse`

use ironhouse::error::{Disconnect, Kind};
use ironhouse::{
    Authenticator, CurveKeys, Options, Pull, Push, Security, ServerSecurity, curve_keypair,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys = curve_keypair()?;
    // The half that clients must have from somebody whom they trust.
    let server_key = *keys.public();

    // Any key may come in, from addresses that are allowed. If no address matters either, there is
    // `dangerous().accept_any_client()`; what a server cannot do is to say nothing about its clients.
    let keeper =
        Authenticator::new().allow("127.0.0.1")?.configure_curve("*", CurveKeys::AllowAny)?;
    let server =
        Push::new(Options::new().security(ServerSecurity::curve(keys).with_authenticator(keeper)))?;
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    // A key that nobody has seen before is as good as any.
    let security = Security::curve_client(curve_keypair()?, server_key)?;
    let client = Pull::new(Options::new().security(security))?;
    client.connect(&endpoint)?.ready().await?;
    server.send("hello").await?;
    println!("a client of any key got {:?}", client.recv().await?.first());

    // Who expects another server, because somebody put this one in its place, does not talk to it.
    let expected = *curve_keypair()?.public();
    let security = Security::curve_client(curve_keypair()?, expected)?;
    let careful = Pull::new(Options::new().security(security))?;
    let failure = careful.connect(&endpoint)?.ready().await.expect_err("that is not the server");
    match failure.cause {
        // The server cannot open its HELLO, and must not answer.
        Disconnect::Protocol(error) if matches!(error.kind, Kind::PeerClosed) => {
            println!("a client of another server at stage {}: {}", error.stage, error.kind);
        }
        other => return Err(format!("expected another reason than: {other}").into()),
    }

    // And nobody gets in without encryption.
    let naked = Pull::new(Options::new())?;
    let failure = naked.connect(&endpoint)?.ready().await.expect_err("it has no key");
    match failure.cause {
        Disconnect::Protocol(error) if matches!(error.kind, Kind::Incompatible(_)) => {
            println!("a client without CURVE: {}", error.kind);
            Ok(())
        }
        other => Err(format!("expected another reason than: {other}").into()),
    }
}
