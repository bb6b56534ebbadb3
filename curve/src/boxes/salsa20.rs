//! Salsa20 (D. J. Bernstein), eight blocks at a time.
//!
//! Written here because no crate gives Salsa20 with a chosen position for every block, which is what
//! keystream for several short messages needs, nor beside an authenticator, which is what long ones need: the rounds
//! leave the integer unit idle. Additions, rotations and XOR of 32-bit words: no branch and no index depends
//! on a key. The crate `fearless_simd` compiles the functions for each vector unit and picks one at run time.

use core::array;
use core::hint::black_box;
use core::num::NonZero;

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u8x16, u32x8};

use super::poly1305::{Block, Poly1305};

/// Octets in a block.
pub(super) const BLOCK_LEN: usize = 64;

/// Blocks that are made at a time.
pub(super) const LANES: usize = 8;

/// Octets that are made at a time.
pub(super) const RUN_LEN: usize = LANES * BLOCK_LEN;

/// A piece of keystream, in four quarters.
pub(super) type Quarters = [[u8; 16]; 4];

/// What is made at a time.
pub(super) type Run = [Quarters; LANES];

/// A key in words.
pub(super) type Key = [u32; 8];

/// "expand 32-byte k" in words.
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Computes the first `each` blocks of every nonce from `first` upwards, as far as there is room.
/// A nonce is the big-endian form of its number; Salsa20 takes words of it that are little-endian.
pub(super) fn blocks(level: Level, key: &Key, first: u64, each: NonZero<usize>, out: &mut [Run]) {
    dispatch!(level, simd => runs(simd, key, first, each, out));
}

/// What keystream is made of.
pub(super) struct Cipher<'a> {
    pub(super) key: &'a Key,
    pub(super) nonce: u64,
}

/// Blocks that are authenticated while keystream is made; more than a run has are waited for.
#[derive(Clone, Copy)]
pub(super) enum Beside<'a> {
    /// So many of what the keystream is for, before it is changed.
    Own(usize),
    Others(&'a [Block]),
}

/// XORs `text` with the keystream from block `counter` on, and authenticates in the meantime what is `beside`.
pub(super) fn xor(
    level: Level,
    cipher: &Cipher<'_>,
    counter: u32,
    text: &mut [u8; RUN_LEN],
    poly: &mut Poly1305,
    beside: Beside<'_>,
) {
    dispatch!(level, simd => xor_run(simd, cipher, counter, text, poly, beside));
}

#[inline(always)] // as below
fn xor_run<S: Simd>(
    simd: S,
    cipher: &Cipher<'_>,
    counter: u32,
    text: &mut [u8; RUN_LEN],
    poly: &mut Poly1305,
    beside: Beside<'_>,
) {
    let word = |word: u64| u32x8::splat(simd, (word as u32).swap_bytes());
    let lanes = u32x8::simd_from(simd, array::from_fn(|lane| lane as u32));
    let counter = u32x8::splat(simd, counter) + lanes;
    let start = start(simd, cipher.key, [word(cipher.nonce >> 32), word(cipher.nonce)], counter);
    let blocks = match beside {
        Beside::Own(count) => text.as_chunks().0.get(..count).unwrap_or_default(),
        Beside::Others(blocks) => blocks,
    };
    // What the rounds start from waits in memory, whose place the compiler then aligns, with all that lies beside it.
    let words = words_beside(black_box(start), poly, blocks);
    xor_columns(simd, words, text);
}

#[inline(always)] // into the function that `dispatch!` compiles for the vector unit
fn runs<S: Simd>(simd: S, key: &Key, first: u64, each: NonZero<usize>, out: &mut [Run]) {
    for (run, out) in out.iter_mut().enumerate() {
        let place = |lane| run * LANES + lane;
        let nonces: [u64; LANES] =
            array::from_fn(|lane| first.wrapping_add((place(lane) / each) as u64));
        let nonce = [
            u32x8::simd_from(simd, nonces.map(|nonce| ((nonce >> 32) as u32).swap_bytes())),
            u32x8::simd_from(simd, nonces.map(|nonce| (nonce as u32).swap_bytes())),
        ];
        let counter = array::from_fn(|lane| (place(lane) % each) as u32);
        write(words(start(simd, key, nonce, u32x8::simd_from(simd, counter))), out);
    }
}

/// Four additions, rotations and XORs over two lines of the square each: two, so that neither waits for itself.
macro_rules! pair {
    ($x:ident: $a:literal $b:literal $c:literal $d:literal, $e:literal $f:literal $g:literal $h:literal) => {
        $x[$b] ^= rotated::<7, 25, S>($x[$a] + $x[$d]);
        $x[$f] ^= rotated::<7, 25, S>($x[$e] + $x[$h]);
        $x[$c] ^= rotated::<9, 23, S>($x[$b] + $x[$a]);
        $x[$g] ^= rotated::<9, 23, S>($x[$f] + $x[$e]);
        $x[$d] ^= rotated::<13, 19, S>($x[$c] + $x[$b]);
        $x[$h] ^= rotated::<13, 19, S>($x[$g] + $x[$f]);
        $x[$a] ^= rotated::<18, 14, S>($x[$d] + $x[$c]);
        $x[$e] ^= rotated::<18, 14, S>($x[$h] + $x[$g]);
    };
}

macro_rules! two_rounds {
    ($x:ident) => {
        pair!($x: 0 4 8 12, 5 9 13 1);
        pair!($x: 10 14 2 6, 15 3 7 11);
        pair!($x: 0 1 2 3, 5 6 7 4);
        pair!($x: 10 11 8 9, 15 12 13 14);
    };
}

/// The sixteen words of all blocks: a vector for each word, a lane for each block.
#[inline(always)]
fn words<S: Simd>(start: [u32x8<S>; 16]) -> [u32x8<S>; 16] {
    let mut x = start;
    for _ in 0..10 {
        two_rounds!(x);
    }
    sum(x, start)
}

/// As [`words`], while `poly` takes `blocks`: three for every two rounds keep both units at work.
#[inline(always)]
fn words_beside<S: Simd>(
    start: [u32x8<S>; 16],
    poly: &mut Poly1305,
    blocks: &[Block],
) -> [u32x8<S>; 16] {
    let mut x = start;
    let mut beside = poly.beside();
    let (rest, threes) = blocks.as_rchunks();
    for block in rest {
        beside.add(block);
    }
    let (threes, more) = threes.split_at(threes.len().min(10));
    for [first, second, third] in threes {
        pair!(x: 0 4 8 12, 5 9 13 1);
        beside.add(first);
        pair!(x: 10 14 2 6, 15 3 7 11);
        beside.add(second);
        pair!(x: 0 1 2 3, 5 6 7 4);
        beside.add(third);
        pair!(x: 10 11 8 9, 15 12 13 14);
    }
    for _ in threes.len()..10 {
        two_rounds!(x);
    }
    for block in more.as_flattened() {
        beside.add(block);
    }
    poly.end(beside);
    sum(x, start)
}

#[inline(always)]
fn sum<S: Simd>(mut x: [u32x8<S>; 16], start: [u32x8<S>; 16]) -> [u32x8<S>; 16] {
    for (x, start) in x.iter_mut().zip(start) {
        *x += start;
    }
    x
}

#[inline(always)]
fn start<S: Simd>(simd: S, key: &Key, nonce: [u32x8<S>; 2], counter: u32x8<S>) -> [u32x8<S>; 16] {
    macro_rules! all {
        ($word:expr) => {
            u32x8::splat(simd, $word)
        };
    }
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    let [s0, s1, s2, s3] = SIGMA;
    let [n0, n1] = nonce;
    [
        all!(s0),
        all!(k0),
        all!(k1),
        all!(k2),
        all!(k3),
        all!(s1),
        n0,
        n1,
        counter,
        all!(0),
        all!(s2),
        all!(k4),
        all!(k5),
        all!(k6),
        all!(k7),
        all!(s3),
    ]
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

/// XORs the words of each lane with its block.
#[inline(always)]
fn xor_columns<S: Simd>(simd: S, words: [u32x8<S>; 16], text: &mut [u8; RUN_LEN]) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = words;
    let (first, second) = (columns(a, b, c, d), columns(e, f, g, h));
    let (third, fourth) = (columns(i, j, k, l), columns(m, n, o, p));
    let blocks: &mut [[[u8; 16]; 4]] = text.as_chunks_mut().0.as_chunks_mut().0;
    let lanes = blocks.iter_mut().zip(&first).zip(&second).zip(&third).zip(&fourth);
    for ((((block, first), second), third), fourth) in lanes {
        let [a, b, c, d] = *block;
        *block = [
            (*first ^ u8x16::simd_from(simd, a)).into(),
            (*second ^ u8x16::simd_from(simd, b)).into(),
            (*third ^ u8x16::simd_from(simd, c)).into(),
            (*fourth ^ u8x16::simd_from(simd, d)).into(),
        ];
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
