//! Messages: one or more parts that arrive together or not at all.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::ops::Deref;

use bytes::Bytes;

use crate::auth::UserId;
use crate::peer::{Peer, PeerAddress};

/// Bodies up to this many octets live inside the [`Part`] and need no allocation.
pub const INLINE_LEN: usize = 72;

/// One part of a message: opaque octets, small ones held in place, large ones shared.
#[derive(Clone)]
pub struct Part(Repr);

#[derive(Clone)]
enum Repr {
    Inline(Inline),
    Shared(Bytes),
}

/// A body that is held in place.
///
/// The octets come first, in whole words, and what tells the two representations apart last: who moves a part that
/// was just written reads it in the pieces in which it was written, and need not wait for the writes.
#[derive(Clone, Copy)]
#[repr(C)]
struct Inline {
    octets: [u8; INLINE_LEN],
    /// One more than the length, so that zero stands for the other representation.
    end: NonZeroUsize,
}

impl Inline {
    const EMPTY: Self = Self { octets: [0; INLINE_LEN], end: NonZeroUsize::MIN };

    /// Becomes a copy of `body` if that is short enough.
    #[inline]
    fn assign(&mut self, body: &[u8]) -> bool {
        let Some(place) = self.octets.get_mut(..body.len()) else { return false };
        place.copy_from_slice(body);
        self.end = NonZeroUsize::MIN.saturating_add(body.len());
        true
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.end.get() - 1).unwrap_or_default()
    }
}

impl Part {
    /// A part without octets.
    pub const EMPTY: Self = Self(Repr::Inline(Inline::EMPTY));

    /// A copy of `body`.
    #[must_use]
    #[inline]
    pub fn copy_from(body: &[u8]) -> Self {
        let mut part = Self::EMPTY;
        part.assign(body);
        part
    }

    /// A copy of `body` if it is short enough to be held in place.
    #[inline]
    pub(crate) fn inline(body: &[u8]) -> Option<Self> {
        let mut inline = Inline::EMPTY;
        inline.assign(body).then_some(Self(Repr::Inline(inline)))
    }

    /// Becomes a copy of `body`, where it stands: what is short is written once, and moved no more.
    #[inline]
    pub(crate) fn assign(&mut self, body: &[u8]) {
        let Repr::Inline(inline) = &mut self.0 else { return *self = Self::copy_from(body) };
        if !inline.assign(body) {
            self.0 = Repr::Shared(Bytes::copy_from_slice(body));
        }
    }

    /// The octets.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(inline) => inline.as_bytes(),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The octets as a shared buffer; copied only if they were held in place.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Inline(_) => Bytes::copy_from_slice(self.as_bytes()),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The shared buffer, if the octets are in one.
    #[inline]
    pub(crate) fn as_shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Inline(_) => None,
            Repr::Shared(bytes) => Some(bytes),
        }
    }
}

impl Deref for Part {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Part {}

macro_rules! part_equals {
    ($(<$(const $n:ident)?> $other:ty),+) => {$(
        impl<$(const $n: usize)?> PartialEq<$other> for Part {
            fn eq(&self, other: &$other) -> bool {
                let other: &[u8] = other.as_ref();
                self.as_bytes() == other
            }
        }
    )+};
}

part_equals!(<> [u8], <> &[u8], <> str, <> &str, <> Vec<u8>, <> Bytes, <const N> [u8; N], <const N> &[u8; N]);

/// Escaped: a peer may have put anything here.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_bytes().escape_ascii())
    }
}

impl From<Bytes> for Part {
    /// Keeps the buffer, however short: nothing is copied.
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Shared(bytes))
    }
}

impl From<Vec<u8>> for Part {
    fn from(octets: Vec<u8>) -> Self {
        Self::inline(&octets).unwrap_or_else(|| Self(Repr::Shared(octets.into())))
    }
}

impl From<alloc::string::String> for Part {
    fn from(text: alloc::string::String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&[u8]> for Part {
    #[inline]
    fn from(body: &[u8]) -> Self {
        Self::copy_from(body)
    }
}

impl<const N: usize> From<&[u8; N]> for Part {
    fn from(body: &[u8; N]) -> Self {
        Self::copy_from(body)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::copy_from(text.as_bytes())
    }
}

/// One or more [`Part`]s, and the peer that they came from.
///
/// There is no message without a part, as there is none on the wire.
#[derive(Clone)]
#[repr(C)] // the first part first: see `Inline`
pub struct Message {
    first: Part,
    rest: Vec<Part>,
    origin: Option<Arc<Peer>>,
}

impl Message {
    /// A message of one empty part.
    pub(crate) const EMPTY: Self = Self { first: Part::EMPTY, rest: Vec::new(), origin: None };

    /// A message of one part.
    #[must_use]
    #[inline]
    pub fn new(part: impl Into<Part>) -> Self {
        Self { first: part.into(), rest: Vec::new(), origin: None }
    }

    /// A message of all `parts`, or `None` if there are none.
    pub fn from_parts<P: Into<Part>>(parts: impl IntoIterator<Item = P>) -> Option<Self> {
        let mut parts = parts.into_iter().map(Into::into);
        Some(Self { first: parts.next()?, rest: parts.collect(), origin: None })
    }

    /// Appends a part.
    pub fn push(&mut self, part: impl Into<Part>) {
        self.rest.push(part.into());
    }

    /// Puts a part before the others.
    pub fn push_front(&mut self, part: impl Into<Part>) {
        let second = core::mem::replace(&mut self.first, part.into());
        self.rest.insert(0, second);
    }

    /// Takes the first part off, unless it is the only one.
    pub fn pop_front(&mut self) -> Option<Part> {
        if self.rest.is_empty() {
            return None;
        }
        let second = self.rest.remove(0);
        Some(core::mem::replace(&mut self.first, second))
    }

    /// Splits in front of part `at`; `None` if that would leave either side without a part.
    #[must_use]
    pub fn split_at(self, at: usize) -> Option<(Self, Self)> {
        let (front, tail) = self.take_front(at)?;
        let mut head = Self::from_parts(front)?;
        head.origin.clone_from(&tail.origin);
        Some((head, tail))
    }

    /// Takes the first `at` parts off; `None` if that would leave either side without a part.
    #[must_use]
    #[inline]
    pub fn take_front(self, at: usize) -> Option<(Vec<Part>, Self)> {
        if at == 0 || at >= self.len() {
            return None;
        }
        // The allocation stays with what is taken off: for one of two parts there is no other.
        let Self { mut first, rest: mut front, origin } = self;
        let rest = if at < front.len() { front.split_off(at) } else { Vec::new() };
        core::mem::swap(&mut first, front.last_mut()?);
        if at > 1 {
            front.rotate_right(1);
        }
        Some((front, Self { first, rest, origin }))
    }

    /// A message of `front` and the parts of this one. A copy of this one if there is nothing in front.
    #[must_use]
    #[inline]
    pub fn behind(&self, front: &[Part]) -> Self {
        if front.is_empty() { self.clone() } else { self.composed(front) }
    }

    #[inline(never)]
    fn composed(&self, front: &[Part]) -> Self {
        Self::from_parts(front.iter().chain(self.parts()).cloned()).unwrap_or_default()
    }

    /// A message of two parts, of which the first is empty.
    pub(crate) fn delimited(body: Part) -> Self {
        Self { first: Part::EMPTY, rest: alloc::vec![body], origin: None }
    }

    /// The first part, to be written to.
    #[inline]
    pub(crate) const fn first_mut(&mut self) -> &mut Part {
        &mut self.first
    }

    /// The first part.
    #[must_use]
    #[inline]
    pub const fn first(&self) -> &Part {
        &self.first
    }

    /// The first part and the others.
    #[inline]
    pub(crate) fn split_first(&self) -> (&Part, &[Part]) {
        (&self.first, &self.rest)
    }

    /// Part number `at`, counted from zero.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&Part> {
        match at.checked_sub(1) {
            None => Some(&self.first),
            Some(at) => self.rest.get(at),
        }
    }

    /// All parts in order.
    #[inline]
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &Part> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    /// All parts in order, by value.
    pub fn into_parts(self) -> impl DoubleEndedIterator<Item = Part> {
        core::iter::once(self.first).chain(self.rest)
    }

    /// How many parts there are; never zero.
    #[must_use]
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a message is never empty")]
    pub const fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// Octets in all parts together.
    #[must_use]
    #[inline]
    pub fn octets(&self) -> usize {
        self.first.len() + self.rest.iter().map(|part| part.len()).sum::<usize>()
    }

    /// The peer that the message came from; `None` for one that was made here.
    #[must_use]
    #[inline]
    pub fn peer(&self) -> Option<&Arc<Peer>> {
        self.origin.as_ref()
    }

    /// The user that the authenticator recognised behind the connection that the message came over
    /// (`User-Id` of `zmq_msg_gets`). A fact: nothing that the peer says of itself leads here.
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        self.peer()?.user_id()
    }

    /// Where the message came from, as the transport says (`Peer-Address` of `zmq_msg_gets`).
    #[must_use]
    pub fn peer_address(&self) -> Option<&PeerAddress> {
        Some(&self.peer()?.verified.address)
    }

    /// A property that our authenticator attached to the connection; names ignore case.
    #[must_use]
    pub fn verified_property(&self, name: &str) -> Option<&Bytes> {
        self.peer()?.verified.metadata.get(name)
    }

    /// A property that the peer announced of itself, such as `Socket-Type`, `Identity` or one that begins
    /// with `X-`; names ignore case. The peer's word: it may have put anything there.
    #[must_use]
    pub fn claimed_property(&self, name: &str) -> Option<&Bytes> {
        self.peer()?.claimed.metadata.get(name)
    }

    /// Says which peer the message came from.
    #[must_use]
    pub fn with_peer(mut self, peer: Arc<Peer>) -> Self {
        self.set_peer(peer);
        self
    }

    /// As [`with_peer`](Self::with_peer), in place.
    #[inline]
    pub fn set_peer(&mut self, peer: Arc<Peer>) {
        self.origin = Some(peer);
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The parts alone: where a message came from is not part of its value.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.first == other.first && self.rest == other.rest
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

impl<P: Into<Part>> From<P> for Message {
    #[inline]
    fn from(part: P) -> Self {
        Self::new(part)
    }
}

macro_rules! from_tuple {
    ($($part:ident $name:ident),+) => {
        /// A message of these parts.
        impl<First: Into<Part>, $($part: Into<Part>),+> From<(First, $($part),+)> for Message {
            fn from((first, $($name),+): (First, $($part),+)) -> Self {
                let mut message = Self::new(first);
                $(message.push($name);)+
                message
            }
        }
    };
}

from_tuple!(B b);
from_tuple!(B b, C c);
from_tuple!(B b, C c, D d);
from_tuple!(B b, C c, D d, E e);
