//! The properties that both sides exchange, whatever the mechanism.

use super::Session;
use crate::error::{Incompatible, Kind, Misbehaved};
use crate::peer::{Claimed, RoutingId};
use crate::socket_type::SocketType;
use crate::wire::metadata::{IDENTITY, Metadata, MetadataError, SOCKET_TYPE};

/// The metadata of a socket: Socket-Type, Identity where the type announces one, then `properties`.
///
/// # Errors
/// [`MetadataError`] if a name or value of `properties` cannot be expressed or is one of the two that
/// stand there already, or if `routing_id` is one that no peer accepts.
pub fn local_metadata(
    socket_type: SocketType,
    routing_id: &RoutingId,
    properties: &Metadata,
) -> Result<Metadata, MetadataError> {
    let mut metadata = Metadata::new();
    if routing_id.is_reserved() {
        return Err(MetadataError::ReservedIdentity);
    }
    metadata.push(SOCKET_TYPE, socket_type.as_str())?;
    if socket_type.announces_identity() {
        metadata.push(IDENTITY, routing_id.to_bytes())?;
    }
    for (name, value) in properties.iter() {
        if [SOCKET_TYPE, IDENTITY].iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(MetadataError::Duplicate);
        }
        metadata.push(name, value.clone())?;
    }
    Ok(metadata)
}

/// Reads and judges the peer's metadata: it parses, the socket types fit, the Identity is legal.
///
/// The Identity of a socket type that has none is ignored (37/ZMTP, "The Identity Property").
///
/// # Errors
/// The rule that the metadata breaks.
pub fn parse_claims(session: &Session, block: &[u8]) -> Result<Claimed, Kind> {
    let metadata = Metadata::decode(block, &session.limits)?;
    let theirs = metadata.get(SOCKET_TYPE).and_then(|value| SocketType::from_property(value));
    let ours = session.socket_type;
    let socket_type = theirs
        .filter(|theirs| ours.accepts(*theirs))
        .ok_or(Incompatible::SocketType { ours, theirs })?;
    let routing_id = match metadata.get(IDENTITY) {
        Some(id) if socket_type.announces_identity() => {
            RoutingId::new(id.clone()).ok_or(Misbehaved::IdentityTooLong)?
        }
        Some(_) | None => RoutingId::default(),
    };
    if routing_id.is_reserved() {
        return Err(Misbehaved::IdentityReserved.into());
    }
    Ok(Claimed {
        version: session.peer_version,
        as_server: session.peer_as_server,
        socket_type,
        routing_id,
        metadata,
    })
}
