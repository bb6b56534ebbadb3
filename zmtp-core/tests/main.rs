//! The protocol as dialogues: octets written by hand against one connection, or two connections
//! against each other, in virtual time.

mod command;
mod doorkeeper;
mod error_command;
mod frame;
mod greeting;
mod handshake;
mod heartbeat;
mod laws;
mod limits;
mod message;
mod metadata;
mod null;
mod output;
mod peer_claims;
mod plain;
mod sealed;
mod secrets;
mod subscription;
mod support;
mod version;
