//! The first house has no walls: NULL. Everybody may come in, and whoever is on the wire may read and
//! alter what is sent. Fit for one machine, or for a network on which everybody is a friend.
//!
//! `cargo run --example grasslands`

use ironhouse::error::{Disconnect, Kind};
use ironhouse::{Options, Pull, Push, Security, curve_keypair};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // NULL is what there is without any word about security.
    let server = Push::new(Options::new())?;
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    let client = Pull::new(Options::new())?;
    client.connect(&endpoint)?.ready().await?;
    server.send("hello").await?;
    println!("a client got {:?}", client.recv().await?.first());

    // Nobody is kept out here. But a client that insists on a wall does without the house: it never
    // speaks without encryption because the other side would rather not.
    let server_key = *curve_keypair()?.public();
    let security = Security::curve_client(curve_keypair()?, server_key)?;
    let careful = Pull::new(Options::new().security(security))?;
    let failure = careful.connect(&endpoint)?.ready().await.expect_err("there is no wall here");
    match failure.cause {
        Disconnect::Protocol(error) if matches!(error.kind, Kind::Incompatible(_)) => {
            println!("a careful client stays away: {}", error.kind);
            Ok(())
        }
        other => Err(format!("expected another reason than: {other}").into()),
    }
}
