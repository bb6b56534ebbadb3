//! What to do, out of octets.

use arbitrary::{Arbitrary, Unstructured};

/// The plan that is in the octets: all of them are one.
#[must_use]
pub fn read<'a, T: Arbitrary<'a> + Default>(data: &'a [u8]) -> T {
    T::arbitrary_take_rest(Unstructured::new(data)).unwrap_or_default()
}
