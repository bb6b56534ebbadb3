//! What the targets share.
//!
//! | module | what it gives |
//! |---|---|
//! | [`boxes`] | the boxes of CURVE, real and of glass, for both sides and for an adversary |
//! | [`by_hand`] | CURVE written by hand, every field to be spoilt |
//! | [`handshake`] | a handshake with a partner whose words are spoilt on the way |
//! | [`heap`] | how much memory an input may cost |
//! | [`node`] | one side of a connection, with the checks that hold for every one |
//! | [`octets`] | ZMTP written by hand |
//! | [`naive`] | ZMTP read by hand: the model that the decoders are compared with |
//! | [`plan`] | what to do, out of octets |
//! | [`random`] | randomness that is the same each time |
//! | [`secrets`] | that nothing secret is printed |
//! | [`side`] | the two sides of each mechanism |
//! | [`wire`] | what one side says, record by record, and what happens to it on the way |

pub mod boxes;
pub mod by_hand;
pub mod handshake;
pub mod heap;
pub mod naive;
pub mod node;
pub mod octets;
pub mod plan;
pub mod random;
pub mod secrets;
pub mod side;
pub mod wire;

/// The first octets as settings, and the rest as content.
#[must_use]
pub fn split<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    match data.split_first_chunk() {
        Some((head, rest)) => (*head, rest),
        None => ([0; N], data),
    }
}
