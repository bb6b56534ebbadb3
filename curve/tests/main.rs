//! The CURVE mechanism through [`zmtp_core::connection::Connection`]: two sides of ours, and ours
//! against peers whose boxes are made by another implementation.

mod handshake_vector;
#[path = "../../zmtp-core/tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests of zmtp-core")]
mod support;
mod world;
