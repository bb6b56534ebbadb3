//! The patterns of 28/REQREP to 31/EXPAIR over pipes: who gets the next message, and whose message is
//! next.

pub(crate) mod balance;
pub(crate) mod duplex;
pub(crate) mod fair;
mod notices;
pub(crate) mod pair;
mod prefixes;
pub(crate) mod publish;
pub(crate) mod rep;
pub(crate) mod req;
mod roster;
pub(crate) mod router;
pub(crate) mod subscribe;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Locks; a holder that panicked left sound data, as each critical section is consistent throughout.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Repeats `attempt`, which had to wait a moment ago, until it has to no more, sleeping on `changed` in between.
///
/// Nothing is taken before the attempt that succeeds, so dropping the future loses nothing.
pub(crate) async fn retry<T, E>(
    changed: &Notify,
    mut attempt: impl FnMut() -> Result<T, E>,
    must_wait: impl Fn(&E) -> bool,
) -> Result<T, E> {
    loop {
        let notified = changed.notified();
        tokio::pin!(notified);
        // Registered before the attempt: a change in between is not missed.
        notified.as_mut().enable();
        match attempt() {
            Err(error) if must_wait(&error) => notified.await,
            result => return result,
        }
        // Most probably there is something now, and nobody to be registered.
        match attempt() {
            Err(error) if must_wait(&error) => {}
            result => return result,
        }
    }
}

/// As [`retry`], where one change wakes one of those who wait: who had to wait and goes on lets the next
/// one look if there is `more` to take.
pub(crate) async fn retry_in_turn<T, E>(
    changed: &Notify,
    attempt: impl FnMut() -> Result<T, E>,
    must_wait: impl Fn(&E) -> bool,
    more: impl FnOnce() -> bool,
) -> Result<T, E> {
    let result = retry(changed, attempt, must_wait).await;
    // Not unless there is more: it would find nothing, and wait again.
    if more() {
        changed.notify_one();
    }
    result
}
