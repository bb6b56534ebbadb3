//! What libzmq's own test programs ask of sockets, asked of ours, where no other test does so already:
//! `docs/libzmq-tests.md` says which test stands for which program.

mod crowds;
mod devices;
mod endpoints;
mod queues;
mod turns;

use std::time::Duration;

use ironhouse::{AnySocket, Endpoint, Monitor, Options, Reconnect};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Fallible, rt, watch};

/// How long nothing must happen.
const QUIET: Duration = Duration::from_millis(150);

/// Attempts to connect that do not keep a test waiting.
const SOON: Reconnect =
    Reconnect { interval: Duration::from_millis(5), max_interval: Duration::from_millis(20) };

/// Every transport; `name` is used once in this process.
fn everywhere(name: &str) -> [String; 3] {
    [ANYWHERE.to_owned(), "ipc://*".to_owned(), format!("inproc://{name}")]
}

/// Options of a socket whose marks are so many messages.
fn marks(send: usize, receive: usize) -> Options {
    Options::new().send_high_water_mark(send).receive_high_water_mark(receive)
}

/// Waits until so many handshakes have succeeded.
async fn successes(what: &str, monitor: &mut Monitor, count: usize) {
    for _ in 0..count {
        watch::success(what, monitor).await;
    }
}

/// Where nobody listens: the port belongs to us, for as long as the listener lives, and refuses nobody,
/// but nobody answers there either.
async fn nobody() -> Fallible<(tokio::net::TcpListener, Endpoint)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("tcp://{}", listener.local_addr()?).parse()?;
    Ok((listener, endpoint))
}

/// Binds again what has just been let go.
async fn bind_again(socket: &AnySocket, endpoint: &Endpoint) -> Endpoint {
    rt::in_time("the same endpoint", async {
        loop {
            if let Ok(endpoint) = socket.bind(endpoint).await {
                return endpoint;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}
