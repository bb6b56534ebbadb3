//! Z85, both ways: octets to text and text to octets.

use curve::{KeyPair, PublicKey, SecretKey};

/// What encodes decodes to itself, what decodes encodes to itself, and the rest is what no value has.
pub fn run(data: &[u8]) {
    encode(data);
    if let Ok(text) = str::from_utf8(data) {
        decode(text);
        keys(text);
    }
}

fn encode(data: &[u8]) {
    let text = curve::z85::encode(data);
    assert_eq!(text.is_ok(), data.len().is_multiple_of(4));
    if let Ok(text) = text {
        assert_eq!(text, z85::encode(data), "as the other crate");
        assert_eq!(curve::z85::decode(&text).as_deref(), Ok(data));
    }
}

fn decode(text: &str) {
    let octets = curve::z85::decode(text);
    assert_eq!(octets.as_ref().ok(), by_hand(text).as_ref());
    if let Ok(octets) = octets {
        assert_eq!(curve::z85::encode(&octets).as_deref(), Ok(text));
    }
}

/// The value of each five characters, if every one has a value.
fn by_hand(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "0123456789abcdefghijklmnopqrstuvwxyz\
        ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let mut octets = Vec::new();
    for group in text.as_bytes().chunks(5) {
        let mut value: u64 = 0;
        for octet in group {
            value = value * 85 + ALPHABET.find(char::from(*octet))? as u64;
        }
        if group.len() < 5 || value > u64::from(u32::MAX) {
            return None;
        }
        octets.extend((value as u32).to_be_bytes());
    }
    Some(octets)
}

fn keys(text: &str) {
    let public = text.parse::<PublicKey>();
    let expected = by_hand(text).and_then(|octets| <[u8; 32]>::try_from(octets).ok());
    assert_eq!(public.ok().map(|key| *key.as_bytes()), expected);
    if let Ok(secret) = SecretKey::from_z85(text) {
        assert_eq!(*secret.to_z85(), text);
        let pair = KeyPair::from_secret(secret);
        assert!(!format!("{pair:?}").contains(text) || pair.public().to_string() == text);
    }
}
