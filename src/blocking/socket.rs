//! A socket whose calls wait on the calling thread.

use std::sync::Arc;
use std::time::Duration;

use transport::{Endpoint, Engine, StartError};
use zmtp_core::{Message, SocketType};

use super::habit::Habit;
use super::park::{
    Look, Looked, block_on, block_until, count, drive_until, spin, take_traffic, talks,
};
use super::{Connecting, Monitor, deadline, runtime};
use crate::error::{ConfigError, RecvError, SendError};
use crate::face::sealed::FromOptions;
use crate::face::{Glances, try_recv, until_received, until_sent};
use crate::{IntoEndpoint, Options, Receives, Sends};

/// A blocking socket around an asynchronous one, such as [`blocking::Push`](super::Push) around
/// [`Push`](crate::Push).
///
/// It is `Send` and `Sync`; a thread that only receives and one that only sends may share it through
/// a reference or an `Arc`.
#[derive(Debug)]
pub struct Socket<S: crate::Socket> {
    /// Dropped first.
    end: End,
    habit: Habit,
    inner: S,
}

/// Makes dropping a socket wait for what is to be sent.
#[derive(Debug)]
struct End {
    engine: Engine,
    linger: Duration,
    waits: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        let in_runtime = tokio::runtime::Handle::try_current().is_ok();
        if !self.waits || in_runtime || std::thread::panicking() {
            return;
        }
        block_on(self.engine.close(self.linger));
    }
}

impl<S: crate::Socket + FromOptions> Socket<S> {
    /// A socket with these options. Nothing is sent before `bind` or `connect`.
    ///
    /// # Errors
    /// [`ConfigError`] for options that do not fit together, and [`ConfigError::Runtime`] if the first
    /// blocking socket cannot start the threads of all of them.
    pub fn new(options: Options) -> Result<Self, ConfigError> {
        Self::from_async(S::from_options(options)?)
    }
}

impl<S: crate::Socket> Socket<S> {
    /// The blocking face of `socket`. Endpoints that it has stay on the runtime where they were made.
    ///
    /// # Errors
    /// [`ConfigError::Runtime`] as for `new`.
    pub fn from_async(socket: S) -> Result<Self, ConfigError> {
        runtime::runtime().map_err(|error| ConfigError::Runtime(error.kind()))?;
        let end = End { engine: socket.engine().clone(), linger: socket.linger(), waits: true };
        Ok(Self { end, habit: Habit::new(), inner: socket })
    }

    /// The asynchronous face, to wait for it together with others in a task.
    #[must_use]
    pub const fn as_async(&self) -> &S {
        &self.inner
    }

    /// The asynchronous socket. Endpoints that it has stay on the threads of the blocking sockets.
    #[must_use]
    pub fn into_async(self) -> S {
        let Self { mut end, inner, .. } = self;
        end.waits = false;
        inner
    }

    /// The type.
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.inner.socket_type()
    }

    /// Accepts connections at `endpoint` and says where: `tcp://127.0.0.1:*` lets the system choose the
    /// port, and the result names it.
    ///
    /// # Errors
    /// [`StartError`] for a malformed endpoint or one that cannot be bound.
    pub fn bind(&self, endpoint: impl IntoEndpoint) -> Result<Endpoint, StartError> {
        let endpoint = endpoint.into_endpoint()?;
        block_on(self.inner.engine().bind(&endpoint))
    }

    /// Connects to `endpoint` in the background, and again whenever the connection is lost. To know
    /// whether it worked, call [`ready`](Connecting::ready) of the result.
    ///
    /// # Errors
    /// [`StartError`] for a malformed endpoint.
    pub fn connect(&self, endpoint: impl IntoEndpoint) -> Result<Connecting, StartError> {
        let endpoint = endpoint.into_endpoint()?;
        self.connect_by(|socket| socket.engine().connect(&endpoint))
    }

    /// Connects in whatever way, on the threads of the blocking sockets.
    pub(super) fn connect_by(
        &self,
        connect: impl FnOnce(&S) -> Result<crate::Connecting, StartError>,
    ) -> Result<Connecting, StartError> {
        let _context = runtime::runtime().map_err(|_| StartError::NoRuntime)?.enter();
        connect(&self.inner).map(Connecting::new)
    }

    /// Stops to accept connections at `endpoint`, as `bind` named it, and ends those it has.
    ///
    /// # Errors
    /// [`StartError::NoSuchEndpoint`].
    pub fn unbind(&self, endpoint: impl IntoEndpoint) -> Result<(), StartError> {
        self.inner.engine().release(&endpoint.into_endpoint()?)
    }

    /// Ends the connection to `endpoint`.
    ///
    /// # Errors
    /// [`StartError::NoSuchEndpoint`].
    pub fn disconnect(&self, endpoint: impl IntoEndpoint) -> Result<(), StartError> {
        self.unbind(endpoint)
    }

    /// What happens from now on: connections, refusals with their reasons, losses.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor::new(crate::Monitor::new(self.inner.engine()))
    }

    /// Sends what waits, for as long as the linger option allows, and ends everything. Gives the
    /// number of messages that could not be sent.
    pub fn close(self) -> usize {
        let Self { mut end, inner, .. } = self;
        end.waits = false;
        block_on(inner.finish())
    }
}

impl<S: Sends> Socket<S> {
    /// Sends a message, waiting while no peer takes one, for as long as [`Options::send_timeout`] allows.
    ///
    /// # Errors
    /// [`SendError`], never `WouldBlock`.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.send_within(&message.into(), self.inner.send_limit())
    }

    /// Sends a message, waiting up to `timeout` while no peer takes one.
    ///
    /// # Errors
    /// [`SendError::TimedOut`] after that time: nothing was sent.
    pub fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        self.send_within(&message.into(), Some(timeout))
    }

    /// Sends a message if a peer takes one at once.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] otherwise.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.inner.attempt_send(&message.into())
    }

    fn send_within(&self, message: &Message, limit: Option<Duration>) -> Result<(), SendError> {
        match self.inner.attempt_send(message) {
            Ok(()) => {}
            Err(SendError::WouldBlock) => self.wait_to_send(message, limit)?,
            Err(error) => return Err(error),
        }
        count(message.octets());
        Ok(())
    }

    fn wait_to_send(&self, message: &Message, limit: Option<Duration>) -> Result<(), SendError> {
        let wait = until_sent(&self.inner, message);
        block_until(wait, deadline(limit)).unwrap_or(Err(SendError::TimedOut))
    }
}

impl<S: Receives> Socket<S> {
    /// Receives a message, waiting for one, for as long as [`Options::recv_timeout`] allows.
    ///
    /// # Errors
    /// [`RecvError`], never `WouldBlock`.
    pub fn recv(&self) -> Result<Message, RecvError> {
        self.recv_within(self.inner.recv_limit())
    }

    /// Receives a message, waiting up to `timeout` for one.
    ///
    /// # Errors
    /// [`RecvError::TimedOut`] after that time.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message, RecvError> {
        self.recv_within(Some(timeout))
    }

    /// Receives a message that is there already.
    ///
    /// # Errors
    /// [`RecvError::WouldBlock`] otherwise.
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        try_recv(&self.inner)
    }

    /// All messages, one after the other, waiting for each without end. Ends behind an error that stays.
    #[must_use]
    pub const fn messages(&self) -> Messages<'_, S> {
        Messages { socket: self, over: false }
    }

    /// As [`messages`](Self::messages), with the socket inside.
    #[must_use]
    pub fn into_messages(self) -> IntoMessages<S> {
        IntoMessages::new(Arc::new(self))
    }

    fn next_message(&self, over: &mut bool) -> Option<Result<Message, RecvError>> {
        if *over {
            return None;
        }
        let item = self.recv_within(None);
        *over = item.as_ref().is_err_and(RecvError::is_final);
        Some(item)
    }

    fn recv_within(&self, limit: Option<Duration>) -> Result<Message, RecvError> {
        let message = match self.inner.take() {
            Some(message) => message,
            None => self.wait_to_recv(limit)?,
        };
        count(message.octets());
        Ok(message)
    }

    #[inline(never)]
    fn wait_to_recv(&self, limit: Option<Duration>) -> Result<Message, RecvError> {
        let deadline = deadline(limit);
        if let Some(result) = self.look(limit.unwrap_or(Duration::MAX)) {
            return result;
        }
        let traffic = take_traffic();
        let mut guest = self.inner.guest();
        let drives = !traffic.is_bulk() || !traffic.is_long() && guest.is_welcome();
        if !drives {
            guest.decline();
        }
        let wait = until_received(&self.inner, guest);
        drive_until(wait, deadline, drives).unwrap_or(Err(RecvError::TimedOut))
    }

    /// Looks again and again: for as long as the socket spins, or else for a moment if that paid lately.
    fn look(&self, limit: Duration) -> Option<Result<Message, RecvError>> {
        let asked = self.inner.spin();
        let fair = !asked.is_zero();
        let time = match fair {
            true => asked,
            false if talks() => self.habit.time().filter(|time| *time <= limit)?,
            false => return None,
        };
        let attempt = || {
            let result = self.inner.attempt_recv();
            (!matches!(result, Err(RecvError::WouldBlock))).then_some(result)
        };
        let mut glances = Glances::at(&self.inner);
        let look = Look { time: time.min(limit), fair };
        let found = match spin(look, attempt, || glances.look()) {
            Looked::Seen(found) => {
                self.habit.learn(true);
                found
            }
            Looked::There(found) => found,
            Looked::Nothing => {
                self.habit.learn(false);
                return None;
            }
        };
        take_traffic();
        Some(found)
    }
}

/// The messages of a socket, one after the other.
#[derive(Debug)]
pub struct Messages<'a, S: crate::Socket> {
    socket: &'a Socket<S>,
    over: bool,
}

impl<S: Receives> Iterator for Messages<'_, S> {
    type Item = Result<Message, RecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.socket.next_message(&mut self.over)
    }
}

/// As [`Messages`], with the socket inside.
#[derive(Debug)]
pub struct IntoMessages<S: crate::Socket> {
    socket: Arc<Socket<S>>,
    over: bool,
}

impl<S: Receives> IntoMessages<S> {
    pub(super) const fn new(socket: Arc<Socket<S>>) -> Self {
        Self { socket, over: false }
    }
}

impl<S: Receives> Iterator for IntoMessages<S> {
    type Item = Result<Message, RecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.socket.next_message(&mut self.over)
    }
}
