//! Devices: two sockets, and whatever one receives the other sends.

mod control;
mod lane;

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;
use zmtp_core::SocketType;

use self::control::{Control, State};
pub use self::control::{ProxyHandle, ProxyStatistics, Traffic};
use self::lane::Lane;
use crate::error::{Operation, ProxyError, Unsupported};
use crate::face::can;
use crate::face::sealed::{Receiving, Sending};
use crate::{AnySocket, Dealer, Pair, Pub, Pull, Push, Router, Sub, XPub, XSub, blocking};

/// A socket that can stand in a proxy: any but REQ and REP, which take turns.
pub trait Proxied: sealed::Ends {}

impl<T: sealed::Ends> Proxied for T {}

pub(crate) use sealed::Ends;

mod sealed {
    use zmtp_core::SocketType;

    use crate::face::sealed::{Receiving, Sending};

    /// What a socket can do in a proxy.
    pub trait Ends: Send + Sync {
        /// The type.
        fn kind(&self) -> SocketType;

        /// The socket, if it receives.
        fn as_receiving(&self) -> Option<&dyn Receiving>;

        /// The socket, if it sends.
        fn as_sending(&self) -> Option<&dyn Sending>;
    }
}

macro_rules! ends {
    ($($name:ident [$($can:ident)*])+) => {$(
        impl Ends for $name {
            fn kind(&self) -> SocketType {
                crate::Socket::socket_type(self)
            }

            fn as_receiving(&self) -> Option<&dyn Receiving> {
                can!(receives, self, &dyn Receiving, [$($can)*])
            }

            fn as_sending(&self) -> Option<&dyn Sending> {
                can!(sends, self, &dyn Sending, [$($can)*])
            }
        }
    )+};
}

ends! {
    Push [sends]
    Pull [receives]
    Dealer [sends receives]
    Router [sends receives]
    Pub [sends]
    Sub [receives]
    XPub [sends receives]
    XSub [sends receives]
    Pair [sends receives]
}

impl Ends for AnySocket {
    fn kind(&self) -> SocketType {
        crate::Socket::socket_type(self)
    }

    fn as_receiving(&self) -> Option<&dyn Receiving> {
        self.proxied()?.as_receiving()
    }

    fn as_sending(&self) -> Option<&dyn Sending> {
        self.proxied()?.as_sending()
    }
}

impl<S: crate::Socket + Ends> Ends for blocking::Socket<S> {
    fn kind(&self) -> SocketType {
        self.as_async().kind()
    }

    fn as_receiving(&self) -> Option<&dyn Receiving> {
        self.as_async().as_receiving()
    }

    fn as_sending(&self) -> Option<&dyn Sending> {
        self.as_async().as_sending()
    }
}

/// Runs a [`Proxy`] between two sockets, without copies, until one of them can go on no more
/// (`zmq_proxy`).
///
/// ```no_run
/// # use ironhouse::{Dealer, Options, Router};
/// # async fn broker() -> Result<(), Box<dyn std::error::Error>> {
/// let (clients, workers) = (Router::new(Options::new())?, Dealer::new(Options::new())?);
/// clients.bind("tcp://*:5559").await?;
/// workers.bind("tcp://*:5560").await?;
/// ironhouse::proxy(&clients, &workers).await?;
/// # Ok(())
/// # }
/// ```
///
/// Cancel safe: what was received and not sent is put back when the future is dropped, to be received
/// next.
///
/// # Errors
/// [`ProxyError`].
pub async fn proxy(
    frontend: &dyn Proxied,
    backend: &dyn Proxied,
) -> Result<ProxyStatistics, ProxyError> {
    Proxy::new(frontend, backend)?.run().await
}

/// Two sockets, and whatever one receives the other sends: messages, whole and in order, and
/// subscriptions from an XPUB to an XSUB (`zmq_proxy`, `zmq_proxy_steerable`).
///
/// | frontend | backend | device |
/// |---|---|---|
/// | ROUTER | DEALER | queue: requests to workers, answers back |
/// | XSUB or SUB | XPUB or PUB | forwarder: publications on, subscriptions back |
/// | PULL | PUSH | streamer: work on |
///
/// Other pairs work wherever something can pass. A direction whose receiver takes nothing stops to
/// read its sender, so a slow backend slows the frontend down and no queue grows between the two.
/// A message that can reach nobody, such as one for a routing id that is gone, is dropped and counted.
#[derive(Debug)]
#[must_use = "a proxy does nothing unless it is run"]
pub struct Proxy<'a> {
    forward: Option<Lane<'a>>,
    backward: Option<Lane<'a>>,
    control: Arc<Control>,
}

impl<'a> Proxy<'a> {
    /// A proxy between these two.
    ///
    /// # Errors
    /// [`ProxyError::NoWay`] if nothing can pass between the two in either direction, such as two PULLs.
    pub fn new(frontend: &'a dyn Proxied, backend: &'a dyn Proxied) -> Result<Self, ProxyError> {
        let lane = |from: &'a dyn Proxied, to: &'a dyn Proxied| {
            Some(Lane::new(from.as_receiving()?, to.as_sending()?))
        };
        let (forward, backward) = (lane(frontend, backend), lane(backend, frontend));
        if forward.is_none() && backward.is_none() {
            let (frontend, backend) = (frontend.kind(), backend.kind());
            return Err(ProxyError::NoWay { frontend, backend });
        }
        Ok(Self { forward, backward, control: Arc::default() })
    }

    /// Sends a copy of every message that has passed, in either direction, to `capture`: a PUB drops
    /// copies that nobody takes; any other socket holds the proxy up until its peer takes them.
    ///
    /// # Errors
    /// [`ProxyError::Unsupported`] if `capture` does not send.
    pub fn capture(mut self, capture: &'a dyn Proxied) -> Result<Self, ProxyError> {
        let operation = Operation::Send;
        let socket_type = capture.kind();
        let capture = capture.as_sending().ok_or(Unsupported { socket_type, operation })?;
        for lane in [&mut self.forward, &mut self.backward].into_iter().flatten() {
            lane.capture_with(capture);
        }
        Ok(self)
    }

    /// What steers this proxy from anywhere else.
    #[must_use]
    pub fn handle(&self) -> ProxyHandle {
        ProxyHandle::new(self.control.clone())
    }

    /// Passes messages on until the [handle](Self::handle) says to terminate.
    ///
    /// Cancel safe: nothing is lost or duplicated when the future is dropped. At most one message per
    /// direction is in hand then; running again goes on with it, and dropping the proxy puts it back
    /// into the socket that it came from, to be received next. Only a copy that waits for a capture
    /// socket without room is lost with the proxy.
    ///
    /// # Errors
    /// [`ProxyError`] if one of the sockets can go on no more, for example refused at its last endpoint.
    pub async fn run(&mut self) -> Result<ProxyStatistics, ProxyError> {
        let control = self.control.clone();
        loop {
            let steered = pin!(control.changed.notified());
            let state = *control.state();
            match state {
                State::Terminated => {
                    self.leave();
                    return Ok(control.statistics());
                }
                State::Paused => {
                    self.leave();
                    steered.await;
                    continue;
                }
                State::Running => {}
            }
            let forward = pin!(wait(&self.forward).notified());
            let backward = pin!(wait(&self.backward).notified());
            let (mut forward, mut backward) = (forward, backward);
            // Registered before the attempt: a change in between is not missed.
            forward.as_mut().enable();
            backward.as_mut().enable();
            if self.step_unless_steered(&control)? {
                tokio::task::coop::consume_budget().await;
                continue;
            }
            tokio::select! {
                () = forward => {}
                () = backward => {}
                () = steered => {}
            }
        }
    }

    /// Moves what moves now; `false` if nothing did. The state is held meanwhile, so that a handle that
    /// paused or terminated can rely on it.
    fn step_unless_steered(&mut self, control: &Control) -> Result<bool, ProxyError> {
        let state = control.state();
        Ok(*state != State::Running || self.step()?)
    }

    /// Moves what moves now; `false` if nothing did.
    fn step(&mut self) -> Result<bool, ProxyError> {
        let mut moved = false;
        let lanes = [
            (&mut self.forward, &self.control.forward),
            (&mut self.backward, &self.control.backward),
        ];
        for (lane, counters) in lanes {
            if let Some(lane) = lane {
                let burst = lane.burst();
                counters.publish(lane.counts());
                moved |= burst?;
            }
        }
        Ok(moved)
    }

    /// Lets others receive: one of them may sleep because the proxy was woken in its place.
    fn leave(&self) {
        for lane in [&self.forward, &self.backward].into_iter().flatten() {
            lane.source().notify_one();
        }
    }
}

impl Drop for Proxy<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What a lane that cannot go on waits for.
fn wait<'a>(lane: &Option<Lane<'a>>) -> &'a Notify {
    static NEVER: Notify = Notify::const_new();
    lane.as_ref().map_or(&NEVER, Lane::blocked_on)
}
