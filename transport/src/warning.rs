//! Warnings about peers, limited in rate: a flood of garbage must not become a flood of log lines.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zmtp_core::error::{Kind, ProtocolError};
use zmtp_core::peer::{Peer, PeerAddress};
use zmtp_core::wire::greeting::MechanismName;

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

impl Budget {
    /// Whether a line may be written now, and how many were suppressed before it.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
            self.since = Some(now);
            self.written = 0;
        }
        if self.written < BURST {
            self.written += 1;
            Some(std::mem::take(&mut self.suppressed))
        } else {
            self.suppressed += 1;
            None
        }
    }
}

fn admit() -> Option<u64> {
    lock(&BUDGET).admit(Instant::now())
}

/// What an authenticator refused, beside why.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// Who the peer says it is.
    pub(crate) claim: String,
    /// What in the authenticator said so.
    pub(crate) step: Option<Arc<str>>,
}

/// One line for a peer whose handshake failed or that was refused: all there is to know of it.
pub(crate) fn peer_failed(
    endpoint: &Endpoint,
    address: &PeerAddress,
    mechanism: MechanismName,
    error: &ProtocolError,
    refused: Option<&Refused>,
) {
    let Some(suppressed) = admit() else { return };
    tracing::warn!(
        %endpoint,
        %address,
        %mechanism,
        side = %error.side,
        stage = %error.stage,
        rule = error.rule().id,
        status = status(error),
        claim = refused.map(|it| &*it.claim),
        step = refused.and_then(|it| it.step.as_deref()),
        suppressed,
        "{error}"
    );
}

/// One line for a connection that stood until a rule was broken or the peer was put out.
pub(crate) fn peer_broken(
    endpoint: &Endpoint,
    peer: &Peer,
    error: &ProtocolError,
    lost: usize,
    step: Option<&str>,
) {
    let Some(suppressed) = admit() else { return };
    tracing::warn!(
        %endpoint,
        address = %peer.verified.address,
        mechanism = %peer.verified.mechanism,
        user = peer.user_id().map(tracing::field::display),
        side = %error.side,
        stage = %error.stage,
        rule = error.rule().id,
        status = status(error),
        step,
        lost,
        suppressed,
        "{error}"
    );
}

/// The status of a refusal by the authenticator of this side.
const fn status(error: &ProtocolError) -> Option<&'static str> {
    match &error.kind {
        Kind::Denied { status, .. } | Kind::Revoked { status, .. } => Some(status.status().code()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // hostile: R8
    #[test]
    fn the_budget_of_a_second_is_exact() {
        for (count, written) in [(49, 49), (50, 50), (51, 50)] {
            let mut budget = Budget { since: None, written: 0, suppressed: 0 };
            let (begin, second) = (Instant::now(), Duration::from_secs(1));
            let admitted = (0..count).filter(|_| budget.admit(begin).is_some()).count();
            assert_eq!(admitted, written, "{count} lines");
            let last = begin + second - Duration::from_nanos(1);
            assert_eq!(budget.admit(last).is_some(), count < 50, "the same second");
            let suppressed = budget.suppressed;
            assert_eq!(budget.admit(begin + second), Some(suppressed), "the next one tells");
        }
    }
}
