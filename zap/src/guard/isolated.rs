//! Panics that go no further.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A pending value whose panics stay here, while it is made, polled and dropped. After a panic it
/// is gone, so nobody sees a value that the panic may have left half changed.
pub(crate) struct Isolated<T>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl Isolated<()> {
    /// The value of a call, unless it panicked.
    pub(crate) fn call<T>(call: impl FnOnce() -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(call)).ok()
    }
}

impl<T> Isolated<T> {
    pub(crate) fn new(pending: Pin<Box<dyn Future<Output = T> + Send>>) -> Self {
        Self(Some(pending))
    }

    pub(crate) fn ask(ask: impl FnOnce() -> Pin<Box<dyn Future<Output = T> + Send>>) -> Self {
        Self(Isolated::call(ask))
    }

    fn discard(&mut self) {
        let pending = self.0.take();
        _ = Isolated::call(|| drop(pending));
    }
}

/// `None` if it panicked now or before.
impl<T> Future for Isolated<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(pending) = self.0.as_mut() else { return Poll::Ready(None) };
        match Isolated::call(|| pending.as_mut().poll(context)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(value)) => {
                self.discard();
                Poll::Ready(Some(value))
            }
            None => {
                self.discard();
                Poll::Ready(None)
            }
        }
    }
}

impl<T> Drop for Isolated<T> {
    fn drop(&mut self) {
        self.discard();
    }
}
