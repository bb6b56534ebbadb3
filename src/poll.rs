//! Waiting for any of several sockets.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::coop::cooperative;

use crate::face::sealed::Receiving;
use crate::face::within;
use crate::{Receives, RecvHalf, blocking};

/// Something that [`poll`] can wait for: every socket that receives, asynchronous or blocking, the
/// receiving half of one that was split, and an [`AnySocket`](crate::AnySocket), which is never readable
/// if its type does not receive.
pub trait Pollable: sealed::Readable {}

impl<T: sealed::Readable> Pollable for T {}

mod sealed {
    use tokio::sync::Notify;

    /// See `Receiving`.
    pub trait Readable: Send + Sync {
        /// Whether there is something to receive.
        fn readable(&self) -> bool;

        /// Fires when that may have changed.
        fn changed(&self) -> &Notify;

        /// Somebody begins to wait for that, or ends it.
        fn watch(&self, begins: bool);
    }
}

impl<S: Receives> sealed::Readable for S {
    fn readable(&self) -> bool {
        self.has_message()
    }

    fn changed(&self) -> &Notify {
        self.receivable()
    }

    fn watch(&self, begins: bool) {
        Receiving::watch(self, begins);
    }
}

impl<S: Receives> sealed::Readable for blocking::Socket<S> {
    fn readable(&self) -> bool {
        self.as_async().readable()
    }

    fn changed(&self) -> &Notify {
        self.as_async().changed()
    }

    fn watch(&self, begins: bool) {
        self.as_async().watch(begins);
    }
}

impl<S: Receives> sealed::Readable for RecvHalf<S> {
    fn readable(&self) -> bool {
        self.as_socket().readable()
    }

    fn changed(&self) -> &Notify {
        self.as_socket().changed()
    }

    fn watch(&self, begins: bool) {
        self.as_socket().watch(begins);
    }
}

impl<S: Receives> sealed::Readable for blocking::RecvHalf<S> {
    fn readable(&self) -> bool {
        self.as_socket().readable()
    }

    fn changed(&self) -> &Notify {
        self.as_socket().changed()
    }

    fn watch(&self, begins: bool) {
        self.as_socket().watch(begins);
    }
}

/// Waits until some of `sockets` have something to receive, and says which, by their place in the slice;
/// empty when `timeout` is over first (`zmq_poll` with `ZMQ_POLLIN`). `None` waits without end.
///
/// Nothing is taken from any of them: receive with `try_recv`. That finds nothing only if somebody else
/// was faster, or if a filter of the socket drops what came. A REQ whose answer will not come and a
/// socket that was refused at its last endpoint are readable: `try_recv` says so.
///
/// Cancel safe: nothing is taken.
///
/// ```
/// # use ironhouse::{Options, Pull, Push};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (work, control) = (Pull::new(Options::new())?, Pull::new(Options::new())?);
/// let push = Push::new(Options::new())?;
/// push.connect(control.bind("inproc://poll-example").await?)?;
/// push.send("stop").await?;
///
/// assert_eq!(ironhouse::poll(&[&work, &control], None).await, [1]);
/// assert_eq!(control.try_recv()?.first(), "stop");
/// # Ok(())
/// # }
/// ```
pub async fn poll(sockets: &[&dyn Pollable], timeout: Option<Duration>) -> Vec<usize> {
    let wait = cooperative(until_readable(sockets));
    match timeout {
        None => wait.await,
        Some(timeout) => within(timeout, wait).await.unwrap_or_default(),
    }
}

/// Waits without end.
pub(crate) async fn until_readable(sockets: &[&dyn Pollable]) -> Vec<usize> {
    let mut readable = look(sockets);
    let _watched = readable.is_empty().then(|| Watched::new(sockets));
    while readable.is_empty() {
        let mut changes: Vec<_> =
            sockets.iter().map(|socket| Box::pin(socket.changed().notified())).collect();
        for change in &mut changes {
            change.as_mut().enable();
        }
        readable = look(sockets);
        if readable.is_empty() {
            any(&mut changes).await;
            readable = look(sockets);
        }
        // Each of these may have woken us instead of somebody who waits to receive.
        for socket in readable.iter().filter_map(|at| sockets.get(*at)) {
            socket.changed().notify_one();
        }
    }
    readable
}

/// Sockets with somebody who waits for them to be readable.
struct Watched<'a>(&'a [&'a dyn Pollable]);

impl<'a> Watched<'a> {
    fn new(sockets: &'a [&'a dyn Pollable]) -> Self {
        sockets.iter().for_each(|socket| socket.watch(true));
        Self(sockets)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|socket| socket.watch(false));
    }
}

fn look(sockets: &[&dyn Pollable]) -> Vec<usize> {
    let all = sockets.iter().enumerate();
    all.filter(|(_, socket)| socket.readable()).map(|(at, _)| at).collect()
}

/// Waits until one of them has fired.
async fn any(changes: &mut [Pin<Box<Notified<'_>>>]) {
    poll_fn(|context| {
        let mut fired = Poll::Pending;
        for change in &mut *changes {
            if change.as_mut().poll(context).is_ready() {
                fired = Poll::Ready(());
            }
        }
        fired
    })
    .await;
}
