//! Weather: a station publishes, and each listener gets what it subscribed to (PUB and SUB).
//!
//! `cargo run --example weather`

use std::time::Duration;

use ironhouse::{Options, Pub, Sub};

const CITIES: [&str; 3] = ["Helsinki", "Lisbon", "Vienna"];

/// Publishes for ever, whether anybody listens or not.
async fn station(station: Pub) -> Result<(), Box<dyn std::error::Error>> {
    let mut pause = tokio::time::interval(Duration::from_millis(2));
    for (tick, city) in (0..).zip(CITIES.iter().cycle()) {
        pause.tick().await;
        // What a subscriber chooses by is the beginning of the first part.
        station.send((*city, format!("{}", tick * 7 % 30))).await?;
    }
    Ok(())
}

/// The average of the next ten reports.
async fn listen(sub: &Sub) -> Result<i32, Box<dyn std::error::Error>> {
    let mut sum = 0;
    for _ in 0..10 {
        let report = sub.recv().await?;
        let [city, degrees] = [report.first(), report.get(1).ok_or("no degrees")?];
        assert_eq!(city, "Vienna", "nobody subscribed to anything else");
        sum += std::str::from_utf8(degrees)?.parse::<i32>()?;
    }
    Ok(sum / 10)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let publisher = Pub::new(Options::new())?;
    let endpoint = publisher.bind("tcp://127.0.0.1:*").await?;

    let sub = Sub::new(Options::new())?;
    sub.connect(&endpoint)?;
    // Without a subscription there is nothing to hear.
    sub.subscribe("Vienna");

    tokio::select! {
        ended = station(publisher) => ended,
        average = listen(&sub) => {
            println!("Vienna: {} degrees on average, and no word of other cities", average?);
            Ok(())
        }
    }
}
