//! Randomness as an argument: nothing in this crate owns a source.

/// A source of octets that nobody can predict.
///
/// It is asked only while a handshake is being set up, never later, so a handshake replays octet for
/// octet when the source does: that is how the published vectors, the tests and the fuzzers run it.
pub trait RandomSource {
    /// Fills `out` completely, or leaves the handshake without a start.
    ///
    /// # Errors
    /// [`RandomError`] when the source cannot deliver. Nothing is sent to the peer then.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError>;
}

impl<R: RandomSource + ?Sized> RandomSource for &mut R {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        (**self).fill(out)
    }
}

/// The random source could not deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness could not deliver")]
pub struct RandomError;
