//! Octets as the specification writes them, made without the encoders under test.

/// The greeting of a 3.1 peer without the server role.
pub(crate) fn greeting(mechanism: &str) -> Vec<u8> {
    let mut octets = vec![0; 64];
    octets[0] = 0xFF;
    octets[9] = 0x7F;
    octets[10] = 3;
    octets[11] = 1;
    octets[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    octets
}

/// The same with one octet changed.
pub(crate) fn greeting_with(mechanism: &str, at: usize, octet: u8) -> Vec<u8> {
    let mut octets = greeting(mechanism);
    octets[at] = octet;
    octets
}

/// The greeting of a peer of another version.
pub(crate) fn greeting_of(mechanism: &str, major: u8, minor: u8) -> Vec<u8> {
    let mut octets = greeting(mechanism);
    octets[10] = major;
    octets[11] = minor;
    octets
}

/// Flags and size: one octet, or eight where LONG is set.
pub(crate) fn header(flags: u8, len: u64) -> Vec<u8> {
    let mut octets = vec![flags];
    if flags & 2 == 0 {
        octets.push(u8::try_from(len).unwrap());
    } else {
        octets.extend(len.to_be_bytes());
    }
    octets
}

pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = header(flags, body.len() as u64);
    octets.extend(body);
    octets
}

/// A frame in its shortest form.
fn shortest(flags: u8, body: &[u8]) -> Vec<u8> {
    frame(if body.len() > 255 { flags | 2 } else { flags }, body)
}

pub(crate) fn command_body(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![u8::try_from(name.len()).unwrap()];
    body.extend(name.as_bytes());
    body.extend(data);
    body
}

pub(crate) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    shortest(4, &command_body(name, data))
}

pub(crate) fn message(parts: &[&[u8]]) -> Vec<u8> {
    let (last, rest) = parts.split_last().unwrap();
    let mut octets: Vec<u8> = rest.iter().flat_map(|part| shortest(1, part)).collect();
    octets.extend(shortest(0, last));
    octets
}

pub(crate) fn property(name: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let mut octets = vec![u8::try_from(name.len()).unwrap()];
    octets.extend(name.as_bytes());
    octets.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    octets.extend(value);
    octets
}

pub(crate) fn ready(socket_type: &str) -> Vec<u8> {
    command("READY", &property("Socket-Type", socket_type))
}

/// Greeting and READY of a NULL peer.
pub(crate) fn hello_null(socket_type: &str) -> Vec<u8> {
    [greeting("NULL"), ready(socket_type)].concat()
}

/// The HELLO of PLAIN.
pub(crate) fn hello(username: &[u8], password: &[u8]) -> Vec<u8> {
    command("HELLO", &credentials(username, password))
}

pub(crate) fn credentials(username: &[u8], password: &[u8]) -> Vec<u8> {
    [username, password].into_iter().flat_map(short_string).collect()
}

/// ERROR with its reason.
pub(crate) fn error(reason: &str) -> Vec<u8> {
    command("ERROR", &short_string(reason.as_bytes()))
}

fn short_string(text: &[u8]) -> Vec<u8> {
    let mut octets = vec![u8::try_from(text.len()).unwrap()];
    octets.extend(text);
    octets
}

pub(crate) fn ping(ttl: u16, context: &[u8]) -> Vec<u8> {
    command("PING", &[&ttl.to_be_bytes(), context].concat())
}

pub(crate) fn pong(context: &[u8]) -> Vec<u8> {
    command("PONG", context)
}

/// Octets from hexadecimal digits; spaces are free.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The frames in a stream, as flags and body; the stream must end with a frame.
pub(crate) fn frames(mut stream: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [flags, rest @ ..] = stream {
        let (len, at) = if flags & 2 == 0 {
            (usize::from(rest[0]), 1)
        } else {
            (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, 8)
        };
        frames.push((*flags, rest[at..at + len].to_vec()));
        stream = &rest[at + len..];
    }
    frames
}
