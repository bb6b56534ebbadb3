//! What waits to be written: small things encoded side by side, large bodies chained between them.

use alloc::boxed::Box;
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
    tail: BytesMut,
    /// Apart, because a connection that has little to say needs no more than the tail.
    more: Option<Box<More>>,
}

/// What stands before the tail, and what comes behind it.
#[derive(Default)]
struct More {
    chain: VecDeque<Piece>,
    /// Octets in the chain.
    chained: usize,
    spare: Vec<BytesMut>,
    /// Octets that were taken since this exists.
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
    #[inline]
    pub fn len(&self) -> usize {
        self.chained() + self.tail.len()
    }

    #[inline]
    fn chained(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.chained)
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Whether nothing waits.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes that a PONG is appended next; `false` when too many wait.
    pub(super) fn count_pong(&mut self) -> bool {
        let len = self.len() as u64;
        let more = self.more();
        if more.pongs == 0 || more.taken > more.pongs_at {
            more.pongs = 0;
            more.pongs_at = more.taken + len;
        }
        let fits = more.pongs < MAX_PONGS;
        more.pongs += u32::from(fits);
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
        let fresh = self.more.as_mut().and_then(|more| more.take_spare(size));
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
        let spare = || self.more.as_ref().is_some_and(|more| !more.spare.is_empty());
        left < KEEP && self.tail.capacity() >= PIECE / 4 && !spare()
    }

    /// Gives an empty allocation of [`PIECE`] octets, to be encoded into.
    pub fn supply(&mut self, piece: BytesMut) {
        self.more().spare.push(piece);
    }

    /// Takes an empty piece of full size; the last one only if nothing waits.
    pub fn take_spare(&mut self) -> Option<BytesMut> {
        let last = |output: &mut Self| {
            let whole = output.is_empty() && output.tail.try_reclaim(PIECE);
            whole.then(|| core::mem::take(&mut output.tail))
        };
        let spare = self.more.as_mut().and_then(|more| more.spare.pop());
        spare.or_else(|| last(self))
    }

    /// Whether nothing waits, and the buffer has more memory than it may [keep](Self::release).
    #[inline]
    pub fn is_idle_and_large(&mut self) -> bool {
        // The capacity does not count what was taken off the front; what can be reclaimed does.
        self.is_empty() && (self.more.is_some() || self.tail.try_reclaim(KEEP + 1))
    }

    /// Gives all memory back that is more than a few KiB, if nothing waits.
    pub fn release(&mut self) {
        if !self.is_empty() {
            return;
        }
        self.more = None;
        if self.tail.try_reclaim(KEEP + 1) {
            self.tail = BytesMut::new();
        }
    }

    /// Appends a body without copying it.
    pub fn push_shared(&mut self, body: Bytes) {
        self.seal_tail();
        if !body.is_empty() {
            self.more().chain(Piece::Body(body));
        }
    }

    /// What follows a body goes on in what is left of the allocation.
    fn seal_tail(&mut self) {
        let tail = self.tail.split();
        self.chain_encoded(tail);
    }

    fn chain_encoded(&mut self, octets: BytesMut) {
        if !octets.is_empty() {
            self.more().chain(Piece::Encoded(octets));
        }
    }

    /// Takes the next piece to write, or `None` when nothing waits.
    #[must_use]
    pub fn poll(&mut self) -> Option<Bytes> {
        let chained = self.more.as_mut().and_then(|more| more.next());
        let next = match chained {
            Some(piece) => piece.freeze(),
            None if self.tail.is_empty() => return None,
            None => core::mem::take(&mut self.tail).freeze(),
        };
        if let Some(more) = &mut self.more {
            more.taken += next.len() as u64;
        }
        Some(next)
    }

    /// All pieces in order, for a vectored write; follow it with [`advance`](Self::advance).
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let tail = Some(self.tail.as_ref()).filter(|tail: &&[u8]| !tail.is_empty());
        let chain = self.more.iter().flat_map(|more| &more.chain);
        chain.map(Piece::octets).chain(tail)
    }

    /// All that waits, if it lies in one piece.
    #[must_use]
    #[inline]
    pub fn in_one_piece(&self) -> Option<&[u8]> {
        (self.chained() == 0).then_some(&*self.tail)
    }

    /// Forgets the first `count` octets: they are written. More than there are means all.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len());
        let rest = match &mut self.more {
            Some(more) => more.advance(count),
            None => count,
        };
        self.tail.advance(rest);
    }

    /// Moves everything that waits behind what waits in `other`.
    pub fn append_to(&mut self, other: &mut Self) {
        while let Some(piece) = self.poll() {
            other.push_shared(piece);
        }
    }
}

impl More {
    fn chain(&mut self, piece: Piece) {
        self.chained += piece.octets().len();
        self.chain.push_back(piece);
    }

    fn next(&mut self) -> Option<Piece> {
        let next = self.chain.pop_front()?;
        self.chained -= next.octets().len();
        Some(next)
    }

    /// Forgets the first `count` octets, and says how many of them stand behind the chain.
    fn advance(&mut self, mut count: usize) -> usize {
        self.taken += count as u64;
        while let Some(front) = self.chain.front_mut() {
            let len = front.octets().len();
            if count < len {
                front.advance(count);
                self.chained -= count;
                return 0;
            }
            count -= len;
            self.chained -= len;
            if let Some(Piece::Encoded(octets)) = self.chain.pop_front() {
                self.keep(octets);
            }
        }
        count
    }

    /// Keeps an emptied piece, if it is one of full size that nothing else lies in.
    fn keep(&mut self, mut piece: BytesMut) {
        piece.clear();
        let whole = piece.try_reclaim(PIECE) && piece.capacity() <= 2 * PIECE;
        if whole && self.spare.len() < MAX_SPARE {
            self.spare.push(piece);
        }
    }

    fn take_spare(&mut self, size: usize) -> Option<BytesMut> {
        let fits = self.spare.iter().rposition(|spare| spare.capacity() >= size)?;
        Some(self.spare.swap_remove(fits))
    }
}

/// Lengths only: what waits may be a password.
impl fmt::Debug for OutputBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutputBuffer({} octets)", self.len())
    }
}
