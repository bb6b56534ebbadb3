//! Public keys that may come in.

use std::collections::HashMap;
use std::fmt;

use zmtp_core::auth::UserId;
use zmtp_core::wire::metadata::Metadata;

use crate::certificate::Certificate;

/// Public keys, and what is known of those who hold them.
///
/// A key is looked up only after the handshake proved that the peer holds its secret half.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    keys: HashMap<[u8; 32], Holder>,
}

/// Who holds a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Holder {
    /// The text of the key stands in for none.
    user_id: Option<UserId>,
    metadata: Metadata,
}

impl KeySet {
    /// No keys: everybody is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the holder of `key` in. Its user id is the text of the key.
    pub fn insert(&mut self, key: [u8; 32]) {
        self.keys.insert(key, Holder::default());
    }

    /// Lets the holder of `key` in as `user_id`.
    pub fn insert_as(&mut self, key: [u8; 32], user_id: UserId) {
        let holder = Holder { user_id: Some(user_id), metadata: Metadata::new() };
        self.keys.insert(key, holder);
    }

    /// Lets the holder of a certificate in, with the user id that it names, or else the text of its
    /// key, and with its metadata as far as [`Certificate::properties`] can pass it on.
    pub fn insert_certificate(&mut self, certificate: &Certificate) {
        let (metadata, _) = certificate.properties();
        let holder = Holder { user_id: certificate.user_id(), metadata };
        self.keys.insert(*certificate.public_key(), holder);
    }

    /// The user id and the properties of the holder of `key`, if it may come in.
    #[must_use]
    pub fn verify(&self, key: &[u8; 32]) -> Option<(UserId, Metadata)> {
        let holder = self.keys.get(key)?;
        let user_id = holder.user_id.clone().unwrap_or_else(|| key_user_id(key));
        Some((user_id, holder.metadata.clone()))
    }

    /// Whether the holder of `key` may come in.
    #[must_use]
    pub fn contains(&self, key: &[u8; 32]) -> bool {
        self.keys.contains_key(key)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromIterator<[u8; 32]> for KeySet {
    fn from_iter<I: IntoIterator<Item = [u8; 32]>>(keys: I) -> Self {
        Self { keys: keys.into_iter().map(|key| (key, Holder::default())).collect() }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({} keys)", self.len())
    }
}

/// The text of a key: 40 characters of Z85.
pub(crate) fn key_user_id(key: &[u8; 32]) -> UserId {
    UserId::new(&z85::encode(key)).unwrap_or_default()
}
