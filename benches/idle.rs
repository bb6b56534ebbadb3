//! What an idle connection costs: memory per connection of a ROUTER with 10,000 silent DEALER peers.
//!
//! `cargo bench --bench idle` prints it. The peers live in a process of their own, so that only the
//! ROUTER's side is counted; `-- --test` takes 100 peers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ironhouse::{Event, Monitor, Observation, Options, Router};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    if let (Ok(endpoint), Ok(count)) = (std::env::var("IDLE_ENDPOINT"), std::env::var("IDLE_COUNT"))
    {
        return hold(&endpoint, count.parse()?);
    }
    let quick = std::env::args().any(|argument| argument == "--test");
    let count = if quick { 100 } else { 10_000 };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(count))
}

async fn measure(count: usize) -> Result<(), Error> {
    let router = Router::new(Options::new())?;
    let endpoint = router.bind("tcp://127.0.0.1:*").await?;
    let mut monitor = router.monitor();
    let mut warm = peers(&endpoint.to_string(), 50)?;
    established(&mut monitor, 50).await?;
    let before = resident()?;
    let mut cold = peers(&endpoint.to_string(), count)?;
    established(&mut monitor, count).await?;
    let grown = resident()?.saturating_sub(before);
    println!(
        "{count} idle connections on a ROUTER: {} octets of memory each ({} KiB in all)",
        grown / count,
        grown / 1024
    );
    for child in [&mut warm, &mut cold] {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

/// Another process that makes `count` connections and keeps them.
fn peers(endpoint: &str, count: usize) -> Result<Child, Error> {
    Ok(Command::new(std::env::current_exe()?)
        .env("IDLE_ENDPOINT", endpoint.trim_start_matches("tcp://"))
        .env("IDLE_COUNT", count.to_string())
        .stdin(Stdio::piped())
        .spawn()?)
}

fn hold(endpoint: &str, count: usize) -> Result<(), Error> {
    let mut greeting = [0; 64];
    greeting[0] = 0xFF;
    greeting[9] = 0x7F;
    greeting[10..12].copy_from_slice(&[3, 1]);
    greeting[12..16].copy_from_slice(b"NULL");
    let ready = b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER";
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let mut connection = TcpStream::connect(endpoint)?;
        connection.write_all(&greeting)?;
        connection.write_all(ready)?;
        connection.read_exact(&mut [0; 64])?;
        connections.push(connection);
    }
    // Until the other side is done and closes our standard input.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

async fn established(monitor: &mut Monitor, mut missing: usize) -> Result<(), Error> {
    while missing > 0 {
        let next = tokio::time::timeout(Duration::from_secs(60), monitor.next()).await?;
        match next.ok_or("the socket is gone")? {
            Observation::Event(Event::HandshakeSucceeded { .. }) => missing -= 1,
            Observation::Event(_) => {}
            Observation::Missed(count) => return Err(format!("{count} events missed").into()),
        }
    }
    // Buffers are given back when the drivers have gone idle.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// Resident memory of this process in octets.
fn resident() -> Result<usize, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: usize = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
