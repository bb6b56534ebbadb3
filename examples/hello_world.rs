//! Hello, world: a client asks, a server answers (REQ and REP).
//!
//! `cargo run --example hello_world`

use ironhouse::error::SendError;
use ironhouse::{Options, Rep, Req};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Rep::new(Options::new())?;
    // `*` lets the system choose a free port, and the result names it. Servers say `tcp://*:5555`.
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    tokio::spawn(async move {
        // Each request gets one answer, and goes to whoever asked.
        while let Ok(request) = server.recv().await {
            println!("the server was asked {:?}", request.first());
            if let Err(error) = server.send("world").await {
                println!("no answer: {error}");
            }
        }
    });

    let client = Req::new(Options::new())?;
    // Connecting goes on in the background; what is sent meanwhile waits for it.
    client.connect(endpoint)?;
    for number in 1..=3 {
        client.send(format!("hello {number}")).await?;
        println!("the client got {:?}", client.recv().await?.first());
    }

    // REQ takes turns: a request, then its answer. Anything else is an error that says what is missing.
    client.send("hello 4").await?;
    match client.send("hello 5").await {
        Err(error @ SendError::State { .. }) => println!("out of turn: {error}"),
        other => return Err(format!("sent out of turn: {other:?}").into()),
    }
    println!("the client got {:?}", client.recv().await?.first());
    Ok(())
}
