//! Running a test, and waiting for something without guessing how long it takes.

use std::fmt::Debug;
use std::future::Future;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use crate::Done;

/// More than anything takes that works, even on a busy machine.
pub const LATE: Duration = Duration::from_secs(20);

/// When a whole test is taken for hanging.
const HANG: Duration = Duration::from_secs(60);

/// How often to look.
const TICK: Duration = Duration::from_millis(2);

/// Runs a test on two threads of its own. The test itself may block, as libzmq does: it has its
/// thread for itself.
///
/// # Panics
/// If the test hangs.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    within_limit(&runtime, test)
}

/// Runs a test on one thread only; it must not block.
///
/// # Panics
/// If the test hangs.
pub fn run_on_one_thread<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    within_limit(&runtime, test)
}

fn within_limit<T>(runtime: &tokio::runtime::Runtime, test: impl Future<Output = T>) -> T {
    runtime.block_on(async {
        tokio::time::timeout(HANG, test).await.expect("the test hangs: gave up after a minute")
    })
}

/// Does `work` on all `items`, sixteen at a time, each on a thread of its own.
///
/// # Errors
/// The first of them.
///
/// # Panics
/// If one of them does.
pub fn all_at_once<T: Sync>(items: &[T], work: impl Fn(&T) -> Done + Sync) -> Done {
    items.chunks(16).try_for_each(|some| {
        thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|item| scope.spawn(|| work(item))).collect();
            threads.into_iter().try_for_each(|it| it.join().expect("said why already"))
        })
    })
}

/// Waits for `future` to be done.
///
/// # Panics
/// If it takes too long; says `what` was waited for.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LATE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// What comes of `future` within `time`, if anything does; it is dropped otherwise.
pub async fn in_time_or_not<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, future).await.ok()
}

/// What comes of `future` while others had `turns` turns, if anything does; it is dropped otherwise.
pub async fn unless_bored<T>(turns: u64, future: impl Future<Output = T>) -> Option<T> {
    let boredom = async {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        value = future => Some(value),
        () = boredom => None,
    }
}

/// Looks until `holds`.
///
/// # Panics
/// If it takes too long; says `what` was waited for.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    in_time(what, async {
        while !holds() {
            tokio::time::sleep(TICK).await;
        }
    })
    .await;
}

/// Looks until there is something.
///
/// # Panics
/// If it takes too long; says `what` was waited for.
pub async fn until_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    in_time(what, async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(TICK).await;
        }
    })
    .await
}

/// Checks all along that `future` does not end within `time`. For what must *not* happen: there a
/// time has to be chosen, and a longer one only looks closer.
///
/// # Panics
/// If it does end.
pub async fn never<T: Debug>(what: &str, time: Duration, future: impl Future<Output = T>) {
    if let Ok(value) = tokio::time::timeout(time, future).await {
        panic!("{what}: {value:?}");
    }
}

/// Checks that what happens in `f` takes less than `most`; for limits that the peer relies on.
///
/// # Panics
/// If it takes longer.
pub async fn takes_less<T>(what: &str, most: Duration, f: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let value = in_time(what, f).await;
    let took = begin.elapsed();
    assert!(took < most, "{what} took {took:?}, not less than {most:?}");
    value
}
