//! Sockets of ours with sockets of ours: what the patterns promise, and how sockets begin and end.

mod bulk;
mod departed;
mod doors;
mod guests;
mod inproc;
mod life;
mod many;
mod pipeline;
mod relaxed;
mod reqrep;
mod routing;
mod stops;

use ironhouse::Monitor;
use ironhouse_tests::watch;

/// Waits until so many handshakes have succeeded.
async fn successes(what: &str, monitor: &mut Monitor, count: usize) {
    for _ in 0..count {
        watch::success(what, monitor).await;
    }
}

/// Tasks that live in this runtime.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}
