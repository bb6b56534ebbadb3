//! ZMTP read by hand, slowly and without cleverness: the model that the decoders are compared with.

use zmtp_core::Limits;
use zmtp_core::mechanism::Role;

/// What a greeting of 64 octets says, if it is one of ZMTP 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Major and minor version.
    pub version: (u8, u8),
    /// The name and its padding.
    pub mechanism: Vec<u8>,
    /// Whether the server role is claimed.
    pub as_server: bool,
}

/// Reads the first 64 octets, if there are so many and they are a greeting.
#[must_use]
pub fn greeting(octets: &[u8]) -> Option<Greeting> {
    let octets = octets.get(..64)?;
    if octets[0] != 0xFF || octets[9] != 0x7F || octets[10] < 3 || octets[32] > 1 {
        return None;
    }
    Some(Greeting {
        version: (octets[10], octets[11]),
        mechanism: octets[12..32].to_vec(),
        as_server: octets[32] == 1,
    })
}

/// What stands at the front of a stream of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Front {
    /// Not enough to say.
    Incomplete,
    /// No frame: this many octets show it.
    Wrong(usize),
    /// A header.
    Header {
        /// COMMAND is set.
        command: bool,
        /// MORE is set.
        more: bool,
        /// Octets of the header.
        at: usize,
        /// Octets of the body.
        len: u64,
    },
}

/// Reads one header.
#[must_use]
pub fn front(octets: &[u8]) -> Front {
    let Some(&flags) = octets.first() else { return Front::Incomplete };
    if flags > 7 || flags & 5 == 5 {
        return Front::Wrong(1);
    }
    let (command, more) = (flags & 4 != 0, flags & 1 != 0);
    let size = if flags & 2 == 0 { 1 } else { 8 };
    if size == 8 && octets.get(1).is_some_and(|top| *top > 127) {
        return Front::Wrong(2);
    }
    let Some(digits) = octets.get(1..=size) else { return Front::Incomplete };
    let len = digits.iter().fold(0, |len, digit| len << 8 | u64::from(*digit));
    Front::Header { command, more, at: 1 + size, len }
}

/// The whole frames at the beginning of a stream, as flags (1 MORE, 4 COMMAND) and body.
#[must_use]
pub fn frames(mut stream: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Front::Header { command, more, at, len } = front(stream) {
        let Some(body) = usize::try_from(len).ok().and_then(|len| stream[at..].get(..len)) else {
            break;
        };
        frames.push((u8::from(command) * 4 + u8::from(more), body.to_vec()));
        stream = &stream[at + body.len()..];
    }
    frames
}

/// Name and data of a command.
#[must_use]
pub fn command(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(*body.first()?);
    let (name, data) = (body.get(1..=len)?, &body[1 + len..]);
    let letters = name.iter().all(|octet| octet.is_ascii_alphabetic());
    (len > 0 && letters).then_some((name, data))
}

/// The properties in a block of metadata.
#[must_use]
pub fn metadata(mut block: &[u8], limits: &Limits) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if block.len() > limits.max_metadata {
        return None;
    }
    let mut properties: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    while !block.is_empty() {
        let end = 1 + usize::from(block[0]);
        let (name, size) = (block.get(1..end)?, block.get(end..end + 4)?);
        let len = u32::from_be_bytes([size[0], size[1], size[2], size[3]]);
        let value = block.get(end + 4..)?.get(..len as usize)?;
        let legal = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.+".contains(octet);
        let name = name.to_vec();
        if len > i32::MAX as u32 || name.is_empty() || !name.iter().all(legal) {
            return None;
        }
        let only_once = [&b"socket-type"[..], b"identity"];
        if only_once.contains(&&name.to_ascii_lowercase()[..])
            && lookup(&properties, &name).is_some()
        {
            return None;
        }
        properties.push((name, value.to_vec()));
        block = &block[end + 4 + len as usize..];
    }
    (properties.len() <= limits.max_properties).then_some(properties)
}

/// Whether a stream holds all that a DEALER in this role must hear from its peer until the handshake
/// is complete, for a mechanism without boxes. Nobody is refused by an authenticator.
#[must_use]
pub fn handshake(mechanism: &str, role: Role, stream: &[u8]) -> bool {
    let Some(greeting) = greeting(stream) else { return false };
    let padded = &super::octets::greeting(mechanism, false)[12..32];
    let is_server = mechanism != "NULL" && role == Role::Server;
    if greeting.mechanism != padded || (greeting.as_server && is_server) {
        return false;
    }
    let frames = frames(&stream[64..]);
    let data_of = |at: usize, wanted: &[u8]| {
        let (flags, body): &(u8, Vec<u8>) = frames.get(at)?;
        let (name, data) = command(body)?;
        (*flags == 4 && name == wanted).then(|| data.to_vec())
    };
    let claims = |at, name| data_of(at, name).is_some_and(|data| claims(&data));
    match (mechanism, role) {
        ("NULL", _) => claims(0, b"READY"),
        (_, Role::Client) => {
            data_of(0, b"WELCOME").is_some_and(|it| it.is_empty()) && claims(1, b"READY")
        }
        (_, Role::Server) => {
            data_of(0, b"HELLO").is_some_and(|data| is_credentials(&data)) && claims(1, b"INITIATE")
        }
    }
}

/// Two short strings and nothing else.
fn is_credentials(data: &[u8]) -> bool {
    let behind = |data: &[u8]| data.get(1 + usize::from(*data.first()?)..).map(<[u8]>::to_vec);
    let rest = behind(data).and_then(|rest| behind(&rest));
    rest.is_some_and(|rest| rest.is_empty())
}

/// Whether metadata is that of a peer that a DEALER talks to.
#[must_use]
pub fn claims(block: &[u8]) -> bool {
    let Some(properties) = metadata(block, &Limits::DEFAULT) else { return false };
    let identity = lookup(&properties, b"Identity").unwrap_or_default();
    let fits = [&b"DEALER"[..], b"REP", b"ROUTER"];
    lookup(&properties, b"Socket-Type").is_some_and(|it| fits.contains(&it))
        && identity.len() <= 255
        && identity.first() != Some(&0)
}

/// The first value of a name, whatever its case.
#[must_use]
pub fn lookup<'a>(properties: &'a [(Vec<u8>, Vec<u8>)], name: &[u8]) -> Option<&'a [u8]> {
    let found = properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_slice())
}
