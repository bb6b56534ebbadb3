//! What a connection costs that has not authenticated.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use ironhouse::auth::AuthRequest;
use ironhouse::{Limits, Options, Rep, Security, ServerSecurity, from_fn};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::level::{Level, alone};
use ironhouse_tests::mechanisms::{KINDS, Kind};
use ironhouse_tests::octets::{greeting, plain_hello};
use ironhouse_tests::{Done, rt};

/// Octets of memory for each, at most.
const MOST: usize = 8 * 1024;

/// How many are counted.
const COUNT: usize = 200;

/// What strangers say before they fall silent.
fn beginnings(kind: Kind) -> Vec<(&'static str, Vec<u8>)> {
    let greeting = greeting(kind.name());
    let after = |octets: &[u8]| [&greeting[..], octets].concat();
    let mut beginnings = vec![
        ("nothing", Vec::new()),
        ("half a greeting", greeting[..32].to_vec()),
        ("a greeting", greeting.clone()),
        ("a header", after(&[4, 100])),
        ("half of a command", after(&[&[4, 190][..], &[5; 180]].concat())),
    ];
    if kind == Kind::Plain {
        beginnings.push(("HELLO, and nobody decides", after(&plain_hello("u", &"p".repeat(255)))));
    }
    beginnings
}

// ZMTP-SEC-04
#[test]
fn a_stranger_costs_less_than_eight_kilobytes() -> Done {
    for kind in KINDS {
        for (what, octets) in beginnings(kind) {
            alone(cost(kind, what, octets))?;
        }
    }
    Ok(())
}

async fn cost(kind: Kind, what: &str, octets: Vec<u8>) -> Done {
    let what = format!("{what}, {}", kind.name());
    let never = from_fn(async |_: Arc<AuthRequest>| std::future::pending().await);
    let security = match kind {
        Kind::Null => Security::null_with_authenticator("domain", never)?,
        Kind::Plain => ServerSecurity::plain().with_authenticator(never),
        Kind::Curve => ServerSecurity::curve(Keys::new().pair()).with_authenticator(never),
    };
    let hour = Duration::from_secs(3600);
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = hour;
    let options = Options::new().security(security).limits(limits).authentication_limit(hour);
    let rep = Rep::new(options)?;
    let endpoint = rep.bind("tcp://127.0.0.1:*").await?.to_string();
    let address = endpoint.trim_start_matches("tcp://");
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // Tables have grown to their size when as many were there before.
    let first = knock(address, &octets)?;
    let many = alive();
    drop(first);
    rt::until("all of them to leave", || alive() + COUNT <= many + 1).await;
    let level = Level::now();
    let strangers = knock(address, &octets)?;
    rt::until("all of them to be there", || alive() >= many).await;
    // Whatever was said is heard soon; what they cost is asked for as long as it may still grow.
    let mut most = 0;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        most = most.max(level.grown() / COUNT);
    }
    assert!(most > 0 && most < MOST, "{what}: {most} octets for each");
    println!("{what}: {most} octets");
    drop(strangers);
    rt::until("all of them to leave", || alive() + COUNT <= many + 1).await;
    level.is_back(&what).await;
    Ok(())
}

/// Strangers whose own end costs no memory of this process, each of them accepted.
fn knock(address: &str, octets: &[u8]) -> std::io::Result<Vec<TcpStream>> {
    let stranger = |_| {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(octets)?;
        stream.read_exact(&mut [0; 64])?;
        Ok(stream)
    };
    (0..COUNT).map(stranger).collect()
}
