//! Nonces: what stands before the part that is sent, and the counters of a connection.
//!
//! 26/CURVEZMQ, "The HELLO Command" and "The READY Command": each side numbers its commands with one
//! rising integer. Neither its start nor its octet order is given; libzmq counts from 1, big-endian.

use zmtp_core::error::{LocalFault, Misbehaved};

/// Of the HELLO box, from C' to S.
pub(crate) const HELLO: &[u8; 16] = b"CurveZMQHELLO---";
/// Of the WELCOME box, from S to C'.
pub(crate) const WELCOME: &[u8; 8] = b"WELCOME-";
/// Of the cookie.
pub(crate) const COOKIE: &[u8; 8] = b"COOKIE--";
/// Of the INITIATE box, from C' to S'.
pub(crate) const INITIATE: &[u8; 16] = b"CurveZMQINITIATE";
/// Of the vouch, from C to S'.
pub(crate) const VOUCH: &[u8; 8] = b"VOUCH---";
/// Of the READY box, from S' to C'.
pub(crate) const READY: &[u8; 16] = b"CurveZMQREADY---";
/// Of a MESSAGE box of the client.
pub(crate) const CLIENT_MESSAGE: &[u8; 16] = b"CurveZMQMESSAGEC";
/// Of a MESSAGE box of the server.
pub(crate) const SERVER_MESSAGE: &[u8; 16] = b"CurveZMQMESSAGES";

/// The number of HELLO, the first command of a client.
pub(crate) const OF_HELLO: u64 = 1;
/// The number of INITIATE, its second.
pub(crate) const OF_INITIATE: u64 = 2;
/// The number of READY, the first command of a server that has one.
pub(crate) const OF_READY: u64 = 1;

/// The last number that this side used. One per direction, so that none is used twice.
#[derive(Debug)]
pub(crate) struct Sent(u64);

impl Sent {
    /// Goes on behind the command with this number.
    pub(crate) const fn after(last: u64) -> Self {
        Self(last)
    }

    /// The next number; the one after 2^64 - 1 does not exist.
    pub(crate) fn next(&mut self) -> Result<u64, LocalFault> {
        self.0 = self.0.checked_add(1).ok_or(LocalFault::NoncesExhausted)?;
        Ok(self.0)
    }
}

/// The last number that the peer used in a box that opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received(u64);

impl Received {
    /// The number of the peer's first command, whatever it is.
    pub(crate) const fn first(count: u64) -> Self {
        Self(count)
    }

    /// The state behind a command with this number. Gaps are fine, standing still is not. Keep the
    /// result only when the box opens: until then anybody may have written the number.
    pub(crate) fn rise_to(self, count: u64) -> Result<Self, Misbehaved> {
        if count > self.0 { Ok(Self(count)) } else { Err(Misbehaved::NonceNotRising) }
    }
}
