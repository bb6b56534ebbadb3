//! What the targets share.
//!
//! | module | what it gives |
//! |---|---|
//! | [`heap`] | how much memory an input may cost |
//! | [`node`] | one side of a connection, with the checks that hold for every one |
//! | [`octets`] | ZMTP written by hand |
//! | [`naive`] | ZMTP read by hand: the model that the decoders are compared with |
//! | [`random`] | randomness that is the same each time |
//! | [`secrets`] | that nothing secret is printed |

pub mod heap;
pub mod naive;
pub mod node;
pub mod octets;
pub mod random;
pub mod secrets;

/// The first octets as settings, and the rest as content.
#[must_use]
pub fn split<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    match data.split_first_chunk() {
        Some((head, rest)) => (*head, rest),
        None => ([0; N], data),
    }
}
