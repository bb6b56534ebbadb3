//! What the protocol itself costs, without a socket: small frames either way, and one side of a
//! handshake.

use std::hint::black_box;
use std::sync::Arc;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zmtp_core::auth::AuthDecision;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::mechanism::null::Null;
use zmtp_core::mechanism::plain::{PlainClient, PlainServer};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::Traffic;
use zmtp_core::{Instant, Message, RandomError, RandomSource, SocketType};

const BATCH: usize = 1000;
const BODY: [u8; 64] = [7; 64];
const NOW: Instant = Instant::ORIGIN;

struct NoRandom;

impl RandomSource for NoRandom {
    fn fill(&mut self, _out: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

/// One side, and all octets that it gets to read until its handshake is complete.
struct Side {
    config: Arc<ConnectionConfig>,
    input: Vec<u8>,
}

impl Side {
    fn connect(&self) -> Connection {
        let link = Link { address: PeerAddress::Unknown, listener: "tcp://bench".into() };
        Connection::new(self.config.clone(), link, NOW, &mut NoRandom)
            .expect("no randomness needed")
    }

    fn handshake(&self) -> Connection {
        let mut connection = self.connect();
        let mut input = BytesMut::from(&self.input[..]);
        work(&mut connection, &mut input);
        connection
    }

    fn traffic(&self) -> Box<Traffic> {
        self.handshake().into_traffic().expect("established")
    }
}

/// Reads, answers for the authenticator and gives what there is to write.
fn work(connection: &mut Connection, input: &mut BytesMut) -> Vec<u8> {
    connection.handle_input(NOW, input).expect("a good peer");
    while let Some(event) = connection.poll_event() {
        if let Event::AuthRequired(_) = event {
            connection.handle_auth(NOW, AuthDecision::accept()).expect("asked");
            connection.handle_input(NOW, input).expect("a good peer");
        }
    }
    std::iter::from_fn(|| connection.poll_output()).flatten().collect()
}

/// Lets both talk once and keeps what each of them read.
fn record(client: ConnectionConfig, server: ConnectionConfig) -> [Side; 2] {
    let mut sides =
        [client, server].map(|config| Side { config: Arc::new(config), input: Vec::new() });
    let mut ends = [sides[0].connect(), sides[1].connect()];
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    for turn in 0..8 {
        let (from, to) = (turn % 2, (turn + 1) % 2);
        let written = work(&mut ends[from], &mut inputs[from]);
        sides[to].input.extend_from_slice(&written);
        inputs[to].extend_from_slice(&written);
    }
    sides
}

fn null_sides() -> [Side; 2] {
    let config = |socket_type| ConnectionConfig::new(socket_type, Arc::new(Null));
    record(config(SocketType::PUSH), config(SocketType::PULL))
}

fn plain_sides() -> [Side; 2] {
    let client = PlainClient::new(b"admin", b"secret").expect("short");
    record(
        ConnectionConfig::new(SocketType::PUSH, Arc::new(client)),
        ConnectionConfig::new(SocketType::PULL, Arc::new(PlainServer::default())),
    )
}

fn frames(criterion: &mut Criterion) {
    let [push, pull] = null_sides();
    let message = Message::new(&BODY);
    let mut outgoing = push.traffic().outgoing;
    let mut group = criterion.benchmark_group("frame of 64 octets");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            for _ in 0..BATCH {
                outgoing.send(black_box(&message)).expect("clear text");
            }
            let output = outgoing.output();
            black_box(output.chunks().map(<[u8]>::len).sum::<usize>());
            output.advance(usize::MAX);
        });
    });

    for _ in 0..BATCH {
        outgoing.send(&message).expect("clear text");
    }
    let stream = std::iter::from_fn(|| outgoing.output().poll()).flatten().collect::<Vec<u8>>();
    let mut incoming = pull.traffic().incoming;
    let mut input = BytesMut::new();
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            // One copy of the whole stream, as a read from a socket would make it.
            input.extend_from_slice(&stream);
            let mut count = 0;
            while let Ok(Some(received)) = incoming.next(&mut input) {
                black_box(received);
                count += 1;
            }
            assert_eq!(count, BATCH);
        });
    });
    group.finish();
}

fn handshakes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handshake");
    for (name, [client, server]) in [("NULL", null_sides()), ("PLAIN", plain_sides())] {
        for (role, side) in [("client", client), ("server", server)] {
            group.bench_function(format!("{name} {role}"), |bencher| {
                bencher.iter(|| black_box(side.handshake()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, frames, handshakes);
criterion_main!(benches);
