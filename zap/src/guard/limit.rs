//! A bound on what happens at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many permits are left.
#[derive(Debug)]
pub(super) struct Limit(Arc<AtomicUsize>);

impl Limit {
    pub(super) fn new(permits: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(permits)))
    }

    /// A permit, given back when dropped; `None` if there is none left.
    pub(super) fn acquire(&self) -> Option<Permit> {
        let left = |left: usize| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).ok()?;
        Some(Permit(Arc::clone(&self.0)))
    }
}

pub(super) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
