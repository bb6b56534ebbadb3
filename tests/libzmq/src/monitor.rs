use crate::consts::*;
use crate::{Socket, ffi};
use std::fmt;
use std::time::{Duration, Instant};

/// Something that has happened to the connections of a monitored socket.
#[derive(Clone, PartialEq, Eq)]
pub struct MonitorEvent {
    /// One of the `ZMQ_EVENT_*` bits.
    pub event: u16,
    /// What it means depends on the event: a file descriptor, an errno, a ZAP status, ...
    pub value: u32,
    /// Where it has happened.
    pub endpoint: String,
}

impl MonitorEvent {
    fn parse(frames: &[Vec<u8>]) -> Option<Self> {
        let [head, endpoint] = frames else {
            return None;
        };
        let (event, value) = head.split_first_chunk()?;
        Some(Self {
            event: u16::from_ne_bytes(*event),
            value: u32::from_ne_bytes(value.try_into().ok()?),
            endpoint: String::from_utf8_lossy(endpoint).into_owned(),
        })
    }

    /// The name of the event in the libzmq manual, without the `ZMQ_EVENT_` in front.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.event {
            ZMQ_EVENT_CONNECTED => "CONNECTED",
            ZMQ_EVENT_CONNECT_DELAYED => "CONNECT_DELAYED",
            ZMQ_EVENT_CONNECT_RETRIED => "CONNECT_RETRIED",
            ZMQ_EVENT_LISTENING => "LISTENING",
            ZMQ_EVENT_BIND_FAILED => "BIND_FAILED",
            ZMQ_EVENT_ACCEPTED => "ACCEPTED",
            ZMQ_EVENT_ACCEPT_FAILED => "ACCEPT_FAILED",
            ZMQ_EVENT_CLOSED => "CLOSED",
            ZMQ_EVENT_CLOSE_FAILED => "CLOSE_FAILED",
            ZMQ_EVENT_DISCONNECTED => "DISCONNECTED",
            ZMQ_EVENT_MONITOR_STOPPED => "MONITOR_STOPPED",
            ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL => "HANDSHAKE_FAILED_NO_DETAIL",
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED => "HANDSHAKE_SUCCEEDED",
            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL => "HANDSHAKE_FAILED_PROTOCOL",
            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH => "HANDSHAKE_FAILED_AUTH",
            _ => "unknown",
        }
    }
}

impl fmt::Debug for MonitorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:#x}) {}", self.name(), self.value, self.endpoint)
    }
}

/// The events of a socket, from [`Socket::monitor`] on until either of the two is dropped.
///
/// Events wait here, however many, until somebody asks for them.
#[derive(Debug)]
pub struct Monitor {
    pub(crate) events: Socket,
    pub(crate) tap: ffi::Tap,
}

impl Monitor {
    /// The next event, or nothing if there is none within the `timeout`.
    #[must_use]
    pub fn next(&self, timeout: Duration) -> Option<MonitorEvent> {
        if !self.events.poll_in(timeout).ok()? {
            return None;
        }
        MonitorEvent::parse(&self.events.recv_multipart().ok()?)
    }

    /// The first event that has one of the bits in `events`, or nothing if there is none within
    /// the `timeout`. The events before it are gone.
    #[must_use]
    pub fn wait_for(&self, events: u16, timeout: Duration) -> Option<MonitorEvent> {
        let deadline = Instant::now() + timeout;
        loop {
            let event = self.next(deadline.saturating_duration_since(Instant::now()))?;
            if event.event & events != 0 {
                return Some(event);
            }
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.tap.close();
    }
}
