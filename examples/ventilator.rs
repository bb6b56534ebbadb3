//! Ventilator: one side deals work out, workers do it at the same time, and a sink collects the results
//! (PUSH and PULL).
//!
//! `cargo run --example ventilator`

use std::time::{Duration, Instant};

use ironhouse::{Endpoint, Event, Options, Pull, Push};

const WORKERS: usize = 3;
const TASKS: u64 = 30;

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Does whatever it is given, until its sockets are gone.
async fn worker(number: usize, ventilator: Endpoint, sink: Endpoint) -> Done {
    let (tasks, results) = (Pull::new(Options::new())?, Push::new(Options::new())?);
    tasks.connect(ventilator)?;
    results.connect(sink)?;
    loop {
        let task = tasks.recv().await?;
        let milliseconds = std::str::from_utf8(task.first())?.parse()?;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        results.send((number.to_string(), milliseconds.to_string())).await?;
    }
}

#[tokio::main]
async fn main() -> Done {
    let (ventilator, sink) = (Push::new(Options::new())?, Pull::new(Options::new())?);
    let mut events = ventilator.monitor();
    let work = ventilator.bind("tcp://127.0.0.1:*").await?;
    let results = sink.bind("tcp://127.0.0.1:*").await?;
    for number in 0..WORKERS {
        tokio::spawn(worker(number, work.clone(), results.clone()));
    }

    // Whoever is there first would get everything that is sent before the others are.
    let mut ready = 0;
    while ready < WORKERS {
        if let Event::HandshakeSucceeded { .. } = events.next_event().await.ok_or("no events")? {
            ready += 1;
        }
    }

    let begin = Instant::now();
    for task in 0..TASKS {
        ventilator.send((1 + task * 7 % 20).to_string()).await?;
    }
    let (mut done, mut total) = ([0; WORKERS], 0);
    for _ in 0..TASKS {
        let result = sink.recv().await?;
        let [worker, milliseconds] = [result.first(), result.get(1).ok_or("no second part")?];
        done[std::str::from_utf8(worker)?.parse::<usize>()?] += 1;
        total += std::str::from_utf8(milliseconds)?.parse::<u64>()?;
    }
    println!("{TASKS} tasks, {total} ms of work, done in {} ms", begin.elapsed().as_millis());
    // Round robin: everybody gets its share, in turn.
    for (worker, tasks) in done.iter().enumerate() {
        println!("worker {worker} did {tasks}");
    }
    Ok(())
}
