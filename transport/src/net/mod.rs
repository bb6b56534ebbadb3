//! Sockets of the operating system: listening, dialling, and the byte streams that come of it.
//!
//! [`Listener::bind`] and [`dial()`] take an [`Endpoint`](crate::endpoint::Endpoint) of the tcp or ipc
//! kind and give [`Stream`]s; inproc needs no operating system and lives elsewhere. Nothing here
//! knows ZMTP, retries for longer than one attempt lasts, or counts connections.
//!
//! Unix sockets are in one module that exists on Unix only; elsewhere a stand-in refuses ipc
//! endpoints with a typed error, and the rest is the same everywhere.

mod dial;
mod error;
mod interface;
mod listener;
mod options;
#[cfg_attr(unix, path = "unix/mod.rs")]
#[cfg_attr(not(unix), path = "no_unix.rs")]
mod platform;
mod socks;
mod stream;
mod tcp;

pub use dial::dial;
pub use error::{
    AcceptError, AcceptErrorKind, BindError, BindErrorKind, DialError, DialErrorKind, OsError,
};
pub use listener::Listener;
pub use options::{Keepalive, TransportOptions};
pub use platform::IpcStream;
pub use socks::SocksProxy;
pub use stream::Stream;
