//! The same sockets for programs without a runtime.
//!
//! ```
//! use ironhouse::{Options, blocking};
//!
//! let pull = blocking::Pull::new(Options::new())?;
//! let endpoint = pull.bind("tcp://127.0.0.1:*")?;
//!
//! let push = blocking::Push::new(Options::new())?;
//! push.connect(&endpoint)?.ready()?;
//! push.send("one part")?;
//!
//! assert_eq!(pull.recv()?.first(), "one part");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Who waits does the work.** A message that is there already is received on the calling thread alone, and
//!   one that finds room is encoded there. A call that has to wait moves octets and makes connections itself, for
//!   all blocking sockets, so that an answer is not handed from thread to thread. While no call waits, a thread does
//!   that which starts with the first blocking socket; [`io_threads`] asks for threads that always do. Where
//!   answers come within microseconds, a call looks for them as long before it sleeps.
//! - **What a pattern cannot do does not compile**, as with the [asynchronous](crate) sockets: each type
//!   here is a [`Socket`] around one of those. [`Socket::from_async`], [`Socket::as_async`] and
//!   [`Socket::into_async`] lead from one face to the other.
//! - **A socket is `Send` and `Sync`**: threads may share one, as they may not in libzmq.
//! - **Dropping a socket waits** for what is to be sent, as long as
//!   [`Options::linger`](crate::Options::linger) says: without that, what was sent last would be lost
//!   when `main` returns. [`Socket::close`] also tells how many messages were given up.
//!
//! Within an asynchronous runtime these calls work, but they hold the thread that they are made on,
//! which serves other tasks no longer meanwhile; use the asynchronous sockets there. Only dropping a
//! socket does not wait there.

mod drive;
mod habit;
mod park;
mod runtime;
mod socket;
mod split;
mod sync;
#[cfg(test)]
mod tests;
mod types;
mod watch;

use std::time::{Duration, Instant};

pub(crate) use runtime::runtime;
pub use runtime::{AlreadyRunning, io_threads};
pub use socket::{IntoMessages, Messages, Socket};
pub use split::{RecvHalf, SendHalf};
pub use watch::{Connecting, Monitor, ReadyError};

use crate::Pollable;

macro_rules! faces {
    ($($name:ident),+) => {$(
        #[doc = concat!("A blocking [`", stringify!($name), "`](crate::", stringify!($name), ").")]
        pub type $name = Socket<crate::$name>;
    )+};
}

faces!(Req, Rep, Dealer, Router, Pub, Sub, XPub, XSub, Push, Pull, Pair, AnySocket);

/// Waits until some of `sockets` have something to receive, and says which, by their place in the slice;
/// empty when `timeout` is over first (`zmq_poll`). See [`poll`](crate::poll()).
#[must_use]
pub fn poll(sockets: &[&dyn Pollable], timeout: Option<Duration>) -> Vec<usize> {
    let readable = crate::poll::until_readable(sockets);
    park::block_until(readable, deadline(timeout)).unwrap_or_default()
}

/// Runs a [`Proxy`](crate::Proxy) between two sockets on this thread, without copies, until one of them can
/// go on no more (`zmq_proxy`). See [`proxy`](crate::proxy()).
///
/// # Errors
/// [`ProxyError`](crate::error::ProxyError).
pub fn proxy(
    frontend: &dyn crate::Proxied,
    backend: &dyn crate::Proxied,
) -> Result<crate::ProxyStatistics, crate::error::ProxyError> {
    run_proxy(&mut crate::Proxy::new(frontend, backend)?)
}

/// Runs a [`Proxy`](crate::Proxy) on this thread until its handle terminates it.
///
/// # Errors
/// [`ProxyError`](crate::error::ProxyError), see [`Proxy::run`](crate::Proxy::run).
pub fn run_proxy(
    proxy: &mut crate::Proxy<'_>,
) -> Result<crate::ProxyStatistics, crate::error::ProxyError> {
    park::block_on(proxy.run())
}

/// Answers the requests of 27/ZAP that come to `router`, on this thread, until it can go on no more. See
/// [`serve_zap`](crate::serve_zap).
///
/// # Errors
/// [`ServeError`](crate::ServeError) when the ROUTER cannot go on.
pub fn serve_zap(
    router: &Router,
    authenticator: impl zmtp_core::auth::Authenticator + 'static,
    limits: zap::GuardLimits,
) -> Result<(), crate::ServeError> {
    park::block_on(crate::serve_zap(router.as_async(), authenticator, limits))
}

/// When a timeout ends; none if that lies beyond all time.
fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}
