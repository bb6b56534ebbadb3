//! The server: one socket for each thing that clients want.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironhouse::error::SendError;
use ironhouse::{
    Dealer, Event, Monitor, Observation, Options, Pub, Pull, Push, Rep, Router, Security,
    ServerSecurity, Sub,
};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::ours::frames;
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::{Done, Fallible, rt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Earlier lives of a client whose messages may still be on the way.
const LIVES: usize = 30;

/// What has arrived of each life of each client.
type Accounts = Arc<Mutex<HashMap<usize, BTreeMap<u64, u64>>>>;

pub(crate) struct Server {
    told: String,
    connections: Arc<AtomicU64>,
    open: Vec<(&'static str, Arc<AtomicI64>)>,
    publisher: Arc<Pub>,
    stop: watch::Sender<bool>,
    work: Vec<JoinHandle<Done>>,
    directory: TempDir,
}

/// Binds a socket over tcp and ipc, and counts who comes.
macro_rules! open {
    ($server:expr, $socket:expr, $name:expr) => {
        $server.count($name, $socket.monitor());
        for at in [ANYWHERE.to_owned(), $server.directory.ipc($name)] {
            let endpoint = $socket.bind(at).await?;
            $server.told.push_str(&format!(" {endpoint}"));
        }
    };
}

/// What happens to a socket until it is told to stop.
macro_rules! until_stopped {
    ($stop:expr, $work:expr) => {
        tokio::select! {
            _ = $stop.wait_for(|stop| *stop) => break,
            done = $work => done,
        }
    };
}

impl Server {
    pub(crate) async fn start() -> Fallible<Self> {
        let keys = Keys::new();
        let curve = || -> Options {
            let security = ServerSecurity::curve(keys.pair()).dangerous().accept_any_client();
            Options::new().security(security)
        };
        let null = || Options::new().security(Security::null());
        let directory = TempDir::new();
        let (stop, stopped) = watch::channel(false);
        let mut server = Self {
            told: keys.public().to_string(),
            connections: Arc::default(),
            open: Vec::new(),
            publisher: Arc::new(Pub::new(curve())?),
            stop,
            work: Vec::new(),
            directory,
        };
        let (rep, router) = (Rep::new(null())?, Router::new(curve())?);
        let (pull, push) = (Pull::new(curve())?, Push::new(null().linger(Duration::ZERO))?);
        let (sub, dealer) = (Sub::new(null())?, Dealer::new(curve().linger(Duration::ZERO))?);
        sub.subscribe("");
        let reception = Rep::new(null())?;
        open!(server, rep, "rep");
        open!(server, router, "router");
        open!(server, pull, "pull");
        open!(server, push, "push");
        let publisher = server.publisher.clone();
        open!(server, publisher, "pub");
        open!(server, sub, "sub");
        open!(server, dealer, "dealer");
        open!(server, reception, "reception");
        let accounts = Accounts::default();
        server.work.extend([
            tokio::spawn(answer(rep, stopped.clone())),
            tokio::spawn(route(router, stopped.clone())),
            tokio::spawn(take(pull, accounts.clone(), stopped.clone())),
            tokio::spawn(hear(sub, accounts.clone(), stopped.clone())),
            tokio::spawn(ask(dealer, accounts.clone(), stopped.clone())),
            tokio::spawn(give(push, stopped.clone())),
            tokio::spawn(publish(publisher, stopped.clone())),
            tokio::spawn(receive(reception, accounts, stopped)),
        ]);
        Ok(server)
    }

    /// Counts who comes and who goes.
    fn count(&mut self, name: &'static str, mut monitor: Monitor) {
        let (connections, open) = (self.connections.clone(), Arc::new(AtomicI64::new(0)));
        self.open.push((name, open.clone()));
        tokio::spawn(async move {
            while let Some(event) = monitor.next().await {
                match event {
                    Observation::Event(Event::Connected { .. }) => {
                        open.fetch_add(1, Ordering::Relaxed);
                    }
                    Observation::Event(Event::HandshakeSucceeded { .. }) => {
                        connections.fetch_add(1, Ordering::Relaxed);
                    }
                    Observation::Event(
                        Event::HandshakeFailed { .. } | Event::Disconnected { .. },
                    ) => {
                        open.fetch_sub(1, Ordering::Relaxed);
                    }
                    Observation::Event(_) => {}
                    Observation::Missed(count) => eprintln!("{count} events of {name} missed"),
                }
            }
        });
    }

    /// The connections of each socket that are open, as far as events tell.
    pub(crate) fn open(&self) -> String {
        let open =
            self.open.iter().map(|(name, open)| format!("{name} {}", open.load(Ordering::Relaxed)));
        open.collect::<Vec<_>>().join(", ")
    }

    /// The tasks of a server whom nobody is connected to: for each socket one that works, one that counts
    /// and two that listen.
    pub(crate) fn parts(&self) -> usize {
        self.work.len() * 4
    }

    /// The key of the server, and where each socket is: rep, router, pull, push, pub, sub, dealer,
    /// reception, each over tcp and ipc.
    pub(crate) fn told(&self) -> String {
        self.told.clone()
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.publisher.dropped()
    }

    /// No part of it ends by itself.
    pub(crate) fn check(&self) -> Done {
        match self.work.iter().position(JoinHandle::is_finished) {
            Some(at) => Err(format!("part {at} of the server ended; it said why").into()),
            None => Ok(()),
        }
    }

    pub(crate) async fn end(self) -> Done {
        self.stop.send(true)?;
        for work in self.work {
            rt::in_time("the end of the server", work).await??;
        }
        if let Some(publisher) = Arc::into_inner(self.publisher) {
            publisher.close().await;
        }
        Ok(())
    }
}

/// REP: gives back what it gets.
async fn answer(rep: Rep, mut stop: watch::Receiver<bool>) -> Done {
    loop {
        let question = until_stopped!(stop, rep.recv()).expect("a question");
        match rep.send(question).await {
            // Nobody waits for the answer any more.
            Ok(()) | Err(SendError::PeerGone) => {}
            Err(error) => panic!("REP: {error}"),
        }
    }
    rep.close().await;
    Ok(())
}

/// ROUTER: gives back what it gets.
async fn route(router: Router, mut stop: watch::Receiver<bool>) -> Done {
    loop {
        let question = until_stopped!(stop, router.recv()).expect("a question");
        match router.send(question).await {
            Ok(()) | Err(SendError::HostUnreachable(_)) => {}
            Err(error) => panic!("ROUTER: {error}"),
        }
    }
    router.close().await;
    Ok(())
}

/// PULL: everything of a life comes in order, from the first one on, and once.
async fn take(pull: Pull, accounts: Accounts, mut stop: watch::Receiver<bool>) -> Done {
    loop {
        book(&accounts, &frames(&until_stopped!(stop, pull.recv()).expect("a message")));
    }
    pull.close().await;
    Ok(())
}

/// SUB: the same of those who publish; they are not faster than it, so none of them drops anything.
async fn hear(sub: Sub, accounts: Accounts, mut stop: watch::Receiver<bool>) -> Done {
    loop {
        book(&accounts, &frames(&until_stopped!(stop, sub.recv()).expect("a message")));
    }
    sub.close().await;
    Ok(())
}

/// DEALER: asks whoever is there, and the same of the answers.
async fn ask(dealer: Dealer, accounts: Accounts, mut stop: watch::Receiver<bool>) -> Done {
    let mut often = tokio::time::interval(Duration::from_millis(2));
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            answer = dealer.recv() => {
                let parts = frames(&answer.expect("an answer"));
                assert_eq!(parts[0], b"", "the delimiter");
                book(&accounts, &parts[1..]);
            }
            _ = often.tick() => match dealer.try_send(("", crate::QUESTION)) {
                // Nobody is there, or nobody has time.
                Ok(()) | Err(SendError::WouldBlock) => {}
                Err(error) => panic!("DEALER: {error}"),
            }
        }
    }
    dealer.close().await;
    Ok(())
}

/// Enters a message, which is the next one of its life and unaltered.
fn book(accounts: &Accounts, parts: &[Vec<u8>]) {
    let text = std::str::from_utf8(&parts[0]).expect("text");
    let mut numbers = text.split('.').map(|it| it.parse::<u64>().expect("a number"));
    let mut next = || numbers.next().expect("three numbers");
    let (slot, life, number) = (next() as usize, next(), next());
    assert_eq!(parts[1..], crate::clients::message(slot, life, number)[1..], "unaltered");
    let mut accounts = accounts.lock().expect("no panic");
    let lives = accounts.entry(slot).or_default();
    let expected = lives.entry(life).or_default();
    assert_eq!(number, *expected, "client {slot} in life {life}");
    *expected += 1;
    if lives.len() > LIVES {
        lives.pop_first();
    }
}

/// PUSH: numbers for whoever takes them.
async fn give(push: Push, mut stop: watch::Receiver<bool>) -> Done {
    for number in 0_u64.. {
        let message = number.to_be_bytes();
        match until_stopped!(stop, push.send(&message)) {
            Ok(()) => {}
            Err(error) => panic!("PUSH: {error}"),
        }
        if number % 16 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    push.close().await;
    Ok(())
}

/// PUB: a number for everybody.
async fn publish(publisher: Arc<Pub>, mut stop: watch::Receiver<bool>) -> Done {
    for number in 0_u64.. {
        publisher.send(&number.to_be_bytes()).await.expect("a PUB takes everything");
        until_stopped!(stop, tokio::time::sleep(Duration::from_millis(40)));
    }
    Ok(())
}

/// Says how many messages of a life have arrived.
async fn receive(reception: Rep, accounts: Accounts, mut stop: watch::Receiver<bool>) -> Done {
    loop {
        let question = until_stopped!(stop, reception.recv()).expect("a question");
        let text = String::from_utf8(question.first().to_vec())?;
        let (slot, life) = text.split_once('.').expect("two numbers");
        let (slot, life): (usize, u64) = (slot.parse()?, life.parse()?);
        let count = {
            let accounts = accounts.lock().expect("no panic");
            accounts.get(&slot).and_then(|lives| lives.get(&life)).copied().unwrap_or(0)
        };
        match reception.send(count.to_string()).await {
            Ok(()) | Err(SendError::PeerGone) => {}
            Err(error) => panic!("reception: {error}"),
        }
    }
    reception.close().await;
    Ok(())
}
