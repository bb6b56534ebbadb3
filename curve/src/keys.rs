//! Long-term and transient keys, and their text.
//!
//! 26/CURVEZMQ, "General Design": both sides have a permanent key pair and know the other's public
//! key or learn it in the handshake; 32/Z85, "Test Case": a key is written as 40 characters.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};
use zmtp_core::{RandomError, RandomSource};

use crate::boxes;
use crate::z85::{self, Z85Error};

/// Octets in a key of either kind.
pub const KEY_LEN: usize = 32;

/// Characters in the text of a key of either kind.
pub const KEY_TEXT_LEN: usize = 40;

/// Why something is not the key it should be. Says nothing about a secret but where its text is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is too short or too long.
    #[error("a CURVE key has 40 characters of Z85, got {0}")]
    Length(usize),
    /// The text is not Z85.
    #[error(transparent)]
    Text(#[from] Z85Error),
    /// The halves of a pair do not belong together.
    #[error("the public key is not the one that belongs to the secret key")]
    Mismatch,
    /// Everybody can compute what this key agrees on with any other, as with the key of zeros.
    #[error("the public key is one of the few of low order, which protect nothing")]
    LowOrder,
}

/// A public key: 32 octets that anybody may see.
///
/// Every 32 octets are a key to [`FromStr`] and [`from_bytes`](Self::from_bytes), because a key is
/// only a name until it is used. The few keys of low order, the one of zeros among them, are refused
/// where a handshake uses them; [`is_low_order`](Self::is_low_order) tells earlier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_LEN]);

impl PublicKey {
    /// Takes the octets as they are on the wire.
    #[must_use]
    pub const fn from_bytes(octets: [u8; KEY_LEN]) -> Self {
        Self(octets)
    }

    /// The octets as they are on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Whether agreement with this key gives a secret that everybody knows.
    ///
    /// 26/CURVEZMQ is silent about such keys; that they are refused is this library's rule and
    /// libsodium's. Costs one multiplication on the curve.
    #[must_use]
    pub fn is_low_order(&self) -> bool {
        boxes::is_low_order(&self.0)
    }

    /// Compares in constant time: for keys that came out of a box.
    pub(crate) fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse(text).map(|octets| Self(*octets))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A secret key: erased when dropped, compared in constant time, absent from every `Debug`.
///
/// Its octets and its text leave only through [`as_bytes`](Self::as_bytes) and
/// [`to_z85`](Self::to_z85).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; KEY_LEN]);

impl SecretKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`RandomError`] when the source cannot deliver.
    pub fn generate(random: &mut (impl RandomSource + ?Sized)) -> Result<Self, RandomError> {
        let mut key = Self([0; KEY_LEN]);
        random.fill(&mut key.0)?;
        Ok(key)
    }

    /// Takes the octets as files hold them. The caller's copy remains, and is the caller's to erase.
    #[must_use]
    pub const fn from_bytes(octets: [u8; KEY_LEN]) -> Self {
        Self(octets)
    }

    /// Reads the 40 characters of a key file.
    ///
    /// # Errors
    /// [`KeyError::Length`] or [`KeyError::Text`].
    pub fn from_z85(text: &str) -> Result<Self, KeyError> {
        parse(text).map(|octets| Self(*octets))
    }

    /// The secret itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// The secret itself, as 40 characters that are erased when dropped.
    #[must_use]
    pub fn to_z85(&self) -> Zeroizing<String> {
        text(&self.0)
    }

    /// The public key that belongs to this one. Costs one multiplication on the curve.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(boxes::public_key(&self.0))
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A secret key beside its public key; there is no pair whose halves do not belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// Draws a new pair.
    ///
    /// # Errors
    /// [`RandomError`] when the source cannot deliver.
    pub fn generate(random: &mut (impl RandomSource + ?Sized)) -> Result<Self, RandomError> {
        SecretKey::generate(random).map(Self::from_secret)
    }

    /// Derives the public half.
    #[must_use]
    pub fn from_secret(secret: SecretKey) -> Self {
        Self { public: secret.public_key(), secret }
    }

    /// Reads both halves and checks them against each other.
    ///
    /// # Errors
    /// [`KeyError::Length`] or [`KeyError::Text`] of the first half that is wrong, then
    /// [`KeyError::Mismatch`].
    pub fn from_z85(public: &str, secret: &str) -> Result<Self, KeyError> {
        let public: PublicKey = public.parse()?;
        let pair = Self::from_secret(SecretKey::from_z85(secret)?);
        if pair.public == public { Ok(pair) } else { Err(KeyError::Mismatch) }
    }

    /// The half to hand out.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The half to keep.
    #[must_use]
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

/// The 40 characters of a key of either kind.
fn text(octets: &[u8; KEY_LEN]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(KEY_TEXT_LEN));
    text.extend(z85::characters(octets.as_chunks().0));
    text
}

/// The 32 octets in the text of a key of either kind.
fn parse(text: &str) -> Result<Zeroizing<[u8; KEY_LEN]>, KeyError> {
    let digits = z85::digits(text)?;
    if digits.len() != KEY_TEXT_LEN {
        return Err(KeyError::Length(digits.len()));
    }
    let mut octets = Zeroizing::new([0; KEY_LEN]);
    for (place, group) in octets.as_chunks_mut().0.iter_mut().zip(z85::groups(digits)?) {
        *place = group?;
    }
    Ok(octets)
}

#[cfg(test)]
mod tests;
