//! ZeroMQ sockets and security in pure Rust.

mod keys;
mod monitor;
mod options;
mod pattern;
mod security;
mod socket;

pub mod error;

pub use curve::{KeyPair, PublicKey, SecretKey};
pub use keys::curve_keypair;
pub use monitor::{Monitor, Observation};
pub use options::{DEFAULT_LINGER, Options};
pub use security::{
    DangerousServerSecurity, DomainError, Security, ServerKeyError, ServerSecurity,
};
pub use socket::{Dealer, IntoEndpoint, Pull, Push, Rep, Req, Router};
pub use transport::net::TransportOptions;
pub use transport::{
    Connecting, Disconnect, Endpoint, Event, HighWaterMarks, Hub, OsRandom, Reconnect,
};
pub use zap::{
    Authenticator, Certificate, CertificateStore, CurveKeys, KeySet, Passwords, from_fn,
    from_sync_fn,
};
/// The vocabulary of authentication.
pub use zmtp_core::auth;
pub use zmtp_core::mechanism::plain::CredentialTooLong;
/// What is known of a peer.
pub use zmtp_core::peer;
pub use zmtp_core::{Limits, Message, Part, SocketType};
