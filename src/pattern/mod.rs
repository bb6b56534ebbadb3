//! The patterns of 28/REQREP to 31/EXPAIR over pipes: who gets the next message, and whose message is
//! next.

pub(crate) mod balance;
pub(crate) mod duplex;
pub(crate) mod fair;
mod favourite;
pub(crate) mod guest;
mod notices;
pub(crate) mod pair;
mod prefixes;
pub(crate) mod publish;
pub(crate) mod rep;
pub(crate) mod req;
mod roster;
pub(crate) mod router;
pub(crate) mod subscribe;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::Notify;

use self::guest::Guest;

/// Locks; a holder that panicked left sound data, as each critical section is consistent throughout.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Repeats `attempt`, which had to wait a moment ago, until it has to no more, when `changed` fires or a guest finds
/// something.
///
/// Nothing is taken before the attempt that succeeds, so dropping the future loses nothing.
pub(crate) async fn retry<T, E>(
    changed: &Notify,
    mut guest: Guest<'_>,
    mut attempt: impl FnMut() -> Result<T, E>,
    must_wait: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let mut attempt = || match attempt() {
        Err(error) if must_wait(&error) => None,
        result => Some(result),
    };
    let mut notified = pin!(changed.notified());
    let mut registered = false;
    poll_fn(|cx| {
        let mut asked = false;
        loop {
            if !registered {
                // Before the attempt: a change in between is not missed.
                registered = notified.as_mut().poll(cx).is_pending();
                asked = true;
            } else if guest.poll(cx).is_ready() {
                // There is something now, unless another one takes it.
            } else if asked || notified.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            } else {
                registered = false;
            }
            if !registered {
                notified.set(changed.notified());
            }
            if let Some(result) = attempt() {
                return Poll::Ready(result);
            }
        }
    })
    .await
}

/// As [`retry`], where one change wakes one of those who wait: who had to wait and goes on lets the next
/// one look if there is `more` to take.
pub(crate) async fn retry_in_turn<T, E>(
    changed: &Notify,
    guest: Guest<'_>,
    attempt: impl FnMut() -> Result<T, E>,
    must_wait: impl Fn(&E) -> bool,
    more: impl FnOnce() -> bool,
) -> Result<T, E> {
    let result = retry(changed, guest, attempt, must_wait).await;
    // Not unless there is more: it would find nothing, and wait again.
    if more() {
        changed.notify_one();
    }
    result
}
