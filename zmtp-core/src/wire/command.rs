//! Commands: a name with its length before it, then data up to the end of the frame
//! (37/ZMTP, "Formal Grammar").

use core::fmt;

use bytes::{BufMut, BytesMut};

use super::Reader;
use super::frame::{FrameHeader, FrameKind};
use crate::error::Malformed;

/// A command as it stands in a frame body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// One to 255 ASCII letters, compared octet for octet.
    pub name: &'a [u8],
    /// What follows the name.
    pub data: &'a [u8],
}

impl<'a> Command<'a> {
    /// Splits a frame body into name and data.
    ///
    /// libzmq's PLAIN server sends ERROR with its first octet lost, as `^RROR` without a length;
    /// [`Command::decode_lenient`] understands that form.
    ///
    /// # Errors
    /// [`Malformed::CommandName`] if the body is empty, the length is zero or runs past the end, or
    /// the name has anything but letters.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let name = reader.short_string().map_err(|_| Malformed::CommandName)?;
        if name.is_empty() || !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(Malformed::CommandName);
        }
        Ok(Self { name, data: reader.rest() })
    }

    /// As [`decode`](Self::decode), but takes the `^RROR` of libzmq's PLAIN server for ERROR.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_lenient(body: &'a [u8]) -> Result<Self, Malformed> {
        match body.strip_prefix(MISSPELT_ERROR) {
            Some(data) => Ok(Self { name: name::ERROR, data }),
            None => Self::decode(body),
        }
    }

    /// Octets of the body when encoded.
    #[must_use]
    pub const fn body_len(&self) -> usize {
        1 + self.name.len() + self.data.len()
    }

    /// Appends the body, without a frame header.
    pub fn encode_body(&self, out: &mut BytesMut) {
        // Names are our own constants, all shorter than 256 octets.
        out.put_u8(u8::try_from(self.name.len()).unwrap_or(u8::MAX));
        out.put_slice(self.name);
        out.put_slice(self.data);
    }

    /// Appends the whole frame.
    pub fn encode_frame(&self, out: &mut BytesMut) {
        FrameHeader::new(FrameKind::Command, self.body_len()).encode(out);
        self.encode_body(out);
    }
}

/// Name and length only: the data may hold a password.
impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({}, {} octets)", self.name.escape_ascii(), self.data.len())
    }
}

/// First octets of the ERROR that libzmq's PLAIN server sends since 4.3.0.
pub(crate) const MISSPELT_ERROR: &[u8] = b"^RROR";

/// Names of the commands that this crate knows.
pub mod name {
    /// Metadata of one side; ends the handshake.
    pub const READY: &[u8] = b"READY";
    /// A refusal during the handshake.
    pub const ERROR: &[u8] = b"ERROR";
    /// First command of a PLAIN or CURVE client.
    pub const HELLO: &[u8] = b"HELLO";
    /// Answer of a PLAIN or CURVE server to HELLO.
    pub const WELCOME: &[u8] = b"WELCOME";
    /// Second command of a PLAIN or CURVE client.
    pub const INITIATE: &[u8] = b"INITIATE";
    /// One frame of encrypted traffic.
    pub const MESSAGE: &[u8] = b"MESSAGE";
    /// A sign of life that wants an answer.
    pub const PING: &[u8] = b"PING";
    /// The answer to PING.
    pub const PONG: &[u8] = b"PONG";
    /// Adds a subscription (3.1).
    pub const SUBSCRIBE: &[u8] = b"SUBSCRIBE";
    /// Takes a subscription back (3.1).
    pub const CANCEL: &[u8] = b"CANCEL";
}
