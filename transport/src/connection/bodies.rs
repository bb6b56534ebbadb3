//! The memory of bodies that are not short: what the application has dropped is written to again.
//!
//! An allocator gives much of it back to the system at once, and to have the system clear new memory costs more
//! than to fill it with a body.

use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use zmtp_core::traffic::Bodies;

use crate::lock::lock;

/// Octets that are kept for bodies to come, in the whole process.
const KEPT: usize = 4 * 1024 * 1024;

/// Octets of the bodies that the first class is for; each class is for bodies twice as long as the one before.
const LEAST: usize = 512;

/// Octets beside a body, for what stands before it on the wire.
const BESIDE: usize = 64;

/// From [`LEAST`] to [`KEPT`].
const CLASSES: usize = (KEPT / LEAST).ilog2() as usize + 1;

static DROPPED: Mutex<Dropped> = Mutex::new(Dropped::new());

/// What such bodies of all connections lie in.
pub(super) static BODIES: Bodies =
    Bodies { room, share: |body| Bytes::from_owner(Returning(body)) };

/// Empty memory for a body of `len` octets, and for no more than twice as many.
pub(super) fn room(len: usize) -> BytesMut {
    let Some(class) = Class::of(len) else { return BytesMut::with_capacity(len) };
    let kept = lock(&DROPPED).take(class);
    kept.unwrap_or_else(|| BytesMut::with_capacity(class.size()))
}

/// A body that leaves its memory behind.
struct Returning(BytesMut);

impl AsRef<[u8]> for Returning {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        let mut memory = std::mem::take(&mut self.0);
        memory.clear();
        // What stood before the body is room again.
        if let Some(class) = Class::of(memory.capacity())
            && memory.try_reclaim(class.size())
        {
            lock(&DROPPED).give(class, memory);
        }
    }
}

/// Memory of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Class(usize);

impl Class {
    /// The smallest with room for `len` octets.
    fn of(len: usize) -> Option<Self> {
        let body = len.saturating_sub(BESIDE).max(LEAST).checked_next_power_of_two()?;
        let class = Self((body / LEAST).ilog2() as usize);
        (class.0 < CLASSES).then_some(class)
    }

    const fn size(self) -> usize {
        (LEAST << self.0) + BESIDE
    }
}

/// The memory that waits for bodies to come.
struct Dropped {
    octets: usize,
    classes: [Vec<BytesMut>; CLASSES],
}

impl Dropped {
    const fn new() -> Self {
        Self { octets: 0, classes: [const { Vec::new() }; CLASSES] }
    }

    fn take(&mut self, class: Class) -> Option<BytesMut> {
        let memory = self.classes.get_mut(class.0)?.pop()?;
        self.octets -= class.size();
        Some(memory)
    }

    fn give(&mut self, class: Class, memory: BytesMut) {
        let octets = self.octets + class.size();
        if octets <= KEPT
            && let Some(kept) = self.classes.get_mut(class.0)
        {
            kept.push(memory);
            self.octets = octets;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use proptest::prelude::*;

    use super::{BESIDE, BODIES, Class, Dropped, KEPT, LEAST, room};

    proptest! {
        /// There is room, and never for more than twice as much.
        #[test]
        fn memory_fits_the_body(len in LEAST..KEPT + BESIDE) {
            let size = Class::of(len).unwrap().size();
            prop_assert!((len..=2 * len).contains(&size));
        }
    }

    /// Of a size that no other test has, as all share what is kept.
    #[test]
    fn a_body_is_written_to_the_memory_of_one_that_was_dropped() {
        let mut memory = room(700_000);
        memory.resize(700_000, 1);
        let place = memory.as_ptr();
        // A header stood before it.
        memory.advance(9);
        let body = (BODIES.share)(memory);
        let copy = body.clone();
        drop(body);
        assert_ne!(room(700_000).as_ptr(), place, "somebody has it still");
        drop(copy);
        let again = room(690_000);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(again.capacity() >= 700_000);
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let mut dropped = Dropped::new();
        let (class, small) = (Class::of(1 << 20).unwrap(), Class::of(LEAST).unwrap());
        for _ in 0..10 {
            dropped.give(class, room(1 << 20));
        }
        assert_eq!(dropped.octets, 3 * class.size());
        for _ in 0..10_000 {
            dropped.give(small, room(LEAST));
        }
        assert!(dropped.octets <= KEPT && KEPT - dropped.octets < small.size());
        while dropped.take(class).is_some() {}
        while dropped.take(small).is_some() {}
        assert_eq!(dropped.octets, 0);
    }

    #[test]
    fn what_is_too_large_is_left_to_the_allocator() {
        assert_eq!(Class::of(KEPT + BESIDE + 1), None);
        assert_eq!(Class::of(usize::MAX), None);
        assert_eq!(room(KEPT + BESIDE + 1).capacity(), KEPT + BESIDE + 1);
    }
}
