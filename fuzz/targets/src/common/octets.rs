//! ZMTP as the specification writes it, made without the encoders under test.

/// The greeting of a 3.1 peer.
#[must_use]
pub fn greeting(mechanism: &str, as_server: bool) -> Vec<u8> {
    let mut octets = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1];
    octets.extend(mechanism.as_bytes());
    octets.resize(64, 0);
    octets[32] = u8::from(as_server);
    octets
}

/// A frame in its shortest form. Flags: 1 MORE, 4 COMMAND.
#[must_use]
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = match u8::try_from(body.len()) {
        Ok(size) => vec![flags, size],
        Err(_) => long_header(flags, body.len() as u64),
    };
    octets.extend(body);
    octets
}

/// The header of a frame in its long form.
#[must_use]
pub fn long_header(flags: u8, size: u64) -> Vec<u8> {
    let mut octets = vec![flags | 2];
    octets.extend(size.to_be_bytes());
    octets
}

/// One octet of length and the text, of which at most 255 octets count.
#[must_use]
pub fn short_string(text: &[u8]) -> Vec<u8> {
    let text = text.get(..255).unwrap_or(text);
    let mut octets = vec![text.len() as u8];
    octets.extend(text);
    octets
}

/// A command frame.
#[must_use]
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[short_string(name.as_bytes()), data.to_vec()].concat())
}

/// One property.
#[must_use]
pub fn property(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut octets = short_string(name);
    octets.extend((value.len() as u32).to_be_bytes());
    octets.extend(value);
    octets
}

/// The metadata of a socket of this type.
#[must_use]
pub fn socket_type(name: &str) -> Vec<u8> {
    property(b"Socket-Type", name.as_bytes())
}
