//! What is known of one user's password.

use std::sync::Arc;

use zmtp_core::auth::{Secret, UserId};

#[cfg(feature = "hashes")]
use super::hash::{Hash, THREADS};
use super::{MAX_CREDENTIAL, PasswordFault};
use crate::provider::{Answer, Verdict};

/// Marks a password in clear text where hashes are usual.
const PLAIN: &[u8] = b"{PLAIN}";

#[derive(Clone)]
pub(super) enum Entry {
    /// The password, see [`padded`].
    Clear(Arc<Secret>),
    #[cfg(feature = "hashes")]
    Hashed(Arc<Hash>),
}

impl Default for Entry {
    fn default() -> Self {
        Self::Clear(Arc::new(padded(&[])))
    }
}

impl Entry {
    pub(super) fn clear(password: &[u8]) -> Result<Self, PasswordFault> {
        let fits = password.len() <= MAX_CREDENTIAL;
        if fits {
            Ok(Self::Clear(Arc::new(padded(password))))
        } else {
            Err(PasswordFault::Password)
        }
    }

    #[cfg(feature = "hashes")]
    fn hashed(text: &[u8]) -> Result<Self, PasswordFault> {
        let text = std::str::from_utf8(text).map_err(|_| PasswordFault::Unmarked)?;
        Hash::parse(text).map(|hash| Self::Hashed(Arc::new(hash)))
    }

    #[cfg(not(feature = "hashes"))]
    fn hashed(text: &[u8]) -> Result<Self, PasswordFault> {
        let hash = text.starts_with(b"$") || text.starts_with(b"{");
        Err(if hash { PasswordFault::NoHashes } else { PasswordFault::Unmarked })
    }

    /// Whether it is this password.
    pub(super) fn verify(&self, password: &Secret) -> bool {
        let fits = password.expose().len() <= MAX_CREDENTIAL;
        let equal = match self {
            Self::Clear(expected) => **expected == padded(password.expose()),
            #[cfg(feature = "hashes")]
            Self::Hashed(hash) => hash.verify(password.expose()),
        };
        fits & equal
    }

    /// What follows from whether it is this password; later, if that takes a while.
    pub(super) fn check(
        self,
        password: &Secret,
        verdict: impl FnOnce(bool) -> Verdict + Send + 'static,
    ) -> Answer {
        match self {
            Self::Clear(_) => verdict(self.verify(password)).into(),
            #[cfg(feature = "hashes")]
            Self::Hashed(_) => {
                let password = password.clone();
                let Some(fits) = THREADS.run(move || self.verify(&password)) else {
                    return Verdict::not_now("Too many passwords to check").into();
                };
                Answer::Later(Box::pin(async move {
                    let broken = |_| Verdict::broken("A password could not be checked");
                    fits.await.map_or_else(broken, verdict)
                }))
            }
        }
    }

    /// Equal for entries that take as long.
    pub(super) fn cost(&self) -> &str {
        match self {
            Self::Clear(_) => "",
            #[cfg(feature = "hashes")]
            Self::Hashed(hash) => hash.cost(),
        }
    }

    /// The secret in it.
    pub(super) fn octets(&self) -> &[u8] {
        match self {
            Self::Clear(password) => password.expose(),
            #[cfg(feature = "hashes")]
            Self::Hashed(hash) => hash.octets(),
        }
    }
}

/// A line of a file, whose form its first `=` or `:` tells.
pub(super) fn parse(line: &[u8], hashed: bool) -> Result<(UserId, Entry), PasswordFault> {
    let at = line.iter().position(|octet| b"=:".contains(octet)).ok_or(PasswordFault::Line)?;
    let (user, rest) = line.split_at_checked(at).ok_or(PasswordFault::Line)?;
    let (separator, said) = rest.split_first().ok_or(PasswordFault::Line)?;
    let (said, is_clear) = match said.strip_prefix(PLAIN) {
        Some(password) if *separator == b':' => (password, true),
        _ => (said, *separator == b'='),
    };
    if user.is_empty() || said.is_empty() {
        return Err(PasswordFault::Line);
    }
    if user.trim_ascii() != user || said.trim_ascii() != said {
        return Err(PasswordFault::Blanks);
    }
    let user = std::str::from_utf8(user).ok().and_then(UserId::new).ok_or(PasswordFault::User)?;
    let entry = match is_clear {
        true if hashed => Err(PasswordFault::ClearText),
        true => Entry::clear(said),
        false => Entry::hashed(said),
    };
    Ok((user, entry?))
}

/// The password in 256 octets, the first of which is its length, so that comparing two takes the same
/// time for all. Of a longer one the rest is missing.
fn padded(password: &[u8]) -> Secret {
    let mut octets = Vec::with_capacity(1 + MAX_CREDENTIAL);
    octets.push(u8::try_from(password.len()).unwrap_or(u8::MAX));
    octets.extend(password.iter().take(MAX_CREDENTIAL));
    octets.resize(1 + MAX_CREDENTIAL, 0);
    Secret::new(octets)
}
