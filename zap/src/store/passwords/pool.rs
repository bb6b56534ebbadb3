//! The threads that hash passwords: few, so that the rest of the machine goes on, and with a short
//! queue, so that nobody waits for what nobody wants any more.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use futures_channel::oneshot;

use crate::guard::Isolated;
use crate::lock::lock;

/// Passwords that may wait.
const WAITING: usize = 64;
/// Most threads; half of what the machine has, if that is less.
const MOST: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

static QUEUE: LazyLock<SyncSender<Job>> = LazyLock::new(|| {
    let (sender, receiver) = sync_channel(WAITING);
    let receiver = Arc::new(Mutex::new(receiver));
    let threads = thread::available_parallelism().map_or(1, NonZero::get) / 2;
    for _ in 0..threads.clamp(1, MOST) {
        let receiver = receiver.clone();
        let work = move || work(&receiver);
        // Without any thread the queue has no receiver, and all are told to come again.
        _ = thread::Builder::new().name("password hashes".into()).spawn(work);
    }
    sender
});

fn work(jobs: &Mutex<Receiver<Job>>) {
    let next = || lock(jobs).recv();
    while let Ok(job) = next() {
        _ = Isolated::call(job);
    }
}

/// Does `work` on one of the threads, unless the receiver is dropped before its turn; `None` if too
/// many wait.
pub(super) fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<oneshot::Receiver<T>> {
    let (sender, receiver) = oneshot::channel();
    let job = move || {
        if !sender.is_canceled() {
            _ = sender.send(work());
        }
    };
    QUEUE.try_send(Box::new(job)).ok()?;
    Some(receiver)
}
