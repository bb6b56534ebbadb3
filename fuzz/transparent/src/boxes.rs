//! Boxes with glass walls: the text stays readable, the tag is a checksum of key, nonce and text.
//!
//! A wrong key, a wrong nonce and an altered octet still fail, as they do with real boxes; whoever can
//! compute the checksum can forge, and a fuzzer does not.

use core::fmt;

use zmtp_core::{RandomError, RandomSource};

use crate::keys::{KEY_LEN, KeyError, PublicKey, SecretKey};

/// Octets of the tag of a box.
pub const TAG_LEN: usize = 16;

/// What makes a box longer than its content.
pub type Tag = [u8; TAG_LEN];

/// What must never repeat under a key.
pub type Nonce = [u8; 24];

/// The box is not what the holder of the key sealed under this nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unopenable;

/// As in `curve`.
pub(crate) fn short_nonce(prefix: &[u8; 16], count: u64) -> Nonce {
    join(prefix, &count.to_be_bytes())
}

/// As in `curve`.
pub(crate) fn long_nonce(prefix: &[u8; 8], random: &[u8; 16]) -> Nonce {
    join(prefix, random)
}

fn join(first: &[u8], last: &[u8]) -> Nonce {
    let mut nonce = [0; 24];
    for (place, octet) in nonce.iter_mut().zip(first.iter().chain(last)) {
        *place = *octet;
    }
    nonce
}

/// The public half of a secret key: its complement, backwards.
#[must_use]
pub fn public_key(secret: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    let mut public = secret.map(|octet| !octet);
    public.reverse();
    public
}

/// Only the key of zeros is of low order here.
pub(crate) fn is_low_order(public: &[u8; KEY_LEN]) -> bool {
    *public == [0; KEY_LEN]
}

/// The tag of a box between two keys.
#[must_use]
pub fn tag(secret: &[u8; KEY_LEN], public: &[u8; KEY_LEN], nonce: &Nonce, text: &[u8]) -> Tag {
    shared(secret, public).tag(nonce, text)
}

fn shared(secret: &[u8; KEY_LEN], public: &[u8; KEY_LEN]) -> BoxKey {
    let own = public_key(secret);
    let (low, high) = if own < *public { (&own, public) } else { (public, &own) };
    let mut key = [0; KEY_LEN];
    for (half, seed) in key.chunks_mut(16).zip([1, 2]) {
        half.copy_from_slice(&checksum(seed, &[low, high]));
    }
    BoxKey(key)
}

/// The key of a box.
#[derive(Clone)]
pub(crate) struct BoxKey([u8; KEY_LEN]);

impl BoxKey {
    pub(crate) fn agree(secret: &SecretKey, public: &PublicKey) -> Result<Self, KeyError> {
        if is_low_order(public.as_bytes()) {
            return Err(KeyError::LowOrder);
        }
        Ok(shared(secret.as_bytes(), public.as_bytes()))
    }

    pub(crate) fn generate(random: &mut dyn RandomSource) -> Result<Self, RandomError> {
        let mut key = [0; KEY_LEN];
        random.fill(&mut key)?;
        Ok(Self(key))
    }

    pub(crate) fn seal_in_place(&self, nonce: &Nonce, text: &mut [u8]) -> Tag {
        self.tag(nonce, text)
    }

    pub(crate) fn open_in_place(
        &self,
        nonce: &Nonce,
        tag: &Tag,
        text: &mut [u8],
    ) -> Result<(), Unopenable> {
        if self.tag(nonce, text) == *tag { Ok(()) } else { Err(Unopenable) }
    }

    fn tag(&self, nonce: &Nonce, text: &[u8]) -> Tag {
        checksum(0, &[&self.0, nonce, text])
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(..)")
    }
}

/// The boxes of one direction.
#[derive(Debug)]
pub(crate) struct MessageKey {
    key: BoxKey,
    prefix: [u8; 16],
}

impl MessageKey {
    pub(crate) fn new(key: BoxKey, prefix: [u8; 16]) -> Self {
        Self { key, prefix }
    }

    pub(crate) fn seal_in_place(&mut self, count: u64, text: &mut [u8]) -> Tag {
        self.key.seal_in_place(&short_nonce(&self.prefix, count), text)
    }

    pub(crate) fn open_in_place(
        &mut self,
        count: u64,
        tag: &Tag,
        text: &mut [u8],
    ) -> Result<(), Unopenable> {
        self.key.open_in_place(&short_nonce(&self.prefix, count), tag, text)
    }
}

/// Two sums over all octets of all parts, and over the lengths of the parts.
fn checksum(seed: u64, parts: &[&[u8]]) -> [u8; 16] {
    let mut sums = [seed ^ 0x9E37_79B9_7F4A_7C15, seed ^ 0xBF58_476D_1CE4_E5B9];
    let mut mix = |word: u64| {
        for (sum, factor) in sums.iter_mut().zip([0x94D0_49BB_1331_11EB, 0xFF51_AFD7_ED55_8CCD]) {
            *sum = (*sum ^ word).wrapping_mul(factor);
            *sum ^= *sum >> 29;
        }
    };
    for part in parts {
        mix(part.len() as u64);
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            for (place, octet) in word.iter_mut().zip(chunk) {
                *place = *octet;
            }
            mix(u64::from_le_bytes(word));
        }
    }
    let [low, high] = sums;
    ((u128::from(high) << 64) | u128::from(low)).to_le_bytes()
}
