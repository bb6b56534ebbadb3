//! The second house has a door keeper: still NULL, without encryption, but a peer is judged by the
//! address that it comes from.
//!
//! `cargo run --example strawhouse`

use ironhouse::error::{Disconnect, Kind};
use ironhouse::{Authenticator, Options, Pull, Push, Security};

/// A server that lets in whom `keeper` lets in.
fn server(keeper: Authenticator) -> Result<Push, Box<dyn std::error::Error>> {
    // The domain groups sockets that share their rules. With NULL, it is what makes the socket ask at all.
    let security = Security::null_with_authenticator("global", keeper)?;
    Ok(Push::new(Options::new().security(security))?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One address, a block such as 192.0.2.0/24, `loopback`, or `private`: whoever comes from elsewhere
    // stays outside.
    let open = server(Authenticator::new().allow("127.0.0.1")?)?;
    let endpoint = open.bind("tcp://127.0.0.1:*").await?;
    let client = Pull::new(Options::new())?;
    client.connect(&endpoint)?.ready().await?;
    open.send("hello").await?;
    println!("let in from 127.0.0.1: got {:?}", client.recv().await?.first());

    // The other way round: everybody may come in, but for some.
    let closed = server(Authenticator::new().deny("127.0.0.1")?)?;
    let endpoint = closed.bind("tcp://127.0.0.1:*").await?;
    let client = Pull::new(Options::new())?;
    let failure = client.connect(&endpoint)?.ready().await.expect_err("the address is denied");
    match failure.cause {
        // The keeper has spoken, so no other attempt is made: `failure.is_final`.
        Disconnect::Protocol(error) if matches!(error.kind, Kind::ReportedByPeer(_)) => {
            println!("refused at stage {}: {}", error.stage, error.kind);
            assert!(failure.is_final);
            Ok(())
        }
        other => Err(format!("expected another reason than: {other}").into()),
    }
}
