//! Where the memory of long bodies comes from.

use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::message::Part;

/// Bodies from this many octets get memory from [`Bodies`]; shorter ones, from the allocator.
pub(super) const LONG: usize = 512;

/// Gives memory for the long bodies that arrive. Default: the allocator does.
///
/// A driver that keeps what the application has dropped saves the system the work of clearing new memory for
/// each body, which costs more than to copy it.
#[derive(Clone, Copy)]
pub struct Bodies {
    /// Empty memory for so many octets, and for no more than twice as many.
    pub room: fn(usize) -> BytesMut,
    /// Makes a body of what was written there.
    pub share: fn(BytesMut) -> Bytes,
}

impl Bodies {
    /// Memory of the allocator.
    pub(super) const ALLOCATED: Self =
        Self { room: BytesMut::with_capacity, share: BytesMut::freeze };

    /// A copy of `body`, which is a long one.
    pub(super) fn copy(&self, body: &[u8]) -> Part {
        let mut copy = (self.room)(body.len());
        copy.extend_from_slice(body);
        self.take(copy)
    }

    /// `body` itself.
    pub(super) fn take(&self, body: BytesMut) -> Part {
        (self.share)(body).into()
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bodies(..)")
    }
}
