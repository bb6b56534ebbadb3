//! Waiting for a future by parking the thread that calls.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::task::yield_now;
use tokio::time::timeout_at;

use super::runtime::{Io, io};

/// Wakes one thread.
#[derive(Debug)]
struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self { thread: std::thread::current(), woken: AtomicBool::new(false) })
    }

    /// Sleeps until woken.
    fn park(&self) {
        while !self.woken.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Sleeps until woken; `false` if the deadline comes first.
    fn park_until(&self, deadline: Instant) -> bool {
        while !self.woken.swap(false, Ordering::Acquire) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::park_timeout(left);
        }
        true
    }
}

thread_local! {
    /// The parker of this thread, unless it is in use further up the stack.
    static PARKER: Cell<Option<(Arc<Parker>, Waker)>> = const { Cell::new(None) };
}

/// Waits for `future` on this thread.
///
/// The budget of a task that this may be called in does not count: a future that waits for it would
/// wait for ever.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    block_until(future, None).unwrap_or_else(|| unreachable!("there is no deadline"))
}

/// As [`block_on`]; `None` if the deadline comes first. The future is polled at least once.
pub(super) fn block_until<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    drive_until(future, deadline, !take_traffic().is_bulk())
}

/// As [`block_until`], where input and output are done on this thread if it `drives`, and otherwise beside it: one
/// thread that copies and one that works bring more than one after the other.
pub(super) fn drive_until<F: Future>(
    future: F,
    deadline: Option<Instant>,
    drives: bool,
) -> Option<F::Output> {
    // Moved no more from here on.
    let mut future = pin!(unconstrained(future));
    let Some(io) = drivable() else { return park_until(future, deadline) };
    if !drives {
        io.lend();
        return park_until(future, deadline);
    }
    match deadline {
        None => Some(io.wait(future.as_mut())),
        Some(deadline) => {
            io.wait(unconstrained(async { timeout_at(deadline.into(), future).await.ok() }))
        }
    }
}

/// A turn of a loop that finds nothing takes less, unless somebody else had the core.
const TURN: Duration = Duration::from_micros(5);

/// How to look again and again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// For how long.
    pub(super) time: Duration,
    /// Who brings what is waited for may have no other core than this one.
    pub(super) fair: bool,
}

/// Looks for each time that the core is left to others, which is a call of the system as well.
const LOOKS: u32 = 8;

/// What came of looking.
#[derive(Debug)]
pub(super) enum Looked<T> {
    /// It came while we looked: to sleep would have taken longer.
    Seen(T),
    /// It had come already, or with somebody who had this core meanwhile.
    There(T),
    Nothing,
}

/// Makes attempts until one gives something, while input and output go on: `turn` says when they should have one.
pub(super) fn spin<T>(
    look: Look,
    mut attempt: impl FnMut() -> Option<T>,
    mut turn: impl FnMut() -> bool,
) -> Looked<T> {
    let Look { time, fair } = look;
    let begin = Instant::now();
    let (mut last, mut gap, mut turns) = (Duration::ZERO, Duration::MAX, 0_u32);
    let mut attempt = || {
        let found = attempt();
        // In the first turn, what had come before is read.
        let seen = turns > 1 && gap < TURN;
        turns = turns.saturating_add(1);
        gap = begin.elapsed().saturating_sub(last);
        last += gap;
        if fair && turns.is_multiple_of(LOOKS) {
            std::thread::yield_now();
        }
        match found {
            Some(found) if seen => Some(Looked::Seen(found)),
            Some(found) => Some(Looked::There(found)),
            None => (last > time).then_some(Looked::Nothing),
        }
    };
    match drivable() {
        Some(io) => io.wait(unconstrained(async {
            loop {
                if let Some(looked) = attempt() {
                    return looked;
                }
                if turn() {
                    yield_now().await;
                }
            }
        })),
        None => loop {
            if let Some(looked) = attempt() {
                return looked;
            }
        },
    }
}

/// Octets between two waits that make much traffic, those of its messages on average that make it bulk, and those
/// that are better copied by somebody else.
const MUCH: usize = 64 * 1024;
const LARGE: usize = 512;
const LONG: usize = 32 * 1024;

/// What went through a thread since it waited last.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Traffic {
    messages: usize,
    octets: usize,
}

impl Traffic {
    /// Whether it is much, of large messages.
    pub(super) const fn is_bulk(self) -> bool {
        self.octets >= MUCH && self.octets / LARGE >= self.messages
    }

    /// Whether its messages are long.
    pub(super) const fn is_long(self) -> bool {
        self.octets / LONG >= self.messages
    }
}

thread_local! {
    static TRAFFIC: Cell<Traffic> = const { Cell::new(Traffic { messages: 0, octets: 0 }) };
}

/// A message of so many octets went through this thread.
#[inline]
pub(super) fn count(octets: usize) {
    TRAFFIC.with(|traffic| {
        let Traffic { messages, octets: before } = traffic.get();
        let messages = messages.wrapping_add(1);
        traffic.set(Traffic { messages, octets: before.saturating_add(octets) });
    });
}

/// What went through this thread; it begins anew.
pub(super) fn take_traffic() -> Traffic {
    TRAFFIC.take()
}

/// Messages between two waits of somebody who talks with a peer, and does not just receive.
const TALK: usize = 4;

/// Whether no more goes through this thread than question and answer, and it may look for the next one by itself.
pub(super) fn talks() -> bool {
    TRAFFIC.with(|traffic| traffic.get().messages <= TALK) && drivable().is_some()
}

/// What this thread may drive while it waits: nothing on a thread that belongs to a runtime, or ends already.
fn drivable() -> Option<&'static Io> {
    Handle::try_current().is_err_and(|error| error.is_missing_context()).then(io)?.ok()
}

/// Polls `future` on this thread, which sleeps in between.
fn park_until<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    // What it starts belongs to the blocking sockets. A thread that ends has no place to note that.
    let ends = Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed());
    let _context = (!ends).then(io).and_then(Result::ok).map(Io::enter);
    with_parker(|parker, context| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Some(output);
            }
            match deadline {
                None => parker.park(),
                Some(deadline) if parker.park_until(deadline) => {}
                Some(_) => return None,
            }
        }
    })
}

fn with_parker<T>(wait: impl FnOnce(&Parker, &mut Context<'_>) -> T) -> T {
    // Where the thread ends already, nothing is kept.
    let kept = PARKER.try_with(Cell::take).ok().flatten();
    let (parker, waker) = kept.unwrap_or_else(|| {
        let parker = Parker::new();
        (parker.clone(), Waker::from(parker))
    });
    let output = wait(&parker, &mut Context::from_waker(&waker));
    let _ = PARKER.try_with(|kept| kept.set(Some((parker, waker))));
    output
}
