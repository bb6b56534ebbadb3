//! Who drives, on a runtime of tokio.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::drive::Keeper;
use super::runtime::keep;

/// Far longer than anything here takes.
const LATE: Duration = Duration::from_secs(30);

fn keeper() -> (Arc<Runtime>, Arc<Keeper>) {
    let runtime = Arc::new(Builder::new_current_thread().enable_all().build().unwrap());
    let keeper = keep(runtime.clone()).unwrap();
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
