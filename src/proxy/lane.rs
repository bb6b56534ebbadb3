//! One direction of a proxy.

use tokio::sync::Notify;
use zmtp_core::Message;

use super::control::Counts;
use crate::error::{ProxyError, RecvError, SendError};
use crate::face::sealed::{Receiving, Sending};

/// Messages that one direction passes on before the other one has its turn.
const BURST: usize = 64;

/// One direction of a proxy.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    from: &'a dyn Receiving,
    to: &'a dyn Sending,
    capture: Option<&'a dyn Sending>,
    hand: Option<Hand>,
    counts: Counts,
}

/// A message on its way.
#[derive(Debug)]
enum Hand {
    /// Received and not sent.
    Pass(Message),
    /// Sent, and not yet captured.
    Copy(Message),
}

impl<'a> Lane<'a> {
    pub(super) fn new(from: &'a dyn Receiving, to: &'a dyn Sending) -> Self {
        Self { from, to, capture: None, hand: None, counts: Counts::default() }
    }

    pub(super) fn capture_with(&mut self, capture: &'a dyn Sending) {
        self.capture = Some(capture);
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn source(&self) -> &'a Notify {
        self.from.receivable()
    }

    /// What has to change for this lane to go on.
    pub(super) fn blocked_on(&self) -> &'a Notify {
        match (&self.hand, self.capture) {
            (None, _) => self.from.receivable(),
            (Some(Hand::Copy(_)), Some(capture)) => capture.sendable(),
            (Some(_), _) => self.to.sendable(),
        }
    }

    /// Passes on what can be passed on now, up to a bound; `false` if that is nothing.
    pub(super) fn burst(&mut self) -> Result<bool, ProxyError> {
        let moved = self.pass_on();
        if !matches!(moved, Ok(false)) {
            // We may have been woken in the place of somebody who waits for the next message.
            self.from.receivable().notify_one();
        }
        moved
    }

    fn pass_on(&mut self) -> Result<bool, ProxyError> {
        let mut moved = false;
        for _ in 0..BURST {
            while let Some(hand) = self.hand.take() {
                let stuck = self.put_down(hand)?;
                if stuck {
                    return Ok(moved);
                }
                moved = true;
            }
            match self.from.attempt_recv() {
                Ok(message) => {
                    self.counts.received(&message);
                    self.hand = Some(Hand::Pass(message));
                    moved = true;
                }
                Err(error) if error.is_final() => {
                    return Err(ProxyError::Receive(self.from.face_type(), error));
                }
                Err(RecvError::WouldBlock) => return Ok(moved),
                // Such as a request that was lost: the socket says so once.
                Err(_) => {}
            }
        }
        Ok(true)
    }

    /// Sends or captures; whether the message is still in hand.
    fn put_down(&mut self, hand: Hand) -> Result<bool, ProxyError> {
        let (to, message) = match (&hand, self.capture) {
            (Hand::Copy(message), Some(capture)) => (capture, message),
            (Hand::Copy(_), None) => return Ok(false),
            (Hand::Pass(message), _) => (self.to, message),
        };
        match to.attempt_send(message) {
            Ok(()) => {
                if let Hand::Pass(message) = hand {
                    self.counts.sent(&message);
                    self.hand = self.capture.map(|_| Hand::Copy(message));
                }
                Ok(false)
            }
            Err(error) if error.is_final() => {
                self.hand = Some(hand);
                Err(ProxyError::Send(to.face_type(), error))
            }
            Err(SendError::WouldBlock) => {
                self.hand = Some(hand);
                Ok(true)
            }
            Err(error) => {
                tracing::debug!(socket_type = %to.face_type(), %error, "a proxied message was dropped");
                self.counts.undeliverable += 1;
                Ok(false)
            }
        }
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        match self.hand.take() {
            Some(Hand::Pass(message)) => self.from.give_back(message),
            Some(Hand::Copy(_)) => {
                tracing::warn!("a proxy ended before its last copy could be captured");
            }
            None => {}
        }
    }
}
