//! The reason in an ERROR command (37/ZMTP, "Error Handling").

use alloc::vec::Vec;
use core::fmt;

use super::Reader;
use crate::auth::AuthStatus;
use crate::error::Malformed;

/// Up to 255 octets that say why a connection is refused. Only for people and logs, except that the
/// three digits of a ZAP status are recognised.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ErrorReason(Vec<u8>);

impl ErrorReason {
    /// A reason of our own: cut to 255 octets, each that is not visible ASCII replaced by `-`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let visible = |octet: u8| if octet.is_ascii_graphic() { octet } else { b'-' };
        Self(text.bytes().map(visible).take(255).collect())
    }

    /// Reads the data of an ERROR command: one length octet and exactly that many more.
    ///
    /// # Errors
    /// [`Malformed::ErrorReason`] when the length does not fit.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let text = reader.short_string().map_err(|_| Malformed::ErrorReason)?;
        if reader.is_empty() { Ok(Self(text.to_vec())) } else { Err(Malformed::ErrorReason) }
    }

    /// The data of an ERROR command.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = u8::try_from(self.0.len()).unwrap_or(u8::MAX);
        core::iter::once(len).chain(self.0.iter().copied().take(usize::from(len))).collect()
    }

    /// The octets as they were received; a peer may have put anything here.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The ZAP status that the reason begins with, if it does: `400`, or `400` and more text.
    #[must_use]
    pub fn status(&self) -> Option<AuthStatus> {
        let (code, text) = self.0.split_first_chunk::<3>()?;
        if text.first().is_none_or(|octet| !octet.is_ascii_alphanumeric()) {
            AuthStatus::from_code(code)
        } else {
            None
        }
    }
}

/// Escaped, so that a reason can neither move the cursor of a terminal nor forge a line of a log.
impl fmt::Display for ErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for ErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
