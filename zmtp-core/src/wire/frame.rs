//! Frames: a flags octet, a size of one or eight octets, a body (37/ZMTP, "Framing").

use bytes::{BufMut, BytesMut};

use crate::error::Malformed;

const MORE: u8 = 0b001;
const LONG: u8 = 0b010;
const COMMAND: u8 = 0b100;

/// The frame of an empty part that others follow, in its shortest form, as it stands between an envelope and a body
/// (28/REQREP).
pub(crate) const DELIMITER: [u8; 2] = [MORE, 0];

/// Octets of the longest frame header.
pub const MAX_HEADER_LEN: usize = 9;

/// What a frame carries. A command with MORE cannot be expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A command; it is always a frame of its own.
    Command,
    /// One part of a message.
    Message {
        /// Whether another part of the same message follows.
        more: bool,
    },
}

/// The part of a frame before its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the body is.
    pub kind: FrameKind,
    /// Octets in the body, at most 2^63 - 1.
    pub len: u64,
}

impl FrameHeader {
    /// A header for a body of `len` octets.
    #[must_use]
    pub const fn new(kind: FrameKind, len: usize) -> Self {
        Self { kind, len: len as u64 }
    }

    /// Reads a header from the front of `input` and says how many octets it took; `Ok(None)` while
    /// it is incomplete. The long form of a short size is accepted.
    ///
    /// # Errors
    /// [`Malformed::FrameFlags`] for reserved bits, [`Malformed::CommandWithMore`], and
    /// [`Malformed::FrameSize`] for a size of 2^63 or more.
    #[inline]
    pub fn decode(input: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let Some((&flags, rest)) = input.split_first() else { return Ok(None) };
        let kind = match flags & !LONG {
            0 => FrameKind::Message { more: false },
            MORE => FrameKind::Message { more: true },
            COMMAND => FrameKind::Command,
            f if f == COMMAND | MORE => return Err(Malformed::CommandWithMore),
            _ => return Err(Malformed::FrameFlags { flags }),
        };
        if flags & LONG == 0 {
            return Ok(rest.first().map(|&len| (Self { kind, len: u64::from(len) }, 2)));
        }
        // The top bit of the size is judged on the second octet, before the other seven arrive.
        if rest.first().is_some_and(|top| top & 0x80 != 0) {
            return Err(Malformed::FrameSize);
        }
        Ok(rest.first_chunk().map(|size| (Self { kind, len: u64::from_be_bytes(*size) }, 9)))
    }

    /// Appends the header in its shortest form.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        let flags = match self.kind {
            FrameKind::Command => COMMAND,
            FrameKind::Message { more } => u8::from(more) * MORE,
        };
        match u8::try_from(self.len) {
            Ok(len) => out.put_slice(&[flags, len]),
            Err(_) => {
                out.put_u8(flags | LONG);
                out.put_u64(self.len);
            }
        }
    }
}
