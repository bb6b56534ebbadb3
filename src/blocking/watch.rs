//! Waiting for connections, and watching them.

use std::sync::Arc;
use std::time::Duration;

use transport::{ConnectFailure, Endpoint, Event};
use zmtp_core::peer::Peer;

use super::deadline;
use super::park::{block_on, block_until};
use crate::monitor::Observation;

/// A connection under way; dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Connecting(crate::Connecting);

impl Connecting {
    pub(super) const fn new(connecting: crate::Connecting) -> Self {
        Self(connecting)
    }

    /// Where to.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        self.0.endpoint()
    }

    /// Waits for READY, or for the reason why the attempt under way came to nothing. After a failure
    /// that is not final, further attempts go on in the background and may be waited for again.
    ///
    /// # Errors
    /// [`ConnectFailure`] with the reason.
    pub fn ready(&mut self) -> Result<Arc<Peer>, Box<ConnectFailure>> {
        block_on(self.0.ready()).map_err(Box::new)
    }

    /// As [`ready`](Self::ready), but no longer than `timeout`. The attempt goes on nevertheless.
    ///
    /// # Errors
    /// [`ReadyError`].
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<Arc<Peer>, ReadyError> {
        match block_until(self.0.ready(), deadline(Some(timeout))) {
            Some(result) => result.map_err(|failure| ReadyError::Failed(Box::new(failure))),
            None => Err(ReadyError::TimedOut),
        }
    }
}

/// No connection in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// There is no outcome yet.
    #[error("the connection was not ready in time")]
    TimedOut,
    /// The attempt came to nothing.
    #[error("{0}")]
    Failed(Box<ConnectFailure>),
}

/// The events of one socket, one after the other; ends when the socket is gone.
#[derive(Debug)]
pub struct Monitor(crate::Monitor);

impl Monitor {
    pub(super) const fn new(monitor: crate::Monitor) -> Self {
        Self(monitor)
    }

    /// The next observation, if there is one within `timeout`.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Observation> {
        block_until(self.0.next(), deadline(Some(timeout))).flatten()
    }

    /// Waits for the next event; losses are passed over.
    pub fn next_event(&mut self) -> Option<Event> {
        block_on(self.0.next_event())
    }
}

impl Iterator for Monitor {
    type Item = Observation;

    /// Waits for the next observation.
    fn next(&mut self) -> Option<Observation> {
        block_on(self.0.next())
    }
}
