//! Certificates: the key files of pyzmq, CZMQ and JeroMQ.

mod error;
mod read;
mod restrictions;
mod write;
mod zpl;

use bytes::Bytes;
use zmtp_core::Limits;
use zmtp_core::auth::{Secret, UserId};
use zmtp_core::wire::metadata::Metadata;

pub use error::{CertificateError, CertificateFault};
pub use read::Exposure;
pub use restrictions::Restrictions;
pub use write::CertificateFiles;

use crate::codec::is_reserved_property;

/// Most properties in one certificate: more could not be passed on.
const MAX_PROPERTIES: usize = Limits::DEFAULT.max_properties;
const PUBLIC_KEY: &str = "public-key";
const SECRET_KEY: &str = "secret-key";
/// The property that names the user who holds the key.
const USER_ID: &str = "user-id";

/// A public key, the secret that belongs to it if this is the owner's half, and what is said of the
/// owner.
///
/// That the halves belong together is for the crate to check that knows the curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    public_key: [u8; 32],
    secret_key: Option<Secret>,
    metadata: Vec<(String, String)>,
}

impl Certificate {
    /// A certificate of a public key alone.
    #[must_use]
    pub const fn new(public_key: [u8; 32]) -> Self {
        Self { public_key, secret_key: None, metadata: Vec::new() }
    }

    /// The same certificate with its secret half.
    #[must_use]
    pub fn with_secret_key(self, secret_key: &[u8; 32]) -> Self {
        Self { secret_key: Some(Secret::new(secret_key.to_vec())), ..self }
    }

    /// Says something of the owner, replacing what was said under this name.
    ///
    /// # Errors
    /// [`CertificateFault::MetadataName`], [`CertificateFault::MetadataValue`],
    /// [`CertificateFault::TooMany`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), CertificateFault> {
        write::check_name(name)?;
        write::check_value(value)?;
        Restrictions::default().take(name, value)?;
        let full = self.metadata.len() == MAX_PROPERTIES;
        match self.metadata.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None if full => return Err(CertificateFault::TooMany(MAX_PROPERTIES)),
            None => self.metadata.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// Says no more what was said of the owner under this name; whether anything was.
    pub fn unset(&mut self, name: &str) -> bool {
        let before = self.metadata.len();
        self.metadata.retain(|(known, _)| known != name);
        self.metadata.len() < before
    }

    /// What is said of the owner under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.metadata().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The secret key of 32 octets, if this half has it.
    #[must_use]
    pub const fn secret_key(&self) -> Option<&Secret> {
        self.secret_key.as_ref()
    }

    /// What is said of the owner, in order.
    pub fn metadata(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The user that the metadata names, if any (`user-id`).
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        let (_, name) = self.metadata().find(|(name, _)| is_user_id(name))?;
        UserId::new(name).filter(|user_id| !user_id.is_empty())
    }

    /// When, where and whence the holder of the key may come in, if that is restricted.
    #[must_use]
    pub fn restrictions(&self) -> Option<Restrictions> {
        let mut restrictions = Restrictions::default();
        for (name, value) in self.metadata() {
            // What cannot be understood did not get as far as this.
            _ = restrictions.take(name, value);
        }
        (restrictions != Restrictions::default()).then_some(restrictions)
    }

    /// The metadata as properties that may be attached to a peer, and the names that may not:
    /// those outside the grammar of ZMTP and the reserved ones. `user-id` and [`Restrictions`] are
    /// neither.
    #[must_use]
    pub fn properties(&self) -> (Metadata, Vec<&str>) {
        let mut properties = Metadata::new();
        let mut unusable = Vec::new();
        for (name, value) in self.metadata() {
            if is_user_id(name) {
                if self.user_id().is_none() {
                    unusable.push(name);
                }
                continue;
            }
            if restrictions::is_restriction(name) {
                continue;
            }
            let value = Bytes::copy_from_slice(value.as_bytes());
            if is_reserved_property(name) || properties.push(name, value).is_err() {
                unusable.push(name);
            }
        }
        (properties, unusable)
    }
}

fn is_user_id(name: &str) -> bool {
    name.eq_ignore_ascii_case(USER_ID)
}
