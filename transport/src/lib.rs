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

//!
//! What a driver does, in its smallest form:
//!
//! ```
//! use std::sync::Arc;
//! use bytes::BytesMut;
//! use transport::OsRandom;
//! use transport::net::{Listener, Stream, TransportOptions, dial};
//! use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
//! use zmtp_core::mechanism::null::Null;
//! use zmtp_core::peer::PeerAddress;
//! use zmtp_core::{Instant, SocketType};
//!
//! /// Moves octets until the handshake is complete.
//! async fn drive(stream: Stream, address: PeerAddress, socket_type: SocketType)
//!     -> Result<(), Box<dyn std::error::Error>> {
//!     let now = Instant::ORIGIN; // a real driver looks at a clock, and at `poll_timeout`
//!     let config = ConnectionConfig::new(socket_type, Arc::new(Null));
//!     let link = Link { address, listener: "tcp://127.0.0.1".into() };
//!     let mut connection = Connection::new(Arc::new(config), link, now, &mut OsRandom)?;
//!     let mut input = BytesMut::new();
//!     loop {
//!         while let Some(octets) = connection.poll_output() {
//!             stream.writable().await?;
//!             assert_eq!(stream.try_write(&octets)?, octets.len(), "a real driver writes the rest later");
//!         }
//!         if let Some(Event::Established(peer)) = connection.poll_event() {
//!             println!("{} at {}", peer.claimed.socket_type, peer.verified.address);
//!             return Ok(());
//!         }
//!         stream.readable().await?;
//!         input.reserve(1024);
//!         match stream.try_read_buf(&mut input) {
//!             Ok(0) => connection.handle_end()?,
//!             Ok(_) => connection.handle_input(now, &mut input)?,
//!             Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
//!             Err(error) => return Err(error.into()),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = TransportOptions::default();
//! let listener = Listener::bind(&"tcp://127.0.0.1:*".parse()?, &options).await?;
//! let (near, there) = dial(listener.local(), &options).await?;
//! let (far, here) = listener.accept().await?;
//! tokio::try_join!(drive(near, there, SocketType::REQ), drive(far, here, SocketType::REP))?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod admission;
mod ask;
mod backlog;
mod backoff;
mod clock;
mod connection;
pub mod endpoint;
mod engine;
mod events;
mod handler;
mod lock;
pub mod net;
mod pipe;
mod random;
mod sessions;
mod warning;

pub use ask::guarded;
pub use backlog::DepartedLimits;
pub use backoff::{Reconnect, ReconnectStop};
pub use connection::Visit;
pub use endpoint::Endpoint;
pub use engine::{ConnectFailure, Connecting, Engine, EngineOptions, Hub, StartError};
pub use events::{Disconnect, Event, EventSink};
pub use handler::{HandlerFault, HandlerLink};
pub use pipe::{Batch, HighWaterMarks, Owner, Pipe, PipeId, TrySendError};
pub use random::OsRandom;
