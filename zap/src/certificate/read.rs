//! Certificates from text and files.

use std::path::Path;

use zeroize::Zeroizing;
use zmtp_core::auth::Secret;

use super::zpl::{self, Property};
use super::{
    Certificate, CertificateError, CertificateFault, MAX_PROPERTIES, PUBLIC_KEY, Restrictions,
    SECRET_KEY,
};
use crate::file::{self, FileFault};
use crate::platform;

/// Largest file that is read.
const MAX_FILE: u32 = 64 * 1024;

/// Whether a secret key may lie where others can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Only the owner may have access to the file, as with the keys of ssh.
    Refuse,
    /// Anybody may, as in the files that pyzmq writes.
    Allow,
}

impl Certificate {
    /// Reads the text of a certificate of either half.
    ///
    /// Only the sections `metadata` and `curve` matter, as they do to CZMQ; pyzmq looks at nothing but
    /// the two keys, wherever they stand.
    ///
    /// # Errors
    /// [`CertificateError`] with the line, and never with anything that stands there.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let mut draft = Draft::default();
        for property in zpl::properties(text) {
            let property = property?;
            let line = property.line;
            draft.take(property).map_err(|fault| CertificateError::at(line, fault))?;
        }
        let public_key = draft.public_key.ok_or(CertificateFault::NoPublicKey);
        Ok(Self {
            public_key: *public_key.map_err(CertificateError::new)?,
            secret_key: draft.secret_key.map(|key| Secret::new(key.to_vec())),
            metadata: draft.metadata,
        })
    }

    /// Reads a file for its public half; a secret half in it is forgotten.
    ///
    /// # Errors
    /// [`CertificateError`] with the file and, where it is one, the line.
    pub fn load_public(path: impl AsRef<Path>) -> Result<Self, CertificateError> {
        let (certificate, _) = Self::load(path.as_ref())?;
        Ok(Self { secret_key: None, ..certificate })
    }

    /// Reads a file for its secret half.
    ///
    /// # Errors
    /// Those of [`load_either`](Self::load_either), and [`CertificateFault::NoSecretKey`].
    pub fn load_secret(
        path: impl AsRef<Path>,
        exposure: Exposure,
    ) -> Result<Self, CertificateError> {
        let certificate = Self::load_either(path.as_ref(), exposure)?;
        if certificate.secret_key.is_some() {
            return Ok(certificate);
        }
        Err(CertificateError::new(CertificateFault::NoSecretKey).in_file(path.as_ref()))
    }

    /// Reads a file, with a secret half if there is one in it.
    ///
    /// # Errors
    /// [`CertificateError`] with the file and, where it is one, the line;
    /// [`CertificateFault::Exposed`] if others may read a secret half and `exposure` refuses that.
    pub fn load_either(
        path: impl AsRef<Path>,
        exposure: Exposure,
    ) -> Result<Self, CertificateError> {
        let (certificate, exposed) = Self::load(path.as_ref())?;
        match exposed.filter(|_| certificate.secret_key.is_some() && exposure == Exposure::Refuse) {
            Some(mode) => {
                Err(CertificateError::new(CertificateFault::Exposed(mode)).in_file(path.as_ref()))
            }
            None => Ok(certificate),
        }
    }

    /// Reads a file of either half, and its mode if others have access to it.
    pub(crate) fn load(path: &Path) -> Result<(Self, Option<u32>), CertificateError> {
        let fail = |fault: FileFault| CertificateError::new(fault.into()).in_file(path);
        let (content, system) = file::read(path, MAX_FILE).map_err(fail)?;
        let text = std::str::from_utf8(&content).map_err(|_| fail(FileFault::NotText))?;
        let certificate = Self::parse(text).map_err(|error| error.in_file(path))?;
        Ok((certificate, platform::exposed_mode(&system)))
    }
}

/// A certificate of which some lines are read.
#[derive(Default)]
struct Draft<'a> {
    section: &'a str,
    public_key: Option<Zeroizing<[u8; 32]>>,
    secret_key: Option<Zeroizing<[u8; 32]>>,
    metadata: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    fn take(&mut self, property: Property<'a>) -> Result<(), CertificateFault> {
        let Property { depth, name, value, .. } = property;
        match (depth, self.section, name) {
            (0, _, name) => self.section = name,
            (_, "", _) | (2.., "metadata" | "curve", _) => return Err(CertificateFault::Depth),
            (_, "metadata", name) => return self.take_metadata(name, value),
            (_, "curve", PUBLIC_KEY) => take_key(&mut self.public_key, PUBLIC_KEY, value)?,
            (_, "curve", SECRET_KEY) => take_key(&mut self.secret_key, SECRET_KEY, value)?,
            _ => {}
        }
        Ok(())
    }

    fn take_metadata(&mut self, name: &str, value: &str) -> Result<(), CertificateFault> {
        if self.metadata.iter().any(|(known, _)| known == name) {
            return Err(CertificateFault::Twice);
        }
        if self.metadata.len() == MAX_PROPERTIES {
            return Err(CertificateFault::TooMany(MAX_PROPERTIES));
        }
        Restrictions::default().take(name, value)?;
        self.metadata.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

fn take_key(
    place: &mut Option<Zeroizing<[u8; 32]>>,
    name: &'static str,
    value: &str,
) -> Result<(), CertificateFault> {
    match place.replace(key(name, value)?) {
        Some(_) => Err(CertificateFault::Twice),
        None => Ok(()),
    }
}

/// The key in its text. A group of characters that is no number of 32 bits is as wrong as a foreign
/// character (32/Z85); z85 finds both, but it also takes a padded last group, which gives fewer octets.
fn key(name: &'static str, text: &str) -> Result<Zeroizing<[u8; 32]>, CertificateFault> {
    let octets = z85::decode(text).map(Zeroizing::new);
    let octets = octets.map_err(|_| CertificateFault::Key(name))?;
    let mut key = Zeroizing::new([0; 32]);
    if octets.len() != key.len() {
        return Err(CertificateFault::Key(name));
    }
    key.copy_from_slice(&octets);
    if key.iter().all(|octet| *octet == 0) {
        return Err(CertificateFault::ZeroKey(name));
    }
    Ok(key)
}
