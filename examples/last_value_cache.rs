//! Last value cache: who subscribes late gets the last value at once, not only the next one.
//!
//! ```text
//! publisher (XPUB) ──▶ SUB  cache  XPUB ──▶ subscribers (SUB)
//! ```
//!
//! `cargo run --example last_value_cache`

use std::collections::HashMap;
use std::time::Duration;

use ironhouse::error::RecvError;
use ironhouse::{Endpoint, Options, Sub, XPub};

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Passes everything on, and remembers the last message of each topic.
async fn cache(upstream: Sub, downstream: XPub) -> Done {
    let mut last = HashMap::new();
    loop {
        tokio::select! {
            update = upstream.recv() => {
                let update = update?;
                last.insert(update.first().to_vec(), update.clone());
                downstream.send(update).await?;
            }
            request = downstream.recv() => {
                let request = request?;
                // The octet 1 subscribes to the prefix behind it.
                let ([1, prefix @ ..], Some(peer)) = (request.first().as_bytes(), request.peer())
                else {
                    continue;
                };
                for (_, value) in last.iter().filter(|(topic, _)| topic.starts_with(prefix)) {
                    // To this subscriber alone; if it has left since, nobody misses anything.
                    let _ = downstream.try_send_to(peer, value.clone());
                }
            }
        }
    }
}

fn subscriber(to: &Endpoint, topic: &str) -> Result<Sub, Box<dyn std::error::Error + Send + Sync>> {
    let sub = Sub::new(Options::new())?;
    sub.subscribe(topic);
    sub.connect(to)?;
    Ok(sub)
}

#[tokio::main]
async fn main() -> Done {
    let publisher = XPub::new(Options::new())?;
    let upstream = subscriber(&publisher.bind("tcp://127.0.0.1:*").await?, "")?;
    // Verbose: to hear of every subscription, not only of the first one to each topic.
    let downstream = XPub::new(Options::new().xpub_verbose(true))?;
    let endpoint = downstream.bind("tcp://127.0.0.1:*").await?;
    tokio::spawn(cache(upstream, downstream));

    // An XPUB hears who subscribes, so that it need not talk to nobody.
    publisher.recv().await?;
    let early = subscriber(&endpoint, "price")?;
    for price in 1..=3 {
        publisher.send(("price", price.to_string())).await?;
    }
    while early.recv().await?.get(1).is_none_or(|price| price != "3") {}
    println!("early: has followed the price to the last one");

    // Nothing is published any more, and yet:
    println!("late:  {:?}", subscriber(&endpoint, "price")?.recv().await?);

    // Of what was never published there is no last value.
    match subscriber(&endpoint, "volume")?.recv_timeout(Duration::from_millis(200)).await {
        Err(RecvError::TimedOut) => println!("nothing is known of the volume"),
        other => return Err(format!("where does this come from? {other:?}").into()),
    }
    Ok(())
}
