//! A soak: 200 clients of all types but PAIR, which is for two, come, exchange messages and go, by
//! closing, by vanishing and by the end of their process, while one server serves them all.
//!
//! `IRONHOUSE_SOAK_SECONDS` says how long; the default is a few seconds. The figures are printed:
//!
//! ```text
//! IRONHOUSE_SOAK_SECONDS=300 cargo test -p ironhouse-tests --test soak -- --nocapture
//! ```
//!
//! The server has this process for itself, so that its memory, tasks and descriptors can be counted. The
//! clients live in children, which are this program again, and one of which is killed every two seconds.

mod clients;
mod server;

use std::env;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ironhouse::SocketType;
use ironhouse_tests::dice::Dice;
use ironhouse_tests::{Done, Fallible, rt};

use server::Server;

const SECONDS: &str = "IRONHOUSE_SOAK_SECONDS";

/// Set for a child: what it has to know.
const CHILD: &str = "IRONHOUSE_SOAK_CHILD";

const CLIENTS: usize = 200;
const CHILDREN: usize = 4;

/// The types of the clients.
const KINDS: [SocketType; 10] = [
    SocketType::REQ,
    SocketType::REP,
    SocketType::DEALER,
    SocketType::ROUTER,
    SocketType::PUSH,
    SocketType::PULL,
    SocketType::PUB,
    SocketType::SUB,
    SocketType::XPUB,
    SocketType::XSUB,
];

/// What a REP is asked.
const QUESTION: &[u8] = b"who are you?";

/// Memory that may come and go without being a leak, in bytes.
const SLACK: usize = 16 * 1024 * 1024;

/// No message is lost but those whose loss is documented, and the server is afterwards what it was.
#[test]
fn two_hundred_clients_come_and_go() -> Done {
    if let Some(told) = env::var_os(CHILD) {
        return clients::live(&told.into_string().expect("text"));
    }
    let seconds = env::var(SECONDS).ok().map_or(Ok(3), |it| it.parse())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(soak(Duration::from_secs(seconds)))
}

async fn soak(time: Duration) -> Done {
    let outside = tasks();
    let server = Server::start().await?;
    // What only prepares is soon gone.
    let before = outside + server.parts();
    rt::until("the server to be ready", || tasks() == before).await;
    let descriptors_before = descriptors();
    let mut house = House::new(server.told());
    let (begin, mut dice) = (Instant::now(), Dice::new(7));
    let mut memory = Vec::new();
    let mut told = 0;
    while begin.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(500)).await;
        memory.push(resident());
        house.check()?;
        server.check()?;
        if memory.len() % 4 == 3 {
            house.kill_one(&mut dice)?;
        }
        if begin.elapsed().as_secs() / 10 > told {
            told = begin.elapsed().as_secs() / 10;
            let connections = server.connections();
            eprintln!(
                "{} s: {connections} connections so far, {} KiB",
                told * 10,
                resident() / 1024
            );
        }
    }
    let figures = house.end()?;
    server.check()?;
    // A connection of a process that was killed may take a moment to be noticed.
    let begin = Instant::now();
    while (tasks(), descriptors()) != (before, descriptors_before) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(
            begin.elapsed() < rt::LATE,
            "left behind: {} tasks, not {before}, {} descriptors, not {descriptors_before}; open: {}",
            tasks(),
            descriptors(),
            server.open(),
        );
    }
    let after = tasks();
    println!(
        "{} s, {} connections, {} processes killed; in those that lived: {} lives, {} exchanges",
        time.as_secs(),
        server.connections(),
        house.killed,
        figures.lives,
        figures.exchanges.iter().sum::<u64>(),
    );
    let by_kind =
        KINDS.iter().zip(figures.exchanges).map(|(kind, count)| format!("{kind} {count}"));
    println!("exchanges: {}", by_kind.collect::<Vec<_>>().join(", "));
    println!("published and missed: {}, counted as dropped: {}", figures.missed, server.dropped());
    assert!(figures.missed <= server.dropped(), "what is missed was counted");
    assert!(figures.lives > 0 && figures.exchanges.iter().all(|it| *it > 0), "{figures:?}");
    judge(&memory);
    server.end().await?;
    rt::until("the end of all tasks", || tasks() == outside).await;
    println!(
        "tasks: {before} with the server alone, {after} after the last client, {} at the end",
        tasks()
    );
    Ok(())
}

/// Compares the second fifth of the time with the last one.
fn judge(memory: &[usize]) {
    let fifth = memory.len() / 5;
    if fifth == 0 {
        return;
    }
    let most = |part: &[usize]| part.iter().copied().max().unwrap_or(0);
    let early = most(&memory[fifth..2 * fifth]);
    let late = most(&memory[memory.len() - fifth..]);
    println!("memory of the server: {} KiB early on, {} KiB in the end", early / 1024, late / 1024);
    assert!(late <= early + SLACK, "memory grew from {early} to {late} octets: {memory:?}");
}

/// The processes of the clients.
struct House {
    told: String,
    rooms: Vec<Room>,
    generation: usize,
    killed: usize,
}

struct Room {
    first: usize,
    child: Child,
}

/// What the clients of a process have done.
#[derive(Debug, Default)]
struct Figures {
    lives: u64,
    /// In the order of [`KINDS`].
    exchanges: [u64; KINDS.len()],
    missed: u64,
}

impl House {
    fn new(told: String) -> Self {
        let mut house = Self { told, rooms: Vec::new(), generation: 0, killed: 0 };
        for number in 0..CHILDREN {
            let first = number * (CLIENTS / CHILDREN);
            let child = house.spawn(first);
            house.rooms.push(Room { first, child });
        }
        house
    }

    fn spawn(&mut self, first: usize) -> Child {
        self.generation += 1;
        let told = format!("{first} {} {}", self.generation, self.told);
        Command::new(env::current_exe().expect("a program"))
            .args(["--exact", "two_hundred_clients_come_and_go", "--nocapture"])
            .env(CHILD, told)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process")
    }

    /// Nobody ends by itself.
    fn check(&mut self) -> Done {
        for room in &mut self.rooms {
            if let Some(status) = room.child.try_wait()? {
                return Err(format!("the clients from {} on ended: {status}", room.first).into());
            }
        }
        Ok(())
    }

    /// Kills one of the processes and starts it again.
    fn kill_one(&mut self, dice: &mut Dice) -> Done {
        let at = dice.roll(CHILDREN as u64) as usize;
        self.rooms[at].child.kill()?;
        self.rooms[at].child.wait()?;
        self.killed += 1;
        self.rooms[at].child = self.spawn(self.rooms[at].first);
        Ok(())
    }

    /// Lets everybody finish, and adds up what they did.
    fn end(&mut self) -> Fallible<Figures> {
        let mut sum = Figures::default();
        for room in &mut self.rooms {
            drop(room.child.stdin.take());
        }
        for room in self.rooms.drain(..) {
            let mut child = room.child;
            let mut said = String::new();
            child.stdout.take().ok_or("no output")?.read_to_string(&mut said)?;
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("the clients from {} on: {status}: {said}", room.first).into());
            }
            let figures = Figures::parse(&said).ok_or(said)?;
            sum.lives += figures.lives;
            for (sum, count) in sum.exchanges.iter_mut().zip(figures.exchanges) {
                *sum += count;
            }
            sum.missed += figures.missed;
        }
        Ok(sum)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for room in &mut self.rooms {
            // It may have ended already.
            _ = room.child.kill();
            _ = room.child.wait();
        }
    }
}

impl Figures {
    fn print(&self) {
        let exchanges = self.exchanges.map(|it| it.to_string()).join(" ");
        println!("\nfigures {} {} {exchanges}", self.lives, self.missed);
    }

    fn parse(said: &str) -> Option<Self> {
        let line = said.lines().find_map(|line| line.strip_prefix("figures "))?;
        let mut numbers = line.split(' ').map(|it| it.parse().ok());
        let mut next = || numbers.next().flatten();
        let (lives, missed) = (next()?, next()?);
        let exchanges: Vec<_> = std::iter::from_fn(next).collect();
        Some(Self { lives, missed, exchanges: exchanges.try_into().ok()? })
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Memory of this process in octets; zero where the system does not say.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|it| it.parse::<usize>().ok()).map_or(0, |it| it * 4096)
}

/// Descriptors of this process; zero where the system does not say.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
