//! The fields of each command, in the order of the grammar (26/CURVEZMQ, "High-level Grammar").
//!
//! What is parsed here is the data behind the command's name. Nothing in it is trusted yet.

use alloc::vec::Vec;

use zeroize::Zeroizing;
use zmtp_core::error::Malformed;
use zmtp_core::wire::command::name;
use zmtp_core::wire::{Reader, Truncated};

use crate::boxes::{BoxKey, Nonce, TAG_LEN, Tag, Unopenable};
use crate::keys::{KEY_LEN, PublicKey};

/// A long nonce as sent: 16 random octets.
pub(crate) type LongNonce = [u8; 16];

/// Octets of a cookie: a long nonce, and a box over C' and s'.
pub(crate) const COOKIE_LEN: usize = 16 + TAG_LEN + 2 * KEY_LEN;

/// A cookie as sent.
pub(crate) type Cookie = [u8; COOKIE_LEN];

/// Version of CurveZMQ in HELLO.
const VERSION: [u8; 2] = [1, 0];

/// Octets that make HELLO larger than WELCOME. The grammar says 72, the prose 70; the total of 200
/// that both state, and libzmq, settle it.
const PADDING: [u8; 72] = [0; 72];

/// What the HELLO box holds.
pub(crate) const ZEROS: [u8; 64] = [0; 64];

/// Octets in the body of HELLO.
pub(crate) const HELLO_LEN: usize = 200;

/// Octets in the body of WELCOME.
pub(crate) const WELCOME_LEN: usize = 168;

/// Octets in the body of INITIATE besides the metadata.
pub(crate) const INITIATE_LEN: usize = 257;

/// Octets in the body of READY besides the metadata.
pub(crate) const READY_LEN: usize = 30;

/// Octets in the body of ERROR with its longest reason.
pub(crate) const MAX_ERROR: usize = 1 + name::ERROR.len() + 1 + 255;

/// Octets in the INITIATE box besides the metadata: C, the nonce of the vouch, the vouch.
const INITIATE_CONTENT_LEN: usize = KEY_LEN + 16 + VOUCH_LEN;

/// Octets of a vouch: a box over C' and S.
const VOUCH_LEN: usize = TAG_LEN + 2 * KEY_LEN;

/// HELLO.
pub(crate) struct Hello<'a> {
    /// C'.
    pub(crate) client: PublicKey,
    pub(crate) nonce: u64,
    /// Over 64 zeros, from C' to S.
    pub(crate) sealed: &'a [u8; TAG_LEN + ZEROS.len()],
}

impl<'a> Hello<'a> {
    /// Reads the data of HELLO, and its version and padding.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let mut parse = || {
            let version = reader.array()?;
            let padding = reader.array()?;
            let hello = Self {
                client: key(&mut reader)?,
                nonce: count(&mut reader)?,
                sealed: reader.array()?,
            };
            end(&reader).map(|()| (*version, *padding, hello))
        };
        let (version, padding, hello) = parse().map_err(|_| Malformed::CommandSize("HELLO"))?;
        if version != VERSION {
            return Err(Malformed::HelloVersion);
        }
        if padding != PADDING {
            return Err(Malformed::HelloPadding);
        }
        Ok(hello)
    }

    /// The data of HELLO.
    pub(crate) fn build(client: &PublicKey, count: u64, key: &BoxKey, nonce: &Nonce) -> Vec<u8> {
        let head: [&[u8]; 4] = [&VERSION, &PADDING, client.as_bytes(), &count.to_be_bytes()];
        sealed(&head, key, nonce, &[&ZEROS])
    }
}

/// WELCOME.
pub(crate) struct Welcome<'a> {
    pub(crate) nonce: &'a LongNonce,
    /// Over S' and the cookie, from S to C'.
    pub(crate) sealed: &'a [u8; TAG_LEN + KEY_LEN + COOKIE_LEN],
}

impl<'a> Welcome<'a> {
    /// Reads the data of WELCOME.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let mut parse = || {
            let welcome = Self { nonce: reader.array()?, sealed: reader.array()? };
            end(&reader).map(|()| welcome)
        };
        parse().map_err(|_| SIZE_OF_WELCOME)
    }

    /// Reads S' and the cookie out of the open box.
    pub(crate) fn parse_content(text: &[u8]) -> Result<(PublicKey, &Cookie), Malformed> {
        let mut reader = Reader::new(text);
        let mut parse = || Ok((key(&mut reader)?, reader.array()?));
        parse().map_err(|Truncated| SIZE_OF_WELCOME)
    }
}

const SIZE_OF_WELCOME: Malformed = Malformed::CommandSize("WELCOME");

/// INITIATE.
pub(crate) struct Initiate<'a> {
    pub(crate) cookie: &'a Cookie,
    pub(crate) nonce: u64,
    /// Over [`InitiateContent`], from C' to S'.
    pub(crate) sealed: &'a [u8],
}

impl<'a> Initiate<'a> {
    /// Reads the data of INITIATE.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let mut parse = || {
            let (cookie, nonce) = (reader.array()?, count(&mut reader)?);
            Ok(Self {
                cookie,
                nonce,
                sealed: at_least(TAG_LEN + INITIATE_CONTENT_LEN, &mut reader)?,
            })
        };
        parse().map_err(|Truncated| SIZE_OF_INITIATE)
    }
}

/// What the INITIATE box holds.
pub(crate) struct InitiateContent<'a> {
    /// C.
    pub(crate) client: PublicKey,
    pub(crate) vouch_nonce: &'a LongNonce,
    /// Over C' and S, from C to S'.
    pub(crate) vouch: &'a [u8; VOUCH_LEN],
    pub(crate) metadata: &'a [u8],
}

impl<'a> InitiateContent<'a> {
    /// Reads the open box.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(text);
        let mut parse = || {
            Ok(Self {
                client: key(&mut reader)?,
                vouch_nonce: reader.array()?,
                vouch: reader.array()?,
                metadata: reader.rest(),
            })
        };
        parse().map_err(|Truncated| SIZE_OF_INITIATE)
    }
}

const SIZE_OF_INITIATE: Malformed = Malformed::CommandSize("INITIATE");

/// READY.
pub(crate) struct Ready<'a> {
    pub(crate) nonce: u64,
    /// Over the metadata, from S' to C'.
    pub(crate) sealed: &'a [u8],
}

impl<'a> Ready<'a> {
    /// Reads the data of READY.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let mut parse =
            || Ok(Self { nonce: count(&mut reader)?, sealed: at_least(TAG_LEN, &mut reader)? });
        parse().map_err(|Truncated| Malformed::CommandSize("READY"))
    }
}

/// Reads the two keys in a cookie (C' and s') or in a vouch (C' and S).
pub(crate) fn two_keys(text: &[u8]) -> Option<(&[u8; KEY_LEN], &[u8; KEY_LEN])> {
    let mut reader = Reader::new(text);
    Some((reader.array().ok()?, reader.array().ok()?))
}

fn key(reader: &mut Reader<'_>) -> Result<PublicKey, Truncated> {
    reader.array().map(|octets| PublicKey::from_bytes(*octets))
}

fn count(reader: &mut Reader<'_>) -> Result<u64, Truncated> {
    reader.array().map(|octets| u64::from_be_bytes(*octets))
}

fn at_least<'a>(len: usize, reader: &mut Reader<'a>) -> Result<&'a [u8], Truncated> {
    Some(reader.rest()).filter(|rest| rest.len() >= len).ok_or(Truncated)
}

fn end(reader: &Reader<'_>) -> Result<(), Truncated> {
    if reader.is_empty() { Ok(()) } else { Err(Truncated) }
}

/// `head`, then a box over `text`. The text is written once and encrypted where it stands, so that no
/// copy of it remains.
pub(crate) fn sealed(head: &[&[u8]], key: &BoxKey, nonce: &Nonce, text: &[&[u8]]) -> Vec<u8> {
    let len = |parts: &[&[u8]]| parts.iter().map(|part| part.len()).sum::<usize>();
    let at = len(head);
    let mut out = Vec::with_capacity(at + TAG_LEN + len(text));
    out.extend(head.iter().copied().flatten());
    out.resize(at + TAG_LEN, 0);
    out.extend(text.iter().copied().flatten());
    seal_tail(&mut out, at, |text| key.seal_in_place(nonce, text));
    out
}

/// Seals all that stands behind the place of the tag, which is at `at`. Where there is no place for a
/// tag, there is no text behind it either.
pub(crate) fn seal_tail(out: &mut [u8], at: usize, seal: impl FnOnce(&mut [u8]) -> Tag) {
    if let Some((tag, text)) = out.get_mut(at..).and_then(|tail| tail.split_first_chunk_mut()) {
        *tag = seal(text);
    }
}

/// Opens a box of the handshake; the plaintext is erased when dropped.
pub(crate) fn opened(
    key: &BoxKey,
    nonce: &Nonce,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
    let (tag, text) = sealed.split_first_chunk().ok_or(Unopenable)?;
    let mut text = Zeroizing::new(text.to_vec());
    key.open_in_place(nonce, tag, &mut text).map(|()| text)
}
