//! The keeper of the blocking sockets, with a scheduler that decides at each step which thread takes the next one.
//!
//! What stands here is put in the place of `src/blocking/sync.rs`; the code of the keeper is the same file.

mod sync;

#[path = "../../../src/blocking/drive.rs"]
mod drive;

use std::sync::Arc;

use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;

use drive::Keeper;
use sync::{Runtime, World};

/// What a thread of the application does, again and again.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A call that waits, and drives meanwhile.
    Call,
    /// A call that has the keeper drive.
    Lend,
}

/// Lets each of `threads` take its steps while the keeper does its work. Who waits gets to drive, or the scheduler
/// finds nobody who can go on; and when all is over the keeper drives.
pub fn keep(threads: &'static [&'static [Step]]) {
    let world = World::begin();
    let (keeper, runtime) = (Arc::new(Keeper::default()), Arc::new(Runtime::new(world.clone())));
    let over = Arc::new(AtomicBool::new(false));
    let (own, driven, ends) = (keeper.clone(), runtime.clone(), over.clone());
    let keeping = thread::spawn(move || {
        while !ends.load(Ordering::SeqCst) {
            own.turn(&driven);
        }
    });
    keeper.is_on(&world.thread());
    let calling: Vec<_> = threads
        .iter()
        .map(|steps| {
            let (keeper, runtime, world) = (keeper.clone(), runtime.clone(), world.clone());
            thread::spawn(move || {
                for step in *steps {
                    match step {
                        Step::Call => {
                            let waiting = keeper.wait();
                            runtime.drive();
                            drop(waiting);
                        }
                        Step::Lend => {
                            keeper.lend();
                            world.until_somebody_drives();
                        }
                    }
                }
            })
        })
        .collect();
    calling.into_iter().for_each(|thread| thread.join().expect("a call"));
    world.until_somebody_drives();
    over.store(true, Ordering::SeqCst);
    // So that it hears of the end.
    drop(keeper.wait());
    keeping.join().expect("the keeper");
}
