//! Memory that must come back, counted to the octet.
//!
//! Only in programs whose allocator is [`PeakAlloc`], and only while one test runs: see [`alone`].

use std::future::Future;
use std::sync::{Mutex, PoisonError};

pub use peak_alloc::PeakAlloc;

use crate::{Done, rt};

/// What may differ: blocks of channels and tables of the runtime that are kept for the next one.
const SLACK: usize = 64 * 1024;

/// Runs a test while no other of this program does.
///
/// # Errors
/// Those of the test.
pub fn alone(test: impl Future<Output = Done>) -> Done {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    rt::run(test)
}

/// How much memory is in use at some moment.
#[derive(Debug, Clone, Copy)]
pub struct Level(usize);

impl Level {
    /// Now.
    ///
    /// # Panics
    /// In a program whose allocator does not count.
    #[must_use]
    pub fn now() -> Self {
        let used = PeakAlloc.current_usage();
        assert!(used > 0, "this program does not count its memory");
        Self(used)
    }

    /// Octets that are in use now and were not then.
    #[must_use]
    pub fn grown(self) -> usize {
        Self::now().0.saturating_sub(self.0)
    }

    /// Looks until everything but a little is given back.
    ///
    /// # Panics
    /// If it is not.
    pub async fn is_back(self, what: &str) {
        let back = rt::until("memory to be back", || self.grown() < SLACK);
        if tokio::time::timeout(rt::LATE / 2, back).await.is_err() {
            panic!("{what}: {} octets more than the {} before", self.grown(), self.0);
        }
    }
}
