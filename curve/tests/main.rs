//! The CURVE mechanism through [`zmtp_core::connection::Connection`]: two sides of ours, and ours
//! against peers whose boxes are made by another implementation.

mod handshake_client;
mod handshake_decision;
mod handshake_flips;
mod handshake_hello;
mod handshake_initiate;
mod handshake_pair;
mod handshake_vector;
mod oracle;
mod seeded;
#[path = "../../zmtp-core/tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests of zmtp-core")]
mod support;
mod traffic;
mod traffic_laws;
mod world;
