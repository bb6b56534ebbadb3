//! What waits to be written: small things encoded side by side, large bodies chained between them.

use alloc::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// A drained buffer larger than this is given back, so that an idle connection holds none.
const KEEP: usize = 4096;

/// Octets to write, in order.
#[derive(Debug, Default)]
pub struct OutputBuffer {
    chain: VecDeque<Bytes>,
    chained: usize,
    tail: BytesMut,
}

impl OutputBuffer {
    /// An empty buffer; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Octets that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chained + self.tail.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where to append encoded octets.
    #[inline]
    pub fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Appends a body without copying it.
    pub fn push_shared(&mut self, body: Bytes) {
        self.seal_tail();
        self.chained += body.len();
        self.chain.push_back(body);
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.chained += tail.len();
            self.chain.push_back(tail);
        }
    }

    /// Takes the next piece to write, or `None` when nothing waits.
    #[must_use]
    pub fn poll(&mut self) -> Option<Bytes> {
        self.seal_tail();
        let next = self.chain.pop_front()?;
        self.chained -= next.len();
        Some(next)
    }

    /// All pieces in order, for a vectored write; follow it with [`advance`](Self::advance).
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let tail = Some(self.tail.as_ref()).filter(|tail: &&[u8]| !tail.is_empty());
        self.chain.iter().map(AsRef::as_ref).chain(tail)
    }

    /// Forgets the first `count` octets: they are written. More than there are means all.
    pub fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.chain.front_mut() {
            if count < front.len() {
                front.advance(count);
                self.chained -= count;
                return;
            }
            count -= front.len();
            self.chained -= front.len();
            self.chain.pop_front();
        }
        self.tail.advance(count.min(self.tail.len()));
        if self.tail.is_empty() {
            if self.tail.capacity() > KEEP {
                self.tail = BytesMut::new();
            }
            if self.chain.capacity() > 8 {
                self.chain = VecDeque::new();
            }
        }
    }

    /// Moves everything that waits behind what waits in `other`.
    pub fn append_to(&mut self, other: &mut Self) {
        while let Some(piece) = self.poll() {
            other.push_shared(piece);
        }
    }
}
