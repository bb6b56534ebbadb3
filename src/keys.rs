//! Keys from the random source of the operating system, and the certificates that keep them.

use std::path::Path;

use curve::{KeyPair, PublicKey, SecretKey};
use transport::OsRandom;
use zap::{
    Certificate, CertificateError, CertificateFault, CertificateFiles, CertificateStore, Existing,
    Exposure,
};
use zmtp_core::RandomError;

use crate::error::CreateError;

/// Makes a CURVE key pair.
///
/// # Errors
/// [`RandomError`] when the operating system has no randomness to give.
pub fn curve_keypair() -> Result<KeyPair, RandomError> {
    KeyPair::generate(&mut OsRandom)
}

/// The public key that belongs to a secret one.
#[must_use]
pub fn curve_public(secret: &SecretKey) -> PublicKey {
    secret.public_key()
}

/// Makes a key pair and writes it into `directory`, as `NAME.key` to hand out and `NAME.key_secret` to
/// keep, which its owner alone can read. Both files say what `metadata` says; files that exist stay.
///
/// # Errors
/// [`CreateError`] when there is no randomness, for metadata that no certificate can hold, and for files
/// that exist or cannot be written.
pub fn create_certificates<N: AsRef<str>, V: AsRef<str>>(
    directory: impl AsRef<Path>,
    name: &str,
    metadata: impl IntoIterator<Item = (N, V)>,
) -> Result<CertificateFiles, CreateError> {
    let keys = curve_keypair()?;
    let mut certificate =
        Certificate::new(*keys.public().as_bytes()).with_secret_key(keys.secret().as_bytes());
    for (name, value) in metadata {
        certificate.set(name.as_ref(), value.as_ref())?;
    }
    Ok(save_certificate(&certificate, directory, name)?)
}

/// Writes a certificate into `directory`, as [`create_certificates`] does.
///
/// # Errors
/// [`CertificateError`] with the file.
pub fn save_certificate(
    certificate: &Certificate,
    directory: impl AsRef<Path>,
    name: &str,
) -> Result<CertificateFiles, CertificateError> {
    certificate.save(directory, name, Existing::Keep)
}

/// Reads a certificate of either half, of pyzmq, CZMQ, JeroMQ or this library.
///
/// # Errors
/// [`CertificateError`] with the file and line; a secret half that others may read, or that does not
/// belong to the public one, is an error as well.
pub fn load_certificate(path: impl AsRef<Path>) -> Result<Certificate, CertificateError> {
    let path = path.as_ref();
    let certificate = Certificate::load_either(path, Exposure::Refuse)?;
    match certificate_keys(&certificate) {
        Ok(_) | Err(CertificateFault::NoSecretKey) => Ok(certificate),
        Err(what) => Err(CertificateError { file: Some(path.to_owned()), line: None, what }),
    }
}

/// The key pair in a certificate with its secret half.
///
/// # Errors
/// [`CertificateFault::NoSecretKey`], or [`CertificateFault::Halves`] if they do not belong together.
pub fn certificate_keys(certificate: &Certificate) -> Result<KeyPair, CertificateFault> {
    let secret = certificate.secret_key().and_then(|key| key.expose().try_into().ok());
    let secret = secret.ok_or(CertificateFault::NoSecretKey)?;
    let pair = KeyPair::from_secret(SecretKey::from_bytes(secret));
    if pair.public().as_bytes() != certificate.public_key() {
        return Err(CertificateFault::Halves);
    }
    Ok(pair)
}

/// Reads the public certificates in a directory; see [`CertificateStore`] for which files count.
///
/// # Errors
/// [`CertificateError`] if the directory cannot be read. Bad files are only left out, and named in
/// [`problems`](CertificateStore::problems).
pub fn load_certificates(
    directory: impl AsRef<Path>,
) -> Result<CertificateStore, CertificateError> {
    CertificateStore::load(directory)
}
