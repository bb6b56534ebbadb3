//! The threads behind the blocking sockets.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};

static THREADS: AtomicUsize = AtomicUsize::new(1);
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// How many threads do the input and output of all blocking sockets of this process together
/// (`ZMQ_IO_THREADS`). Default: one, which starts with the first blocking socket and never ends.
///
/// Handlers of authentication run on these threads too.
///
/// # Errors
/// [`AlreadyRunning`] once there was a blocking socket.
pub fn io_threads(count: usize) -> Result<(), AlreadyRunning> {
    THREADS.store(count.max(1), Ordering::Relaxed);
    if RUNTIME.get().is_some() { Err(AlreadyRunning) } else { Ok(()) }
}

/// The number of threads cannot change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the threads of the blocking sockets run already")]
pub struct AlreadyRunning;

/// The runtime of all blocking sockets; also the clock of asynchronous ones outside of any runtime.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let fresh = Builder::new_multi_thread()
        .worker_threads(THREADS.load(Ordering::Relaxed))
        .thread_name("ironhouse")
        .enable_all()
        .build()?;
    if let Err(late) = RUNTIME.set(fresh) {
        // Another thread was faster. A runtime must not be dropped where others may be polled.
        late.shutdown_background();
    }
    RUNTIME.get().ok_or_else(|| io::ErrorKind::Other.into())
}
