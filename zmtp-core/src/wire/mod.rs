//! The octets of ZMTP, one module per noun of the specification.

pub mod command;
pub mod frame;
pub mod greeting;
pub mod heartbeat;
pub mod metadata;
mod reader;
pub mod reason;
pub mod subscription;

pub use reader::{Reader, Truncated};
