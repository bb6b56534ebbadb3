//! Boxes and key agreement: the one module that touches the primitives.
//!
//! A box is NaCl's `crypto_box`: X25519 and HSalsa20 give two key pairs a common key, XSalsa20
//! encrypts under it, Poly1305 authenticates (26/CURVEZMQ, "CurveZMQ Commands"). The cookie is a box
//! under a key that one side made alone. On the wire the tag of 16 octets stands before the
//! ciphertext, which is as long as the plaintext; here both are apart and the text stays where it is.
//! What cannot be opened is left as it was or erased; nothing of it is given out.
//!
//! Keys are erased when dropped, keystream too; what the compiler spills to the stack during a
//! computation is not. Why these crates, with numbers: `README.md` beside this crate's manifest.

mod ahead;
#[cfg(test)]
pub(crate) mod count;
mod long;
mod message;
mod poly1305;
mod salsa20;

use core::fmt;

use dryoc::classic::crypto_box::{
    crypto_box_detached_afternm_inplace, crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::{
    crypto_core_hsalsa20, crypto_scalarmult, crypto_scalarmult_base,
};
use zeroize::{ZeroizeOnDrop, Zeroizing};
use zmtp_core::{RandomError, RandomSource};

use crate::keys::{KEY_LEN, KeyError, PublicKey, SecretKey};

pub(crate) use message::MessageKey;

/// Octets of the authenticator of a box.
pub(crate) const TAG_LEN: usize = 16;

/// What makes a box longer than its content.
pub(crate) type Tag = [u8; TAG_LEN];

/// What must never repeat under a key.
pub(crate) type Nonce = [u8; 24];

/// The box is not what the holder of the key sealed under this nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unopenable;

/// A nonce of the commands that count: 16 octets that name the command, 8 that rise.
pub(crate) fn short_nonce(prefix: &[u8; 16], count: u64) -> Nonce {
    let mut nonce = [0; 24];
    if let Some((first, last)) = nonce.split_first_chunk_mut() {
        *first = *prefix;
        last.copy_from_slice(&count.to_be_bytes());
    }
    nonce
}

/// A nonce of cookie, WELCOME and vouch: 8 octets that name the box, 16 drawn at random.
pub(crate) fn long_nonce(prefix: &[u8; 8], random: &[u8; 16]) -> Nonce {
    let mut nonce = [0; 24];
    if let Some((first, last)) = nonce.split_first_chunk_mut() {
        *first = *prefix;
        last.copy_from_slice(random);
    }
    nonce
}

/// The public half of a secret key: one fixed-base multiplication, from a prepared table.
pub(crate) fn public_key(secret: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    #[cfg(test)]
    count::fixed_base();
    let mut public = [0; KEY_LEN];
    crypto_scalarmult_base(&mut public, secret);
    public
}

/// Whether every secret key agrees with `public` on zero.
///
/// X25519 makes 2^254 of the scalar of zeros. That maps to zero the points whose order is a power of
/// two and no others; on the curve and its twist those are the points of order 1, 2, 4 and 8.
pub(crate) fn is_low_order(public: &[u8; KEY_LEN]) -> bool {
    #[cfg(test)]
    count::variable_base();
    crypto_scalarmult(&mut [0; KEY_LEN], &[0; KEY_LEN], public).is_err()
}

/// The key of a box.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) struct BoxKey([u8; KEY_LEN]);

impl BoxKey {
    /// What two key pairs have in common: one variable-base multiplication.
    ///
    /// A public key of low order is refused, by what it gives and in constant time.
    ///
    /// # Errors
    /// [`KeyError::LowOrder`], nothing else.
    pub(crate) fn agree(secret: &SecretKey, public: &PublicKey) -> Result<Self, KeyError> {
        #[cfg(test)]
        count::variable_base();
        let mut shared = Zeroizing::new([0; KEY_LEN]);
        // Zero is what it fails for, compared in constant time, and nothing else.
        crypto_scalarmult(&mut shared, secret.as_bytes(), public.as_bytes())
            .map_err(|_| KeyError::LowOrder)?;
        Ok(Self(*hsalsa20(&shared, &[0; 16])))
    }

    /// A key that one side makes for itself, as the server does for a cookie.
    pub(crate) fn generate(random: &mut dyn RandomSource) -> Result<Self, RandomError> {
        let mut key = Self([0; KEY_LEN]);
        random.fill(&mut key.0)?;
        Ok(key)
    }

    /// Turns plaintext into ciphertext where it stands.
    #[must_use = "without its tag a box cannot be opened"]
    pub(crate) fn seal_in_place(&self, nonce: &Nonce, text: &mut [u8]) -> Tag {
        let mut tag = [0; TAG_LEN];
        crypto_box_detached_afternm_inplace(text, &mut tag, nonce, &self.0);
        tag
    }

    /// Turns ciphertext back into plaintext where it stands, but only when the tag is right; the tag
    /// is compared in constant time and first.
    pub(crate) fn open_in_place(
        &self,
        nonce: &Nonce,
        tag: &Tag,
        text: &mut [u8],
    ) -> Result<(), Unopenable> {
        crypto_box_open_detached_afternm_inplace(text, tag, nonce, &self.0).map_err(|_| Unopenable)
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(..)")
    }
}

/// Derives a key from a key and 16 octets.
fn hsalsa20(key: &[u8; KEY_LEN], input: &[u8; 16]) -> Zeroizing<[u8; KEY_LEN]> {
    let mut derived = Zeroizing::new([0; KEY_LEN]);
    crypto_core_hsalsa20(&mut derived, input, key, None);
    derived
}

#[cfg(test)]
mod tests;
