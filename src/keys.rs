//! Keys from the random source of the operating system.

use curve::KeyPair;
use transport::OsRandom;
use zmtp_core::RandomError;

/// Makes a CURVE key pair.
///
/// # Errors
/// [`RandomError`] when the operating system has no randomness to give.
pub fn curve_keypair() -> Result<KeyPair, RandomError> {
    KeyPair::generate(&mut OsRandom)
}
