//! What strangers cost: memory of a connection that has not authenticated, how long a good client waits
//! beside 20,000 of them, and the work for octets that come one by one.
//!
//! `cargo bench --bench hostile` prints it, `-- --json` for scripts; `-- --test` takes few of everything.
//! The strangers live in processes of their own, so that only the server's side is counted. Each
//! connection takes a descriptor: the soft limit is raised to the hard one, and if that is too low to
//! hold all of them at once (`ulimit -Hn` below 20,500), it says so and holds fewer.

use std::io::{IsTerminal, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ironhouse::auth::{AuthDecision, AuthRequest, Credentials};
use ironhouse::{
    Endpoint, Limits, Options, Rep, Req, Security, ServerSecurity, SocketType, from_fn,
};
use peak_alloc::PeakAlloc;
use zmtp_core::connection::{Connection, ConnectionConfig, Link};
use zmtp_core::mechanism::null::Null;
use zmtp_core::peer::PeerAddress;

/// Counts, so that figures do not depend on what the allocator keeps.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

type Error = Box<dyn std::error::Error>;

/// A figure: what, how much, of which unit.
type Figure = (String, f64, &'static str);

fn main() -> Result<(), Error> {
    if let (Ok(to), Ok(what), Ok(count)) =
        (std::env::var("HOSTILE_TO"), std::env::var("HOSTILE_IS"), std::env::var("HOSTILE_COUNT"))
    {
        return strangers(&to, &what, count.parse()?);
    }
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    raise_limit()?;
    let sizes = if has("--test") { Sizes::FEW } else { Sizes::ALL };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut figures = runtime.block_on(memory(&sizes))?;
    figures.extend(runtime.block_on(waiting(&sizes))?);
    figures.extend(dribble(&sizes)?);
    progress("");
    let width = figures.iter().map(|(what, ..)| what.len()).max().unwrap_or(0);
    for (what, value, unit) in figures {
        if has("--json") {
            println!("{{\"what\":\"{what}\",\"value\":{value},\"unit\":\"{unit}\"}}");
        } else {
            println!("{what:width$}  {value:>10.1} {unit}");
        }
    }
    Ok(())
}

/// How many of everything.
struct Sizes {
    /// Connections whose memory is measured.
    measured: usize,
    /// Strangers beside a good client.
    strangers: usize,
    /// Good clients, one after the other.
    clients: usize,
    /// Octets of the largest frame that comes octet by octet.
    frame: usize,
}

impl Sizes {
    const ALL: Self = Self { measured: 2000, strangers: 20_000, clients: 40, frame: 16 << 20 };
    const FEW: Self = Self { measured: 100, strangers: 100, clients: 3, frame: 1 << 20 };
}

/// What is being done, on a terminal.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}

// ---- memory ----------------------------------------------------------------------------------------

/// How far the strangers come whose memory is measured.
const STAGES: [(&str, &str); 4] = [
    ("silent", "no octet"),
    ("half", "half a greeting"),
    ("hello", "half of the longest HELLO"),
    ("asked", "waiting for the authenticator"),
];

async fn memory(sizes: &Sizes) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for (stage, what) in STAGES {
        progress(&format!("memory of {} strangers, {what}", sizes.measured));
        let (_rep, endpoint) = server(sizes.measured * 2).await?;
        let mut warm = spawn(&endpoint, stage, 50)?;
        let before = HEAP.current_usage();
        let mut cold = spawn(&endpoint, stage, sizes.measured)?;
        let grown = HEAP.current_usage().saturating_sub(before);
        let each = grown as f64 / sizes.measured as f64;
        figures.push((format!("memory before authentication, {what}"), each, "octets"));
        end(&mut warm)?;
        end(&mut cold)?;
    }
    Ok(figures)
}

/// A server of PLAIN that holds so many strangers, lets `friend` in and never decides about others.
async fn server(half_open: usize) -> Result<(Rep, Endpoint), Error> {
    let judge = from_fn(|request: Arc<AuthRequest>| async move {
        match &request.credentials {
            Credentials::Plain { username, .. } if username == "friend" => AuthDecision::accept(),
            _ => std::future::pending().await,
        }
    });
    let hour = Duration::from_secs(3600);
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = hour;
    let options = Options::new()
        .security(ServerSecurity::plain().with_authenticator(judge))
        .limits(limits)
        .max_half_open(half_open)
        .max_pending_authentications(half_open)
        .authentication_limit(hour);
    let rep = Rep::new(options)?;
    let endpoint = rep.bind("tcp://127.0.0.1:*").await?;
    Ok((rep, endpoint))
}

// ---- a good client beside strangers ----------------------------------------------------------------

async fn waiting(sizes: &Sizes) -> Result<Vec<Figure>, Error> {
    let most = descriptors().saturating_sub(500);
    let held = sizes.strangers.min(most);
    if held < sizes.strangers {
        eprintln!(
            "the hard limit of {} descriptors forbids to hold {} strangers at once: {held} are held",
            descriptors(),
            sizes.strangers
        );
    }
    let mut figures = Vec::new();
    for (places, count, held) in
        [(1024, sizes.strangers, "of 1,024 places"), (held * 2, held, "all held")]
    {
        let (rep, endpoint) = server(places).await?;
        let rep = Arc::new(rep);
        let echo = tokio::spawn({
            let rep = rep.clone();
            async move {
                while let Ok(message) = rep.recv().await {
                    _ = rep.send(message).await;
                }
            }
        });
        let alone = serve(&endpoint, sizes.clients).await?;
        figures.push((format!("a good client alone, {held}"), alone, "ms"));
        for (what, name) in
            [("silent", "silent"), ("slow", "slow"), ("garbage", "talking nonsense")]
        {
            progress(&format!("{count} strangers, {name}, {held}"));
            // A process has descriptors for some of them only.
            let mut children = Vec::new();
            for some in [count / 2, count - count / 2] {
                children.push(spawn(&endpoint, what, some)?);
            }
            let beside = serve(&endpoint, sizes.clients).await?;
            figures.push((format!("  beside {count} {name}, {held}"), beside, "ms"));
            children.iter_mut().try_for_each(end)?;
        }
        echo.abort();
    }
    Ok(figures)
}

/// Milliseconds from nothing to an answer, in the middle of some clients.
async fn serve(endpoint: &Endpoint, clients: usize) -> Result<f64, Error> {
    let mut times = Vec::new();
    for _ in 0..clients {
        let begin = Instant::now();
        let req = Req::new(Options::new().security(Security::plain_client("friend", "x")?))?;
        req.connect(endpoint)?.ready().await?;
        req.send("are you there?").await?;
        req.recv().await?;
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
        req.close().await;
    }
    times.sort_by(f64::total_cmp);
    times.get(clients / 2).copied().ok_or_else(|| "no client".into())
}

// ---- octet by octet --------------------------------------------------------------------------------

fn dribble(sizes: &Sizes) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    let ready = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH";
    for size in [sizes.frame / 256, sizes.frame / 16, sizes.frame] {
        progress(&format!("a frame of {size} octets, one by one"));
        let config = Arc::new(ConnectionConfig::new(SocketType::PULL, Arc::new(Null)));
        let link = Link { address: PeerAddress::Unknown, listener: "tcp://dribble".into() };
        let now = zmtp_core::Instant::ORIGIN;
        let mut connection = Connection::new(config, link, now, &mut ironhouse::OsRandom)?;
        let mut input = BytesMut::new();
        input.extend_from_slice(&greeting("NULL"));
        input.extend_from_slice(ready);
        input.extend_from_slice(&[2]);
        input.extend_from_slice(&(size as u64).to_be_bytes());
        connection.handle_input(now, &mut input)?;
        let begin = busy();
        for _ in 0..size {
            input.extend_from_slice(b"x");
            connection.handle_input(now, &mut input)?;
        }
        let each = (busy() - begin) as f64 / size as f64;
        assert!(input.is_empty(), "the message is whole");
        figures.push((format!("work per octet of a frame of {} KiB", size >> 10), each, "ns"));
    }
    Ok(figures)
}

/// Nanoseconds that this thread has worked, where the system tells; others may work meanwhile.
fn busy() -> u128 {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since_begin = || BEGIN.elapsed().as_nanos();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    told.and_then(|it| it.split(' ').next()?.parse().ok()).unwrap_or_else(since_begin)
}

// ---- strangers -------------------------------------------------------------------------------------

fn greeting(mechanism: &str) -> Vec<u8> {
    let mut octets = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1];
    octets.extend(mechanism.as_bytes());
    octets.resize(64, 0);
    octets
}

/// Another process that makes `count` connections; returns when they are there.
fn spawn(endpoint: &Endpoint, what: &str, count: usize) -> Result<Child, Error> {
    let mut child = Command::new(std::env::current_exe()?)
        .env("HOSTILE_TO", endpoint.to_string().trim_start_matches("tcp://"))
        .env("HOSTILE_IS", what)
        .env("HOSTILE_COUNT", count.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut there = [0];
    child.stdout.as_mut().ok_or("no output")?.read_exact(&mut there)?;
    // Buffers are given back when the drivers have gone idle.
    std::thread::sleep(Duration::from_millis(300));
    Ok(child)
}

fn end(child: &mut Child) -> Result<(), Error> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn strangers(to: &str, what: &str, count: usize) -> Result<(), Error> {
    let said = match what {
        "half" => greeting("PLAIN")[..32].to_vec(),
        "hello" => {
            [&greeting("PLAIN")[..], b"\x06\0\0\0\0\0\0\x02\x06\x05HELLO\xff", &[7; 250]].concat()
        }
        "asked" => [&greeting("PLAIN")[..], b"\x04\x0a\x05HELLO\x01x\x01y"].concat(),
        "garbage" => vec![0x55; 300],
        _ => Vec::new(),
    };
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let Ok(mut connection) = TcpStream::connect(to) else { continue };
        // Whoever is refused or evicted may be gone already.
        _ = connection.write_all(&said);
        if !matches!(what, "garbage") {
            _ = connection.set_read_timeout(Some(Duration::from_secs(20)));
            _ = connection.read_exact(&mut [0; 64]);
        }
        connections.push(connection);
    }
    std::io::stdout().write_all(b"!")?;
    std::io::stdout().flush()?;
    let octets = greeting("PLAIN");
    for at in 0.. {
        match what {
            "slow" => {
                for connection in &mut connections {
                    _ = connection.write_all(&octets[at % 8..=at % 8]);
                }
                std::thread::sleep(Duration::from_secs(1));
            }
            // Comes again and again.
            "garbage" => {
                if let Some(place) = connections.get_mut(at % count.max(1))
                    && let Ok(mut connection) = TcpStream::connect(to)
                {
                    _ = connection.write_all(&said);
                    *place = connection;
                }
            }
            _ => std::thread::sleep(Duration::from_secs(3600)),
        }
    }
    Ok(())
}

/// Descriptors that this process may have: the soft limit and the hard one.
fn limits() -> [usize; 2] {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    [3, 4].map(|at| match line.split_whitespace().nth(at) {
        Some("unlimited") => usize::MAX,
        number => number.and_then(|it| it.parse().ok()).unwrap_or(1024),
    })
}

fn descriptors() -> usize {
    limits()[0]
}

/// Starts this program again under its hard limit, if the soft one is lower: only a shell can raise it
/// without unsafe code.
fn raise_limit() -> Result<(), Error> {
    const RAISED: &str = "HOSTILE_RAISED";
    let [soft, hard] = limits();
    if soft >= hard || std::env::var_os(RAISED).is_some() {
        return Ok(());
    }
    let status = Command::new("sh")
        .args(["-c", r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(RAISED, "1")
        .status()?;
    std::process::exit(status.code().unwrap_or(1))
}
