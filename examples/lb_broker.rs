//! Load balancing: a broker gives each request to the worker that has been idle for longest.
//!
//! ```text
//! clients (REQ) ──▶ ROUTER  broker  ROUTER ◀── workers (REQ), each asks for work
//! ```
//!
//! `cargo run --example lb_broker`

use std::collections::VecDeque;

use ironhouse::error::SendError;
use ironhouse::{Endpoint, Message, Options, Req, Router};

const READY: &str = "READY";

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Passes requests on, each to the next worker that is there.
async fn broker(clients: Router, workers: Router) -> Done {
    // The envelopes of workers that wait for work: a routing id, and the empty part that REQ puts behind.
    let mut idle = VecDeque::new();
    // A request that nobody does yet. The others wait in the socket, and hold their clients up there.
    let mut waiting = None;
    loop {
        // Both calls may be dropped without loss, so they fit in here.
        tokio::select! {
            message = workers.recv() => {
                let (worker, message) = message?.split_at(2).ok_or("a worker that is no REQ")?;
                idle.push_back(worker);
                if *message.first() != *READY {
                    forward(&clients, message).await?;
                }
            }
            request = clients.recv(), if waiting.is_none() => waiting = Some(request?),
        }
        while let Some(request) = &waiting
            && let Some(worker) = idle.pop_front()
        {
            if forward(&workers, behind(worker, request.clone())).await? {
                waiting = None;
            }
        }
    }
}

/// Puts a message into an envelope.
fn behind(mut envelope: Message, message: Message) -> Message {
    message.into_parts().for_each(|part| envelope.push(part));
    envelope
}

/// Sends to the peer that the message begins with, and says whether it is there.
async fn forward(router: &Router, message: Message) -> Result<bool, SendError> {
    match router.send(message).await {
        Ok(()) => Ok(true),
        Err(SendError::HostUnreachable(_)) => {
            println!("somebody has left before its turn");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

async fn worker(name: &str, broker: Endpoint) -> Done {
    let req = Req::new(Options::new())?;
    req.connect(broker)?;
    req.send(READY).await?;
    loop {
        // What a REQ receives is an answer; here the answer to "give me work" is a request.
        let (envelope, request) = req.recv().await?.split_at(2).ok_or("no client")?;
        let answer = format!("{name} did {}", std::str::from_utf8(request.first())?);
        req.send(behind(envelope, answer.into())).await?;
    }
}

async fn client(name: &str, broker: Endpoint) -> Done {
    let req = Req::new(Options::new())?;
    req.connect(broker)?;
    for task in 1..=3 {
        req.send(format!("task {task} of {name}")).await?;
        println!("{name}: {:?}", req.recv().await?.first());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Done {
    let (clients, workers) = (Router::new(Options::new())?, Router::new(Options::new())?);
    let front = clients.bind("tcp://127.0.0.1:*").await?;
    let back = workers.bind("tcp://127.0.0.1:*").await?;

    // One that asks for work and leaves: a message to it is an error, which the broker can act on.
    let deserter = Req::new(Options::new())?;
    let mut events = workers.monitor();
    deserter.connect(&back)?;
    deserter.send(READY).await?;
    deserter.close().await;
    while !matches!(events.next_event().await, Some(ironhouse::Event::Disconnected { .. })) {}

    tokio::spawn(broker(clients, workers));
    let ann = tokio::spawn(client("Ann", front.clone()));
    let ben = tokio::spawn(client("Ben", front));
    tokio::spawn(worker("Wim", back.clone()));
    tokio::spawn(worker("Zoe", back));
    ann.await??;
    ben.await?
}
