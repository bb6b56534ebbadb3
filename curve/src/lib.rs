//! CURVE without I/O: keys and their text, and the boxes of the handshake and of messages.
//!
//! ```
//! use curve::{KeyPair, PublicKey};
//! # struct Fixed;
//! # impl zmtp_core::RandomSource for Fixed {
//! #     fn fill(&mut self, out: &mut [u8]) -> Result<(), zmtp_core::RandomError> {
//! #         out.fill(7);
//! #         Ok(())
//! #     }
//! # }
//! # let mut random = Fixed; // stands for the system's source
//! let server = KeyPair::generate(&mut random)?;
//! let text = server.public().to_string(); // 40 characters to hand out
//! assert_eq!(text.parse::<PublicKey>()?, *server.public());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

extern crate alloc;

mod boxes;
mod client;
mod cookie;
mod keys;
mod nonce;
mod server;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod wire;
pub mod z85;

pub use client::CurveClient;
pub use keys::{KEY_LEN, KEY_TEXT_LEN, KeyError, KeyPair, PublicKey, SecretKey};
pub use server::CurveServer;
