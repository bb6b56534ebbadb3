//! Who does the input and output of the blocking sockets.
//!
//! A thread that waits in a call does them itself, so that a message goes from the system to who waits for it
//! without a second thread between them. Only while no thread waits does one of our own, the keeper:
//!
//! ```text
//!   a thread of the application     works   waits: drives   works   waits: drives   works .....
//!   the keeper                     drives   ............... watches ...............   watches, drives
//! ```
//!
//! The keeper does not take over between two calls that follow each other closely, because handing over costs
//! more than a small message.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// How long the keeper watches before it acts; it takes over after twice that at most.
const LAG: Duration = Duration::from_micros(500);

/// Drives a runtime of one thread while nobody else does.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    /// Calls that wait now: one of them drives.
    waiting: AtomicUsize,
    /// Calls that have waited so far, over and over.
    calls: AtomicUsize,
    /// The keeper drives, or is about to.
    drives: AtomicBool,
    /// Asks the keeper to stop driving.
    asked: Notify,
    /// The keeper sleeps until a call ends.
    sleeps: AtomicBool,
    /// The keeper is to drive without watching first.
    hurries: AtomicBool,
    thread: OnceLock<Thread>,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Keeper);

impl Keeper {
    /// Starts the thread, which never ends.
    pub(super) fn start(runtime: Arc<Runtime>) -> io::Result<Arc<Self>> {
        let keeper = Arc::new(Self::default());
        let own = keeper.clone();
        let thread = std::thread::Builder::new().name("ironhouse".into());
        let thread = thread.spawn(move || own.run(&runtime))?;
        let _ = keeper.thread.set(thread.thread().clone());
        Ok(keeper)
    }

    /// A call begins to wait, and wants to drive.
    pub(super) fn wait(&self) -> Waiting<'_> {
        // One order of all these for everybody: either the keeper sees who waits, or that one sees that it drives.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.drives.load(Ordering::SeqCst) {
            self.asked.notify_one();
        }
        Waiting(self)
    }

    /// The keeper is to drive at once, unless a call does.
    pub(super) fn lend(&self) {
        if !self.drives.load(Ordering::SeqCst) {
            self.hurries.store(true, Ordering::SeqCst);
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn run(&self, runtime: &Runtime) {
        loop {
            self.drives.store(true, Ordering::SeqCst);
            if self.waiting.load(Ordering::SeqCst) == 0 {
                runtime.block_on(self.asked.notified());
            }
            self.drives.store(false, Ordering::SeqCst);
            while self.somebody_drives() {}
        }
    }

    /// Watches for a while; `false` if nobody waited then.
    fn somebody_drives(&self) -> bool {
        let calls = self.calls.load(Ordering::SeqCst);
        std::thread::park_timeout(LAG);
        let unchanged = || self.calls.load(Ordering::SeqCst) == calls;
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return !unchanged() && !self.hurries.swap(false, Ordering::SeqCst);
        }
        if unchanged() {
            // A call that waits for long: it says when it ends.
            self.sleeps.store(true, Ordering::SeqCst);
            if self.waiting.load(Ordering::SeqCst) > 0 {
                std::thread::park();
            }
            self.sleeps.store(false, Ordering::SeqCst);
        }
        true
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Self(keeper) = self;
        keeper.waiting.fetch_sub(1, Ordering::SeqCst);
        if keeper.sleeps.swap(false, Ordering::SeqCst) {
            keeper.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use tokio::runtime::{Builder, Runtime};

    use super::Keeper;

    /// Far longer than anything here takes.
    const LATE: Duration = Duration::from_secs(30);

    fn keeper() -> (Arc<Runtime>, Arc<Keeper>) {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build().unwrap());
        let keeper = Keeper::start(runtime.clone()).unwrap();
        (runtime, keeper)
    }

    fn comes_true(what: impl Fn() -> bool) -> bool {
        let begin = Instant::now();
        while !what() {
            if begin.elapsed() > LATE {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Something that only happens while somebody drives.
    fn happens(runtime: &Runtime) -> bool {
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let set = done.clone();
        runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            set.store(true, Ordering::SeqCst);
        });
        comes_true(|| done.load(Ordering::SeqCst))
    }

    #[test]
    fn the_keeper_drives_whenever_nobody_waits() {
        let (runtime, keeper) = keeper();
        for _ in 0..20 {
            assert!(happens(&runtime));
            let waiting = keeper.wait();
            let here = std::thread::current().id();
            let begin = Instant::now();
            // The keeper may do some of the work before it hears of the call.
            let work = || tokio::spawn(async { std::thread::current().id() });
            while runtime.block_on(async { work().await.unwrap() }) != here {
                assert!(begin.elapsed() < LATE, "who waits does the work");
            }
            drop(waiting);
        }
    }

    #[test]
    fn the_keeper_sleeps_while_a_call_waits_for_long_and_comes_back_when_it_ends() {
        let (runtime, keeper) = keeper();
        let waiting = keeper.wait();
        let another = keeper.wait();
        assert!(comes_true(|| keeper.sleeps.load(Ordering::SeqCst)));
        assert!(!keeper.drives.load(Ordering::SeqCst));
        drop(another);
        assert!(comes_true(|| keeper.sleeps.load(Ordering::SeqCst)), "one waits still");
        drop(waiting);
        assert!(comes_true(|| keeper.drives.load(Ordering::SeqCst)));
        assert!(happens(&runtime));
    }

    #[test]
    fn the_keeper_takes_over_at_once_when_it_is_asked_to() {
        let (runtime, keeper) = keeper();
        drop(keeper.wait());
        keeper.lend();
        assert!(comes_true(|| keeper.drives.load(Ordering::SeqCst)));
        assert!(happens(&runtime));
        // Not while somebody else drives.
        let waiting = keeper.wait();
        keeper.lend();
        assert!(comes_true(|| keeper.sleeps.load(Ordering::SeqCst)));
        drop(waiting);
        assert!(comes_true(|| keeper.drives.load(Ordering::SeqCst)));
    }

    /// Calls begin and end at any moment of the keeper's; there is always somebody who drives.
    #[test]
    fn nothing_stands_still_however_calls_come_and_go() {
        let (runtime, keeper) = keeper();
        std::thread::scope(|scope| {
            for pause in [0, 100, 400, 600, 1100] {
                let (runtime, keeper) = (&runtime, &keeper);
                scope.spawn(move || {
                    for round in 0..200 {
                        let time = Duration::from_micros(pause + round);
                        let waiting = keeper.wait();
                        runtime.block_on(async {
                            tokio::spawn(tokio::time::sleep(time)).await.unwrap();
                        });
                        drop(waiting);
                        if round % 3 == 0 {
                            keeper.lend();
                        }
                        std::thread::sleep(time);
                    }
                });
            }
        });
        assert!(happens(&runtime));
    }
}
