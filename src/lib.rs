//! ZeroMQ sockets and security in pure Rust.
//!
//! ZMTP 3.1 with the NULL, PLAIN and CURVE mechanisms, ZAP authentication, and the sockets on top, for
//! tokio. A peer that is refused learns why, and so does the side that refused it; nobody hangs.
//!
//! ```text
//!   Options ── Security ──▶ Req, Rep, Push, Pull, Dealer, Router, Pub, Sub, XPub, XSub, Pair
//!                             │ bind, connect      │ send, recv       │ monitor
//!                             ▼                    ▼                  ▼
//!                           Endpoint, Connecting   Message            Event
//!                                     └─ ready() ─▶ Peer, or the reason
//! ```
//!
//! ```
//! use ironhouse::{Options, Pull, Push};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pull = Pull::new(Options::new())?;
//! let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
//!
//! let push = Push::new(Options::new())?;
//! push.connect(&endpoint)?.ready().await?;
//! push.send("one part").await?;
//!
//! assert_eq!(pull.recv().await?.first(), "one part");
//! # Ok(())
//! # }
//! ```
//!
//! # Around the sockets
//!
//! - [`blocking`] has the same sockets for programs without a runtime.
//! - [`AnySocket`] is a socket whose type is chosen at run time.
//! - [`poll()`] waits for any of several sockets; `stream`, `sink` and [`split`](Dealer::split) fit them into
//!   other asynchronous code. A socket is `Send` and `Sync`, so that an `Arc` of it does, too.
//! - [`proxy()`] and [`Proxy`] make devices of two sockets, with copies and with a handle to steer.
//!
//! # What dropping a future does
//!
//! | future | dropped before it is done |
//! |---|---|
//! | `bind` | nothing is bound |
//! | [`Connecting::ready`] | the connection goes on, and can be waited for again |
//! | `send`, `send_timeout` | the message was not sent |
//! | `recv`, `recv_timeout`, [`Monitor::next`], an item of a stream | nothing was taken |
//! | of a sink: `poll_ready`, `flush`, `close` | the sink keeps the one message in its hand |
//! | [`poll()`] | nothing was taken, and nobody who waits to receive sleeps for it |
//! | [`Proxy::run`] | the proxy keeps one message per direction, and goes on with it when run again |
//! | [`serve_zap`] | requests without a reply are back in the ROUTER, to be received next |
//! | [`proxy()`] | what was in hand is back in its socket, to be received next |
//! | `close` | closing goes on in the background |
//!
//! # Why it is the way it is
//!
//! - **A socket type is a Rust type.** A PUSH has no `recv`, a PULL no `send`.
//! - **Options come first.** A socket is made with all its [`Options`], so none can be set too late.
//! - **A server needs a judge.** [`ServerSecurity`] ends in an authenticator or in
//!   `dangerous().accept_any_client()`; there is no third way.
//! - **Connecting is asynchronous and never silent.** `connect` returns at once; [`Connecting::ready`]
//!   resolves when the peer is there, or with the side, stage and rule of what went wrong. Without
//!   it, the [`Monitor`] tells.
//! - **Futures can be dropped.** No method loses a message or leaves half a state when its future is
//!   dropped; each says so in its documentation.

mod any;
mod face;
mod keys;
mod monitor;
mod options;
mod pattern;
mod poll;
mod proxy;
mod remote;
mod security;
mod socket;
mod split;
mod stream;

pub mod blocking;
pub mod error;

pub use any::AnySocket;
pub use curve::{KeyPair, PublicKey, SecretKey};
pub use face::{Receives, Sends, Socket, TwoWay};
pub use keys::{
    certificate_keys, create_certificates, curve_keypair, curve_public, load_certificate,
    load_certificates, save_certificate,
};
pub use monitor::{Monitor, Observation};
pub use options::{DEFAULT_LINGER, Options, RouterNotify};
pub use poll::{Pollable, poll};
pub use proxy::{Proxied, Proxy, ProxyHandle, ProxyStatistics, Traffic, proxy};
pub use remote::{RemoteAuthenticator, RemoteError, ServeError, serve_zap};
pub use security::{
    DangerousServerSecurity, DomainError, Security, ServerKeyError, ServerSecurity,
};
pub use socket::{Dealer, IntoEndpoint, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
pub use split::{RecvHalf, SendHalf};
pub use transport::net::{Keepalive, SocksProxy, TransportOptions};
pub use transport::{
    Connecting, DepartedLimits, Disconnect, Endpoint, Event, HighWaterMarks, Hub, OsRandom,
    Reconnect, ReconnectStop,
};
/// Policies and their providers, limits, events, and 27/ZAP itself.
pub use zap;
pub use zap::{
    AuthEvent, Authenticator, CURVE_ALLOW_ANY, Certificate, CertificateError, CertificateFault,
    CertificateFiles, CertificateStore, CurveKeys, KeySet, Live, Passwords, Policy, Principals,
    Revisions, from_fn, from_sync_fn,
};
#[cfg(feature = "watch")]
pub use zap::{Reload, Watch, Watching};
/// The vocabulary of authentication.
pub use zmtp_core::auth;
pub use zmtp_core::mechanism::plain::CredentialTooLong;
/// What is known of a peer.
pub use zmtp_core::peer;
pub use zmtp_core::{Limits, Message, Part, SocketType};

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the guide for those who come from libzmq, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/from-libzmq.md")]
struct FromLibzmq;

/// The example of the document about the Authenticator, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/authenticator.md")]
struct TheAuthenticator;
