//! One write of what waits.

use std::io::{self, IoSlice};

use zmtp_core::traffic::OutputBuffer;

use crate::net::Stream;

/// Pieces of one vectored write.
const SLICES: usize = 64;
/// Octets after which no further piece is added to a write, so that the peer can begin to read.
const WRITE: usize = 128 * 1024;

/// Writes what stands first in `output`, as much as the system takes; the caller advances it.
///
/// # Errors
/// `WouldBlock` if the system takes nothing, and whatever it says of a broken connection.
pub(crate) fn write_some(stream: &Stream, output: &OutputBuffer) -> io::Result<usize> {
    // Which costs the system less, and us.
    if let Some(only) = output.in_one_piece() {
        return stream.try_write(only);
    }
    write_pieces(stream, output)
}

#[inline(never)]
fn write_pieces(stream: &Stream, output: &OutputBuffer) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let (mut used, mut octets) = (0, 0);
    for (slice, chunk) in slices.iter_mut().zip(output.chunks()) {
        if octets >= WRITE {
            break;
        }
        *slice = IoSlice::new(chunk);
        used += 1;
        octets += chunk.len();
    }
    match slices.get(..used).unwrap_or_default() {
        [only] => stream.try_write(only),
        several => stream.try_write_vectored(several),
    }
}
