//! Salsa20 (D. J. Bernstein), eight blocks at a time.
//!
//! Written here because no crate gives Salsa20 with a chosen position for every block, which is what
//! keystream for several short messages needs. Additions, rotations and XOR of 32-bit words: no
//! branch and no index depends on a key. The crate `fearless_simd` compiles the function for each
//! vector unit and picks one at run time.

use core::array;
use core::num::NonZero;

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u32x8};

/// Octets in a block.
pub(super) const BLOCK_LEN: usize = 64;

/// Blocks in a run.
pub(super) const BLOCKS: usize = 8;

/// The keystream of a run.
pub(super) type Blocks = [[u8; BLOCK_LEN]; BLOCKS];

/// "expand 32-byte k" in words.
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Computes the first `each` blocks of every nonce from `first` upwards, as far as there is room.
/// A nonce is the big-endian form of its number; Salsa20 takes words of it that are little-endian.
pub(super) fn blocks(
    level: Level,
    key: &[u8; 32],
    first: u64,
    each: NonZero<usize>,
    out: &mut Blocks,
) {
    let nonces: [u64; BLOCKS] = array::from_fn(|lane| first.wrapping_add((lane / each) as u64));
    let input = Input {
        key: array::from_fn(|at| {
            key.as_chunks().0.get(at).map_or(0, |word| u32::from_le_bytes(*word))
        }),
        nonce: [
            nonces.map(|nonce| ((nonce >> 32) as u32).swap_bytes()),
            nonces.map(|nonce| (nonce as u32).swap_bytes()),
        ],
        counter: array::from_fn(|lane| (lane % each) as u32),
    };
    dispatch!(level, simd => run(simd, &input, out));
}

/// What differs from the constants, in the words of the algorithm.
struct Input {
    key: [u32; 8],
    nonce: [[u32; BLOCKS]; 2],
    counter: [u32; BLOCKS],
}

/// Four additions, rotations and XORs over one line of the square.
macro_rules! quarter {
    ($x:ident: $a:literal $b:literal $c:literal $d:literal) => {
        $x[$b] ^= rotated::<7, 25, S>($x[$a] + $x[$d]);
        $x[$c] ^= rotated::<9, 23, S>($x[$b] + $x[$a]);
        $x[$d] ^= rotated::<13, 19, S>($x[$c] + $x[$b]);
        $x[$a] ^= rotated::<18, 14, S>($x[$d] + $x[$c]);
    };
}

#[inline(always)] // into the function that `dispatch!` compiles for the vector unit
fn run<S: Simd>(simd: S, input: &Input, out: &mut Blocks) {
    let all = |word: u32| u32x8::splat(simd, word);
    let [k0, k1, k2, k3, k4, k5, k6, k7] = input.key.map(all);
    let [s0, s1, s2, s3] = SIGMA.map(all);
    let [n0, n1] = input.nonce.map(|words| u32x8::simd_from(simd, words));
    let counter = u32x8::simd_from(simd, input.counter);
    let start = [s0, k0, k1, k2, k3, s1, n0, n1, counter, all(0), s2, k4, k5, k6, k7, s3];

    let mut x = start;
    for _ in 0..10 {
        quarter!(x: 0 4 8 12);
        quarter!(x: 5 9 13 1);
        quarter!(x: 10 14 2 6);
        quarter!(x: 15 3 7 11);
        quarter!(x: 0 1 2 3);
        quarter!(x: 5 6 7 4);
        quarter!(x: 10 11 8 9);
        quarter!(x: 15 12 13 14);
    }

    let mut columns = [[0; BLOCKS]; 16];
    for ((column, x), start) in columns.iter_mut().zip(x).zip(start) {
        *column = (x + start).into();
    }
    for (lane, block) in out.iter_mut().enumerate() {
        let words = columns.iter().filter_map(|column| column.get(lane));
        for (place, word) in block.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
    }
}

#[inline(always)]
fn rotated<const LEFT: u32, const RIGHT: u32, S: Simd>(x: u32x8<S>) -> u32x8<S> {
    (x << LEFT) | (x >> RIGHT)
}
