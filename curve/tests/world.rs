//! Keys, settings and randomness of the tests.

use std::sync::Arc;

use curve::{CurveClient, CurveServer, KeyPair, PublicKey, SecretKey};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::{RandomError, RandomSource, SocketType};

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
