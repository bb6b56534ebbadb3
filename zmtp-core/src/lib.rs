//! ZMTP 3.1, ZeroMQ's wire protocol, without I/O: octets go in, octets and events come out.
//!
//! This crate knows the greeting, frames, commands and metadata, the mechanisms NULL and PLAIN, and
//! the [`Connection`](connection::Connection) that leads from the first octet to messages. It owns
//! no socket, clock, task or source of randomness, needs `alloc` only, and knows no other crate of
//! the house. CURVE plugs in from outside as a [`Security`](mechanism::Security).
//!
//! ```text
//!                  ┌───────────────────────── Connection ─────────────────────────┐
//!   octets ───────▶│ handle_input   greeting ▶ mechanism ▶ traffic     poll_event │ ──▶ Event
//!   a decision ───▶│ handle_auth                 │  ▲                             │
//!   the clock ────▶│ handle_timeout AuthRequired ▼  │ AuthDecision    poll_output │ ──▶ octets
//!   a message ────▶│ send                your authenticator          poll_timeout │ ──▶ Instant
//!                  └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! After anything that goes in, drain what comes out. Two connections and two queues:
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::BytesMut;
//! use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
//! use zmtp_core::mechanism::null::Null;
//! use zmtp_core::peer::PeerAddress;
//! use zmtp_core::{Instant, Message, RandomError, RandomSource, SocketType};
//!
//! struct NotNeeded; // NULL draws no randomness
//! impl RandomSource for NotNeeded {
//!     fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
//!         Err(RandomError)
//!     }
//! }
//!
//! let now = Instant::ORIGIN; // time is a value; here it stands still
//! let open = |socket_type| {
//!     let config = Arc::new(ConnectionConfig::new(socket_type, Arc::new(Null)));
//!     let link = Link { address: PeerAddress::Inproc, listener: "inproc://docs".into() };
//!     Connection::new(config, link, now, &mut NotNeeded)
//! };
//! let mut sides = [open(SocketType::PUSH)?, open(SocketType::PULL)?];
//! let mut queues = [BytesMut::new(), BytesMut::new()]; // what each side has to read
//!
//! let received = loop {
//!     for me in [0, 1] {
//!         sides[me].handle_input(now, &mut queues[me])?;
//!         while let Some(octets) = sides[me].poll_output() {
//!             queues[1 - me].extend_from_slice(&octets);
//!         }
//!     }
//!     if let Some(Event::Established(peer)) = sides[0].poll_event() {
//!         assert_eq!(peer.claimed.socket_type, SocketType::PULL);
//!         sides[0].send(&Message::from("hello")).expect("established")?;
//!     }
//!     if let Some(Event::Message(message)) = sides[1].poll_event() {
//!         break message;
//!     }
//! };
//! assert_eq!(received, Message::from("hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why it is like this
//!
//! - **No I/O**: every dialogue can be replayed octet for octet, cut anywhere, at any speed, in a
//!   test or a fuzzer, with no hook that production code does not have.
//! - **One state, one type**: a handshake holds what exists at that moment and is consumed by the
//!   next step, so a command out of order finds nobody to take it, and
//!   [`Established`](mechanism::Established) is the only source of [`Traffic`](traffic::Traffic).
//! - **Authentication is a state**: a mechanism hands out a question and goes on only with the
//!   answer. A refusal drops it; nothing of the peer has left this crate by then.
//! - **Nothing costs what a peer announces**: sizes are held against [`Limits`] on the frame header,
//!   and buffers grow with octets that arrived.
//! - **Failures say why**: a [`ProtocolError`](error::ProtocolError) names side, stage, cause and
//!   the requirement behind it; one table decides what the peer is told. The first one stays.
//! - **Facts are not claims**: what this side [verified](peer::Verified) and what the peer
//!   [says of itself](peer::Claimed) are different types.

#![no_std]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

extern crate alloc;

pub mod auth;
pub mod connection;
pub mod error;
mod limits;
pub mod mechanism;
mod message;
pub mod peer;
mod random;
mod socket_type;
mod time;
pub mod traffic;
pub mod wire;

pub use limits::Limits;
pub use message::{INLINE_LEN, Message, Part};
pub use random::{RandomError, RandomSource};
pub use socket_type::SocketType;
pub use time::Instant;
