//! PLAIN: user name and password in clear text (24/ZMTP-PLAIN).
//!
//! ```text
//!  client                                server
//!  HELLO(user, password) ──────────────▶ authenticator
//!                        ◀────────────── WELCOME, or ERROR
//!  INITIATE(metadata)    ──────────────▶
//!                        ◀────────────── READY(metadata)
//! ```

mod client;
mod server;

pub use client::{CredentialTooLong, PlainClient};
pub use server::PlainServer;
