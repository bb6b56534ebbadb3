//! Work that may block its thread.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use super::{PendingVerdict, Verdict};
use crate::pool::{Pool, PoolLimits};

/// Most calls of one function that may go on at once, each on a thread of its own. So many may hang
/// before the function is of no use any more.
const CALLS: usize = 64;
/// Calls that may wait for a thread: as many as decisions of one socket.
const WAITING: usize = 1024;

/// Work that comes to a verdict and may block its thread, and the threads for it.
pub struct Blocking {
    threads: Arc<Pool>,
    work: Box<dyn FnOnce() -> Verdict + Send>,
}

/// The threads of one function.
pub(super) fn threads() -> Arc<Pool> {
    Arc::new(Pool::new("callback", PoolLimits { threads: CALLS, waiting: WAITING }))
}

impl Blocking {
    pub(super) fn new(
        threads: &Arc<Pool>,
        work: impl FnOnce() -> Verdict + Send + 'static,
    ) -> Self {
        Self { threads: threads.clone(), work: Box::new(work) }
    }

    /// Does it on this thread.
    pub(crate) fn here(self) -> Verdict {
        (self.work)()
    }

    /// Does it on one of its threads.
    pub(crate) fn apart(self) -> PendingVerdict {
        match self.threads.run(self.work) {
            Some(verdict) => Box::pin(async move {
                verdict.await.unwrap_or_else(|_| Verdict::broken("A provider panicked"))
            }),
            None => Box::pin(ready(Verdict::not_now("Too many calls of a provider wait"))),
        }
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocking(..)")
    }
}
