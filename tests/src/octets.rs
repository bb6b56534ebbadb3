//! ZMTP as the specification writes it, made without the encoders under test.

/// The greeting of a 3.1 peer.
///
/// # Panics
/// If the name has more than 20 octets.
#[must_use]
pub fn greeting(mechanism: &str) -> Vec<u8> {
    let mut octets = vec![0; 64];
    octets[0] = 0xFF;
    octets[9] = 0x7F;
    octets[10] = 3;
    octets[11] = 1;
    octets[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    octets
}

/// The same from a peer that claims the server role.
///
/// # Panics
/// If the name has more than 20 octets.
#[must_use]
pub fn server_greeting(mechanism: &str) -> Vec<u8> {
    let mut octets = greeting(mechanism);
    octets[32] = 1;
    octets
}

/// Flags, size and body in its shortest form. Flags: 1 MORE, 4 COMMAND.
#[must_use]
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = match u8::try_from(body.len()) {
        Ok(size) => vec![flags, size],
        Err(_) => {
            let mut long = vec![flags | 2];
            long.extend((body.len() as u64).to_be_bytes());
            long
        }
    };
    octets.extend(body);
    octets
}

/// The header of a long frame, whatever comes behind it.
#[must_use]
pub fn long_header(flags: u8, size: u64) -> Vec<u8> {
    let mut octets = vec![flags | 2];
    octets.extend(size.to_be_bytes());
    octets
}

/// A command frame.
///
/// # Panics
/// If the name has more than 255 octets.
#[must_use]
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = short_string(name.as_bytes());
    body.extend(data);
    frame(4, &body)
}

/// One octet of length and the text.
///
/// # Panics
/// If it has more than 255 octets.
#[must_use]
pub fn short_string(text: &[u8]) -> Vec<u8> {
    let mut octets = vec![u8::try_from(text.len()).expect("at most 255 octets")];
    octets.extend(text);
    octets
}

/// One property.
///
/// # Panics
/// If the name has more than 255 octets.
#[must_use]
pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let mut octets = short_string(name.as_bytes());
    octets.extend(u32::try_from(value.len()).expect("less than 4 GiB").to_be_bytes());
    octets.extend(value);
    octets
}

/// Socket-Type and Identity, as in READY and INITIATE.
#[must_use]
pub fn properties(socket_type: &str, identity: &str) -> Vec<u8> {
    let socket_type = property("Socket-Type", socket_type.as_bytes());
    [socket_type, property("Identity", identity.as_bytes())].concat()
}

/// READY of NULL.
#[must_use]
pub fn ready(socket_type: &str) -> Vec<u8> {
    command("READY", &property("Socket-Type", socket_type.as_bytes()))
}

/// HELLO of PLAIN.
#[must_use]
pub fn plain_hello(username: &str, password: &str) -> Vec<u8> {
    let data = [short_string(username.as_bytes()), short_string(password.as_bytes())].concat();
    command("HELLO", &data)
}

/// INITIATE of PLAIN.
#[must_use]
pub fn plain_initiate(socket_type: &str) -> Vec<u8> {
    command("INITIATE", &property("Socket-Type", socket_type.as_bytes()))
}

/// ERROR with its reason.
#[must_use]
pub fn error(reason: &str) -> Vec<u8> {
    command("ERROR", &short_string(reason.as_bytes()))
}

/// The frames at the beginning of a stream, as flags and body; what is incomplete is left out.
#[must_use]
pub fn frames(mut stream: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((flags, body, rest)) = split_frame(stream) {
        frames.push((flags, body.to_vec()));
        stream = rest;
    }
    frames
}

fn split_frame(stream: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (flags, rest) = stream.split_first()?;
    let (size, rest) = if flags & 2 == 0 {
        let (size, rest) = rest.split_first()?;
        (usize::from(*size), rest)
    } else {
        let (size, rest) = rest.split_first_chunk::<8>()?;
        (usize::try_from(u64::from_be_bytes(*size)).ok()?, rest)
    };
    let (body, rest) = rest.split_at_checked(size)?;
    Some((*flags, body, rest))
}

/// The names of the commands in a stream behind its greeting, in order; messages are `"-"`.
#[must_use]
pub fn command_names(stream: &[u8]) -> Vec<String> {
    let name = |body: &[u8]| {
        let (len, rest) = body.split_first()?;
        Some(String::from_utf8_lossy(rest.get(..usize::from(*len))?).into_owned())
    };
    frames(stream.get(64..).unwrap_or_default())
        .iter()
        .map(|(flags, body)| match flags & 4 {
            0 => "-".to_owned(),
            _ => name(body).unwrap_or_else(|| "?".to_owned()),
        })
        .collect()
}
