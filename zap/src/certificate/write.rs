//! Certificates as files that pyzmq and CZMQ load.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;
use zmtp_core::wire::metadata::PropertyName;

use super::{Certificate, CertificateError, CertificateFault, PUBLIC_KEY, SECRET_KEY};
use crate::file::{Existing, FileFault, Pending};

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// `NAME.key`: to hand out.
    pub public: PathBuf,
    /// `NAME.key_secret`: to keep; `None` if the certificate has no secret half.
    pub secret: Option<PathBuf>,
}

impl Certificate {
    /// The text of `NAME.key`.
    ///
    /// # Errors
    /// [`CertificateFault::MetadataName`] or [`CertificateFault::MetadataValue`] for metadata that
    /// was read from a file and cannot be written.
    pub fn public_text(&self) -> Result<String, CertificateFault> {
        let mut text = String::from(
            "#   ****  Written by ironhouse  ****\n\
             #   CURVE certificate, public half.\n\
             #   Hand it to those who shall recognise its owner, by a way that nobody can tamper with.\n\n",
        );
        self.write_body(&mut text)?;
        Ok(text)
    }

    /// The text of `NAME.key_secret`, erased when dropped.
    ///
    /// # Errors
    /// Those of [`public_text`](Self::public_text), and [`CertificateFault::NoSecretKey`].
    pub fn secret_text(&self) -> Result<Zeroizing<String>, CertificateFault> {
        let secret = self.secret_key.as_ref().ok_or(CertificateFault::NoSecretKey)?;
        let secret = Zeroizing::new(z85::encode(secret.expose()));
        let said: usize = self.metadata().map(|(name, value)| name.len() + value.len() + 16).sum();
        // All the room from the start, so that no copy of the secret is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(1024 + said));
        text.push_str(
            "#   ****  Written by ironhouse  ****\n\
             #   CURVE certificate, SECRET half.\n\
             #   Whoever can read this file can pass for its owner. Keep it where it is, mode 600.\n\n",
        );
        self.write_body(&mut text)?;
        line(&mut text, SECRET_KEY, &secret);
        Ok(text)
    }

    /// Both sections, up to the public key.
    fn write_body(&self, text: &mut String) -> Result<(), CertificateFault> {
        text.push_str("metadata\n");
        for (name, value) in self.metadata() {
            check_name(name)?;
            check_value(value)?;
            line(text, name, value);
        }
        text.push_str("curve\n");
        line(text, PUBLIC_KEY, &z85::encode(self.public_key));
        Ok(())
    }

    /// Writes `NAME.key` and, of a certificate with a secret half, `NAME.key_secret`, which its owner
    /// alone can read from the first moment on.
    ///
    /// Each file is complete before it appears, and neither appears before both are written.
    ///
    /// # Errors
    /// [`CertificateError`] with the file; [`FileFault::Io`] of
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) for [`Existing::Keep`].
    pub fn save(
        &self,
        directory: impl AsRef<Path>,
        name: &str,
        existing: Existing,
    ) -> Result<CertificateFiles, CertificateError> {
        let directory = directory.as_ref();
        if name.starts_with('.') || Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(CertificateError::new(CertificateFault::FileName));
        }
        let public_path = directory.join(format!("{name}.key"));
        let secret_path = directory.join(format!("{name}.key_secret"));
        let fault_in = |path: &Path| {
            let path = path.to_owned();
            move |fault| CertificateError::new(fault).in_file(&path)
        };
        let write = |path: &Path, text: &str, owner_only| {
            Pending::write(path.to_owned(), text.as_bytes(), owner_only, existing)
                .map_err(|fault: FileFault| fault_in(path)(fault.into()))
        };
        let commit = |pending: Pending, path: &Path| {
            pending.commit().map_err(|fault| fault_in(path)(fault.into()))
        };

        let secret = match &self.secret_key {
            Some(_) => {
                let text = self.secret_text().map_err(fault_in(&secret_path))?;
                Some(write(&secret_path, &text, true)?)
            }
            None => None,
        };
        let text = self.public_text().map_err(fault_in(&public_path))?;
        let public = write(&public_path, &text, false)?;
        let secret = secret.map(|pending| commit(pending, &secret_path)).transpose()?;
        Ok(CertificateFiles { public: commit(public, &public_path)?, secret })
    }
}

/// A name that is legal in ZMTP, and so in ZPL, and that pyzmq does not take for a key: it looks at
/// the beginning of each line only.
pub(super) fn check_name(name: &str) -> Result<(), CertificateFault> {
    let key_like = [PUBLIC_KEY, SECRET_KEY].iter().any(|key| name.starts_with(key));
    if key_like || PropertyName::new(name).is_none() {
        return Err(CertificateFault::MetadataName);
    }
    Ok(())
}

/// A value that fits between quotes of one kind.
pub(super) fn check_value(value: &str) -> Result<(), CertificateFault> {
    let quotes = value.contains('"') && value.contains('\'');
    if quotes || value.chars().any(char::is_control) {
        return Err(CertificateFault::MetadataValue);
    }
    Ok(())
}

fn line(text: &mut String, name: &str, value: &str) {
    let quote = if value.contains('"') { '\'' } else { '"' };
    // Writing to a string does not fail.
    _ = writeln!(text, "    {name} = {quote}{value}{quote}");
}
