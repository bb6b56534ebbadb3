//! MESSAGE, one for each frame of traffic (26/CURVEZMQ, "The MESSAGE Command").
//!
//! ```text
//!  flags size | 07 "MESSAGE" | nonce (8) | tag (16) | inner flags (1) | data
//!  '--frame-'                                        '------sealed--------'
//! ```
//!
//! The frame is a plain one, flags 00 or 02, because libzmq drops what comes with COMMAND set; both
//! are accepted, and MORE and COMMAND count only where they are sealed. There COMMAND is 02, a bit
//! that 26/CURVEZMQ reserves and libzmq uses.

use alloc::boxed::Box;
use core::ops::Range;

use bytes::{BufMut, BytesMut};
use zmtp_core::error::{BoxName, Kind, LocalFault, Malformed, Misbehaved};
use zmtp_core::mechanism::Role;
use zmtp_core::traffic::{Codec, Open, Seal};
use zmtp_core::wire::frame::{FrameHeader, FrameKind, MAX_HEADER_LEN};

use crate::boxes::{BoxKey, MessageKey, TAG_LEN};
use crate::nonce::{self, Received, Sent};
use crate::wire;

/// Name of the command with its length.
const NAME: &[u8; 8] = b"\x07MESSAGE";

/// Octets of a body that are not data: name, nonce, tag, inner flags.
const OVERHEAD: usize = NAME.len() + 8 + TAG_LEN + 1;

const MORE: u8 = 0b01;
const COMMAND: u8 = 0b10;

/// Both directions under the key of C' and S', for the side that plays `role`.
pub(crate) fn codec(role: Role, key: BoxKey, sent: Sent, last: Received) -> Codec {
    let (ours, theirs) = match role {
        Role::Client => (nonce::CLIENT_MESSAGE, nonce::SERVER_MESSAGE),
        Role::Server => (nonce::SERVER_MESSAGE, nonce::CLIENT_MESSAGE),
    };
    let sealing = Sealing { key: MessageKey::new(key.clone(), *ours), sent };
    let opening = Opening { key: MessageKey::new(key, *theirs), last };
    Some((Box::new(sealing), Box::new(opening)))
}

#[derive(Debug)]
struct Sealing {
    key: MessageKey,
    sent: Sent,
}

impl Seal for Sealing {
    fn seal(
        &mut self,
        kind: FrameKind,
        chunks: &[&[u8]],
        out: &mut BytesMut,
    ) -> Result<(), LocalFault> {
        let count = self.sent.next()?;
        let flags = match kind {
            FrameKind::Command => COMMAND,
            FrameKind::Message { more } => u8::from(more) * MORE,
        };
        let len = chunks.iter().map(|chunk| chunk.len()).sum::<usize>() + OVERHEAD;
        out.reserve(MAX_HEADER_LEN + len);
        FrameHeader::new(FrameKind::Message { more: false }, len).encode(out);
        out.put_slice(NAME);
        out.put_u64(count);
        let at = out.len();
        out.put_slice(&[0; TAG_LEN]);
        out.put_u8(flags);
        for chunk in chunks {
            out.put_slice(chunk);
        }
        wire::seal_tail(out, at, |text| self.key.seal_in_place(count, text));
        Ok(())
    }

    fn overhead(&self) -> usize {
        OVERHEAD
    }
}

#[derive(Debug)]
struct Opening {
    key: MessageKey,
    last: Received,
}

impl Open for Opening {
    fn open(&mut self, body: &mut [u8]) -> Result<(FrameKind, Range<usize>), Kind> {
        const SIZE: Malformed = Malformed::CommandSize("MESSAGE");
        let end = body.len();
        let rest = match body.split_first_chunk_mut() {
            Some((name, rest)) if name == NAME => rest,
            _ => return Err(Misbehaved::ClearFrame.into()),
        };
        let (count, rest) = rest.split_first_chunk_mut().ok_or(SIZE)?;
        let (tag, text) = rest.split_first_chunk_mut().ok_or(SIZE)?;
        if text.is_empty() {
            return Err(SIZE.into());
        }
        let count = u64::from_be_bytes(*count);
        let last = self.last.rise_to(count)?;
        let opened = self.key.open_in_place(count, tag, text);
        opened.map_err(|_| Kind::Unopenable(BoxName::Message))?;
        self.last = last;
        let kind = match text.first().copied().unwrap_or_default() {
            0 => FrameKind::Message { more: false },
            MORE => FrameKind::Message { more: true },
            COMMAND => FrameKind::Command,
            flags if flags == COMMAND | MORE => return Err(Malformed::CommandWithMore.into()),
            flags => return Err(Malformed::InnerFlags { flags }.into()),
        };
        Ok((kind, OVERHEAD..end))
    }

    fn overhead(&self) -> usize {
        OVERHEAD
    }
}
