//! What waits to be written: small things encoded side by side, large bodies chained between them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

/// An allocation larger than this is not kept where nothing waits, so that an idle connection holds none.
const KEEP: usize = 4096;

/// Octets of the largest piece that is encoded into. Writes of about this size were the fastest over
/// loopback, and what is larger would not stay in a core's cache.
pub const PIECE: usize = 60 * 1024;

/// Emptied pieces that are kept for what is encoded next.
const MAX_SPARE: usize = 32;

/// PONGs that may wait behind one that is not written yet. More than fit in one large read, so that
/// only a peer gets there that sends PING after PING and does not read the answers.
const MAX_PONGS: u32 = 8192;

/// Octets to write, in order.
#[derive(Default)]
pub struct OutputBuffer {
    chain: VecDeque<Piece>,
    chained: usize,
    tail: BytesMut,
    spare: Vec<BytesMut>,
    taken: u64,
    /// PONGs from the one on that stands at `pongs_at`, in octets counted like `taken`.
    pongs: u32,
    pongs_at: u64,
}

/// Octets that will not change any more.
enum Piece {
    /// Encoded here; can be used again.
    Encoded(BytesMut),
    /// The body of a message, shared with whoever else holds it.
    Body(Bytes),
}

impl Piece {
    fn octets(&self) -> &[u8] {
        match self {
            Self::Encoded(octets) => octets,
            Self::Body(octets) => octets,
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Encoded(octets) => octets.advance(count),
            Self::Body(octets) => octets.advance(count),
        }
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::Encoded(octets) => octets.freeze(),
            Self::Body(octets) => octets,
        }
    }
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

    /// Where to append up to `count` encoded octets without moving those that wait.
    #[inline]
    pub fn room_for(&mut self, count: usize) -> &mut BytesMut {
        if self.tail.capacity() - self.tail.len() < count {
            self.begin_piece(count);
        }
        &mut self.tail
    }

    fn begin_piece(&mut self, count: usize) {
        if self.tail.is_empty() && self.tail.try_reclaim(count) {
            return;
        }
        // Small at first, because most connections have little to say.
        let size = self.tail.capacity().saturating_mul(4).clamp(512, PIECE).max(count);
        let fits = self.spare.iter().rposition(|spare| spare.capacity() >= size);
        let fresh = fits.map(|at| self.spare.swap_remove(at));
        let full = core::mem::replace(
            &mut self.tail,
            fresh.unwrap_or_else(|| BytesMut::with_capacity(size)),
        );
        self.chain_encoded(full);
    }

    /// Whether the next piece will be one of full size, and there is none to
    /// [supply](Self::supply) it.
    #[must_use]
    #[inline]
    pub fn wants_piece(&self) -> bool {
        let left = self.tail.capacity() - self.tail.len();
        left < KEEP && self.tail.capacity() >= PIECE / 4 && self.spare.is_empty()
    }

    /// Gives an empty allocation of [`PIECE`] octets, to be encoded into.
    pub fn supply(&mut self, piece: BytesMut) {
        self.spare.push(piece);
    }

    /// Takes an empty piece of full size; the last one only if nothing waits.
    pub fn take_spare(&mut self) -> Option<BytesMut> {
        let last = |output: &mut Self| {
            let whole = output.is_empty() && output.tail.try_reclaim(PIECE);
            whole.then(|| core::mem::take(&mut output.tail))
        };
        self.spare.pop().or_else(|| last(self))
    }

    /// Gives all memory back that is more than a few KiB, if nothing waits.
    pub fn release(&mut self) {
        if !self.is_empty() {
            return;
        }
        self.spare = Vec::new();
        // The capacity does not count what was taken off the front; what can be reclaimed does.
        if self.tail.try_reclaim(KEEP + 1) {
            self.tail = BytesMut::new();
        }
        if self.chain.capacity() > 8 {
            self.chain = VecDeque::new();
        }
    }

    /// Appends a body without copying it.
    pub fn push_shared(&mut self, body: Bytes) {
        self.seal_tail();
        if !body.is_empty() {
            self.chained += body.len();
            self.chain.push_back(Piece::Body(body));
        }
    }

    /// What follows a body goes on in what is left of the allocation.
    fn seal_tail(&mut self) {
        let tail = self.tail.split();
        self.chain_encoded(tail);
    }

    fn chain_encoded(&mut self, octets: BytesMut) {
        if !octets.is_empty() {
            self.chained += octets.len();
            self.chain.push_back(Piece::Encoded(octets));
        }
    }

    /// Takes the next piece to write, or `None` when nothing waits.
    #[must_use]
    pub fn poll(&mut self) -> Option<Bytes> {
        if self.chain.is_empty() {
            let tail = core::mem::take(&mut self.tail);
            self.chain_encoded(tail);
        }
        let next = self.chain.pop_front()?.freeze();
        self.chained -= next.len();
        self.taken += next.len() as u64;
        Some(next)
    }

    /// All pieces in order, for a vectored write; follow it with [`advance`](Self::advance).
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let tail = Some(self.tail.as_ref()).filter(|tail: &&[u8]| !tail.is_empty());
        self.chain.iter().map(Piece::octets).chain(tail)
    }

    /// Forgets the first `count` octets: they are written. More than there are means all.
    pub fn advance(&mut self, count: usize) {
        let mut count = count.min(self.len());
        self.taken += count as u64;
        while let Some(front) = self.chain.front_mut() {
            let len = front.octets().len();
            if count < len {
                front.advance(count);
                self.chained -= count;
                return;
            }
            count -= len;
            self.chained -= len;
            if let Some(Piece::Encoded(octets)) = self.chain.pop_front() {
                self.keep(octets);
            }
        }
        self.tail.advance(count);
    }

    /// Keeps an emptied piece, if it is one of full size that nothing else lies in.
    fn keep(&mut self, mut piece: BytesMut) {
        piece.clear();
        let whole = piece.try_reclaim(PIECE) && piece.capacity() <= 2 * PIECE;
        if whole && self.spare.len() < MAX_SPARE {
            self.spare.push(piece);
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
