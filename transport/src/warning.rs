//! Warnings about peers, limited in rate: a flood of garbage must not become a flood of log lines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use zmtp_core::error::ProtocolError;
use zmtp_core::peer::PeerAddress;

use crate::endpoint::Endpoint;
use crate::lock::lock;

/// Lines that may be written at once, and again each second.
const BURST: u32 = 50;

#[derive(Debug)]
struct Budget {
    since: Option<Instant>,
    written: u32,
    suppressed: u64,
}

static BUDGET: Mutex<Budget> = Mutex::new(Budget { since: None, written: 0, suppressed: 0 });

/// Whether a line may be written now, and how many were suppressed before it.
fn admit() -> Option<u64> {
    let mut budget = lock(&BUDGET);
    let now = Instant::now();
    if budget.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
        budget.since = Some(now);
        budget.written = 0;
    }
    if budget.written < BURST {
        budget.written += 1;
        Some(std::mem::take(&mut budget.suppressed))
    } else {
        budget.suppressed += 1;
        None
    }
}

/// One line for a peer whose handshake failed or that was refused.
pub(crate) fn peer_failed(endpoint: &Endpoint, address: &PeerAddress, error: &ProtocolError) {
    if let Some(suppressed) = admit() {
        tracing::warn!(
            %endpoint,
            %address,
            side = %error.side,
            stage = %error.stage,
            rule = error.rule().id,
            suppressed,
            "{error}"
        );
    }
}
