//! What the integration and interoperability tests share.
//!
//! | module | what it gives |
//! |---|---|
//! | [`rt`] | a runtime for one test, with an end to everything that hangs; waiting by looking |
//! | [`ours`] | messages of ironhouse as lists of parts |
//! | [`theirs`] | sockets of libzmq |
//! | [`place`] | where the two meet: transports, and who binds |
//! | [`visits`] | clients of libzmq that try to come in at a server of ours |
//! | [`watch`] | waiting for an event of a monitor, ours or theirs |
//! | [`judge`] | authenticators that do what the test says |
//! | [`mechanisms`] | NULL and CURVE in both roles, for tests that go through all of them |
//! | [`keys`] | CURVE keys in the forms that both sides take |
//! | [`dice`] | numbers without a pattern, the same in each run |
//! | [`level`] | memory that must come back |
//! | [`octets`] | ZMTP as the specification writes it, made without the encoders under test |
//! | [`raw`] | peers that speak octets, in either role |
//! | [`driven`] | peers that speak the protocol, octet by octet as the test wants |
//! | [`relay`] | a wire that shows what passes and can be cut |
//! | [`files`] | directories of a test's own |
//! | [`capture`] | the records of `tracing` |
//!
//! Nothing here sleeps for a fixed time to let something happen: it looks until a deadline.

pub mod capture;
pub mod dice;
pub mod driven;
pub mod files;
pub mod judge;
pub mod keys;
pub mod level;
pub mod mechanisms;
pub mod octets;
pub mod ours;
pub mod place;
pub mod raw;
pub mod relay;
pub mod rt;
pub mod theirs;
pub mod visits;
pub mod watch;

/// What a helper of tests gives: `?` works on everything.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a test gives.
pub type Done = Fallible<()>;
