//! Threads for work that may block: few, so that the rest of the machine goes on, and with a short queue,
//! so that nobody waits for what nobody wants any more.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;

use crate::guard::Isolated;
use crate::lock::lock;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// Threads that begin when there is work for them, and end when there is none, or when this is dropped.
/// One that hangs in its work is lost for good; work that another pool does goes on.
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    name: &'static str,
    limits: PoolLimits,
    state: Mutex<State>,
    /// Something has changed for those who are idle.
    changed: Condvar,
}

/// How much a pool may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    /// Most threads.
    pub(crate) threads: usize,
    /// Most work that may wait for one.
    pub(crate) waiting: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Those of them that work now.
    busy: usize,
    closed: bool,
}

impl Pool {
    pub(crate) fn new(name: &'static str, limits: PoolLimits) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Shared { name, limits, state, changed }))
    }

    /// Does `work` on one of the threads, unless the receiver is dropped before its turn; `None` if too
    /// much waits. A receiver that is cancelled tells of a panic.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<oneshot::Receiver<T>> {
        let (sender, receiver) = oneshot::channel();
        let job = move || {
            if !sender.is_canceled() {
                _ = sender.send(work());
            }
        };
        self.0.put(Box::new(job)).then_some(receiver)
    }
}

impl Shared {
    fn put(self: &Arc<Self>, job: Job) -> bool {
        let PoolLimits { threads, waiting } = self.limits;
        let mut state = lock(&self.state);
        let idle = state.threads - state.busy;
        if state.jobs.len() >= idle && state.threads < threads && self.begin() {
            state.threads += 1;
        } else if state.threads == 0 || state.jobs.len() >= idle + waiting {
            return false;
        }
        state.jobs.push_back(job);
        self.changed.notify_one();
        true
    }

    /// Whether another thread could be had. It waits for the lock that the caller holds.
    fn begin(self: &Arc<Self>) -> bool {
        let shared = self.clone();
        thread::Builder::new().name(self.name.into()).spawn(move || shared.work()).is_ok()
    }

    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.busy += 1;
                drop(state);
                _ = Isolated::call(job);
                state = lock(&self.state);
                state.busy -= 1;
            } else if state.closed {
                break;
            } else {
                let waited = self.changed.wait_timeout(state, IDLE);
                let timeout;
                (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                if timeout.timed_out() && state.jobs.is_empty() {
                    break;
                }
            }
        }
        state.threads -= 1;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.0.state).closed = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_channel::oneshot::Receiver;

    use super::*;

    /// What comes of work, waiting for it.
    fn wait<T>(mut receiver: Receiver<T>) -> Option<T> {
        for _ in 0..10_000 {
            match receiver.try_recv() {
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                Ok(done) => return done,
                Err(_) => return None,
            }
        }
        panic!("no end after ten seconds");
    }

    #[test]
    fn work_that_hangs_leaves_the_other_threads_and_no_more_than_the_queue() {
        let pool = Pool::new("test", PoolLimits { threads: 3, waiting: 2 });
        let (end, hang) = mpsc::channel::<()>();
        let hang = Arc::new(Mutex::new(hang));
        let mut hung = Vec::new();
        for _ in 0..2 {
            let hang = hang.clone();
            hung.push(pool.run(move || _ = lock(&hang).recv()).expect("a thread"));
        }
        for number in 0..1000 {
            let done = pool.run(move || number).expect("a thread");
            assert_eq!(wait(done), Some(number), "the third thread does it");
        }
        let third = hang.clone();
        hung.push(pool.run(move || _ = lock(&third).recv()).expect("a thread"));
        let waiting: Vec<_> = (0..2).map(|number| pool.run(move || number)).collect();
        assert!(waiting.iter().all(Option::is_some), "as many wait");
        assert!(pool.run(|| ()).is_none(), "and no more");
        assert_eq!(lock(&pool.0.state).threads, 3);
        drop(end);
        for (number, done) in waiting.into_iter().flatten().enumerate() {
            assert_eq!(wait(done), Some(number), "those that waited have their turn");
        }
    }

    #[test]
    fn a_panic_costs_one_answer_and_no_thread() {
        let pool = Pool::new("test", PoolLimits { threads: 1, waiting: 1 });
        for _ in 0..10 {
            let panics = pool.run(|| -> () { panic!("the test says panic") });
            assert_eq!(wait(panics.expect("a thread")), None);
            assert_eq!(wait(pool.run(|| 7).expect("a thread")), Some(7));
        }
    }

    #[test]
    fn work_that_nobody_wants_any_more_is_not_begun() {
        let pool = Pool::new("test", PoolLimits { threads: 1, waiting: 2 });
        let (end, hang) = mpsc::channel::<()>();
        let hung = pool.run(move || _ = hang.recv()).expect("a thread");
        let (note, noted) = mpsc::channel();
        drop(pool.run(move || note.send(())).expect("a place"));
        let last = pool.run(|| ()).expect("a place");
        drop(end);
        assert_eq!((wait(hung), wait(last)), (Some(()), Some(())));
        assert!(noted.try_recv().is_err());
    }

    #[test]
    fn threads_end_with_the_pool() {
        let pool = Pool::new("test", PoolLimits { threads: 2, waiting: 1 });
        let shared = pool.0.clone();
        assert_eq!(wait(pool.run(|| 1).expect("a thread")), Some(1));
        assert_eq!(lock(&shared.state).threads, 1);
        drop(pool);
        while lock(&shared.state).threads > 0 {
            thread::yield_now();
        }
    }
}
