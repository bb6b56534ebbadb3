//! Randomness that is the same every time; the benchmark of handshakes and the count of instructions take this file as well.

use zmtp_core::{RandomError, RandomSource};

/// Octets that look random and are the same for the same seed (SplitMix64).
pub(crate) struct Seeded(pub(crate) u64);

impl RandomSource for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for place in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            place.iter_mut().zip(z.to_le_bytes()).for_each(|(place, octet)| *place = octet);
        }
        Ok(())
    }
}
