//! ZAP: who may come in.
//!
//! A mechanism of ZMTP proves what a peer is; whether it may come in is another question, and 27/ZAP
//! gives it a form. This crate answers it, and speaks that form both ways. It knows no runtime, no
//! socket and no cryptography.
//!
//! ```text
//!   handshake ── AuthRequest ──▶ Guarded ──▶ Authenticator ──▶ address rules
//!       ▲                        panics       Policy            domain: exact, else *
//!       └─────── AuthDecision ── time, load                     Passwords │ KeySet ◀─ CertificateStore
//!
//!   other programs ── frames ──▶ handler::answer ──▶ codec::Request ──▶ any authenticator
//!                  ◀─ frames ──                 ◀── codec::Reply ◀──
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use zap::{Authenticator, CurveKeys, decide};
//! use zmtp_core::auth::{AuthRequest, AuthStatus, Credentials, Domain};
//! use zmtp_core::peer::{PeerAddress, RoutingId};
//! use zmtp_core::wire::greeting::MechanismName;
//! use zmtp_core::wire::metadata::Metadata;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authenticator = Authenticator::new()
//!     .allow("192.0.2.0/24")?
//!     .deny("192.0.2.66")?
//!     .configure_curve("*", CurveKeys::AllowAny)?;
//!
//! let from = |address: &str| -> Result<AuthRequest, std::net::AddrParseError> {
//!     Ok(AuthRequest {
//!         domain: Domain::default(),
//!         address: PeerAddress::Ip(address.parse()?),
//!         listener: Arc::from("tcp://192.0.2.1:9000"),
//!         routing_id: RoutingId::default(),
//!         mechanism: MechanismName::CURVE,
//!         credentials: Credentials::Curve { public_key: [7; 32] },
//!         metadata: Metadata::new(),
//!     })
//! };
//! let status = |address| Ok::<_, std::net::AddrParseError>(
//!     decide(&authenticator.policy(), &from(address)?).status(),
//! );
//! assert_eq!(status("192.0.2.65:5000")?, AuthStatus::Success);
//! assert_eq!(status("192.0.2.66:5000")?, AuthStatus::Failure);
//! assert_eq!(status("198.51.100.1:5000")?, AuthStatus::Failure);
//! # Ok(()) }
//! ```
//!
//! Everything fails closed. What is not configured is refused, but for NULL, which has nothing to check;
//! a rule that cannot be understood is an error where it is given; an authenticator that panics, hangs
//! or answers nonsense refuses, and only the peer in question; a reply that breaks any rule is a
//! refusal. Passwords and secret keys are in no `Debug`, no error and no log.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod address;
mod authenticator;
mod bounded;
mod certificate;
pub mod codec;
mod decide;
mod digest;
mod event;
mod file;
mod gate;
mod guard;
pub mod handler;
mod live;
mod lock;
mod platform;
mod policy;
mod pool;
mod provider;
mod store;
#[cfg(feature = "watch")]
mod watch;

pub use address::{AddressError, AddressFault, AddressRule, AddressRules, AddressVerdict};
pub use authenticator::{Authenticator, Running};
pub use certificate::{
    Certificate, CertificateError, CertificateFault, CertificateFiles, Exposure, Restrictions,
};
pub use decide::{Decision, Finding, Step, Table, Went, decide, decide_at, decide_patiently};
pub use event::{AuthEvent, AuthSink, JsonLines, claim};
pub use file::{Existing, FileError, FileFault};
pub use gate::{Admission, Ban, BanError, BanFault, BanRules, GateLimits, Rate};
pub use guard::{GuardLimits, Guarded, Sleep, Timer, from_fn, from_sync_fn};
pub use live::{Live, Revisions};
pub use policy::{
    CURVE_ALLOW_ANY, ConfigError, CurveKeys, Difference, DifferenceKind, DomainError, Policy,
};
#[cfg(feature = "policy-file")]
pub use policy::{PolicyError, PolicyProblem};
pub use provider::{
    Answer, Blocking, CurveCallback, Grant, IntoVerdict, PendingVerdict, PrincipalError,
    Principals, Provider, ReloadError, Remember, Remembering, Statement, Verdict, provider_fn,
    sync_provider_fn,
};
pub use store::{CertificateStore, KeySet, PasswordError, PasswordFault, Passwords};
#[cfg(feature = "watch")]
pub use watch::{Reload, Watch, Watching};
