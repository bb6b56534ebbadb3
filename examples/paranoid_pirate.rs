//! Paranoid pirate: a queue and its workers send each other heartbeats, so that each notices when the other is
//! gone, even if the network says nothing. The client is a lazy pirate, that asks again.
//!
//! ```text
//! client (REQ) ──▶ ROUTER  queue  ROUTER ◀──▶ workers (DEALER)
//! ```
//!
//! `cargo run --example paranoid_pirate`
//!
//! Heartbeats between *sockets*, which find a peer whose machine or network is gone, need none of this:
//! `Options::heartbeat_interval` sends them. Those here find a *program* that hangs.

use std::cell::Cell;
use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Dealer, Endpoint, Options, Part, Req, Router};
use tokio::time::{Instant, interval, sleep, sleep_until};

const READY: &str = "READY";
const HEARTBEAT: &str = "HEARTBEAT";
const INTERVAL: Duration = Duration::from_millis(100);
/// Without a sign for that long, the other one is taken for dead.
const LIFETIME: Duration = Duration::from_millis(1000);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A worker, as the queue sees it.
struct Worker {
    id: Part,
    idle: bool,
    expires: Instant,
}

/// Passes requests to workers that live, and counts in `dead` those that do not.
async fn queue(clients: &Router, workers: &Router, dead: &Cell<u32>) -> Result<()> {
    // In front, who has been idle for longest.
    let mut known = Vec::<Worker>::new();
    let mut pulse = interval(INTERVAL);
    loop {
        tokio::select! {
            biased; // what has come is looked at before anybody is called silent
            message = workers.recv() => {
                let (id, message) = message?.split_at(1).ok_or("no message")?;
                let (id, expires) = (id.first().clone(), Instant::now() + LIFETIME);
                match known.iter_mut().find(|worker| worker.id == id) {
                    Some(worker) if *message.first() == *HEARTBEAT => worker.expires = expires,
                    _ => {
                        known.retain(|worker| worker.id != id);
                        known.push(Worker { id, idle: true, expires });
                    }
                }
                if message.len() > 1 {
                    deliver(clients, message).await?;
                }
            }
            request = clients.recv(), if known.iter().any(|worker| worker.idle) => {
                let mut request = request?;
                if let Some(worker) = known.iter_mut().find(|worker| worker.idle) {
                    worker.idle = false;
                    request.push_front(worker.id.clone());
                    deliver(workers, request).await?;
                }
            }
            now = pulse.tick() => {
                for _ in known.extract_if(.., |worker| worker.expires < now) {
                    println!("        the queue gives up on a silent worker");
                    dead.set(dead.get() + 1);
                }
                for worker in &known {
                    deliver(workers, (worker.id.clone(), HEARTBEAT)).await?;
                }
            }
        }
    }
}

/// Sends to the peer that the message begins with. If it has left, the client will ask again.
async fn deliver(router: &Router, message: impl Into<ironhouse::Message>) -> Result<()> {
    match router.send(message).await {
        Err(SendError::HostUnreachable(_)) => Ok(()),
        result => Ok(result?),
    }
}

/// Works, and hangs after so many requests.
async fn worker(name: &str, queue: Endpoint, hangs_after: usize) -> Result<()> {
    let mut done = 0;
    loop {
        let dealer = Dealer::new(Options::new().linger(Duration::ZERO))?;
        dealer.connect(&queue)?;
        dealer.send(READY).await?;
        let mut expires = Instant::now() + LIFETIME;
        let mut pulse = interval(INTERVAL);
        loop {
            tokio::select! {
                message = dealer.recv() => {
                    expires = Instant::now() + LIFETIME;
                    let message = message?;
                    if *message.first() == *HEARTBEAT {
                        continue;
                    }
                    // The client, the empty part of its REQ, and the request.
                    let (mut answer, request) = message.split_at(2).ok_or("no request")?;
                    answer.push(format!("{name} did {}", std::str::from_utf8(request.first())?));
                    dealer.send(answer).await?;
                    done += 1;
                    if done == hangs_after {
                        println!("        {name} hangs, connection and all");
                        return std::future::pending().await;
                    }
                }
                _ = pulse.tick() => dealer.send(HEARTBEAT).await?,
                () = sleep_until(expires) => break,
            }
        }
        println!("        {name} misses the queue, and connects anew");
    }
}

/// Asks until there is an answer.
async fn ask(queue: &Endpoint, request: &str) -> Result<()> {
    loop {
        let options = Options::new().recv_timeout(2 * LIFETIME).linger(Duration::ZERO);
        let req = Req::new(options)?;
        req.connect(queue)?;
        req.send(request).await?;
        match req.recv().await {
            Ok(answer) => {
                println!("{request}: {:?}", answer.first());
                return Ok(());
            }
            Err(RecvError::TimedOut | RecvError::RequestLost) => println!("{request}: once more"),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Asks again and again, until the queue has given a worker up.
async fn ask_until_one_is(dead: &Cell<u32>, queue: &Endpoint) -> Result<()> {
    let mut number = 0;
    while dead.get() == 0 {
        number += 1;
        ask(queue, &format!("request {number}")).await?;
        sleep(INTERVAL).await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let (clients, workers) = (Router::new(Options::new())?, Router::new(Options::new())?);
    let front = clients.bind("tcp://127.0.0.1:*").await?;
    let back = workers.bind("tcp://127.0.0.1:*").await?;
    tokio::spawn(worker("Ann", back.clone(), usize::MAX));
    tokio::spawn(worker("Bob", back.clone(), 2));

    let dead = Cell::new(0);
    tokio::select! {
        done = ask_until_one_is(&dead, &front) => done?,
        ended = queue(&clients, &workers, &dead) => return ended,
    }

    // Now the queue itself is gone for a while.
    clients.close().await;
    workers.close().await;
    sleep(2 * LIFETIME).await;
    let (clients, workers) = (Router::new(Options::new())?, Router::new(Options::new())?);
    clients.bind(&front).await?;
    workers.bind(&back).await?;
    println!("        the queue is back");
    tokio::select! {
        done = ask(&front, "the last request") => done,
        ended = queue(&clients, &workers, &dead) => ended,
    }
}
