//! Which boxes a CURVE under test uses, and the same boxes in the hands of an adversary.
//!
//! With real ones nothing can be forged and each handshake is slow; through those of glass a fuzzer
//! sees what it does, and finds what a tag would hide from it. The files of the crate under test are
//! the same in both.

use std::sync::Arc;

use crypto_box::SalsaBox;
use crypto_box::aead::Aead;
use curve_transparent::boxes as glass;
use zmtp_core::mechanism::Security;

/// A key of either kind.
pub type Key = [u8; 32];

/// The boxes of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boxes {
    /// X25519, XSalsa20 and Poly1305.
    Real,
    /// The text as it is, and a checksum.
    Glass,
}

impl Boxes {
    /// Mostly glass, because that is so much faster.
    #[must_use]
    pub fn choose(choice: u8) -> Self {
        if choice >= 0xF0 { Self::Real } else { Self::Glass }
    }

    /// The client with this secret key, of the server with that public one.
    ///
    /// # Panics
    /// For a server key of low order.
    #[must_use]
    pub fn client(self, secret: Key, server: Key) -> Arc<dyn Security> {
        match self {
            Self::Real => {
                let pair = curve::KeyPair::from_secret(curve::SecretKey::from_bytes(secret));
                let server = curve::PublicKey::from_bytes(server);
                Arc::new(curve::CurveClient::new(pair, server).expect("a good key"))
            }
            Self::Glass => {
                use curve_transparent::{CurveClient, KeyPair, PublicKey, SecretKey};
                let pair = KeyPair::from_secret(SecretKey::from_bytes(secret));
                let client = CurveClient::new(pair, PublicKey::from_bytes(server));
                Arc::new(client.expect("a good key"))
            }
        }
    }

    /// The server with this secret key.
    #[must_use]
    pub fn server(self, secret: Key) -> Arc<dyn Security> {
        match self {
            Self::Real => {
                let pair = curve::KeyPair::from_secret(curve::SecretKey::from_bytes(secret));
                Arc::new(curve::CurveServer::new(pair))
            }
            Self::Glass => {
                use curve_transparent::{CurveServer, KeyPair, SecretKey};
                Arc::new(CurveServer::new(KeyPair::from_secret(SecretKey::from_bytes(secret))))
            }
        }
    }

    /// The public half of a secret key.
    #[must_use]
    pub fn public(self, secret: &Key) -> Key {
        match self {
            Self::Real => crypto_box::SecretKey::from(*secret).public_key().to_bytes(),
            Self::Glass => glass::public_key(secret),
        }
    }

    /// A box with its tag in front.
    ///
    /// # Panics
    /// Never: there is room for any text.
    #[must_use]
    pub fn seal(self, from: &Key, to: &Key, nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
        match self {
            Self::Real => SalsaBox::new(&(*to).into(), &(*from).into())
                .encrypt(nonce.into(), text)
                .expect("room"),
            Self::Glass => [&glass::tag(from, to, nonce, text)[..], text].concat(),
        }
    }

    /// The text in a box, if it opens.
    #[must_use]
    pub fn open(self, to: &Key, from: &Key, nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Real => {
                SalsaBox::new(&(*from).into(), &(*to).into()).decrypt(nonce.into(), sealed).ok()
            }
            Self::Glass => {
                let (tag, text) = sealed.split_first_chunk::<16>()?;
                (glass::tag(to, from, nonce, text) == *tag).then(|| text.to_vec())
            }
        }
    }
}

/// A nonce of the commands that count.
///
/// # Panics
/// Unless the prefix has 16 octets.
#[must_use]
pub fn short_nonce(prefix: &str, count: u64) -> [u8; 24] {
    [prefix.as_bytes(), &count.to_be_bytes()].concat().try_into().expect("16 octets")
}

/// A nonce with 16 random octets.
///
/// # Panics
/// Unless the prefix has 8 octets.
#[must_use]
pub fn long_nonce(prefix: &str, random: &[u8; 16]) -> [u8; 24] {
    [prefix.as_bytes(), random].concat().try_into().expect("8 octets")
}
