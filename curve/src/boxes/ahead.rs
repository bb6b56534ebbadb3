//! Keystream for the messages to come.

use alloc::vec::Vec;
use core::num::NonZero;

use fearless_simd::Level;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::long::{self, Long};
use super::poly1305;
use super::salsa20::{self, BLOCK_LEN, Cipher, Key, LANES, Run};
use crate::keys::KEY_LEN;

/// Blocks for the longest message whose keystream is made ahead: for a little more than 1 KiB.
const MAX_EACH: usize = 17;

/// Keystream under one subkey, made several messages at a time.
///
/// A connection that never sends a short message never holds a batch. A batch is as secret as the
/// subkey and is erased with it; what is used up is overwritten by the next.
pub(super) struct Ahead {
    subkey: Zeroizing<Key>,
    batch: Option<Batch>,
}

/// The keystreams of consecutive counts, all equally long.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Batch {
    /// Whose keystream comes first.
    first: u64,
    /// Whose keystream would come next.
    end: u64,
    /// Blocks for each count.
    each: usize,
    runs: Vec<Run>,
}

impl Ahead {
    pub(super) fn new(subkey: &[u8; KEY_LEN]) -> Self {
        let words = subkey.as_chunks().0.iter().copied().map(u32::from_le_bytes);
        let mut subkey = Zeroizing::new([0; _]);
        subkey.iter_mut().zip(words).for_each(|(place, word)| *place = word);
        Self { subkey, batch: None }
    }

    /// What a long box is sealed and opened with, if that pays for `len` octets here.
    #[inline]
    pub(super) fn long(&mut self, count: u64, len: usize) -> Option<Long<'_>> {
        if !long::LENGTHS.contains(&len) {
            return None;
        }
        let level = Some(level()).filter(|level| long::pays(*level))?;
        self.long_at(level, count)
    }

    /// The same on any vector unit.
    pub(super) fn long_at(&mut self, level: Level, count: u64) -> Option<Long<'_>> {
        self.keystream(count, 1)?;
        let first = self.batch.as_ref()?.get(count, NonZero::<usize>::MIN)?;
        let (mac_key, pad) = first.split_first_chunk()?;
        Some(Long { level, cipher: Cipher { key: &self.subkey, nonce: count }, mac_key, pad })
    }

    /// The key of the authenticator and the pad of message `count`; nothing if the message is long.
    pub(super) fn keystream(
        &mut self,
        count: u64,
        len: usize,
    ) -> Option<(&[u8; poly1305::KEY_LEN], &[u8])> {
        let each = NonZero::new(len.checked_add(poly1305::KEY_LEN)?.div_ceil(BLOCK_LEN))?;
        if each.get() > MAX_EACH {
            return None;
        }
        if self.batch.as_ref().and_then(|batch| batch.get(count, each)).is_none() {
            let batch = self.batch.get_or_insert_with(Batch::empty);
            batch.make(&self.subkey, count, each);
        }
        self.batch.as_ref()?.get(count, each)?.split_first_chunk()
    }
}

impl Batch {
    const fn empty() -> Self {
        Self { first: 0, end: 0, each: 0, runs: Vec::new() }
    }

    fn make(&mut self, subkey: &Key, first: u64, each: NonZero<usize>) {
        // Where one follows the other, keystream for as many counts as there are lanes, so that none works in
        // vain. Where counts jump it is for this one: a peer that makes them jump makes no work of it.
        let runs = if first == self.end { each.get() } else { each.get().div_ceil(LANES) };
        if self.runs.capacity() < runs {
            // What is used up is erased, not moved.
            self.runs.zeroize();
            self.runs = Vec::with_capacity(runs);
        }
        self.runs.resize(runs, [[[0; 16]; 4]; LANES]);
        (self.first, self.each) = (first, each.get());
        self.end = first.wrapping_add((runs * LANES / each) as u64);
        salsa20::blocks(level(), subkey, first, each, &mut self.runs);
    }

    /// The keystream of `count`, if it is here and has `each` blocks at least.
    fn get(&self, count: u64, each: NonZero<usize>) -> Option<&[u8]> {
        let place = usize::try_from(count.checked_sub(self.first)?).ok()?;
        let start = place.checked_mul(self.each)?;
        let share = self.runs.as_flattened().get(start..)?.get(..self.each)?;
        (each.get() <= share.len()).then_some(share.as_flattened().as_flattened())
    }
}

/// The vector unit of this machine.
pub(super) fn level() -> Level {
    #[cfg(feature = "std")]
    return Level::new();
    #[cfg(not(feature = "std"))]
    Level::baseline()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_message_needs_is_made_only_while_counts_follow_each_other() {
        let mut ahead = Ahead::new(&[1; KEY_LEN]);
        let mut runs = |count, len| {
            assert!(ahead.keystream(count, len).is_some());
            ahead.batch.as_ref().map(|batch| (batch.first, batch.runs.len()))
        };
        assert_eq!(runs(1, 1000), Some((1, 3)), "the first is alone");
        assert_eq!(runs(2, 1000), Some((2, 17)));
        assert_eq!(runs(9, 1000), Some((2, 17)), "the last of eight");
        assert_eq!(runs(10, 1000), Some((10, 17)));
        assert_eq!(runs(100, 1000), Some((100, 3)), "one that jumps is alone");
        assert_eq!(runs(u64::MAX, 1), Some((u64::MAX, 1)), "there is none behind");
    }

    #[test]
    fn nothing_is_made_for_a_message_that_is_long() {
        let mut ahead = Ahead::new(&[1; KEY_LEN]);
        assert!(ahead.keystream(1, MAX_EACH * BLOCK_LEN - poly1305::KEY_LEN + 1).is_none());
        assert!(ahead.keystream(1, usize::MAX).is_none());
        assert!(ahead.batch.is_none());
        assert!(ahead.keystream(1, MAX_EACH * BLOCK_LEN - poly1305::KEY_LEN).is_some());
    }
}
