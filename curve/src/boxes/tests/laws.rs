//! What holds for every box, with `crypto_box` as the independent oracle.

use alloc::format;
use alloc::vec::Vec;

use core::num::NonZero;

use crypto_box::SalsaBox;
use crypto_box::aead::AeadInPlace;
use fearless_simd::Level;
use proptest::prelude::*;
use x25519_dalek::{PublicKey as Point, StaticSecret};

use crate::boxes::*;
use crate::testing::{Counting, Dry, low_order_points};

const PREFIX: [u8; 16] = *b"CurveZMQMESSAGEC";

fn pair(octet: u8) -> (SecretKey, PublicKey) {
    let secret = SecretKey::from_bytes([octet; 32]);
    let public = secret.public_key();
    (secret, public)
}

fn key() -> BoxKey {
    BoxKey::agree(&pair(1).0, &pair(2).1).unwrap()
}

fn oracle() -> SalsaBox {
    SalsaBox::new(&(*pair(1).1.as_bytes()).into(), &[2; 32].into())
}

fn octets(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + len) as u8).collect()
}

fn sealed_by_oracle(nonce: &Nonce, text: &mut [u8]) -> Tag {
    oracle().encrypt_in_place_detached(nonce.into(), &[], text).unwrap().into()
}

fn opened_by_oracle(nonce: &Nonce, tag: &Tag, text: &mut [u8]) -> bool {
    oracle().decrypt_in_place_detached(nonce.into(), &[], text, tag.into()).is_ok()
}

/// Every length around the borders of blocks, of what is made ahead and of what is done in one pass, and one long one.
fn lengths() -> impl Iterator<Item = usize> {
    let borders = (440..=484).chain(540..=580).chain(1022..=1076).chain(1550..=1590);
    (0..=300).chain(borders).chain([4096, 65_536])
}

proptest! {
    // CURVEZMQ-01: on any two keys, the one of this side as its octets are, clamped or not.
    #[test]
    fn keys_agree_as_in_another_implementation(secret: [u8; 32], public: [u8; 32]) {
        let theirs = StaticSecret::from(secret);
        let ours = SecretKey::from_bytes(secret);
        prop_assert_eq!(*ours.public_key().as_bytes(), Point::from(&theirs).to_bytes());
        let shared = theirs.diffie_hellman(&Point::from(public)).to_bytes();
        let agreed = BoxKey::agree(&ours, &PublicKey::from_bytes(public)).unwrap();
        prop_assert_eq!(agreed.0, *hsalsa20(&shared, &[0; 16]));
    }
}

// CURVEZMQ-01
#[test]
fn each_opens_what_the_other_seals() {
    for len in lengths() {
        let nonce = long_nonce(b"WELCOME-", &[len as u8; 16]);
        let mut text = octets(len);
        let tag = key().seal_in_place(&nonce, &mut text);
        assert!(opened_by_oracle(&nonce, &tag, &mut text), "{len}");
        assert_eq!(text, octets(len));

        let tag = sealed_by_oracle(&nonce, &mut text);
        assert_eq!(key().open_in_place(&nonce, &tag, &mut text), Ok(()), "{len}");
        assert_eq!(text, octets(len));
    }
}

// CURVEZMQ-01
#[test]
fn messages_are_boxes_whatever_their_lengths() {
    // Twice the same length in a row, and lengths that rise and fall by steps of many sizes.
    let lengths = lengths().flat_map(|len| [len, len, len * 31 % 97, len * 17 % 503]);
    let mut sender = MessageKey::new(key(), PREFIX);
    let mut receiver = MessageKey::new(key(), PREFIX);
    for (count, len) in (1..).zip(lengths) {
        let nonce = short_nonce(&PREFIX, count);
        let mut text = octets(len);
        let tag = sender.seal_in_place(count, &mut text);
        assert!(opened_by_oracle(&nonce, &tag, &mut text), "{count}: {len}");
        assert_eq!(text, octets(len));

        let tag = sealed_by_oracle(&nonce, &mut text);
        assert_eq!(receiver.open_in_place(count, &tag, &mut text), Ok(()), "{count}: {len}");
        assert_eq!(text, octets(len));
    }
}

/// This machine's vector unit as it is, and as narrower ones.
fn levels() -> impl Iterator<Item = Level> {
    let best = ahead::level();
    #[cfg(target_arch = "x86_64")]
    let narrower = [
        best.as_sse2().map(Level::Sse2),
        best.as_sse4_2().map(Level::Sse4_2),
        best.as_avx2().map(Level::Avx2),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let narrower: [Option<Level>; 0] = [];
    narrower.into_iter().flatten().chain([Level::baseline(), best])
}

// CURVEZMQ-01
#[test]
fn every_vector_unit_gives_the_same_keystream() {
    let each = NonZero::new(2).unwrap();
    let keystream = |level| {
        let mut out = [[[[0; 16]; 4]; salsa20::LANES]; 3];
        salsa20::blocks(level, &[3; 8], u64::MAX - 1, each, &mut out);
        out
    };
    for level in levels() {
        assert_eq!(keystream(level), keystream(ahead::level()), "{level:?}");
    }
}

// CURVEZMQ-01
#[test]
fn every_vector_unit_makes_the_same_boxes_in_one_pass() {
    let nonce = short_nonce(&PREFIX, 1);
    for level in levels() {
        for len in lengths().filter(|len| long::LENGTHS.contains(len)) {
            let mut ahead = ahead::Ahead::new(&hsalsa20(&key().0, &PREFIX));
            let long = ahead.long_at(level, 1).unwrap();
            let mut text = octets(len);
            let tag = long.seal_in_place(&mut text);
            let mut expected = octets(len);
            assert_eq!(tag, key().seal_in_place(&nonce, &mut expected), "{level:?}: {len}");
            assert!(text == expected, "{level:?}: {len}");
            assert_eq!(long.open_in_place(&tag, &mut text), Ok(()), "{level:?}: {len}");
            assert!(text == octets(len), "{level:?}: {len}");
        }
    }
}

/// Where words and the sum overflow (RFC 8439, A.3, 7 to 11): key, text and tag by what they begin with.
#[test]
fn sums_at_the_edge_of_the_field() {
    let filled = |first, rest| {
        let mut octets = [rest; 16];
        octets[0] = first;
        octets
    };
    let cases = [
        (2, filled(0, 0), [filled(0xff, 0xff)].concat(), filled(3, 0)),
        (2, filled(0xff, 0xff), [filled(2, 0)].concat(), filled(3, 0)),
        (
            1,
            filled(0, 0),
            [filled(0xff, 0xff), filled(0xf0, 0xff), filled(0x11, 0)].concat(),
            filled(5, 0),
        ),
        (
            1,
            filled(0, 0),
            [filled(0xff, 0xff), filled(0xfb, 0xfe), filled(1, 1)].concat(),
            filled(0, 0),
        ),
        (2, filled(0, 0), [filled(0xfd, 0xff)].concat(), filled(0xfa, 0xff)),
    ];
    for (point, pad, text, tag) in cases {
        let mut key = [0; 32];
        key[0] = point;
        key[16..].copy_from_slice(&pad);
        assert_eq!(poly1305::Poly1305::new(&key).finish(&text), tag);
    }
}

/// Octets of which most are the least or the greatest there are, so that words overflow.
fn extreme(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], len)
}

proptest! {
    #[test]
    fn authenticators_are_those_of_another_implementation(key in extreme(32), text in extreme(0..200)) {
        let key: [u8; 32] = key.try_into().unwrap();
        let mut expected = [0; TAG_LEN];
        dryoc::classic::crypto_onetimeauth::crypto_onetimeauth(&mut expected, &text, &key);
        prop_assert_eq!(poly1305::Poly1305::new(&key).finish(&text), expected);
    }
}

// CURVEZMQ-01
#[test]
fn counts_may_jump_and_reach_the_end() {
    let mut key = MessageKey::new(key(), PREFIX);
    let edges = [u64::MAX - 9, u64::MAX - 1, u64::MAX, 0, 1, 1 << 32, (1 << 32) - 1, 9, 3, 2];
    for count in edges {
        for len in [0, 32, 33, 200, 480, 481, 2000] {
            let mut text = octets(len);
            let tag = key.seal_in_place(count, &mut text);
            assert!(opened_by_oracle(&short_nonce(&PREFIX, count), &tag, &mut text), "{count}");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for len in [0, 1, 17, 64, 65, 144, 600, 1100] {
        let nonce = short_nonce(&PREFIX, 1);
        let mut good = octets(len);
        let good_tag = key().seal_in_place(&nonce, &mut good);
        let (key, mut message) = (key(), MessageKey::new(key(), PREFIX));
        for bit in 0..(TAG_LEN + len) * 8 {
            let (mut tag, mut text) = (good_tag, good.clone());
            let flipped = tag.iter_mut().chain(&mut text).nth(bit / 8);
            *flipped.unwrap() ^= 1 << (bit % 8);
            assert_eq!(key.open_in_place(&nonce, &tag, &mut text.clone()), Err(Unopenable));
            let kept = text.clone();
            assert_eq!(message.open_in_place(1, &tag, &mut text), Err(Unopenable));
            let left = text == kept || text.iter().all(|octet| *octet == 0);
            assert!(left, "nothing that was decrypted is left");
        }
        for bit in 0..nonce.len() * 8 {
            let mut nonce = nonce;
            nonce[bit / 8] ^= 1 << (bit % 8);
            let opened = key.open_in_place(&nonce, &good_tag, &mut good.clone());
            assert_eq!(opened, Err(Unopenable));
        }
        for bit in 0..64 {
            let opened = message.open_in_place(1 ^ 1 << bit, &good_tag, &mut good.clone());
            assert_eq!(opened, Err(Unopenable));
        }
        assert_eq!(message.open_in_place(1, &good_tag, &mut good), Ok(()));
    }
}

#[test]
fn a_box_of_the_other_direction_is_refused() {
    for len in [1, 600] {
        let mut text = octets(len);
        let tag = MessageKey::new(key(), PREFIX).seal_in_place(1, &mut text);
        let mut other = MessageKey::new(key(), *b"CurveZMQMESSAGES");
        assert_eq!(other.open_in_place(1, &tag, &mut text), Err(Unopenable));
    }
}

// CURVEZMQ-53
#[test]
fn keys_of_low_order_agree_with_nobody() {
    for point in low_order_points() {
        let refused = BoxKey::agree(&pair(1).0, &PublicKey::from_bytes(point));
        assert_eq!(refused.err(), Some(KeyError::LowOrder));
    }
}

// CURVEZMQ-04
#[test]
fn no_secret_in_any_debug() {
    let key = key();
    let message = MessageKey::new(key.clone(), PREFIX);
    assert_eq!(format!("{key:?} {message:?}"), "BoxKey(..) MessageKey(..)");
}

#[test]
fn a_box_key_is_drawn_from_the_source() {
    let key = BoxKey::generate(&mut Counting(0xa0)).unwrap();
    assert_eq!(key.0[..2], [0xa0, 0xa1]);
    assert_eq!(BoxKey::generate(&mut Dry).err(), Some(RandomError));
}

proptest! {
    // CURVEZMQ-01
    #[test]
    fn any_keys_agree(ours: [u8; 32], theirs: [u8; 32], nonce: [u8; 24], plain: Vec<u8>) {
        let (ours, theirs) = (SecretKey::from_bytes(ours), SecretKey::from_bytes(theirs));
        let one = BoxKey::agree(&ours, &theirs.public_key()).unwrap();
        let other = BoxKey::agree(&theirs, &ours.public_key()).unwrap();
        let mut text = plain.clone();
        let tag = one.seal_in_place(&nonce, &mut text);

        let mut expected = plain.clone();
        let theirs = (*theirs.public_key().as_bytes()).into();
        let oracle = SalsaBox::new(&theirs, &(*ours.as_bytes()).into());
        let oracle = oracle.encrypt_in_place_detached(&nonce.into(), &[], &mut expected).unwrap();
        prop_assert_eq!((&text, tag.as_slice()), (&expected, oracle.as_slice()));

        prop_assert_eq!(other.open_in_place(&nonce, &tag, &mut text), Ok(()));
        prop_assert_eq!(text, plain);
    }

    // CURVEZMQ-01
    #[test]
    fn any_sequence_of_messages(sequence: Vec<(u64, u8, usize)>) {
        let mut sender = MessageKey::new(key(), PREFIX);
        let mut count = 0;
        for (jump, near, len) in sequence {
            count = if near < 200 { count + 1 } else { jump };
            let mut text = octets(len % 2500);
            let mut expected = text.clone();
            let tag = sender.seal_in_place(count, &mut text);
            let oracle = sealed_by_oracle(&short_nonce(&PREFIX, count), &mut expected);
            prop_assert_eq!((text, tag), (expected, oracle));
        }
    }
}
