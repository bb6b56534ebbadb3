//! Randomness that is the same each time.

use zmtp_core::{RandomError, RandomSource};

/// Counts octets upwards from where it is told to.
#[derive(Debug, Clone)]
pub struct Counting(pub u8);

impl RandomSource for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for octet in out {
            *octet = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}
