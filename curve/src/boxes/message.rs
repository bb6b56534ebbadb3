//! The boxes of one direction of an established connection.

use core::fmt;

use dryoc::classic::crypto_onetimeauth::{crypto_onetimeauth, crypto_onetimeauth_verify};

use super::ahead::Ahead;
use super::{BoxKey, TAG_LEN, Tag, Unopenable, hsalsa20, short_nonce};

/// Seals and opens the MESSAGE boxes of one direction (26/CURVEZMQ, "The MESSAGE Command").
///
/// Their nonces differ in the last 8 octets only, so what XSalsa20 derives from the first 16 is derived
/// once; and they count upwards, so keystream for the next short messages is made together, in one
/// run of the vector unit, as are the first blocks of long ones. Those are encrypted and authenticated at once where
/// that is faster.
///
/// The caller counts. One value must never seal twice.
pub(crate) struct MessageKey {
    prefix: [u8; 16],
    key: BoxKey,
    ahead: Ahead,
}

impl MessageKey {
    /// The direction that `prefix` names.
    pub(crate) fn new(key: BoxKey, prefix: [u8; 16]) -> Self {
        let ahead = Ahead::new(&hsalsa20(&key.0, &prefix));
        Self { prefix, key, ahead }
    }

    /// As [`BoxKey::seal_in_place`].
    #[must_use = "without its tag a box cannot be opened"]
    pub(crate) fn seal_in_place(&mut self, count: u64, text: &mut [u8]) -> Tag {
        if let Some(long) = self.ahead.long(count, text.len()) {
            return long.seal_in_place(text);
        }
        let Some((mac_key, pad)) = self.ahead.keystream(count, text.len()) else {
            return self.key.seal_in_place(&short_nonce(&self.prefix, count), text);
        };
        xor(text, pad);
        let mut tag = [0; TAG_LEN];
        crypto_onetimeauth(&mut tag, text, mac_key);
        tag
    }

    /// As [`BoxKey::open_in_place`]; a long text may be erased where the tag is wrong.
    pub(crate) fn open_in_place(
        &mut self,
        count: u64,
        tag: &Tag,
        text: &mut [u8],
    ) -> Result<(), Unopenable> {
        if let Some(long) = self.ahead.long(count, text.len()) {
            return long.open_in_place(tag, text);
        }
        let Some((mac_key, pad)) = self.ahead.keystream(count, text.len()) else {
            return self.key.open_in_place(&short_nonce(&self.prefix, count), tag, text);
        };
        crypto_onetimeauth_verify(tag, text, mac_key).map_err(|_| Unopenable)?;
        xor(text, pad);
        Ok(())
    }
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKey(..)")
    }
}

pub(super) fn xor(text: &mut [u8], pad: &[u8]) {
    for (octet, pad) in text.iter_mut().zip(pad) {
        *octet ^= pad;
    }
}
