//! The runtime behind the blocking sockets.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::runtime::{Builder, EnterGuard, Runtime};

use super::drive::Keeper;
use crate::pattern::lock;

/// Threads of its own; zero while nobody has asked for any.
static THREADS: AtomicUsize = AtomicUsize::new(0);
static IO: OnceLock<Io> = OnceLock::new();

/// What does the input and output of all blocking sockets.
#[derive(Debug)]
pub(crate) struct Io {
    runtime: Arc<Runtime>,
    /// Where there are no threads but those that wait.
    keeper: Option<Arc<Keeper>>,
}

/// Gives the input and output of all blocking sockets of this process so many threads of their own
/// (`ZMQ_IO_THREADS`). Default: none. Then a thread that waits in a call does them, and one that starts with the
/// first blocking socket and never ends, while none waits; it leaves up to a millisecond between two calls
/// that wait, in which nothing is read or written. A program that works for long between its calls and cannot
/// have what it sent wait for so long asks for a thread.
///
/// Handlers of authentication that are asynchronous run on these threads too.
///
/// # Errors
/// [`AlreadyRunning`] once there was a blocking socket.
pub fn io_threads(count: usize) -> Result<(), AlreadyRunning> {
    THREADS.store(count.max(1), Ordering::Relaxed);
    if IO.get().is_some() { Err(AlreadyRunning) } else { Ok(()) }
}

/// The number of threads cannot change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the threads of the blocking sockets run already")]
pub struct AlreadyRunning;

/// The runtime of all blocking sockets; also the clock of asynchronous ones outside of any runtime.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    io().map(|io| &*io.runtime)
}

/// What all blocking sockets wait on.
pub(super) fn io() -> io::Result<&'static Io> {
    static START: Mutex<()> = Mutex::new(());
    if let Some(io) = IO.get() {
        return Ok(io);
    }
    let _one_at_a_time = lock(&START);
    if IO.get().is_none() {
        let _ = IO.set(Io::start(THREADS.load(Ordering::Relaxed))?);
    }
    IO.get().ok_or_else(|| io::ErrorKind::Other.into())
}

/// Starts the thread of the keeper, which never ends.
pub(super) fn keep(runtime: Arc<Runtime>) -> io::Result<Arc<Keeper>> {
    let keeper = Arc::new(Keeper::default());
    let own = keeper.clone();
    let thread = std::thread::Builder::new().name("ironhouse".into()).spawn(move || {
        loop {
            own.turn(&runtime);
        }
    })?;
    keeper.is_on(thread.thread());
    Ok(keeper)
}

impl Io {
    fn start(threads: usize) -> io::Result<Self> {
        let mut builder = match threads {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        let builder = builder.worker_threads(threads.max(1)).thread_name("ironhouse");
        let runtime = Arc::new(builder.enable_all().build()?);
        let keeper = (threads == 0).then(|| keep(runtime.clone())).transpose();
        match keeper {
            Ok(keeper) => Ok(Self { runtime, keeper }),
            Err(error) => {
                // A runtime must not be dropped where others may be polled.
                if let Some(runtime) = Arc::into_inner(runtime) {
                    runtime.shutdown_background();
                }
                Err(error)
            }
        }
    }

    /// Waits for `future` on this thread, which does the input and output meanwhile unless another one does.
    pub(super) fn wait<F: Future>(&self, future: F) -> F::Output {
        let _waiting = self.keeper.as_ref().map(|keeper| keeper.wait());
        self.runtime.block_on(future)
    }

    /// Has another thread do the input and output.
    pub(super) fn lend(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.lend();
        }
    }

    /// Makes this the runtime that connections and timers start on.
    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }
}
