//! One side of one measurement: a process of its own.
//!
//! It talks to the process that started it in lines: on its standard output it says where it is bound,
//! when the count begins and what it came to; on its standard input it is asked for what it has used.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::cases::{Cores, SUBSCRIBERS, TOPICS, Via, Work};
use crate::client;
use crate::peer::{Body, End, Kind, Peer, PeerName, Socket, Spec, block_on, spawn, with_peer};

/// Time from the first message on that does not count.
const WARM_UP: Duration = Duration::from_millis(100);
/// Time that the first message may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Binds.
    Bind,
    /// Connects.
    Connect,
    /// Both, in one process.
    Both,
}

#[derive(Debug, Clone, Args)]
pub struct WorkerArgs {
    #[arg(long)]
    pub side: Side,
    #[arg(long)]
    pub peer: PeerName,
    #[arg(long)]
    pub work: Work,
    #[arg(long)]
    pub via: Via,
    #[arg(long)]
    pub cores: Cores,
    #[arg(long)]
    pub body: usize,
    #[arg(long)]
    pub curve: bool,
    #[arg(long)]
    pub spin: bool,
    #[arg(long)]
    pub window: u64,
    #[arg(long)]
    pub endpoint: String,
}

/// What a worker says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Said {
    /// The endpoint.
    Bound(String),
    /// The count begins.
    Begin,
    /// So much was counted.
    End(Counted),
    /// Nanoseconds of CPU time, and octets of resident memory.
    Used { cpu: u64, memory: u64 },
}

/// What was counted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Counted {
    /// The value of the case.
    pub value: f64,
    /// Things done in the window.
    pub units: u64,
    /// CPU time of this process in the window, in nanoseconds.
    pub cpu: u64,
}

pub fn say(said: &Said) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, said)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// CPU time of this process in nanoseconds.
fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Resident memory of this process in octets.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().map_or(0, |kib: u64| kib * 1024)
}

pub fn work(args: WorkerArgs) -> Result<(), Error> {
    let core = match (args.cores, args.side) {
        (Cores::All, _) => None,
        (Cores::Each, Side::Connect) => Some(1),
        (Cores::One | Cores::Each, _) => Some(0),
    };
    if let Some(core) = core {
        let mut set = rustix::thread::CpuSet::new();
        set.set(core);
        rustix::thread::sched_setaffinity(None, &set)?;
    }
    std::thread::spawn(answer);
    if args.side == Side::Connect && matches!(args.work, Work::Handshake | Work::Idle) {
        return client::run(&args);
    }
    with_peer!(args.peer, side(args))
}

/// Says what was used whenever asked; ends with the one who asks.
fn answer() {
    for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
        let _ = say(&Said::Used { cpu: cpu(), memory: memory() });
    }
    std::process::exit(0);
}

/// Counts what the loops do.
type Counter = Arc<AtomicU64>;

fn side<P: Peer>(args: WorkerArgs) -> Result<(), Error> {
    let counters: Vec<Counter> = (0..SUBSCRIBERS).map(|_| Counter::default()).collect();
    let (cores, counted) = (args.cores, counters.clone());
    let counts_here = args.side == Side::Both
        || matches!(
            (args.work, args.side),
            (Work::Pipeline, Side::Bind) | (Work::Publish | Work::Topics, Side::Connect)
        );
    if args.work == Work::Request || !counts_here {
        return block_on::<P, _>(cores, act::<P>(args, counted));
    }
    let window = Duration::from_millis(args.window);
    std::thread::spawn(move || {
        if let Err(error) = block_on::<P, _>(cores, act::<P>(args, counted)) {
            eprintln!("{error}");
            std::process::exit(1);
        }
    });
    watch(&counters, window)
}

/// Reads the counters at the begin and the end of the window.
fn watch(counters: &[Counter], window: Duration) -> Result<(), Error> {
    let total = || counters.iter().map(|counter| counter.load(Ordering::Relaxed)).sum::<u64>();
    let start = Instant::now();
    while total() == 0 {
        if start.elapsed() > PATIENCE {
            return Err("no message came".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(WARM_UP);
    say(&Said::Begin)?;
    let (start, before, used) = (Instant::now(), total(), cpu());
    std::thread::sleep(window);
    let (units, took, used) = (total() - before, start.elapsed(), cpu() - used);
    let value = units as f64 / took.as_secs_f64();
    say(&Said::End(Counted { value, units, cpu: used }))?;
    rest()
}

/// Waits to be ended.
fn rest() -> Result<(), Error> {
    loop {
        std::thread::park();
    }
}

/// What this side does, without end unless it measures by itself.
async fn act<P: Peer>(args: WorkerArgs, counters: Vec<Counter>) -> Result<(), Error> {
    let window = Duration::from_millis(args.window);
    let body = Body::new(&[], args.body);
    let spec = |kind: Kind| Spec {
        kind,
        end: match args.side {
            Side::Bind | Side::Both => End::Bind(args.endpoint.clone()),
            Side::Connect => End::Connect(args.endpoint.clone()),
        },
        curve: args.curve,
        spin: args.spin,
        body: args.body,
    };
    match (args.work, args.side) {
        (Work::Pipeline, Side::Bind) => {
            let socket = bind::<P>(spec(Kind::Pull)).await?;
            count::<P>(socket, counter(&counters, 0)).await
        }
        (Work::Pipeline, Side::Connect) => flood(P::open(spec(Kind::Push)).await?.0, &[body]).await,
        (Work::Pipeline, Side::Both) => {
            let (pull, endpoint) = P::open(spec(Kind::Pull)).await?;
            let end = End::Connect(endpoint);
            let push = P::open(Spec { end, ..spec(Kind::Push) }).await?.0;
            spawn::<P>(async move {
                let _ = flood(push, &[body]).await;
            });
            count::<P>(pull, counter(&counters, 0)).await
        }
        (Work::Publish | Work::Topics, Side::Bind) => {
            let bodies = match args.work {
                Work::Topics => topics().map(|topic| Body::new(&topic, args.body)).collect(),
                _ => vec![body],
            };
            flood(bind::<P>(spec(Kind::Pub)).await?, &bodies).await
        }
        (Work::Publish | Work::Topics, _) => {
            let (sockets, prefixes) = match args.work {
                Work::Topics => (1, topics().collect()),
                _ => (SUBSCRIBERS, vec![Bytes::new()]),
            };
            for at in 1..sockets {
                let socket = P::open(spec(Kind::Sub(prefixes.clone()))).await?.0;
                let counter = counter(&counters, at);
                spawn::<P>(async move {
                    let _ = count::<P>(socket, counter).await;
                });
            }
            let socket = P::open(spec(Kind::Sub(prefixes))).await?.0;
            count::<P>(socket, counter(&counters, 0)).await
        }
        (Work::Request, Side::Bind) => echo(bind::<P>(spec(Kind::Rep)).await?, &body).await,
        (Work::Request, Side::Connect) => {
            ask(&mut P::open(spec(Kind::Req)).await?.0, &body, window).await
        }
        (Work::Request, Side::Both) => {
            let (rep, endpoint) = P::open(spec(Kind::Rep)).await?;
            let end = End::Connect(endpoint);
            let mut req = P::open(Spec { end, ..spec(Kind::Req) }).await?.0;
            let theirs = body.clone();
            spawn::<P>(async move {
                let _ = echo(rep, &theirs).await;
            });
            ask(&mut req, &body, window).await
        }
        (Work::Handshake, _) => hold::<P>(bind::<P>(spec(Kind::Pull)).await?).await,
        (Work::Idle, _) => hold::<P>(bind::<P>(spec(Kind::Router)).await?).await,
    }
}

fn counter(counters: &[Counter], at: usize) -> Counter {
    counters.get(at).cloned().unwrap_or_default()
}

fn topics() -> impl Iterator<Item = Bytes> {
    (0..TOPICS).map(|at| format!("{at:08x}").into())
}

async fn bind<P: Peer>(spec: Spec) -> Result<P::Socket, Error> {
    let (socket, endpoint) = P::open(spec).await?;
    say(&Said::Bound(endpoint))?;
    Ok(socket)
}

async fn count<P: Peer>(mut socket: P::Socket, counter: Counter) -> Result<(), Error> {
    let mut seen = 0;
    loop {
        socket.recv().await?;
        seen += 1;
        counter.store(seen, Ordering::Relaxed);
    }
}

async fn flood(mut socket: impl Socket, bodies: &[Body]) -> Result<(), Error> {
    loop {
        for body in bodies {
            socket.send(body).await?;
        }
    }
}

async fn echo(mut socket: impl Socket, body: &Body) -> Result<(), Error> {
    loop {
        socket.recv().await?;
        socket.send(body).await?;
    }
}

/// Asks again and again, and says the median of the times that answers took, in microseconds. Then it
/// waits with its socket open: the other side is still asked for what it has used.
async fn ask(socket: &mut impl Socket, body: &Body, window: Duration) -> Result<(), Error> {
    let start = Instant::now();
    while start.elapsed() < WARM_UP {
        socket.send(body).await?;
        socket.recv().await?;
    }
    say(&Said::Begin)?;
    let mut times = Vec::new();
    let (start, used) = (Instant::now(), cpu());
    while start.elapsed() < window {
        let asked = Instant::now();
        socket.send(body).await?;
        socket.recv().await?;
        times.push(asked.elapsed());
    }
    let used = cpu() - used;
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let value = median.as_secs_f64() * 1e6;
    say(&Said::End(Counted { value, units: times.len() as u64, cpu: used }))?;
    rest()
}

/// Keeps a socket, asynchronous ones with their runtime running.
async fn hold<P: Peer>(socket: P::Socket) -> Result<(), Error> {
    let _socket = socket;
    if P::BLOCKING { rest() } else { std::future::pending().await }
}
