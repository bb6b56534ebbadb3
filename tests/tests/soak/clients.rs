//! The clients of one process.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ironhouse::{
    AnySocket, Endpoint, Message, Options, PublicKey, Reconnect, Req, Security, SocketType,
};
use ironhouse_tests::dice::Dice;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::{Done, Fallible};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::{CHILDREN, CLIENTS, Figures, KINDS};

/// Where the services of the server are in what is told.
const SERVICES: [&str; 8] = ["rep", "router", "pull", "push", "pub", "sub", "dealer", "reception"];

/// What a ROUTER calls the server.
const SERVER: &str = "server";

/// What all clients of this process share.
struct World {
    key: PublicKey,
    endpoints: Vec<Endpoint>,
    generation: u64,
    stop: AtomicBool,
    lives: AtomicU64,
    exchanges: [AtomicU64; KINDS.len()],
    missed: AtomicU64,
    reception: Mutex<Req>,
}

/// How long anything may take: the machine is busy, and 200 clients are many.
const PATIENCE: Duration = Duration::from_secs(60);

async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Message `number` of a life: who says it, and octets that depend on all three.
pub(crate) fn message(slot: usize, life: u64, number: u64) -> Vec<Vec<u8>> {
    let size = (slot as u64 * 131 + life * 17 + number * 977) % 3000;
    let octet = (size % 251) as u8;
    vec![format!("{slot}.{life}.{number}").into_bytes(), vec![octet; size as usize]]
}

/// Lets the clients live until the standard input ends.
pub(crate) fn live(told: &str) -> Done {
    let mut words = told.split(' ');
    let mut next = || words.next().ok_or("too little was told");
    let (first, generation): (usize, u64) = (next()?.parse()?, next()?.parse()?);
    let key: PublicKey = next()?.parse()?;
    let endpoints = words.map(str::parse).collect::<Result<Vec<Endpoint>, _>>()?;
    assert_eq!(endpoints.len(), 2 * SERVICES.len());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let reception = Req::new(Options::new())?;
        reception.connect(&endpoints[2 * SERVICES.len() - 2])?;
        let world = Arc::new(World {
            key,
            endpoints,
            generation,
            stop: AtomicBool::new(false),
            lives: AtomicU64::new(0),
            exchanges: Default::default(),
            missed: AtomicU64::new(0),
            reception: Mutex::new(reception),
        });
        let mut clients = JoinSet::new();
        for slot in first..first + CLIENTS / CHILDREN {
            clients.spawn(Client::new(slot, world.clone()).live());
        }
        let told = world.clone();
        std::thread::spawn(move || {
            // Nothing is ever written there.
            _ = std::io::stdin().read(&mut [0]);
            told.stop.store(true, Ordering::Relaxed);
        });
        // The first one that fails ends them all.
        while let Some(client) = clients.join_next().await {
            client??;
        }
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        Figures {
            lives: count(&world.lives),
            exchanges: world.exchanges.each_ref().map(count),
            missed: count(&world.missed),
        }
        .print();
        Ok(())
    })
}

/// What a client does, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Asks, and gets back what it sent.
    Asks,
    /// Sends, and what it sent is counted.
    Gives,
    /// Is asked, and its answers are counted.
    Answers,
    /// Takes numbers that grow.
    Takes,
    /// Hears numbers without gaps, but for what the publisher dropped.
    Hears,
}

struct Client {
    slot: usize,
    world: Arc<World>,
    dice: Dice,
    kind: SocketType,
    role: Role,
    /// Where the server's socket is among the services, and whether it asks for CURVE.
    service: usize,
    curve: bool,
    /// What stands in front of a question and of its answer.
    front: &'static [&'static str],
}

impl Client {
    fn new(slot: usize, world: Arc<World>) -> Self {
        let (kind, role, service, curve) = match slot % 12 {
            0 => (SocketType::REQ, Role::Asks, 0, false),
            1 => (SocketType::REQ, Role::Asks, 1, true),
            2 => (SocketType::DEALER, Role::Asks, 1, true),
            3 => (SocketType::DEALER, Role::Asks, 0, false),
            4 => (SocketType::PUSH, Role::Gives, 2, true),
            5 => (SocketType::PULL, Role::Takes, 3, false),
            6 => (SocketType::SUB, Role::Hears, 4, true),
            7 => (SocketType::XSUB, Role::Hears, 4, true),
            8 => (SocketType::PUB, Role::Gives, 5, false),
            9 => (SocketType::XPUB, Role::Gives, 5, false),
            10 => (SocketType::REP, Role::Answers, 6, true),
            _ => (SocketType::ROUTER, Role::Asks, 1, true),
        };
        let dice = Dice::new(slot as u64 * 1_000 + world.generation);
        let front: &[&str] = match kind {
            SocketType::DEALER if service == 0 => &[""],
            SocketType::ROUTER => &[SERVER],
            _ => &[],
        };
        Self { slot, world, dice, kind, role, service, curve, front }
    }

    /// One life after the other.
    async fn live(mut self) -> Done {
        let mut life = self.world.generation * 1_000_000;
        while !self.world.stop.load(Ordering::Relaxed) {
            life += 1;
            self.one_life(life).await?;
            self.world.lives.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn one_life(&mut self, life: u64) -> Done {
        let properly = self.dice.roll(2) == 0;
        let socket = AnySocket::new(self.kind, self.options(properly)?)?;
        if self.role == Role::Hears {
            socket.subscribe("")?;
        }
        let over_ipc = (self.slot / 12) % 2;
        let endpoint = &self.world.endpoints[2 * self.service + over_ipc];
        match self.kind {
            SocketType::ROUTER => socket.connect_with_routing_id(endpoint, SERVER)?,
            _ => socket.connect(endpoint)?,
        };
        if matches!(self.kind, SocketType::PUB | SocketType::XPUB) {
            // What nobody has asked for yet goes nowhere.
            patiently("a subscription", async {
                while socket.subscriptions() == 0 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            })
            .await;
        }
        let exchanges = 1 + self.dice.roll(25);
        let (mut number, mut last) = (0, None);
        for _ in 0..exchanges {
            match self.role {
                Role::Asks => self.ask(&socket, life, &mut number).await?,
                Role::Gives => self.give(&socket, life, &mut number).await?,
                Role::Answers => self.answer(&socket, life, &mut number).await?,
                Role::Takes | Role::Hears => self.take(&socket, &mut last).await?,
            }
            let kind = KINDS.iter().position(|kind| *kind == self.kind).ok_or("a new type")?;
            self.world.exchanges[kind].fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20 + self.dice.roll(80))).await;
        }
        if !properly {
            // In the middle of something.
            if matches!(self.role, Role::Asks | Role::Gives) {
                _ = socket.try_send(self.question(life, number));
            }
            return Ok(());
        }
        let sent_last = self.role == Role::Gives;
        if sent_last {
            patiently("room", socket.send(self.question(life, number))).await?;
            number += 1;
        }
        let given_up = patiently("the end", socket.close()).await;
        assert_eq!(given_up, 0, "client {}: all was sent", self.slot);
        if sent_last {
            self.account(life, number).await?;
        }
        Ok(())
    }

    fn options(&self, properly: bool) -> Fallible<Options> {
        let soon = Duration::from_millis(20);
        let linger = if properly { PATIENCE } else { Duration::ZERO };
        let security = match self.curve {
            true => Security::curve_client(Keys::new().pair(), self.world.key)?,
            false => Security::null(),
        };
        let reconnect = Reconnect { interval: soon, max_interval: soon };
        Ok(Options::new().security(security).linger(linger).reconnect(reconnect))
    }

    fn question(&self, life: u64, number: u64) -> Message {
        let front = self.front.iter().map(|it| it.as_bytes().to_vec());
        parts(front.chain(message(self.slot, life, number)))
    }

    /// A question, or a few at once where that is possible; each gets its answer, in order.
    async fn ask(&mut self, socket: &AnySocket, life: u64, number: &mut u64) -> Done {
        let count = if self.kind == SocketType::REQ { 1 } else { 1 + self.dice.roll(10) };
        for at in 0..count {
            patiently("room", socket.send(self.question(life, *number + at))).await?;
        }
        for at in 0..count {
            let answer = patiently("an answer", socket.recv()).await?;
            assert_eq!(frames(&answer), frames(&self.question(life, *number + at)));
        }
        *number += count;
        Ok(())
    }

    async fn give(&mut self, socket: &AnySocket, life: u64, number: &mut u64) -> Done {
        for _ in 0..1 + self.dice.roll(20) {
            patiently("room", socket.send(self.question(life, *number))).await?;
            *number += 1;
        }
        // Not faster than they are taken, or the queues of those who have left would grow and grow.
        self.account(life, *number).await
    }

    /// Some questions, whose answers all arrive.
    async fn answer(&mut self, socket: &AnySocket, life: u64, number: &mut u64) -> Done {
        for _ in 0..1 + self.dice.roll(5) {
            let question = patiently("a question", socket.recv()).await?;
            assert_eq!(question.first().as_bytes(), crate::QUESTION);
            patiently("room", socket.send(self.question(life, *number))).await?;
            *number += 1;
        }
        self.account(life, *number).await
    }

    /// All that is there, and at least one.
    async fn take(&self, socket: &AnySocket, last: &mut Option<u64>) -> Done {
        let mut next = Ok(patiently("a number", socket.recv()).await?);
        while let Ok(message) = next {
            let number = u64::from_be_bytes(message.first().as_bytes().try_into()?);
            if let Some(last) = *last {
                assert!(number > last, "client {}: {number} after {last}", self.slot);
                if self.role == Role::Hears {
                    self.world.missed.fetch_add(number - last - 1, Ordering::Relaxed);
                }
            }
            *last = Some(number);
            next = socket.try_recv();
        }
        Ok(())
    }

    /// Everything that was sent arrives.
    async fn account(&self, life: u64, sent: u64) -> Done {
        let reception = self.world.reception.lock().await;
        patiently("the rest", async {
            loop {
                reception.send(format!("{}.{life}", self.slot)).await?;
                let count = reception.recv().await?.first().to_vec();
                let arrived: u64 = String::from_utf8(count)?.parse()?;
                assert!(arrived <= sent);
                if arrived == sent {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }
}
