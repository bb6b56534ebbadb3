//! Two peers in one place, without sockets: their handshake, and what is left of it.

use std::sync::Arc;

use bytes::BytesMut;
use zmtp_core::auth::AuthDecision;
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::Traffic;
use zmtp_core::{Instant, RandomError, RandomSource};

use crate::Error;

const NOW: Instant = Instant::ORIGIN;

/// The same numbers every time (SplitMix64).
pub(crate) struct Seeded(pub(crate) u64);

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
