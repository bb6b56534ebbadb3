//! What the keeper is made of. A test puts other things in their place, which try the orders in which threads may
//! take their steps (`tests/interleavings`).

pub(super) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
pub(super) use std::thread::{Thread, park, park_timeout};

pub(super) use tokio::runtime::Runtime;
pub(super) use tokio::sync::Notify;
