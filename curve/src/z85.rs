//! Z85: octets as printable text, five characters for four octets (32/Z85).
//!
//! Keys travel between people in this form. Both directions are total: a length that does not fit, a
//! foreign character and a group above 2^32 - 1 are errors, nothing is padded and nothing is guessed.
//! Because secret keys pass through here, no branch and no table index depends on a character that
//! is in the alphabet; a digit is looked up by comparing it with all 85.
//!
//! The `z85` crate is the oracle of the tests and not the implementation: it needs `std`, indexes
//! tables with key material, and takes a last group that starts with `#` as padding of its own
//! invention, where the specification has no valid text.
//!
//! ```
//! let text = curve::z85::encode(&[0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b])?;
//! assert_eq!(text, "HelloWorld");
//! assert_eq!(curve::z85::decode(&text)?.len(), 8);
//! # Ok::<(), curve::z85::Z85Error>(())
//! ```

use alloc::string::String;
use alloc::vec::Vec;

/// The digits 0 to 84 in order (32/Z85, "Formal Specification").
const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Why octets have no Z85 text, or text has no octets. Positions count characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Z85Error {
    /// The octets cannot be divided into groups of four.
    #[error("Z85 encodes a multiple of 4 octets, got {0}")]
    OctetCount(usize),
    /// The text cannot be divided into groups of five.
    #[error("Z85 text has a multiple of 5 characters, got {0}")]
    CharacterCount(usize),
    /// A character that is no digit.
    #[error("character `{}` at position {position} is not in the Z85 alphabet", printable(*.found))]
    Character {
        /// What stands there.
        found: char,
        /// Where it stands.
        position: usize,
    },
    /// Five digits whose number does not fit into four octets.
    #[error("the five characters at position {position} are above `%nSc0`, the last Z85 group")]
    Group {
        /// Where the group starts.
        position: usize,
    },
}

/// The text of `octets`.
///
/// # Errors
/// [`Z85Error::OctetCount`] unless there is a multiple of four: padding is the caller's business
/// (32/Z85, "Formal Specification").
pub fn encode(octets: &[u8]) -> Result<String, Z85Error> {
    let (groups, []) = octets.as_chunks() else {
        return Err(Z85Error::OctetCount(octets.len()));
    };
    let mut text = String::with_capacity(groups.len().saturating_mul(5));
    text.extend(characters(groups));
    Ok(text)
}

/// The octets of `text`.
///
/// # Errors
/// The first character that is not in the alphabet, else a length that is no multiple of five, else
/// the first group that stands for more than 2^32 - 1.
pub fn decode(text: &str) -> Result<Vec<u8>, Z85Error> {
    let mut octets = Vec::with_capacity(text.len() / 5 * 4);
    for group in groups(digits(text)?)? {
        octets.extend(group?);
    }
    Ok(octets)
}

/// The characters of whole groups, in order.
pub(crate) fn characters(groups: &[[u8; 4]]) -> impl Iterator<Item = char> {
    groups.iter().flat_map(|octets| {
        let number = u32::from_be_bytes(*octets);
        [85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1]
            .map(|weight| char::from(character(number / weight % 85)))
    })
}

/// Checks every character; what comes back holds nothing else.
pub(crate) fn digits(text: &str) -> Result<&[u8], Z85Error> {
    match (1..).zip(text.chars()).find(|(_, found)| digit(*found).is_none()) {
        Some((position, found)) => Err(Z85Error::Character { found, position }),
        None => Ok(text.as_bytes()),
    }
}

/// The octets of each five `digits`.
pub(crate) fn groups(
    digits: &[u8],
) -> Result<impl Iterator<Item = Result<[u8; 4], Z85Error>>, Z85Error> {
    let (groups, []) = digits.as_chunks::<5>() else {
        return Err(Z85Error::CharacterCount(digits.len()));
    };
    Ok((1..).step_by(5).zip(groups).map(|(position, group)| {
        let number = group.iter().zip(position..).try_fold(0u64, |number, (octet, position)| {
            let found = char::from(*octet);
            let digit = digit(found).ok_or(Z85Error::Character { found, position })?;
            Ok(number * 85 + u64::from(digit))
        })?;
        u32::try_from(number).map(u32::to_be_bytes).map_err(|_| Z85Error::Group { position })
    }))
}

/// The character of a digit below 85.
fn character(digit: u32) -> u8 {
    (0..).zip(ALPHABET).fold(0, |found, (at, character)| found | (character & mask(at == digit)))
}

/// The digit of a character.
fn digit(character: char) -> Option<u8> {
    let octet = u8::try_from(character).ok()?;
    let one_more = (1..)
        .zip(ALPHABET)
        .fold(0u8, |found, (digit, character)| found | (digit & mask(*character == octet)));
    one_more.checked_sub(1)
}

/// All ones for true: what follows is selected without a branch.
const fn mask(condition: bool) -> u8 {
    (condition as u8).wrapping_neg()
}

/// A foreign character, so that it does no harm in a log.
fn printable(found: char) -> String {
    match found {
        ' '..='~' => String::from(found),
        _ => found.escape_default().collect(),
    }
}

#[cfg(test)]
mod tests;
