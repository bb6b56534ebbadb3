//! Salsa20 (D. J. Bernstein), eight blocks at a time.
//!
//! Written here because no crate gives Salsa20 with a chosen position for every block, which is what
//! keystream for several short messages needs. Additions, rotations and XOR of 32-bit words: no
//! branch and no index depends on a key. The crate `fearless_simd` compiles the function for each
//! vector unit and picks one at run time.

use core::array;
use core::num::NonZero;

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u8x16, u32x8};

/// Octets in a block.
pub(super) const BLOCK_LEN: usize = 64;

/// Blocks that are made at a time.
pub(super) const LANES: usize = 8;

/// A piece of keystream, in four quarters.
pub(super) type Block = [[u8; 16]; 4];

/// What is made at a time.
pub(super) type Run = [Block; LANES];

/// "expand 32-byte k" in words.
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Computes the first `each` blocks of every nonce from `first` upwards, as far as there is room.
/// A nonce is the big-endian form of its number; Salsa20 takes words of it that are little-endian.
pub(super) fn blocks(
    level: Level,
    key: &[u8; 32],
    first: u64,
    each: NonZero<usize>,
    out: &mut [Run],
) {
    let word = |at| key.as_chunks().0.get(at).map_or(0, |word: &[u8; 4]| u32::from_le_bytes(*word));
    let key = array::from_fn(word);
    dispatch!(level, simd => runs(simd, &key, first, each, out));
}

#[inline(always)] // into the function that `dispatch!` compiles for the vector unit
fn runs<S: Simd>(simd: S, key: &[u32; 8], first: u64, each: NonZero<usize>, out: &mut [Run]) {
    for (run, out) in out.iter_mut().enumerate() {
        let place = |lane| run * LANES + lane;
        let nonces: [u64; LANES] =
            array::from_fn(|lane| first.wrapping_add((place(lane) / each) as u64));
        let input = Input {
            key,
            nonce: [
                nonces.map(|nonce| ((nonce >> 32) as u32).swap_bytes()),
                nonces.map(|nonce| (nonce as u32).swap_bytes()),
            ],
            counter: array::from_fn(|lane| (place(lane) % each) as u32),
        };
        write(words(simd, &input), out);
    }
}

/// What differs from the constants, in the words of the algorithm.
struct Input<'a> {
    key: &'a [u32; 8],
    nonce: [[u32; LANES]; 2],
    counter: [u32; LANES],
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

/// The sixteen words of all blocks: a vector for each word, a lane for each block.
#[inline(always)]
fn words<S: Simd>(simd: S, input: &Input<'_>) -> [u32x8<S>; 16] {
    macro_rules! all {
        ($word:expr) => {
            u32x8::splat(simd, $word)
        };
    }
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *input.key;
    let [s0, s1, s2, s3] = SIGMA;
    let [n0, n1] = input.nonce;
    let start = [
        all!(s0),
        all!(k0),
        all!(k1),
        all!(k2),
        all!(k3),
        all!(s1),
        u32x8::simd_from(simd, n0),
        u32x8::simd_from(simd, n1),
        u32x8::simd_from(simd, input.counter),
        all!(0),
        all!(s2),
        all!(k4),
        all!(k5),
        all!(k6),
        all!(k7),
        all!(s3),
    ];

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
    for (x, start) in x.iter_mut().zip(start) {
        *x += start;
    }
    x
}

#[inline(always)]
fn rotated<const LEFT: u32, const RIGHT: u32, S: Simd>(x: u32x8<S>) -> u32x8<S> {
    (x << LEFT) | (x >> RIGHT)
}

/// Lays the words of each lane behind each other.
#[inline(always)]
fn write<S: Simd>(words: [u32x8<S>; 16], out: &mut Run) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = words;
    // By hand: a closure for `map` would be compiled for the least vector unit, and called.
    let (first, second) = (columns(a, b, c, d), columns(e, f, g, h));
    let (third, fourth) = (columns(i, j, k, l), columns(m, n, o, p));
    let lanes = out.iter_mut().zip(&first).zip(&second).zip(&third).zip(&fourth);
    for ((((block, first), second), third), fourth) in lanes {
        *block = [(*first).into(), (*second).into(), (*third).into(), (*fourth).into()];
    }
}

/// Rows become columns.
#[inline(always)]
fn columns<S: Simd>(a: u32x8<S>, b: u32x8<S>, c: u32x8<S>, d: u32x8<S>) -> [u8x16<S>; LANES] {
    let ((a, e), (b, f), (c, g), (d, h)) = (a.split(), b.split(), c.split(), d.split());
    let (ac, ca, bd, db) = (a.zip_low(c), a.zip_high(c), b.zip_low(d), b.zip_high(d));
    let (eg, ge, fh, hf) = (e.zip_low(g), e.zip_high(g), f.zip_low(h), f.zip_high(h));
    [
        ac.zip_low(bd).bitcast(),
        ac.zip_high(bd).bitcast(),
        ca.zip_low(db).bitcast(),
        ca.zip_high(db).bitcast(),
        eg.zip_low(fh).bitcast(),
        eg.zip_high(fh).bitcast(),
        ge.zip_low(hf).bitcast(),
        ge.zip_high(hf).bitcast(),
    ]
}
