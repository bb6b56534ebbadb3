//! Drivers that run ZMTP connections on tokio.
//!
//! ```text
//!   Engine ── one per socket: listeners, connecters, their events
//!     ├─ accept ── admission ── shake_hands ─┐            ┌─ Pump: stream ⇄ pipe
//!     ├─ connect ─ backoff ──── shake_hands ─┴─ go_online ┤
//!     └─ inproc ── the same handshake in memory ──────────┴─ pipe ⇄ pipe
//! ```
//!
//! A driver asks no mechanism anything: it moves octets, events and time between a stream and the
//! state machines of [`zmtp_core`].

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod admission;
mod ask;
mod backoff;
mod clock;
mod connection;
pub mod endpoint;
mod engine;
mod events;
pub mod net;
mod pipe;
mod random;
mod warning;

pub use backoff::Reconnect;
pub use endpoint::Endpoint;
pub use engine::{ConnectFailure, Connecting, Engine, EngineOptions, Hub, StartError};
pub use events::{Disconnect, Event, EventSink};
pub use pipe::{Batch, HighWaterMarks, Owner, Pipe, PipeId, TrySendError};
pub use random::OsRandom;
