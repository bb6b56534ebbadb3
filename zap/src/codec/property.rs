//! Which properties an authenticator may attach to a peer.

use zmtp_core::Limits;
use zmtp_core::wire::metadata::{Metadata, MetadataError};

use super::ZapError;

/// Names under which this library and ZMTP state facts of their own.
const RESERVED: [&str; 5] = ["User-Id", "Peer-Address", "Routing-Id", "Socket-Type", "Identity"];

/// Whether an authenticator may not attach a property of this name: it would pass for a fact that
/// somebody else established. Case does not matter; names that begin with `__` are all reserved.
#[must_use]
pub fn is_reserved_property(name: &str) -> bool {
    name.starts_with("__") || RESERVED.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether an authenticator may attach these properties.
///
/// # Errors
/// [`ZapError::Reserved`] and, for more than fits into a reply, [`ZapError::Metadata`].
pub fn check_properties(metadata: &Metadata) -> Result<(), ZapError> {
    if let Some((name, _)) = metadata.iter().find(|(name, _)| is_reserved_property(name)) {
        return Err(ZapError::Reserved(name.to_owned()));
    }
    let octets = metadata.iter().map(|(name, value)| 5 + name.len() + value.len()).sum::<usize>();
    let limits = Limits::DEFAULT;
    if metadata.len() > limits.max_properties || octets > limits.max_metadata {
        return Err(MetadataError::TooLarge.into());
    }
    Ok(())
}
