//! A cursor over received octets: everything that parses goes through it, and none of it indexes.

/// Reads from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// The input ended before the value did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated;

impl<'a> Reader<'a> {
    /// A reader over all of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// The next octet.
    ///
    /// # Errors
    /// [`Truncated`] at the end of the input.
    pub fn octet(&mut self) -> Result<u8, Truncated> {
        let (first, rest) = self.rest.split_first().ok_or(Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next `N` octets.
    ///
    /// # Errors
    /// [`Truncated`] if fewer are left; nothing is consumed then.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Truncated> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `len` octets.
    ///
    /// # Errors
    /// [`Truncated`] if fewer are left; nothing is consumed then.
    pub fn slice(&mut self, len: usize) -> Result<&'a [u8], Truncated> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// A string with its length in one octet before it.
    ///
    /// # Errors
    /// [`Truncated`] if the length runs past the end.
    pub fn short_string(&mut self) -> Result<&'a [u8], Truncated> {
        let len = self.octet()?;
        self.slice(usize::from(len))
    }

    /// An unsigned 32-bit number in network order.
    ///
    /// # Errors
    /// [`Truncated`] if fewer than four octets are left.
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(|octets| u32::from_be_bytes(*octets))
    }

    /// Everything that is left.
    #[must_use]
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
