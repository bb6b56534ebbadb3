//! Keys, settings and randomness of the tests.

use std::sync::Arc;

use curve::{CurveClient, CurveServer, KeyPair, PublicKey, SecretKey};
use zmtp_core::SocketType::{DEALER, ROUTER};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::peer::RoutingId;
use zmtp_core::wire::metadata::Metadata;
use zmtp_core::{RandomError, RandomSource, SocketType};

use crate::oracle::public;
pub(crate) use crate::seeded::Seeded;
use crate::support::{Node, Pair};

/// c: the secret half of the client's permanent key.
pub(crate) const CLIENT: [u8; 32] = [0xC1; 32];

/// s: the secret half of the server's permanent key.
pub(crate) const SERVER: [u8; 32] = [0x5E; 32];

/// A property of the client that must not be seen on the wire.
pub(crate) const PROPERTY: &str = "X-Whispered";

/// Randomness written down beforehand; it runs dry behind the last octet.
pub(crate) struct Script(Vec<u8>);

impl Script {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        Self(parts.concat())
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.is_empty()
    }
}

impl RandomSource for Script {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        out.copy_from_slice(self.0.get(..out.len()).ok_or(RandomError)?);
        self.0.drain(..out.len());
        Ok(())
    }
}

pub(crate) fn pair(secret: [u8; 32]) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes(secret))
}

pub(crate) fn client(
    socket_type: SocketType,
    secret: [u8; 32],
    server: [u8; 32],
) -> ConnectionConfig {
    let security = CurveClient::new(pair(secret), PublicKey::from_bytes(server)).unwrap();
    ConnectionConfig::new(socket_type, Arc::new(security))
}

pub(crate) fn server(socket_type: SocketType, secret: [u8; 32]) -> ConnectionConfig {
    ConnectionConfig::new(socket_type, Arc::new(CurveServer::new(pair(secret))))
}

/// A DEALER that is called `whisperer` and has [`PROPERTY`].
pub(crate) fn a_client() -> ConnectionConfig {
    let mut properties = Metadata::new();
    properties.push(PROPERTY, "from me to you").unwrap();
    let routing_id = RoutingId::new("whisperer").unwrap();
    let config = client(DEALER, CLIENT, public(&SERVER));
    config.with_metadata(&routing_id, &properties).unwrap()
}

/// A ROUTER.
pub(crate) fn a_server() -> ConnectionConfig {
    server(ROUTER, SERVER)
}

pub(crate) fn client_node() -> Node {
    Node::with_random(a_client(), &mut Seeded(1))
}

pub(crate) fn server_node() -> Node {
    Node::with_random(a_server(), &mut Seeded(2))
}

/// Both, not connected yet.
pub(crate) fn both() -> Pair {
    Pair::of(client_node(), server_node())
}

/// Every encoding of every point of low order: seven, with the ignored bit clear and set.
pub(crate) fn low_order_points() -> Vec<[u8; 32]> {
    let clear = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]
    .map(|text| <[u8; 32]>::try_from(crate::support::hex(text)).unwrap());
    let set = clear.map(|mut point| {
        point[31] |= 0x80;
        point
    });
    clear.into_iter().chain(set).collect()
}

/// Flips one bit.
pub(crate) fn flip(octets: &mut [u8], bit: usize) {
    octets[bit / 8] ^= 1 << (bit % 8);
}
