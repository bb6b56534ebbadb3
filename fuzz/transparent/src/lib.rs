//! The CURVE of this project, file for file, over boxes that protect nothing.
//!
//! A fuzzer cannot forge a real box, and each real handshake costs it eight multiplications on the
//! curve. The files below are those of the crate `curve`; only the module that touches the primitives
//! is another one. So the crate itself needs no hook for tests, and nothing that is released can reach
//! what stands here.

extern crate alloc;

pub mod boxes;
#[path = "../../../curve/src/client.rs"]
mod client;
#[path = "../../../curve/src/cookie.rs"]
mod cookie;
#[path = "../../../curve/src/keys.rs"]
mod keys;
#[path = "../../../curve/src/nonce.rs"]
mod nonce;
#[path = "../../../curve/src/server.rs"]
mod server;
#[path = "../../../curve/src/traffic.rs"]
mod traffic;
#[path = "../../../curve/src/wire.rs"]
mod wire;
#[path = "../../../curve/src/z85.rs"]
pub mod z85;

pub use client::CurveClient;
pub use keys::{KEY_LEN, KEY_TEXT_LEN, KeyError, KeyPair, PublicKey, SecretKey};
pub use server::CurveServer;
