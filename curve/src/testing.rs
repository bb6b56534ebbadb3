//! What tests of several modules need.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;
use zmtp_core::{RandomError, RandomSource};

/// A source that delivers `n`, `n + 1`, ...
pub(crate) struct Counting(pub(crate) u8);

impl RandomSource for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for octet in out {
            *octet = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

/// A source that is empty.
pub(crate) struct Dry;

impl RandomSource for Dry {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16).unwrap() as u8;
    let (pairs, []) = text.as_bytes().as_chunks() else { panic!("odd hex") };
    pairs.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

pub(crate) fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

/// The published handshake of a REQ with a REP.
pub(crate) struct Published(Value);

impl Published {
    pub(crate) fn load() -> Self {
        let file = include_str!("../../vectors/curve-req-rep.json");
        Self(serde_json::from_str(file).unwrap())
    }

    /// The text at a path below the group.
    pub(crate) fn text(&self, path: &str) -> String {
        self.0.pointer(&format!("/groups/0/{path}")).and_then(Value::as_str).expect(path).into()
    }

    /// The octets at a path below the group.
    pub(crate) fn octets(&self, path: &str) -> Vec<u8> {
        hex(&self.text(path))
    }

    /// The 32 octets at a path below the group.
    pub(crate) fn key(&self, path: &str) -> [u8; 32] {
        array(&self.text(path))
    }

    /// The body of a command, by its place in the handshake.
    pub(crate) fn body(&self, step: usize) -> Vec<u8> {
        self.octets(&format!("tests/0/steps/{step}/body"))
    }
}

/// Every encoding of every point of low order: seven, with the ignored bit clear and set.
pub(crate) fn low_order_points() -> Vec<[u8; 32]> {
    let clear: [[u8; 32]; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]
    .map(array);
    let set = clear.map(|mut point| {
        point[31] |= 0x80;
        point
    });
    clear.into_iter().chain(set).collect()
}
