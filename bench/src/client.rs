//! The client that asks all servers: our state machines on bare sockets of the runtime, or where the
//! handshake is nearly nothing, [less than that](crate::shaker). What differs between two measurements is
//! the server alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::net::TcpStream;
use transport::OsRandom;
use zmtp_core::SocketType;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::mechanism::null::Null;
use zmtp_core::peer::PeerAddress;

use crate::Error;
use crate::cases::{CONNECTIONS, Cores, IN_FLIGHT, Work};
use crate::peer::{CLIENT_SECRET, SERVER_PUBLIC, runtime};
use crate::shaker::Shaker;
use crate::worker::{Counted, Said, WorkerArgs, say};

/// Time that does not count.
const WARM_UP: Duration = Duration::from_millis(200);

pub fn run(args: &WorkerArgs) -> Result<(), Error> {
    let (address, window) =
        (args.endpoint.replace("tcp://", ""), Duration::from_millis(args.window));
    if args.work == Work::Handshake && !args.curve {
        return shake_plainly(&address, window);
    }
    let socket_type = match args.work {
        Work::Idle => SocketType::DEALER,
        _ => SocketType::PUSH,
    };
    let config = Arc::new(config(socket_type, args.curve)?);
    let work = args.work;
    // One thread: the other core is the server's.
    runtime(Cores::Each).block_on(async move {
        match work {
            Work::Idle => keep(&address, &config).await,
            _ => shake(address, config, window).await,
        }
    })
}

fn config(socket_type: SocketType, with_curve: bool) -> Result<ConnectionConfig, Error> {
    if !with_curve {
        return Ok(ConnectionConfig::new(socket_type, Arc::new(Null)));
    }
    let keys = curve::KeyPair::from_secret(curve::SecretKey::from_z85(CLIENT_SECRET)?);
    let server: curve::PublicKey = SERVER_PUBLIC.parse()?;
    let client = curve::CurveClient::new(keys, server).map_err(|_| "the key is of low order")?;
    Ok(ConnectionConfig::new(socket_type, Arc::new(client)))
}

/// Makes connections without end and counts those that were established within the window.
fn shake_plainly(address: &str, window: Duration) -> Result<(), Error> {
    let mut shaker = Shaker::begin(address)?;
    shaker.shake(WARM_UP)?;
    say(&Said::Begin)?;
    let start = Instant::now();
    let units = shaker.shake(window)?;
    let value = units as f64 / start.elapsed().as_secs_f64();
    // The server's CPU time alone is of interest.
    say(&Said::End(Counted { value, units, cpu: 0 }))?;
    loop {
        shaker.shake(window)?;
    }
}

/// Makes connections without end and counts those that were established within the window.
async fn shake(
    address: String,
    config: Arc<ConnectionConfig>,
    window: Duration,
) -> Result<(), Error> {
    let done = Arc::new(AtomicU64::new(0));
    for _ in 0..IN_FLIGHT {
        let (address, config, done) = (address.clone(), config.clone(), done.clone());
        tokio::spawn(async move {
            loop {
                match connect(&address, &config).await {
                    Ok(stream) => {
                        done.fetch_add(1, Ordering::Relaxed);
                        // Reset rather than closed, or the system would soon be out of ports.
                        let _ = stream.set_zero_linger();
                    }
                    Err(error) => {
                        eprintln!("{error}");
                        std::process::exit(1);
                    }
                }
            }
        });
    }
    tokio::time::sleep(WARM_UP).await;
    say(&Said::Begin)?;
    let (start, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(window).await;
    let (units, took) = (done.load(Ordering::Relaxed) - before, start.elapsed());
    let value = units as f64 / took.as_secs_f64();
    // The server's CPU time alone is of interest.
    say(&Said::End(Counted { value, units, cpu: 0 }))?;
    std::future::pending().await
}

/// Makes connections and keeps them.
async fn keep(address: &str, config: &Arc<ConnectionConfig>) -> Result<(), Error> {
    let mut kept = Vec::with_capacity(CONNECTIONS);
    // The first ones make the server warm.
    for _ in 0..100 {
        kept.push(connect(address, config).await?);
    }
    say(&Said::Begin)?;
    // The one who asks for the server's memory now is given a moment.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..CONNECTIONS {
        kept.push(connect(address, config).await?);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    say(&Said::End(Counted { value: 0.0, units: CONNECTIONS as u64, cpu: 0 }))?;
    std::future::pending().await
}

/// One connection, established.
async fn connect(address: &str, config: &Arc<ConnectionConfig>) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let now = zmtp_core::Instant::ORIGIN;
    let link =
        Link { address: PeerAddress::Ip(stream.peer_addr()?), listener: "tcp://127.0.0.1".into() };
    let mut connection = Connection::new(config.clone(), link, now, &mut OsRandom)
        .map_err(|_| "no random octets")?;
    let mut input = BytesMut::with_capacity(1024);
    loop {
        while let Some(octets) = connection.poll_output() {
            let mut octets = &*octets;
            while !octets.is_empty() {
                match stream.try_write(octets) {
                    Ok(count) => octets = octets.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        stream.writable().await?;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        while let Some(event) = connection.poll_event() {
            if let Event::Established(_) = event {
                return Ok(stream);
            }
        }
        match stream.try_read_buf(&mut input) {
            Ok(0) => return Err("the server closed the connection".into()),
            Ok(_) => connection.handle_input(now, &mut input)?,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                stream.readable().await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
