//! CURVE without I/O: keys and their text, boxes, the handshake, and the sealing of messages.
//!
//! ```text
//!  client: knows S, has C             server: has S
//!  draws C'                           draws S' and the key of a cookie
//!  HELLO(C') ───────────────────────▶ shown to be made for S, by who has c'
//!            ◀─────────────────────── WELCOME(S', cookie); forgets s', which is in the cookie
//!  INITIATE(cookie, C, vouch, ──────▶ the vouch shows that who has c speaks with C', to S;
//!           metadata)                 the authenticator decides about C
//!            ◀─────────────────────── READY(metadata), or ERROR
//!  MESSAGE   ◀──────────────────────▶ MESSAGE: everything else, under the key of C' and S'
//! ```
//!
//! C and S are the permanent public keys, C' and S' those of one connection, small letters their secret
//! halves (26/CURVEZMQ, "Overall Operation of CurveZMQ"). Each side multiplies four times on the curve.
//!
//! [`CurveClient`] and [`CurveServer`] are [`Security`](zmtp_core::mechanism::Security) for a
//! [`Connection`](zmtp_core::connection::Connection), which does everything that is not CURVE:
//!
//! ```
//! use std::sync::Arc;
//!
//! use curve::{CurveClient, CurveServer, KeyPair, PublicKey};
//! use zmtp_core::SocketType;
//! use zmtp_core::connection::ConnectionConfig;
//! # struct Fixed;
//! # impl zmtp_core::RandomSource for Fixed {
//! #     fn fill(&mut self, out: &mut [u8]) -> Result<(), zmtp_core::RandomError> {
//! #         out.fill(7);
//! #         Ok(())
//! #     }
//! # }
//! # let mut random = Fixed; // stands for the system's source
//! let keys = KeyPair::generate(&mut random)?;
//! let text = keys.public().to_string(); // 40 characters to hand out
//! let server = ConnectionConfig::new(SocketType::ROUTER, Arc::new(CurveServer::new(keys)));
//!
//! let (own, server_key) = (KeyPair::generate(&mut random)?, text.parse::<PublicKey>()?);
//! let security = CurveClient::new(own, server_key)?;
//! let client = ConnectionConfig::new(SocketType::DEALER, Arc::new(security));
//! # let _ = (client, server);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where 26/CURVEZMQ leaves a choice
//!
//! - The cookie is under a key of its own for each connection, good for one INITIATE within a minute. A
//!   recorded session fails on every other connection, at INITIATE.
//! - Both halves of the vouch are compared, the padding of HELLO and the zeros in its box are looked at,
//!   and keys of low order are refused wherever they may come from.
//! - Numbers start where the peer likes and rise strictly, over HELLO, INITIATE and MESSAGE and over
//!   READY and MESSAGE; a number counts from when its box opened. The last is 2^64 - 1.
//! - MESSAGE is sent in plain frames, the only ones in which libzmq takes it, and taken in any.
//! - A command inside MESSAGE has the flag 02, as in libzmq. All other new flags are refused.
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
