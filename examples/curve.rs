//! A server that knows its clients by their keys, and a client that knows its server by its key.
//!
//! `cargo run --example curve`

use ironhouse::{
    Authenticator, KeySet, Options, Rep, Req, Security, ServerSecurity, curve_keypair,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (server, client) = (curve_keypair()?, curve_keypair()?);
    let server_key = *server.public();

    let mut known = KeySet::new();
    known.insert(*client.public().as_bytes());
    let judge = Authenticator::new().configure_curve("*", known)?;
    let rep =
        Rep::new(Options::new().security(ServerSecurity::curve(server).with_authenticator(judge)))?;
    let endpoint = rep.bind("tcp://127.0.0.1:*").await?;

    let req = Req::new(Options::new().security(Security::curve_client(client, server_key)?))?;
    req.connect(&endpoint)?.ready().await?; // resolves at READY, or says why not
    req.send("hello").await?;
    let question = rep.recv().await?;
    println!("{question:?} from {:?}", question.peer().and_then(|peer| peer.user_id()));
    rep.send(question).await?;
    println!("{:?}", req.recv().await?);
    Ok(())
}
