use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use proptest::prelude::*;

use super::*;
use crate::testing::{Counting, Dry, Published, array, low_order_points};

/// Text and octets of the keys that 26/CURVEZMQ publishes for tests.
fn published() -> [(&'static str, [u8; 32]); 4] {
    [
        (
            "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
            array("bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518"),
        ),
        (
            "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
            array("7bb864b489afa3671fbe69101f94b38972f24816dfb01b51656b3fec8dfd0888"),
        ),
        (
            "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
            array("54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652"),
        ),
        (
            "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
            array("8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7"),
        ),
    ]
}

// Z85-07
#[test]
fn published_keys_and_their_text() {
    for (text, octets) in published() {
        let public: PublicKey = text.parse().unwrap();
        assert_eq!(public, PublicKey::from_bytes(octets));
        assert_eq!(public.to_string(), text);
        let secret = SecretKey::from_z85(text).unwrap();
        assert_eq!(secret.as_bytes(), &octets);
        assert_eq!(secret.to_z85().as_str(), text);
    }
    let [client_public, client_secret, server_public, server_secret] =
        published().map(|(text, _)| text);
    assert!(KeyPair::from_z85(client_public, client_secret).is_ok());
    assert!(KeyPair::from_z85(server_public, server_secret).is_ok());
    assert_eq!(KeyPair::from_z85(client_public, server_secret), Err(KeyError::Mismatch));
}

// CURVEZMQ-01
#[test]
fn public_keys_are_derived_as_published() {
    let vector = Published::load();
    for (secret, public) in [
        ("client_secret", "client_public"),
        ("server_secret", "server_public"),
        ("tests/0/random/client_transient_secret", "tests/0/derived/client_transient_public"),
        ("tests/0/random/server_transient_secret", "tests/0/derived/server_transient_public"),
    ] {
        let secret = SecretKey::from_bytes(vector.key(secret));
        assert_eq!(secret.public_key().as_bytes(), &vector.key(public));
    }
}

// Z85-02
#[test]
fn a_key_has_forty_characters() {
    let (text, _) = published()[0];
    for len in [0, 1, 4, 35, 39, 41, 45, 80] {
        let wrong: String = text.chars().cycle().take(len).collect();
        assert_eq!(wrong.parse::<PublicKey>(), Err(KeyError::Length(len)));
        assert_eq!(SecretKey::from_z85(&wrong), Err(KeyError::Length(len)));
    }
    assert_eq!(
        text[1..].parse::<PublicKey>().unwrap_err().to_string(),
        "a CURVE key has 40 characters of Z85, got 39"
    );
}

// hostile: V9
#[test]
fn no_text_and_no_file_makes_a_shorter_or_unchecked_key() {
    // From octets a key is made of an array, so that another length is a type error; from text, of
    // forty characters that were all judged. No constructor takes a slice.
    let make: fn([u8; KEY_LEN]) -> PublicKey = PublicKey::from_bytes;
    assert_eq!(make([7; KEY_LEN]).as_bytes().len(), 32);
    let [(text, _), ..] = published();
    for len in 0..=200 {
        let text: String = text.chars().cycle().take(len).collect();
        assert_eq!(text.parse::<PublicKey>().is_ok(), len == KEY_TEXT_LEN, "{len}");
        assert_eq!(SecretKey::from_z85(&text).is_ok(), len == KEY_TEXT_LEN, "{len}");
    }
    for at in 0..KEY_TEXT_LEN {
        for foreign in ['\0', '"', '~', '\u{e9}'] {
            let with: String =
                text.chars().enumerate().map(|(i, c)| if i == at { foreign } else { c }).collect();
            assert!(SecretKey::from_z85(&with).is_err(), "{foreign:?} at {at}");
        }
    }
}

// Z85-08, Z85-09
#[test]
fn the_text_of_a_key_is_checked() {
    let (text, _) = published()[0];
    for (wrong, message) in [
        (text.replacen('v', "\"", 1), "character `\"` at position 8 is not in the Z85 alphabet"),
        (format!(" {text}"), "character ` ` at position 1 is not in the Z85 alphabet"),
        (
            "#####".repeat(8),
            "the five characters at position 1 are above `%nSc0`, the last Z85 group",
        ),
    ] {
        assert_eq!(wrong.parse::<PublicKey>().unwrap_err().to_string(), message);
        assert_eq!(SecretKey::from_z85(&wrong).unwrap_err().to_string(), message);
    }
}

// CURVEZMQ-53
#[test]
fn keys_of_low_order_are_told_apart() {
    for octets in low_order_points() {
        let key = PublicKey::from_bytes(octets);
        assert!(key.is_low_order(), "{key}");
        assert_eq!(key.to_string().parse(), Ok(key), "it is still a name");
    }
    for (_, octets) in published() {
        assert!(!PublicKey::from_bytes(octets).is_low_order());
    }
}

// CURVEZMQ-04
#[test]
fn no_secret_in_any_debug() {
    for (text, octets) in published() {
        let pair = KeyPair::from_secret(SecretKey::from_bytes(octets));
        let shown = format!("{pair:?} {:?} {:#?}", pair.secret(), pair);
        for form in [
            text.to_owned(),
            format!("{octets:?}"),
            format!("{}, {}", octets[0], octets[1]),
            octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        ] {
            assert!(!shown.contains(&form), "{shown}");
        }
    }
    assert_eq!(format!("{:?}", SecretKey::from_bytes([7; 32])), "SecretKey(..)");
    for position in 0..40 {
        let mut wrong = published()[1].0.to_owned();
        wrong.replace_range(position..=position, "~");
        let error = SecretKey::from_z85(&wrong).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("character `~` at position {} is not in the Z85 alphabet", position + 1)
        );
    }
}

// CURVEZMQ-04
#[test]
fn secrets_are_erased() {
    fn on_drop<T: ZeroizeOnDrop>(_: &T) {}
    let mut secret = SecretKey::from_bytes([7; 32]);
    on_drop(&secret);
    on_drop(&secret.to_z85());
    secret.zeroize();
    assert_eq!(secret, SecretKey::from_bytes([0; 32]));
}

#[test]
fn a_pair_is_drawn_from_the_source() {
    let pair = KeyPair::generate(&mut Counting(0x20)).unwrap();
    let vector = Published::load();
    let path = "tests/0/random/client_transient_secret";
    assert_eq!(pair.secret().as_bytes(), &vector.key(path));
    assert_eq!(pair, KeyPair::from_secret(pair.secret().clone()));
    assert_eq!(KeyPair::generate(&mut Dry), Err(RandomError));
}

#[test]
fn text_is_padded_like_any_other() {
    let key = PublicKey::from_bytes([0; 32]);
    assert_eq!(format!("{key:>42}|"), format!("  {}|", "0".repeat(40)));
    assert_eq!(format!("{key:?}"), format!("PublicKey({})", "0".repeat(40)));
}

proptest! {
    // Z85-10
    #[test]
    fn keys_survive_their_text(octets: [u8; 32]) {
        let public = PublicKey::from_bytes(octets);
        prop_assert_eq!(public.to_string().parse(), Ok(public));
        prop_assert_eq!(public.to_string(), ::z85::encode(octets));
        let secret = SecretKey::from_bytes(octets);
        prop_assert_eq!(SecretKey::from_z85(&secret.to_z85()), Ok(secret));
    }

    #[test]
    fn equality_is_that_of_the_octets(one: [u8; 32], at in 0..256usize) {
        let mut other = one;
        other[at / 8] ^= 1 << (at % 8);
        let keys = [one, other].map(PublicKey::from_bytes);
        prop_assert!(keys[0].ct_eq(&keys[0]) && !keys[0].ct_eq(&keys[1]));
        let keys = [one, other].map(SecretKey::from_bytes);
        prop_assert!(keys[0] == keys[0].clone() && keys[0] != keys[1]);
    }

    // CURVEZMQ-01
    #[test]
    fn public_keys_are_those_of_the_oracle(octets: [u8; 32]) {
        let ours = SecretKey::from_bytes(octets).public_key();
        let oracle = crypto_box::SecretKey::from(octets).public_key();
        prop_assert_eq!(ours.as_bytes(), oracle.as_bytes());
    }
}
