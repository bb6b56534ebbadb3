//! What streams, polling, proxies and the blocking face need of a socket, whatever its type.
//!
//! The traits that users see are sealed by the ones in [`sealed`]: socket types are made here only.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task::coop::{consume_budget, cooperative};
use transport::Visit;
use zmtp_core::{Message, SocketType};

use crate::error::{RecvError, SendError};
use crate::pattern::guest::Guest;
use crate::pattern::{retry, retry_in_turn};
use sealed::{Receiving, Sending};

/// A socket of any type.
///
/// It is `Send` and `Sync`: many tasks and threads may use one socket at once, through a reference or
/// an `Arc`. Only for REQ and REP that makes little sense, because they take turns.
pub trait Socket: sealed::Face {
    /// The type.
    fn socket_type(&self) -> SocketType {
        self.face_type()
    }
}

/// A socket that sends.
pub trait Sends: Socket + Sending {}

/// A socket that receives.
pub trait Receives: Socket + Receiving {}

/// A socket whose two directions do not depend on each other, so that it can be [split](crate::SendHalf)
/// and [proxied](crate::proxy).
pub trait TwoWay: Sends + Receives {}

/// What nobody else can implement.
pub(crate) mod sealed {
    use std::fmt::Debug;
    use std::time::Duration;

    use tokio::sync::Notify;
    use transport::Engine;
    use zmtp_core::{Message, SocketType};

    use crate::error::{ConfigError, RecvError, SendError};
    use crate::options::Options;
    use crate::pattern::guest::Guest;

    /// Every socket.
    pub trait Face: Debug + Send + Sync + 'static {
        /// The type.
        fn face_type(&self) -> SocketType;

        /// What runs its endpoints.
        fn engine(&self) -> &Engine;

        /// How long closing it may take.
        fn linger(&self) -> Duration;

        /// Ends it; see `close` of the sockets.
        fn finish(self) -> impl Future<Output = usize> + Send
        where
            Self: Sized;
    }

    /// A socket that is made of nothing but options.
    pub trait FromOptions: Face + Sized {
        /// See `new` of the sockets.
        ///
        /// # Errors
        /// [`ConfigError`].
        fn from_options(options: Options) -> Result<Self, ConfigError>;
    }

    /// A socket that sends.
    pub trait Sending: Face {
        /// Sends if that is possible at once.
        ///
        /// # Errors
        /// `WouldBlock` if it is not.
        fn attempt_send(&self, message: &Message) -> Result<(), SendError>;

        /// Fires when a message may be taken. All that wait are woken.
        fn sendable(&self) -> &Notify;

        /// The limit of `send`.
        fn send_limit(&self) -> Option<Duration>;
    }

    /// A socket that receives.
    pub trait Receiving: Face {
        /// Takes a message that is there.
        ///
        /// Apart from what follows, because a message moves faster where no error can stand in its place.
        fn take(&self) -> Option<Message>;

        /// Takes what is there.
        ///
        /// # Errors
        /// `WouldBlock` if there is nothing.
        fn attempt_recv(&self) -> Result<Message, RecvError>;

        /// Fires when a message may have come; may wake one of those who wait. Who is woken passes it on
        /// with `notify_one`, whether it takes something or not, if there is more.
        fn receivable(&self) -> &Notify;

        /// Waits for a message at the connection itself.
        fn guest(&self) -> Guest<'_>;

        /// Somebody looks who is no guest: guests wait at no connection any more until they are polled again.
        fn make_way(&self);

        /// Somebody begins to wait who is to see a message and takes none, or ends that.
        fn watch(&self, begins: bool);

        /// Whether `attempt_recv` has something to give, a failure included. If not, `receivable`
        /// fires when that changes.
        fn has_message(&self) -> bool;

        /// Puts a message back that was received last, to be the next one.
        fn give_back(&self, message: Message);

        /// The limit of `recv`.
        fn recv_limit(&self) -> Option<Duration>;

        /// How long `recv` looks for a message before it sleeps.
        fn spin(&self) -> Duration;
    }
}

/// A socket that can do something, if that is among what its type can do.
macro_rules! can {
    (sends, $socket:expr, $as:ty, [sends $($rest:ident)*]) => { Some($socket as $as) };
    (receives, $socket:expr, $as:ty, [receives $($rest:ident)*]) => { Some($socket as $as) };
    (proxied, $socket:expr, $as:ty, [proxied $($rest:ident)*]) => { Some($socket as $as) };
    ($what:ident, $socket:expr, $as:ty, [$other:ident $($rest:ident)*]) => {
        can!($what, $socket, $as, [$($rest)*])
    };
    ($what:ident, $socket:expr, $as:ty, []) => {{
        let _ = $socket;
        None
    }};
}

pub(crate) use can;

thread_local! {
    static CALLS: Cell<u8> = const { Cell::new(0) };
}

/// Whether this call may be made without asking whether others should have their turn: seven of eight
/// may, because asking costs as much as a small message.
#[inline]
fn is_free() -> bool {
    CALLS.with(|calls| {
        calls.set(calls.get().wrapping_add(1));
        !calls.get().is_multiple_of(8)
    })
}

/// Octets of a message that is large enough to ask for a turn with each.
const LARGE: usize = 4096;

/// Sends, waiting no longer than `limit`.
#[inline]
pub(crate) async fn send<S: Sending + ?Sized>(
    socket: &S,
    message: &Message,
    limit: Option<Duration>,
) -> Result<(), SendError> {
    if !is_free() || message.octets() >= LARGE {
        apart(pin!(consume_budget())).await;
    }
    if let Some(result) = done(socket.attempt_send(message)) {
        return result;
    }
    apart(pin!(wait_to_send(socket, message, limit))).await
}

/// What came of an attempt, unless it has to wait.
#[inline]
fn done(result: Result<(), SendError>) -> Option<Result<(), SendError>> {
    match result {
        Ok(()) => Some(Ok(())),
        Err(SendError::WouldBlock) => None,
        Err(error) => Some(Err(error)),
    }
}

async fn wait_to_send<S: Sending + ?Sized>(
    socket: &S,
    message: &Message,
    limit: Option<Duration>,
) -> Result<(), SendError> {
    let wait = cooperative(until_sent(socket, message));
    match limit {
        None => wait.await,
        Some(limit) => within(limit, wait).await.unwrap_or(Err(SendError::TimedOut)),
    }
}

/// Receives, waiting no longer than `limit`.
#[inline]
pub(crate) async fn recv<S: Receiving + ?Sized>(
    socket: &S,
    limit: Option<Duration>,
) -> Result<Message, RecvError> {
    if !is_free() {
        apart(pin!(consume_budget())).await;
    }
    if let Some(message) = socket.take() {
        return Ok(message);
    }
    apart(pin!(wait_to_recv(socket, limit))).await
}

/// Receives what is there. If that is nothing, whoever waits at a connection waits there no more, in case that it is a
/// future with which nobody goes on.
#[inline]
pub(crate) fn try_recv<S: Receiving + ?Sized>(socket: &S) -> Result<Message, RecvError> {
    match socket.take() {
        Some(message) => Ok(message),
        None => {
            socket.make_way();
            socket.attempt_recv()
        }
    }
}

async fn wait_to_recv<S: Receiving + ?Sized>(
    socket: &S,
    limit: Option<Duration>,
) -> Result<Message, RecvError> {
    let wait = cooperative(async {
        if let Some(result) = spin(socket).await {
            return result;
        }
        until_received(socket, socket.guest()).await
    });
    match limit {
        None => wait.await,
        Some(limit) => within(limit, wait).await.unwrap_or(Err(RecvError::TimedOut)),
    }
}

/// Attempts to send again whenever that may be possible.
pub(crate) async fn until_sent<S: Sending + ?Sized>(
    socket: &S,
    message: &Message,
) -> Result<(), SendError> {
    retry(
        socket.sendable(),
        Guest::default(),
        || socket.attempt_send(message),
        |error| *error == SendError::WouldBlock,
    )
    .await
}

/// Attempts to receive again whenever a message may have come; `guest` is one of the socket, or none.
pub(crate) async fn until_received<S: Receiving + ?Sized>(
    socket: &S,
    guest: Guest<'_>,
) -> Result<Message, RecvError> {
    retry_in_turn(
        socket.receivable(),
        guest,
        || socket.attempt_recv(),
        |error| *error == RecvError::WouldBlock,
        || socket.has_message(),
    )
    .await
}

/// The future as it is, but polled in a function of its own: what a call does that need not wait stays small.
fn apart<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = F::Output> {
    #[inline(never)]
    fn poll<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        future.poll(cx)
    }
    poll_fn(move |cx| poll(future.as_mut(), cx))
}

/// Attempts to receive again and again for as long as the socket spins, while the runtime goes on.
async fn spin<S: Receiving + ?Sized>(socket: &S) -> Option<Result<Message, RecvError>> {
    let time = socket.spin();
    let begin = (!time.is_zero()).then(Instant::now)?;
    let mut glances = Glances::at(socket);
    while begin.elapsed() < time {
        match socket.attempt_recv() {
            Err(RecvError::WouldBlock) if glances.look() => tokio::task::yield_now().await,
            Err(RecvError::WouldBlock) => {}
            result => return Some(result),
        }
    }
    None
}

/// Looks for input of somebody who spins: at the connection itself, which costs less than a turn of the runtime.
#[derive(Debug)]
pub(crate) struct Glances<'a> {
    guest: Guest<'a>,
    count: u8,
}

/// Looks at the connection itself for each turn of the runtime.
const GLANCES: u8 = 16;

impl<'a> Glances<'a> {
    pub(crate) fn at<S: Receiving + ?Sized>(socket: &'a S) -> Self {
        Self { guest: socket.guest(), count: 0 }
    }

    /// Looks once; whether the runtime should have a turn now.
    pub(crate) fn look(&mut self) -> bool {
        self.count = (self.count + 1) % GLANCES;
        match self.guest.glance() {
            Visit::Declined => true,
            Visit::Waiting => self.count == 0,
            Visit::Found => false,
        }
    }
}

/// Waits for `future` up to `limit`, outside of a runtime with the clock of the blocking sockets.
///
/// What is ready at once is given even if `limit` is zero.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let timeout = {
        let _clock = match tokio::runtime::Handle::try_current() {
            Ok(_) => None,
            Err(_) => Some(crate::blocking::runtime().ok()?.enter()),
        };
        tokio::time::timeout(limit, future)
    };
    timeout.await.ok()
}
