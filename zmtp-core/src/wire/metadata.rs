//! Metadata: a list of properties, each a name and a value (37/ZMTP, "Connection Metadata").

use alloc::borrow::{Cow, ToOwned};
use alloc::vec::Vec;
use core::fmt;

use bytes::{BufMut, Bytes};

use super::Reader;
use crate::limits::Limits;
use crate::socket_type::SocketType;

/// Name of the property that says which kind of socket speaks.
pub const SOCKET_TYPE: &str = "Socket-Type";
/// Name of the property with which a peer asks for a routing id.
pub const IDENTITY: &str = "Identity";

/// A property name of 1 to 255 letters, digits and `-`, `_`, `.`, `+`; compared ignoring case.
#[derive(Clone, Eq)]
pub struct PropertyName(Cow<'static, str>);

impl PropertyName {
    /// A name, or `None` if it breaks the grammar.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.+".contains(&octet);
        let ok = (1..=255).contains(&name.len()) && name.bytes().all(legal);
        let known = || [SOCKET_TYPE, IDENTITY].into_iter().find(|known| *known == name);
        ok.then(|| Self(known().map_or_else(|| name.to_owned().into(), Cow::Borrowed)))
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for PropertyName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Debug for PropertyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Properties in the order in which they stand on the wire.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    properties: Vec<(PropertyName, Bytes)>,
}

/// What is wrong with a block of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A name of length zero, or with an octet that no name may have.
    #[error(
        "a property name is empty or has a character that is not a letter, digit, '-', '_', '.' or '+'"
    )]
    Name,
    /// A name or value runs past the end, or octets are left over.
    #[error("a property runs past the end of the metadata")]
    Truncated,
    /// A value length above 2^31 - 1.
    #[error("a property value is longer than 2^31-1 octets")]
    ValueLength,
    /// More octets than [`Limits::max_metadata`] or properties than [`Limits::max_properties`].
    #[error("the metadata is larger than this side accepts")]
    TooLarge,
    /// Socket-Type or Identity occurs twice.
    #[error("Socket-Type or Identity occurs twice")]
    Duplicate,
    /// An Identity of our own that begins with a zero octet.
    #[error("an Identity must not begin with a zero octet")]
    ReservedIdentity,
}

impl Metadata {
    /// No properties.
    #[must_use]
    pub const fn new() -> Self {
        Self { properties: Vec::new() }
    }

    /// Appends a property; values over 2^31 - 1 octets cannot be expressed and are refused.
    ///
    /// # Errors
    /// [`MetadataError::Name`] for a name that breaks the grammar, [`MetadataError::ValueLength`].
    pub fn push(&mut self, name: &str, value: impl Into<Bytes>) -> Result<(), MetadataError> {
        let value = value.into();
        let name = PropertyName::new(name).ok_or(MetadataError::Name)?;
        if i32::try_from(value.len()).is_err() {
            return Err(MetadataError::ValueLength);
        }
        self.properties.push((name, value));
        Ok(())
    }

    /// The first value of `name`, ignoring case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All properties in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Bytes)> {
        self.properties.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many properties there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.properties.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }

    /// Reads a whole block. It is copied, so that it does not pin the buffer it came in.
    ///
    /// # Errors
    /// One of [`MetadataError`]; nothing of a broken block is kept.
    pub fn decode(block: &[u8], limits: &Limits) -> Result<Self, MetadataError> {
        if block.len() > limits.max_metadata {
            return Err(MetadataError::TooLarge);
        }
        let mut reader = Reader::new(block);
        let mut metadata = Self::new();
        while !reader.is_empty() {
            if metadata.len() == limits.max_properties {
                return Err(MetadataError::TooLarge);
            }
            let name = reader.short_string().map_err(|_| MetadataError::Truncated)?;
            let name = core::str::from_utf8(name).ok().and_then(PropertyName::new);
            let name = name.ok_or(MetadataError::Name)?;
            let len = reader.u32().map_err(|_| MetadataError::Truncated)?;
            let len = i32::try_from(len).map_err(|_| MetadataError::ValueLength)?;
            let value = usize::try_from(len).ok().and_then(|len| reader.slice(len).ok());
            let value = value.ok_or(MetadataError::Truncated)?;
            // Most peers announce no more than that; then it takes no memory but the list.
            let known = SocketType::from_property(value).map(|known| known.as_str().as_bytes());
            let value = known.map_or_else(|| Bytes::copy_from_slice(value), Bytes::from_static);
            let unique = [SOCKET_TYPE, IDENTITY].iter().any(|n| n.eq_ignore_ascii_case(&name.0));
            if unique && metadata.get(&name.0).is_some() {
                return Err(MetadataError::Duplicate);
            }
            metadata.properties.push((name, value));
        }
        // It stays as long as the peer does.
        metadata.properties.shrink_to_fit();
        Ok(metadata)
    }

    /// Appends the block to `out`.
    pub fn encode(&self, out: &mut impl BufMut) {
        for (name, value) in self.iter() {
            // Both lengths were checked when the property was added.
            out.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.put_slice(name.as_bytes());
            out.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
            out.put_slice(value);
        }
    }
}

/// Values escaped: a peer may have put anything there. Of properties that applications define (`X-..`,
/// 37/ZMTP) only the length: they may be credentials, such as `X-Auth-Token`.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            match name.as_bytes() {
                [b'X' | b'x', b'-', ..] => {
                    map.entry(&name, &format_args!("{} octets", value.len()))
                }
                _ => map.entry(&name, value),
            };
        }
        map.finish()
    }
}
