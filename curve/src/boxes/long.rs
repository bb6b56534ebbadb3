//! Long boxes: encrypted and authenticated in one pass.
//!
//! While the vector unit makes the keystream of a piece, the integer unit authenticates ciphertext: of the piece
//! before it on sealing, of the piece itself on opening. So what is opened is decrypted before its tag is known. Where
//! the tag is wrong it is erased, and given to nobody.

use core::ops::RangeInclusive;

use fearless_simd::Level;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::message::xor;
use super::poly1305::{self, Poly1305};
use super::salsa20::{self, BLOCK_LEN, Beside, Cipher, LANES, RUN_LEN};
use super::{TAG_LEN, Tag, Unopenable};

/// Octets of texts for which this is faster than keystream that was made ahead, and whose blocks can be counted in 32
/// bits.
pub(super) const LENGTHS: RangeInclusive<usize> = 448..=u32::MAX as usize;

/// Octets of the text whose keystream stands in the first block.
const FIRST: usize = BLOCK_LEN - poly1305::KEY_LEN;

/// Blocks of the authenticator in a run.
const BLOCKS: usize = RUN_LEN / TAG_LEN;

/// Whether this is faster than the same one after the other. With AVX-512 it is not: there a rotation is one
/// instruction, and dryoc uses what else there is. Without AVX2 it was not measured.
pub(super) const fn pays(level: Level) -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return matches!(level, Level::Avx2(_));
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    {
        let _ = level;
        false
    }
}

/// What a long box is sealed or opened with.
pub(super) struct Long<'a> {
    pub(super) level: Level,
    pub(super) cipher: Cipher<'a>,
    pub(super) mac_key: &'a [u8; poly1305::KEY_LEN],
    /// What stands behind it in the first block.
    pub(super) pad: &'a [u8],
}

impl Long<'_> {
    /// As [`BoxKey::seal_in_place`](super::BoxKey::seal_in_place).
    pub(super) fn seal_in_place(&self, text: &mut [u8]) -> Tag {
        let mut poly = Poly1305::new(self.mac_key);
        let (first, rest) = text.split_at_mut(FIRST.min(text.len()));
        xor(first, self.pad);
        let mut before = first.as_chunks().0;
        let (runs, tail) = rest.as_chunks_mut();
        let mut counters = (1..).step_by(LANES);
        for (run, counter) in runs.iter_mut().zip(&mut counters) {
            self.xor(counter, run, &mut poly, Beside::Others(before));
            before = run.as_chunks().0;
        }
        let mut last = [0; RUN_LEN];
        copy(tail, &mut last);
        self.xor(counters.next().unwrap_or_default(), &mut last, &mut poly, Beside::Others(before));
        copy(&last, tail);
        // Keystream stands behind the text.
        last.as_mut_slice().zeroize();
        poly.finish(tail)
    }

    /// As [`BoxKey::open_in_place`](super::BoxKey::open_in_place), but of a text that is not what was sealed nothing
    /// is left: it is decrypted before the tag is known, and erased where that is wrong.
    pub(super) fn open_in_place(&self, tag: &Tag, text: &mut [u8]) -> Result<(), Unopenable> {
        let mut poly = Poly1305::new(self.mac_key);
        let (first, rest) = text.split_at_mut(FIRST.min(text.len()));
        poly.blocks(first.as_chunks().0);
        xor(first, self.pad);
        let (runs, tail) = rest.as_chunks_mut();
        let mut counters = (1..).step_by(LANES);
        for (run, counter) in runs.iter_mut().zip(&mut counters) {
            self.xor(counter, run, &mut poly, Beside::Own(BLOCKS));
        }
        let (blocks, rest) = tail.as_chunks::<TAG_LEN>();
        let mut last = [0; RUN_LEN];
        copy(tail, &mut last);
        self.xor(
            counters.next().unwrap_or_default(),
            &mut last,
            &mut poly,
            Beside::Own(blocks.len()),
        );
        let right = Zeroizing::new(poly.finish(rest));
        let opened = if bool::from(right.ct_eq(tag)) {
            copy(&last, tail);
            Ok(())
        } else {
            text.fill(0);
            Err(Unopenable)
        };
        last.as_mut_slice().zeroize();
        opened
    }

    fn xor(&self, counter: u32, run: &mut [u8; RUN_LEN], poly: &mut Poly1305, beside: Beside<'_>) {
        salsa20::xor(self.level, &self.cipher, counter, run, poly, beside);
    }
}

/// As much as there is and fits.
fn copy(from: &[u8], to: &mut [u8]) {
    let len = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) {
        to.copy_from_slice(from);
    }
}
