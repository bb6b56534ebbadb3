//! CURVE keys in the forms that both sides take.

use ironhouse::{KeyPair, PublicKey, curve_keypair};
use libzmq_reference as zmq;

/// A key pair for either side.
#[derive(Debug, Clone)]
pub struct Keys(pub KeyPair);

impl Keys {
    /// A new pair.
    ///
    /// # Panics
    /// If the system has no randomness.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "no two pairs are equal")]
    pub fn new() -> Self {
        Self(curve_keypair().expect("randomness"))
    }

    /// Ours.
    #[must_use]
    pub fn pair(&self) -> KeyPair {
        self.0.clone()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        *self.0.public()
    }

    /// Makes a socket of libzmq the CURVE server with this pair.
    ///
    /// # Errors
    /// What libzmq says.
    pub fn serve(&self, socket: &zmq::Socket) -> Result<(), zmq::Error> {
        socket.curve_server(true)?.curve_secretkey(self.0.secret().as_bytes())?;
        Ok(())
    }

    /// Makes a socket of libzmq a CURVE client with this pair.
    ///
    /// # Errors
    /// What libzmq says.
    pub fn present(&self, socket: &zmq::Socket, server: &PublicKey) -> Result<(), zmq::Error> {
        socket
            .curve_serverkey(server.as_bytes())?
            .curve_publickey(self.0.public().as_bytes())?
            .curve_secretkey(self.0.secret().as_bytes())?;
        Ok(())
    }
}
