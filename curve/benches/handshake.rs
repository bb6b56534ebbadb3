//! What CURVE costs: the handshake of each side, and each frame behind it.
//!
//! `cargo bench -p curve`; `-- --test` runs everything once. Times are of one core without I/O and
//! include all that a connection does besides, from its greeting to its events.

#[path = "../tests/seeded.rs"]
mod seeded;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use curve::{CurveClient, CurveServer, KeyPair, SecretKey};
use zmtp_core::SocketType::{DEALER, ROUTER};
use zmtp_core::auth::AuthDecision;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::{Received, Traffic};
use zmtp_core::{Instant as Moment, Message};

use seeded::Seeded;

/// One side, and the time that went into it.
struct Side {
    connection: Connection,
    input: BytesMut,
    spent: Duration,
}

impl Side {
    fn new(config: &Arc<ConnectionConfig>, random: &mut Seeded) -> Self {
        let link = Link { address: PeerAddress::Unknown, listener: "".into() };
        let start = Instant::now();
        let connection = Connection::new(config.clone(), link, Moment::ORIGIN, random).unwrap();
        Self { connection, input: BytesMut::new(), spent: start.elapsed() }
    }

    /// Takes what `other` has written. Says whether there was anything.
    fn take(&mut self, other: &mut Self) -> bool {
        while let Some(octets) = other.connection.poll_output() {
            self.input.extend_from_slice(&octets);
        }
        if self.input.is_empty() {
            return false;
        }
        let start = Instant::now();
        self.connection.handle_input(Moment::ORIGIN, &mut self.input).unwrap();
        while let Some(event) = self.connection.poll_event() {
            if matches!(event, Event::AuthRequired(_)) {
                let accepted = AuthDecision::accept();
                self.connection.handle_auth(Moment::ORIGIN, accepted).unwrap();
            }
        }
        self.spent += start.elapsed();
        true
    }
}

/// The settings of both sides, and randomness for their connections.
struct World {
    client: Arc<ConnectionConfig>,
    server: Arc<ConnectionConfig>,
    random: Seeded,
}

impl World {
    fn new() -> Self {
        let mut random = Seeded(1);
        let keys = KeyPair::generate(&mut random).unwrap();
        let own = KeyPair::generate(&mut random).unwrap();
        let client = CurveClient::new(own, *keys.public()).unwrap();
        Self {
            client: Arc::new(ConnectionConfig::new(DEALER, Arc::new(client))),
            server: Arc::new(ConnectionConfig::new(ROUTER, Arc::new(CurveServer::new(keys)))),
            random,
        }
    }

    /// A whole handshake: client and server.
    fn handshake(&mut self) -> (Side, Side) {
        let mut client = Side::new(&self.client, &mut self.random);
        let mut server = Side::new(&self.server, &mut self.random);
        while server.take(&mut client) | client.take(&mut server) {}
        (client, server)
    }

    /// The time that `rounds` handshakes take on either side.
    fn spent(&mut self, rounds: u64) -> (Duration, Duration) {
        (0..rounds).fold(Default::default(), |(all_client, all_server), _| {
            let (client, server) = self.handshake();
            (all_client + client.spent, all_server + server.spent)
        })
    }

    /// Two sides behind their handshake.
    fn traffic(&mut self) -> (Box<Traffic>, Box<Traffic>) {
        let (client, server) = self.handshake();
        (client.connection.into_traffic().unwrap(), server.connection.into_traffic().unwrap())
    }
}

fn multiplications(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("x25519");
    let secret = SecretKey::from_bytes([7; 32]);
    let public = secret.public_key();
    group.bench_function("variable base", |run| run.iter(|| black_box(&public).is_low_order()));
    group.bench_function("fixed base", |run| run.iter(|| black_box(&secret).public_key()));
    group.finish();
}

fn handshakes(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("handshake");
    let mut world = World::new();
    group.bench_function("client", |run| run.iter_custom(|rounds| world.spent(rounds).0));
    group.bench_function("server", |run| run.iter_custom(|rounds| world.spent(rounds).1));
    group.finish();
    account(&mut world);
}

/// Says how much of a handshake is arithmetic on the curve. That each side multiplies three times by
/// a variable and once by the fixed base is what the unit tests count.
fn account(world: &mut World) {
    let secret = SecretKey::from_bytes([7; 32]);
    let public = secret.public_key();
    let time = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    // The least of many: what else the machine does only adds.
    let mut least = [Duration::MAX; 4];
    for _ in 0..500 {
        let (client, server) = world.handshake();
        let variable = time(&|| _ = black_box(black_box(&public).is_low_order()));
        let fixed = time(&|| _ = black_box(black_box(&secret).public_key()));
        for (least, now) in least.iter_mut().zip([client.spent, server.spent, variable, fixed]) {
            *least = now.min(*least);
        }
    }
    let [client, server, variable, fixed] = least.map(|least| least.as_secs_f64() * 1e6);
    for (side, spent) in [("client", client), ("server", server)] {
        let rest = spent - 3.0 * variable - fixed;
        println!("{side}: {spent:.1} us = 3 x {variable:.1} + {fixed:.1} (X25519) + {rest:.1}");
    }
}

/// Sizes of messages, and how many are measured together.
const SIZES: [(usize, u64); 3] = [(64, 256), (1024, 256), (64 * 1024, 16)];

fn sealing(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("seal");
    let (mut client, _) = World::new().traffic();
    for (size, batch) in SIZES {
        let message = Message::new(vec![7; size]);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |run| {
            run.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                let mut left = rounds;
                while left > 0 {
                    let now = left.min(batch);
                    let start = Instant::now();
                    (0..now).for_each(|_| client.outgoing.send(black_box(&message)).unwrap());
                    spent += start.elapsed();
                    // Written: a driver would reuse the buffer as well.
                    client.outgoing.output().advance(usize::MAX);
                    left -= now;
                }
                spent
            });
        });
    }
    group.finish();
}

fn opening(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("open");
    let (mut client, mut server) = World::new().traffic();
    let mut input = BytesMut::new();
    for (size, batch) in SIZES {
        let message = Message::new(vec![7; size]);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |run| {
            run.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                let mut left = rounds;
                while left > 0 {
                    let now = left.min(batch);
                    (0..now).for_each(|_| client.outgoing.send(&message).unwrap());
                    while let Some(octets) = client.outgoing.output().poll() {
                        input.extend_from_slice(&octets);
                    }
                    let start = Instant::now();
                    for _ in 0..now {
                        let received = server.incoming.next(&mut input).unwrap();
                        assert!(matches!(black_box(received), Some(Received::Message(_))));
                    }
                    spent += start.elapsed();
                    left -= now;
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, multiplications, handshakes, sealing, opening);
criterion_main!(benches);
