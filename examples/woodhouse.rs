//! The third house asks for a password: PLAIN. It tells users apart, but sends everything in clear text, so
//! that it is fit for networks where nobody listens who should not.
//!
//! `cargo run --example woodhouse`

use ironhouse::error::{Disconnect, Kind};
use ironhouse::{Authenticator, Event, Options, Passwords, Pull, Push, Security, ServerSecurity};

fn client(password: &str) -> Result<Pull, Box<dyn std::error::Error>> {
    let security = Security::plain_client("admin", password)?;
    Ok(Pull::new(Options::new().security(security))?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `*` is for all domains. Addresses can be judged as well, as in the straw house.
    let users = Passwords::from_pairs([("admin", "secret")])?;
    let keeper = Authenticator::new().allow("127.0.0.1")?.configure_plain("*", users)?;
    let server =
        Push::new(Options::new().security(ServerSecurity::plain().with_authenticator(keeper)))?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    let known = client("secret")?;
    known.connect(&endpoint)?.ready().await?;
    server.send("hello").await?;
    println!("admin got {:?}", known.recv().await?.first());

    let guessing = client("12345")?;
    let failure = guessing.connect(&endpoint)?.ready().await.expect_err("the password is wrong");
    match failure.cause {
        Disconnect::Protocol(error) if matches!(error.kind, Kind::ReportedByPeer(_)) => {
            println!("refused at stage {}: {}", error.stage, error.kind);
        }
        other => return Err(format!("expected another reason than: {other}").into()),
    }

    // The client learns that it was refused, the server why.
    while let Some(event) = events.next_event().await {
        if let Event::HandshakeFailed { error, .. } = event {
            println!("the server knows why: {}", error.kind);
            return Ok(());
        }
    }
    Err("the server ended".into())
}
