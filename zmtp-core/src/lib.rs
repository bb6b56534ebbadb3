#![doc = "ZMTP 3.x without I/O."]
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
