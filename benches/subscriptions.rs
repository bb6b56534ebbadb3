//! What it costs a PUB to find whom a message goes to, and to keep track of that.
//!
//! Within the process, so that nothing else is measured: no octets, no system, no other thread.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ironhouse::{Hub, Options, Pub, Sub};
use tokio::runtime::Runtime;

const COUNTS: [usize; 3] = [100, 10_000, 100_000];

/// A PUB and so many SUBs that are connected to it.
struct Hall {
    publisher: Pub,
    subs: Vec<Sub>,
    _runtime: Runtime,
}

fn hall(subs: usize) -> Hall {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (publisher, subs) = runtime.block_on(async {
        let hub = Hub::new();
        let options = || Options::new().hub(hub.clone());
        let publisher = Pub::new(options()).expect("a socket");
        publisher.bind("inproc://bench").await.expect("a free name");
        let mut all = Vec::new();
        for _ in 0..subs {
            let sub = Sub::new(options()).expect("a socket");
            let mut connecting = sub.connect("inproc://bench").expect("a runtime");
            connecting.ready().await.expect("a peer");
            all.push(sub);
        }
        (publisher, all)
    });
    Hall { publisher, subs, _runtime: runtime }
}

/// Spread over all numbers up to ten times `count`, always the same.
fn topic(number: usize, count: usize) -> String {
    format!("sensor/{:07}", number.wrapping_mul(7_919) % (count * 10))
}

/// Topics that nobody wants, though they begin as others do.
fn nobody(c: &mut Criterion) {
    let mut group = c.benchmark_group("a message for nobody");
    for count in COUNTS {
        let hall = hall(1);
        for number in 0..count {
            hall.subs[0].subscribe(topic(number, count));
        }
        let topics: Vec<String> = (0..4096).map(|at| format!("sensor/x{at:06}/value")).collect();
        let mut next = topics.iter().cycle();
        group.bench_function(BenchmarkId::new("first octets differ", count), |b| {
            b.iter(|| hall.publisher.try_send(next.next().map_or("", String::as_str)));
        });
        let topics: Vec<String> =
            (0..4096).map(|at| format!("{}x", &topic(at, count)[..13])).collect();
        let mut next = topics.iter().cycle();
        group.bench_function(BenchmarkId::new("last octet differs", count), |b| {
            b.iter(|| hall.publisher.try_send(next.next().map_or("", String::as_str)));
        });
        assert!(hall.subs[0].try_recv().is_err());
    }
}

/// Topics that one of the peers wants, received by it.
fn somebody(c: &mut Criterion) {
    let mut group = c.benchmark_group("a message for one, received");
    for count in COUNTS {
        let hall = hall(1);
        for number in 0..count {
            hall.subs[0].subscribe(topic(number, count));
        }
        let topics: Vec<String> =
            (0..4096).map(|at| format!("{}/value", topic(at * 23 % count, count))).collect();
        let mut next = topics.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                hall.publisher.try_send(next.next().map_or("", String::as_str)).expect("PUB sends");
                hall.subs[0].try_recv().expect("it was asked for")
            });
        });
    }
}

/// One of many peers, or all of them.
fn fan_out(c: &mut Criterion) {
    let mut group = c.benchmark_group("1,000 peers");
    let hall = hall(1_000);
    for (number, sub) in hall.subs.iter().enumerate() {
        sub.subscribe(topic(number, 1_000));
        sub.subscribe("all");
    }
    let one = topic(500, 1_000);
    group.bench_function("one gets it", |b| {
        b.iter(|| {
            hall.publisher.try_send(one.as_str()).expect("PUB sends");
            hall.subs[500].try_recv().expect("it was asked for")
        });
    });
    group.bench_function("all get it", |b| {
        b.iter(|| {
            hall.publisher.try_send("all").expect("PUB sends");
            for sub in &hall.subs {
                sub.try_recv().expect("it was asked for");
            }
        });
    });
}

/// What a hostile peer might choose: prefixes of prefixes.
fn nested(c: &mut Criterion) {
    let hall = hall(1);
    let longest = "a".repeat(4_000);
    for end in 1..=longest.len() {
        hall.subs[0].subscribe(&longest[..end]);
    }
    // Leaves the nest in its middle, where 2,000 prefixes match: each peer is chosen once all the same.
    let topic = format!("{}b", &longest[..2_000]);
    c.bench_function("4,000 nested prefixes, 2,000 match", |b| {
        b.iter(|| {
            hall.publisher.try_send(topic.as_str()).expect("PUB sends");
            hall.subs[0].try_recv().expect("it was asked for")
        });
    });
}

fn coming_and_going(c: &mut Criterion) {
    let mut group = c.benchmark_group("subscribe and cancel");
    for count in COUNTS {
        let hall = hall(1);
        for number in 0..count {
            hall.subs[0].subscribe(topic(number, count));
        }
        let mut number = 0;
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                number += 1;
                let topic = format!("sensor/{:07}/{number}", number % (count * 10));
                hall.subs[0].subscribe(&topic);
                hall.subs[0].unsubscribe(&topic)
            });
        });
    }
}

criterion_group!(benches, nobody, somebody, fan_out, nested, coming_and_going);
criterion_main!(benches);
