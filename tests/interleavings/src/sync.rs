//! What the keeper is made of, on the scheduler of the test. Time does not exist: what waits for some time may go on
//! at any moment.

use std::sync::Arc;
use std::time::Duration;

use shuttle::sync::{Condvar, Mutex};
use shuttle::thread::yield_now;

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

thread_local! {
    /// The world of this execution; the scheduler runs all of its threads on one thread of the system.
    static WORLD: std::cell::RefCell<Option<World>> = const { std::cell::RefCell::new(None) };
}

/// What threads wait for.
#[derive(Debug, Default)]
struct State {
    /// The keeper was woken.
    token: bool,
    /// The keeper was asked to stop driving.
    asked: bool,
    /// Somebody drives.
    driven: bool,
    /// The keeper does.
    kept: bool,
}

/// One execution.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<(Mutex<State>, Condvar)>);

impl World {
    pub(crate) fn begin() -> Self {
        let world = Self(Arc::new((Mutex::new(State::default()), Condvar::new())));
        WORLD.with(|place| *place.borrow_mut() = Some(world.clone()));
        world
    }

    fn current() -> Self {
        WORLD.with(|place| place.borrow().clone()).expect("it has begun")
    }

    pub(crate) fn thread(&self) -> Thread {
        Thread(self.clone())
    }

    /// Waits until `ready`, and changes the state then.
    fn wait(&self, ready: impl Fn(&State) -> bool, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("no panics");
        while !ready(&state) {
            state = changed.wait(state).expect("no panics");
        }
        change(&mut state);
        drop(state);
        changed.notify_all();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.wait(|_| true, change);
    }

    /// Waits until input and output go on.
    pub(crate) fn until_somebody_drives(&self) {
        self.wait(|state| state.driven || state.kept, |_| {});
    }
}

/// The thread of the keeper.
#[derive(Debug, Clone)]
pub(crate) struct Thread(World);

impl Thread {
    pub(crate) fn unpark(&self) {
        self.0.change(|state| state.token = true);
    }
}

pub(crate) fn park() {
    World::current().wait(|state| state.token, |state| state.token = false);
}

pub(crate) fn park_timeout(_: Duration) {
    yield_now();
    World::current().change(|state| state.token = false);
}

/// Asks the keeper to stop.
#[derive(Debug, Default)]
pub(crate) struct Notify;

/// Waits for that.
pub(crate) struct Notified;

impl Notify {
    pub(crate) fn notify_one(&self) {
        World::current().change(|state| state.asked = true);
    }

    pub(crate) fn notified(&self) -> Notified {
        Notified
    }
}

/// The runtime of one thread: one drives, whoever else waits may take over from it.
#[derive(Debug)]
pub(crate) struct Runtime(World);

impl Runtime {
    pub(crate) fn new(world: World) -> Self {
        Self(world)
    }

    /// The keeper drives, or waits to, until it is asked to stop.
    pub(crate) fn block_on(&self, _: Notified) {
        self.0.wait(|state| !state.driven || state.asked, |state| state.kept = !state.driven);
        self.0.wait(|state| state.asked, |state| (state.asked, state.kept) = (false, false));
    }

    /// A call drives until it has what it waits for.
    pub(crate) fn drive(&self) {
        self.0.wait(|state| !state.driven && !state.kept, |state| state.driven = true);
        yield_now();
        self.0.change(|state| state.driven = false);
    }
}
