//! Keystream for the messages to come.

use alloc::boxed::Box;
use core::num::NonZero;

use fearless_simd::Level;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::salsa20::{self, BLOCK_LEN, BLOCKS, Blocks};
use crate::keys::KEY_LEN;

/// Octets at the head of a message's keystream that key its authenticator (NaCl's `crypto_secretbox`).
const MAC_KEY_LEN: usize = 32;

/// Keystream under one subkey, made several messages at a time.
///
/// A connection that never sends a short message never holds a batch. A batch is as secret as the
/// subkey and is erased with it; what is used up is overwritten by the next.
pub(super) struct Ahead {
    subkey: Zeroizing<[u8; KEY_LEN]>,
    batch: Option<Box<Batch>>,
}

/// The keystreams of consecutive counts, all equally long.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Batch {
    /// Whose keystream comes first.
    first: u64,
    /// Octets for each count.
    share: usize,
    blocks: Blocks,
}

impl Ahead {
    pub(super) const fn new(subkey: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self { subkey, batch: None }
    }

    /// The key of the authenticator and the pad of message `count`; nothing if the message is long.
    pub(super) fn keystream(
        &mut self,
        count: u64,
        len: usize,
    ) -> Option<(&[u8; MAC_KEY_LEN], &[u8])> {
        let needed = len.checked_add(MAC_KEY_LEN).filter(|needed| *needed <= BLOCKS * BLOCK_LEN)?;
        if self.batch.as_ref().and_then(|batch| batch.get(count, needed)).is_none() {
            let each = NonZero::new(needed.div_ceil(BLOCK_LEN).next_power_of_two())?;
            let batch = self.batch.get_or_insert_with(Batch::empty);
            (batch.first, batch.share) = (count, each.get() * BLOCK_LEN);
            salsa20::blocks(level(), &self.subkey, count, each, &mut batch.blocks);
        }
        self.batch.as_ref()?.get(count, needed)?.split_first_chunk()
    }
}

impl Batch {
    fn empty() -> Box<Self> {
        Box::new(Self { first: 0, share: 0, blocks: [[0; BLOCK_LEN]; BLOCKS] })
    }

    /// The keystream of `count`, if it is here and long enough.
    fn get(&self, count: u64, needed: usize) -> Option<&[u8]> {
        let place = usize::try_from(count.checked_sub(self.first)?).ok()?;
        let start = place.checked_mul(self.share)?;
        let share = self.blocks.as_flattened().get(start..)?.get(..self.share)?;
        (needed <= share.len()).then_some(share)
    }
}

/// The vector unit of this machine.
pub(super) fn level() -> Level {
    #[cfg(feature = "std")]
    return Level::new();
    #[cfg(not(feature = "std"))]
    Level::baseline()
}
