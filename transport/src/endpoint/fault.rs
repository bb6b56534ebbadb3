//! Slices that remember where in the endpoint they stand.

use std::ops::{Deref, Range};

use super::error::{EndpointError, EndpointErrorKind};

/// A part of the text that is being parsed.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Piece<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn text(self) -> &'a str {
        self.text
    }

    pub(super) fn split_once(self, pattern: char) -> Option<(Self, Self)> {
        self.cut(self.text.find(pattern)?, pattern.len_utf8())
    }

    pub(super) fn rsplit_once(self, pattern: char) -> Option<(Self, Self)> {
        self.cut(self.text.rfind(pattern)?, pattern.len_utf8())
    }

    /// What stands before and after the separator of `width` octets at `middle`.
    pub(super) fn cut(self, middle: usize, width: usize) -> Option<(Self, Self)> {
        let before = Self { text: self.text.get(..middle)?, at: self.at };
        Some((before, self.skip(middle + width)))
    }

    pub(super) fn skip(self, octets: usize) -> Self {
        let octets = octets.min(self.text.len());
        Self { text: self.text.get(octets..).unwrap_or_default(), at: self.at + octets }
    }

    /// The start of the piece, up to a character border.
    pub(super) fn first(self, octets: usize) -> Self {
        Self { text: self.text.get(..octets).unwrap_or(self.text), at: self.at }
    }

    pub(super) fn strip_prefix(self, prefix: char) -> Option<Self> {
        self.text.starts_with(prefix).then(|| self.skip(prefix.len_utf8()))
    }

    /// The empty piece behind this one: where something is missing.
    pub(super) fn end(self) -> Self {
        self.skip(self.text.len())
    }

    pub(super) fn fault(self, kind: EndpointErrorKind) -> Fault {
        Fault { part: self.at..self.at + self.text.len(), kind }
    }
}

impl Deref for Piece<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

/// An error that has yet to learn the whole text.
pub(super) struct Fault {
    part: Range<usize>,
    kind: EndpointErrorKind,
}

impl Fault {
    pub(super) fn in_text(self, text: &str) -> EndpointError {
        EndpointError::new(text, self.part, self.kind)
    }
}
