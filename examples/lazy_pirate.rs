//! Lazy pirate: a client that asks again when it gets no answer, and gives up at last.
//!
//! `cargo run --example lazy_pirate`

use std::error::Error;
use std::time::Duration;

use ironhouse::error::RecvError;
use ironhouse::{Endpoint, Options, Part, Rep, Req};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);
const ATTEMPTS: usize = 3;

/// The answer to a request, if there is one in the end.
async fn ask(server: &Endpoint, request: &str) -> Result<Option<Part>, Box<dyn Error>> {
    for attempt in 1..=ATTEMPTS {
        // A new socket each time: one that has asked waits for its answer, and for nothing else.
        let options = Options::new().recv_timeout(PATIENCE).linger(Duration::ZERO);
        let req = Req::new(options)?;
        req.connect(server)?;
        req.send(request).await?;
        match req.recv().await {
            Ok(answer) => return Ok(Some(answer.first().clone())),
            // The server is slow, or lost on the way; or it had the request and has left, which the
            // client learns without having to wait.
            Err(error @ (RecvError::TimedOut | RecvError::RequestLost)) => {
                println!("{request}, attempt {attempt}: {error}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Answers a few requests and takes one more.
async fn serve(rep: &Rep, requests: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
    for _ in 0..requests {
        let request = rep.recv().await?;
        rep.send(format!("done: {}", std::str::from_utf8(request.first())?)).await?;
    }
    rep.recv().await?;
    Ok(())
}

/// A server that does everything wrong.
async fn bad_server(rep: Rep, endpoint: Endpoint) -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(&rep, 1).await?;
    println!("        the server hangs");
    tokio::time::sleep(PATIENCE * 3 / 2).await;
    println!("        the server is restarted");
    rep.close().await;
    let rep = Rep::new(Options::new())?;
    rep.bind(endpoint).await?;
    serve(&rep, 1).await?;
    println!("        the server dies");
    rep.close().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rep = Rep::new(Options::new())?;
    let endpoint = rep.bind("tcp://127.0.0.1:*").await?;
    tokio::spawn(bad_server(rep, endpoint.clone()));

    for request in ["first", "second", "third"] {
        match ask(&endpoint, request).await? {
            Some(answer) => println!("{request}: got {answer:?}"),
            None => println!("{request}: the server seems to be gone, giving up"),
        }
    }
    Ok(())
}
