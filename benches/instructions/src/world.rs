//! What the parts work with: connections that have shaken hands, and sockets on one thread.

use std::sync::Arc;

use bytes::BytesMut;
use curve::{CurveClient, CurveServer, KeyPair};
use ironhouse::{Options, Pull, Push};
use tokio::runtime::{Builder, Runtime};
use zmtp_core::auth::AuthDecision;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::mechanism::null::Null;
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::Traffic;
use zmtp_core::{Instant, RandomError, RandomSource, SocketType};

use crate::Error;

const NOW: Instant = Instant::ORIGIN;

/// The same numbers every time (SplitMix64).
pub(crate) struct Seeded(u64);

impl RandomSource for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for place in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            place.iter_mut().zip(z.to_le_bytes()).for_each(|(place, octet)| *place = octet);
        }
        Ok(())
    }
}

/// The settings of both sides, and randomness for their connections.
pub(crate) struct World {
    client: Arc<ConnectionConfig>,
    server: Arc<ConnectionConfig>,
    random: Seeded,
}

impl World {
    pub(crate) fn null() -> Self {
        let config = |socket_type| Arc::new(ConnectionConfig::new(socket_type, Arc::new(Null)));
        Self {
            client: config(SocketType::PUSH),
            server: config(SocketType::PULL),
            random: Seeded(1),
        }
    }

    pub(crate) fn curve() -> Result<Self, Error> {
        let mut random = Seeded(1);
        let random_failed = |_: RandomError| "no random octets";
        let keys = KeyPair::generate(&mut random).map_err(random_failed)?;
        let own = KeyPair::generate(&mut random).map_err(random_failed)?;
        let client = CurveClient::new(own, *keys.public()).map_err(|_| "a key of low order")?;
        let server = CurveServer::new(keys);
        Ok(Self {
            client: Arc::new(ConnectionConfig::new(SocketType::PUSH, Arc::new(client))),
            server: Arc::new(ConnectionConfig::new(SocketType::PULL, Arc::new(server))),
            random,
        })
    }

    fn connection(&mut self, config: &Arc<ConnectionConfig>) -> Result<Connection, Error> {
        let link = Link { address: PeerAddress::Unknown, listener: "".into() };
        Connection::new(config.clone(), link, NOW, &mut self.random)
            .map_err(|_| "no random octets".into())
    }

    /// A whole handshake: client and server.
    pub(crate) fn handshake(&mut self) -> Result<[Connection; 2], Error> {
        let (client, server) = (self.client.clone(), self.server.clone());
        let (mut client, mut server) = (self.connection(&client)?, self.connection(&server)?);
        let mut inputs = [BytesMut::new(), BytesMut::new()];
        let [to_client, to_server] = &mut inputs;
        while take(&mut server, &mut client, to_server)?
            | take(&mut client, &mut server, to_client)?
        {}
        Ok([client, server])
    }

    /// Client and server behind their handshake.
    pub(crate) fn traffic(&mut self) -> Result<[Box<Traffic>; 2], Error> {
        let [client, server] = self.handshake()?;
        let traffic = |connection: Connection| {
            connection.into_traffic().map_err(|_| "the handshake came to no end")
        };
        Ok([traffic(client)?, traffic(server)?])
    }
}

/// Takes what `other` has written. Says whether there was anything.
fn take(
    connection: &mut Connection,
    other: &mut Connection,
    input: &mut BytesMut,
) -> Result<bool, Error> {
    while let Some(octets) = other.poll_output() {
        input.extend_from_slice(&octets);
    }
    if input.is_empty() {
        return Ok(false);
    }
    connection.handle_input(NOW, input)?;
    while let Some(event) = connection.poll_event() {
        if matches!(event, Event::AuthRequired(_)) {
            connection.handle_auth(NOW, AuthDecision::accept())?;
        }
    }
    Ok(true)
}

/// PUSH and PULL, connected, and the runtime that serves them while it is told to.
pub(crate) struct Sockets {
    pub(crate) runtime: Runtime,
    pub(crate) push: Push,
    pub(crate) pull: Pull,
}

impl Sockets {
    pub(crate) fn connected(endpoint: &str) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (push, pull) = runtime.block_on(async {
            let pull = Pull::new(Options::new())?;
            let push = Push::new(Options::new())?;
            let endpoint = pull.bind(endpoint).await?;
            push.connect(endpoint)?.ready().await?;
            // Both sides are warm behind the first message.
            push.send("first").await?;
            pull.recv().await?;
            Ok::<_, Error>((push, pull))
        })?;
        Ok(Self { runtime, push, pull })
    }
}
