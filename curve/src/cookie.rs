//! The cookie, in which a client keeps for the server what the server does not keep itself.
//!
//! 26/CURVEZMQ, "The WELCOME Command", lets a server share one cookie key between connections for a
//! short time. Then a recorded session can be replayed on another connection within that time. Here
//! the key is made for one connection and serves for one INITIATE.

use core::time::Duration;

use zmtp_core::Instant;
use zmtp_core::error::{BoxName, Kind, Misbehaved};

use crate::boxes::{BoxKey, long_nonce};
use crate::keys::{PublicKey, SecretKey};
use crate::nonce;
use crate::wire::{self, Cookie, LongNonce};

/// How long a cookie is good for: the example of 26/CURVEZMQ.
const LIFETIME: Duration = Duration::from_secs(60);

/// What the server keeps of a cookie that it issued: how to open it, and for whom it was.
///
/// s' is in the cookie and nowhere else.
#[derive(Debug)]
pub(crate) struct Issued {
    key: BoxKey,
    client: PublicKey,
    at: Instant,
}

impl Issued {
    /// Seals C' and s' under a key that has not sealed anything before.
    pub(crate) fn new(
        key: BoxKey,
        nonce: &LongNonce,
        client: PublicKey,
        transient: &SecretKey,
        now: Instant,
    ) -> (alloc::vec::Vec<u8>, Self) {
        let content: [&[u8]; 2] = [client.as_bytes(), transient.as_bytes()];
        let cookie = wire::sealed(&[nonce], &key, &long_nonce(nonce::COOKIE, nonce), &content);
        (cookie, Self { key, client, at: now })
    }

    /// C', for which the cookie was issued.
    pub(crate) const fn client(&self) -> &PublicKey {
        &self.client
    }

    /// Takes s' out of the cookie that came back, if it is this one and in time.
    ///
    /// No other cookie opens under the key of this connection; C' is compared all the same, so that
    /// a source of randomness that repeats itself mixes no two connections up.
    pub(crate) fn redeem(&self, now: Instant, cookie: &Cookie) -> Result<SecretKey, Kind> {
        if now.saturating_since(self.at) > LIFETIME {
            return Err(Misbehaved::CookieExpired.into());
        }
        let unopenable = Kind::Unopenable(BoxName::Cookie);
        let Some((nonce, sealed)) = cookie.split_first_chunk() else { return Err(unopenable) };
        let text = match wire::opened(&self.key, &long_nonce(nonce::COOKIE, nonce), sealed) {
            Ok(text) => text,
            Err(_) => return Err(unopenable),
        };
        match wire::two_keys(&text) {
            Some((client, transient)) if self.client.ct_eq(&PublicKey::from_bytes(*client)) => {
                Ok(SecretKey::from_bytes(*transient))
            }
            _ => Err(Misbehaved::CookieMismatch.into()),
        }
    }
}
