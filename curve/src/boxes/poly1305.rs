//! Poly1305 (D. J. Bernstein), one block after the other.
//!
//! Written here because it has to run beside [`salsa20`](super::salsa20): this one needs the integer unit only, that
//! one the vector unit only, and a core has both. Additions, multiplications and shifts of whole words: no
//! branch and no index depends on a key or on what is authenticated.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{TAG_LEN, Tag};

/// Octets of a key; each is for one box only.
pub(super) const KEY_LEN: usize = 32;

/// What is added at a time.
pub(super) type Block = [u8; 16];

/// The authenticator of one box in the making: a polynomial modulo 2^130 - 5, evaluated at a secret point.
#[derive(ZeroizeOnDrop)]
pub(super) struct Poly1305 {
    point: Point,
    sum: Sum,
    /// What hides the sum.
    pad: u128,
}

/// An authenticator that takes blocks while something else goes on, in registers.
pub(super) struct Beside {
    point: Point,
    sum: Sum,
}

/// Where the polynomial is evaluated; the bits that would make words overflow are cleared (NaCl, "Poly1305").
#[derive(Clone, Copy, Zeroize)]
struct Point {
    low: u64,
    high: u64,
    /// `high` times 5 / 4: what of it goes beyond 2^128 comes back as this.
    folded: u64,
}

/// A number below 5 · 2^128.
#[derive(Clone, Copy, Zeroize)]
struct Sum {
    low: u128,
    high: u64,
}

impl Poly1305 {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        let half = |at| key.as_chunks().0.get(at).map_or(0, |half| u128::from_le_bytes(*half));
        let clamped = half(0) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
        let (low, high) = (clamped as u64, (clamped >> 64) as u64);
        let point = Point { low, high, folded: high + (high >> 2) };
        Self { point, sum: Sum { low: 0, high: 0 }, pad: half(1) }
    }

    /// To add whole blocks, each when there is time.
    #[inline(always)] // into the function that is compiled for the vector unit
    pub(super) const fn beside(&self) -> Beside {
        Beside { point: self.point, sum: self.sum }
    }

    #[inline(always)]
    pub(super) const fn end(&mut self, beside: Beside) {
        self.sum = beside.sum;
    }

    /// Adds whole blocks.
    pub(super) fn blocks(&mut self, blocks: &[Block]) {
        let mut beside = self.beside();
        for block in blocks {
            beside.add(block);
        }
        self.end(beside);
    }

    /// Adds the last octets, and tells the tag.
    pub(super) fn finish(mut self, text: &[u8]) -> Tag {
        let (blocks, rest) = text.as_chunks();
        self.blocks(blocks);
        if !rest.is_empty() {
            let mut last = [0; TAG_LEN];
            for (octet, rest) in last.iter_mut().zip(rest.iter().chain(&[1])) {
                *octet = *rest;
            }
            self.sum = self.sum.plus(u128::from_le_bytes(last), 0).times(&self.point);
        }
        self.sum.reduced().wrapping_add(self.pad).to_le_bytes()
    }
}

impl Beside {
    #[inline(always)]
    pub(super) const fn add(&mut self, block: &Block) {
        self.sum = self.sum.plus(u128::from_le_bytes(*block), 1).times(&self.point);
    }
}

impl Sum {
    #[inline(always)]
    const fn plus(self, low: u128, high: u64) -> Self {
        let (low, carry) = self.low.overflowing_add(low);
        Self { low, high: self.high + high + carry as u64 }
    }

    /// The product modulo 2^130 - 5, but for a multiple of it. Both words of the point are below 2^60, so that
    /// nothing overflows while `high` is below 8.
    #[inline(always)]
    const fn times(self, point: &Point) -> Self {
        const fn product(a: u64, b: u64) -> u128 {
            a as u128 * b as u128
        }
        let (low, mid, high) = (self.low as u64, (self.low >> 64) as u64, self.high);
        let first = product(low, point.low) + product(mid, point.folded);
        let second = product(low, point.high)
            + product(mid, point.low)
            + (high * point.folded) as u128
            + (first >> 64);
        let third = high * point.low + (second >> 64) as u64;
        // 2^130 is 5: what is above comes back four times and once.
        let above = (third & !3) + (third >> 2);
        let (h0, k) = (first as u64).overflowing_add(above);
        let (h1, k) = (second as u64).overflowing_add(k as u64);
        Self { low: (h1 as u128) << 64 | h0 as u128, high: (third & 3) + k as u64 }
    }

    /// The least number that is the same modulo 2^130 - 5, without what is above 2^128.
    const fn reduced(self) -> u128 {
        let folded =
            Self { low: self.low, high: self.high & 3 }.plus((self.high >> 2) as u128 * 5, 0);
        let beyond = folded.plus(5, 0);
        // All ones if 2^130 - 5 can be taken away.
        let mask = 0u128.wrapping_sub((beyond.high >> 2) as u128);
        (folded.low & !mask) | (beyond.low & mask)
    }
}
