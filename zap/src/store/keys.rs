//! Public keys that may come in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use zmtp_core::auth::{AuthRequest, Credentials, UserId};
use zmtp_core::wire::metadata::Metadata;

use crate::certificate::{Certificate, Restrictions};
use crate::digest::digest;
use crate::provider::{Answer, Grant, Provider, Statement, Verdict};

/// Public keys, and what is known of those who hold them.
///
/// A key is looked up only after the handshake proved that the peer holds its secret half.
#[derive(Clone, PartialEq, Default)]
pub struct KeySet {
    keys: HashMap<[u8; 32], Holder>,
}

/// Who holds a key.
#[derive(Debug, Clone, PartialEq, Default)]
struct Holder {
    /// The text of the key stands in for none.
    user_id: Option<UserId>,
    metadata: Metadata,
    restrictions: Option<Box<Restrictions>>,
    file: Option<Arc<Path>>,
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
        let holder = Holder { user_id: Some(user_id), ..Holder::default() };
        self.keys.insert(key, holder);
    }

    /// Lets the holder of a certificate in, with the user id that it names, or else the text of its
    /// key, with its metadata as far as [`Certificate::properties`] can pass it on, and only when, where
    /// and whence its [`Restrictions`] allow.
    pub fn insert_certificate(&mut self, certificate: &Certificate) {
        self.insert_from(certificate, None);
    }

    pub(super) fn insert_from(&mut self, certificate: &Certificate, file: Option<Arc<Path>>) {
        let holder = Holder {
            user_id: certificate.user_id(),
            metadata: certificate.properties().0,
            restrictions: certificate.restrictions().map(Box::new),
            file,
        };
        self.keys.insert(*certificate.public_key(), holder);
    }

    fn verdict(&self, key: &[u8; 32], request: &AuthRequest, now: SystemTime) -> Verdict {
        let Some(holder) = self.keys.get(key) else { return Verdict::Abstain("Unknown key") };
        let restricted = holder.restrictions.as_ref().and_then(|it| it.forbid(request, now));
        match restricted {
            Some(text) => Verdict::refuse(text),
            None => Verdict::Accept(Grant {
                user_id: holder.user_id.clone(),
                metadata: holder.metadata.clone(),
                file: holder.file.clone(),
                remembered: false,
            }),
        }
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

impl Provider for KeySet {
    fn name(&self) -> Cow<'_, str> {
        "keys".into()
    }

    fn judge(&self, request: &AuthRequest, now: SystemTime) -> Answer {
        match &request.credentials {
            Credentials::Curve { public_key } => self.verdict(public_key, request, now).into(),
            _ => Verdict::Abstain("Invalid credentials").into(),
        }
    }

    fn statements(&self) -> Vec<Statement> {
        let statement = |(key, holder): (&[u8; 32], &Holder)| {
            let user = holder.user_id.clone().unwrap_or_else(|| key_user_id(key));
            let restrictions = format!("{:?}", holder.restrictions);
            let said = holder.metadata.iter().flat_map(|(name, value)| [name.as_bytes(), value]);
            let rest: Vec<_> = said.chain([restrictions.as_bytes()]).collect();
            Statement { text: format!("key {} is {user}", z85::encode(key)), secret: digest(&rest) }
        };
        self.keys.iter().map(statement).collect()
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
