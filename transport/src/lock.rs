//! One way to lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock whose holder panicked still guards sound data: every critical section here is short and leaves
/// it consistent at each step.
#[inline]
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
