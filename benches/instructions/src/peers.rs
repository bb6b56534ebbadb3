//! Two peers in one place, without sockets: their handshake, and what is left of it.

use std::sync::Arc;

use bytes::BytesMut;
use zmtp_core::Instant;
use zmtp_core::auth::AuthDecision;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::Traffic;

use crate::Error;

#[path = "../../../curve/tests/seeded.rs"]
mod seeded;

pub(crate) use seeded::Seeded;

const NOW: Instant = Instant::ORIGIN;

pub(crate) fn connection(
    config: &Arc<ConnectionConfig>,
    random: &mut Seeded,
) -> Result<Connection, Error> {
    let link = Link { address: PeerAddress::Unknown, listener: "".into() };
    Connection::new(config.clone(), link, NOW, random).map_err(|_| "no random octets".into())
}

/// A whole handshake of a client and a server.
pub(crate) fn handshake(
    mut client: Connection,
    mut server: Connection,
) -> Result<[Connection; 2], Error> {
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let [to_client, to_server] = &mut inputs;
    while take(&mut server, &mut client, to_server)? | take(&mut client, &mut server, to_client)? {}
    Ok([client, server])
}

/// Both behind their handshake.
pub(crate) fn traffic([client, server]: [Connection; 2]) -> Result<[Box<Traffic>; 2], Error> {
    let traffic = |connection: Connection| {
        connection.into_traffic().map_err(|_| "the handshake came to no end")
    };
    Ok([traffic(client)?, traffic(server)?])
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
