//! Two peers of CURVE.

use std::sync::Arc;

use bytes::BytesMut;
use curve::{CurveClient, CurveServer, KeyPair, SecretKey};
use zmtp_core::auth::AuthDecision;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::Traffic;
use zmtp_core::{Instant, RandomError, RandomSource, SocketType};

use crate::Error;

const NOW: Instant = Instant::ORIGIN;

/// The same numbers every time.
struct Counting(u8);

impl RandomSource for Counting {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), RandomError> {
        for octet in octets {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *octet = self.0;
        }
        Ok(())
    }
}

/// Client and server behind their handshake.
pub(crate) fn established() -> Result<[Box<Traffic>; 2], Error> {
    let pair = |octet| KeyPair::from_secret(SecretKey::from_bytes([octet; 32]));
    let client = CurveClient::new(pair(1), *pair(2).public()).map_err(|_| "a bad key")?;
    let mut client = connection(ConnectionConfig::new(SocketType::PUSH, Arc::new(client)), 3)?;
    let server = CurveServer::new(pair(2));
    let mut server = connection(ConnectionConfig::new(SocketType::PULL, Arc::new(server)), 4)?;
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let [to_client, to_server] = &mut inputs;
    while take(&mut server, &mut client, to_server)? | take(&mut client, &mut server, to_client)? {}
    let traffic = |connection: Connection| {
        connection.into_traffic().map_err(|_| "the handshake came to no end")
    };
    Ok([traffic(client)?, traffic(server)?])
}

fn connection(config: ConnectionConfig, seed: u8) -> Result<Connection, Error> {
    let link = Link { address: PeerAddress::Unknown, listener: "".into() };
    Connection::new(Arc::new(config), link, NOW, &mut Counting(seed))
        .map_err(|_| "no random octets".into())
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
