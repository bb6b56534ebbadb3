//! What waits to be written: small things encoded side by side, large bodies chained between them.

use alloc::collections::VecDeque;
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

/// An allocation larger than this goes with its octets, so that an idle connection holds none.
const KEEP: usize = 4096;

/// PONGs that may wait behind one that is not written yet. More than fit in one large read, so that
/// only a peer gets there that sends PING after PING and does not read the answers.
const MAX_PONGS: u32 = 8192;

/// Octets to write, in order.
#[derive(Default)]
pub struct OutputBuffer {
    chain: VecDeque<Bytes>,
    chained: usize,
    tail: BytesMut,
    taken: u64,
    /// PONGs from the one on that stands at `pongs_at`, in octets counted like `taken`.
    pongs: u32,
    pongs_at: u64,
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

    /// Notes that a PONG is appended next; `false` when too many wait.
    pub(super) fn count_pong(&mut self) -> bool {
        if self.pongs == 0 || self.taken > self.pongs_at {
            self.pongs = 0;
            self.pongs_at = self.taken + self.len() as u64;
        }
        let fits = self.pongs < MAX_PONGS;
        self.pongs += u32::from(fits);
        fits
    }

    /// Where to append encoded octets.
    #[inline]
    pub fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Appends a body without copying it.
    pub fn push_shared(&mut self, body: Bytes) {
        self.seal_tail();
        if !body.is_empty() {
            self.chained += body.len();
            self.chain.push_back(body);
        }
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            let large = self.tail.len() > KEEP;
            let tail = if large { core::mem::take(&mut self.tail) } else { self.tail.split() };
            self.chained += tail.len();
            self.chain.push_back(tail.freeze());
        }
    }

    /// Takes the next piece to write, or `None` when nothing waits.
    #[must_use]
    pub fn poll(&mut self) -> Option<Bytes> {
        self.seal_tail();
        let next = self.chain.pop_front()?;
        self.chained -= next.len();
        self.taken += next.len() as u64;
        Some(next)
    }

    /// All pieces in order, for a vectored write; follow it with [`advance`](Self::advance).
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let tail = Some(self.tail.as_ref()).filter(|tail: &&[u8]| !tail.is_empty());
        self.chain.iter().map(AsRef::as_ref).chain(tail)
    }

    /// Forgets the first `count` octets: they are written. More than there are means all.
    pub fn advance(&mut self, count: usize) {
        let mut count = count.min(self.len());
        self.taken += count as u64;
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
        self.tail.advance(count);
        if self.tail.is_empty() {
            // The capacity does not count what was taken off the front; what can be reclaimed does.
            if self.tail.try_reclaim(KEEP + 1) {
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

/// Lengths only: what waits may be a password.
impl fmt::Debug for OutputBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutputBuffer({} octets)", self.len())
    }
}
