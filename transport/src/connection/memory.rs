//! Memory that connections use in turn, so that an idle one holds none and a busy one need not ask the
//! system for it again and again.

use std::cell::Cell;
use std::sync::Mutex;

use bytes::BytesMut;
use zmtp_core::traffic::PIECE;

use crate::lock::lock;

/// Octets of one ordinary read.
pub(crate) const READ: usize = 256 * 1024;
/// Octets of one read by who waits for a message, on whatever thread that is, until much comes.
pub(crate) const VISIT: usize = 8 * 1024;

/// Pieces that wait for somebody to encode into them: 2 MiB in the whole process.
const MAX_PIECES: usize = 32;

static PIECES: Mutex<Vec<BytesMut>> = Mutex::new(Vec::new());

thread_local! {
    /// What the connections of this thread read into, one after the other.
    static INPUT: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// An empty piece to encode into.
pub(crate) fn take_piece() -> BytesMut {
    lock(&PIECES).pop().unwrap_or_else(|| BytesMut::with_capacity(PIECE))
}

/// Gives an empty piece back.
pub(crate) fn give_piece(piece: BytesMut) {
    let mut pieces = lock(&PIECES);
    if pieces.len() < MAX_PIECES {
        pieces.push(piece);
    }
}

/// Room for at least `least` octets: [`READ`] or [`VISIT`].
pub(crate) fn take_input(least: usize) -> BytesMut {
    let input = INPUT.try_with(Cell::take).unwrap_or_default();
    if input.capacity() < least { BytesMut::with_capacity(least) } else { input }
}

/// Gives that room back, with nothing in it.
pub(crate) fn give_input(mut input: BytesMut) {
    input.clear();
    // What was made from it may still hold it.
    if input.try_reclaim(READ) || input.try_reclaim(VISIT) {
        let _ = INPUT.try_with(|place| place.set(input));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::{READ, VISIT, give_input, take_input};

    #[test]
    fn a_thread_reads_into_the_same_memory_again() {
        let mut input = take_input(READ);
        input.extend_from_slice(&[1; 1000]);
        let place = input.as_ptr();
        input.advance(700);
        give_input(input);
        let input = take_input(READ);
        assert!(input.is_empty() && input.capacity() >= READ);
        assert_eq!(input.as_ptr(), place);
    }

    #[test]
    fn a_thread_that_only_visits_holds_little() {
        let mut input = take_input(VISIT);
        assert!(input.capacity() < 2 * VISIT);
        input.extend_from_slice(&[1; 1000]);
        let place = input.as_ptr();
        input.advance(700);
        give_input(input);
        assert_eq!(take_input(VISIT).as_ptr(), place);
        assert!(take_input(READ).capacity() >= READ);
    }

    #[test]
    fn memory_that_somebody_holds_is_not_used_again() {
        let mut input = take_input(READ);
        input.extend_from_slice(b"body");
        let (place, body) = (input.as_ptr(), input.split_to(4).freeze());
        give_input(input);
        assert_ne!(take_input(READ).as_ptr(), place);
        assert_eq!(body, "body");
    }
}
