use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use proptest::prelude::*;

use super::*;

const GOOD: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

fn refusal(text: &str) -> Z85Error {
    decode(text).unwrap_err()
}

// Z85-01
#[test]
fn octets_come_in_fours() {
    for len in [0, 4, 8, 32] {
        assert_eq!(encode(&vec![7; len]).unwrap().len(), len / 4 * 5);
    }
    for len in [1, 2, 3, 5, 31, 33] {
        assert_eq!(encode(&vec![7; len]), Err(Z85Error::OctetCount(len)));
    }
}

// Z85-02
#[test]
fn characters_come_in_fives() {
    for len in [0, 5, 40, 45] {
        assert_eq!(decode(&"0".repeat(len)).unwrap(), vec![0; len / 5 * 4]);
    }
    for len in [1, 4, 6, 39, 41, 44] {
        assert_eq!(refusal(&"0".repeat(len)), Z85Error::CharacterCount(len));
    }
}

// Z85-03
#[test]
fn the_alphabet_is_the_published_one() {
    let published = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\
                     .-:+=^!/*?&<>()[]{}@%$#";
    assert_eq!(published.chars().count(), 85);
    for (value, character) in (0u32..).zip(published.chars()) {
        let text = format!("0000{character}");
        assert_eq!(encode(&value.to_be_bytes()).unwrap(), text);
        assert_eq!(decode(&text).unwrap(), value.to_be_bytes());
    }
}

// Z85-04, Z85-05
#[test]
fn groups_are_big_endian() {
    for (octets, text) in [
        ([0, 0, 0, 0], "00000"),
        ([0, 0, 0, 1], "00001"),
        ([0, 0, 1, 0], "00031"),
        ([1, 0, 0, 0], "0rr91"),
        ([0xff; 4], "%nSc0"),
    ] {
        assert_eq!(encode(&octets).unwrap(), text);
        assert_eq!(decode(text).unwrap(), octets);
    }
}

// Z85-06
#[test]
fn the_published_example() {
    let octets = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
    assert_eq!(encode(&octets).unwrap(), "HelloWorld");
    assert_eq!(decode("HelloWorld").unwrap(), octets);
}

// Z85-08
#[test]
fn every_foreign_character_is_refused_at_every_position() {
    for found in (0..=0xff).map(char::from).chain(['Ā', '€', '𝄞']) {
        let known = found.is_ascii() && ALPHABET.contains(&(found as u8));
        for position in 1..=GOOD.len() {
            let mut text = String::from(GOOD);
            text.replace_range(position - 1..position, &found.to_string());
            match decode(&text) {
                // The character may still be too high for its group.
                Ok(_) | Err(Z85Error::Group { .. }) => assert!(known, "{found:?}"),
                Err(error) => {
                    assert!(!known, "{found:?}");
                    assert_eq!(error, Z85Error::Character { found, position });
                }
            }
        }
    }
}

// Z85-08
#[test]
fn a_foreign_character_is_named_before_the_length() {
    let quoted = format!("\"{GOOD}\"");
    assert_eq!(
        refusal(&quoted).to_string(),
        "character `\"` at position 1 is not in the Z85 alphabet"
    );
    assert_eq!(
        refusal(&format!("{GOOD}\n")).to_string(),
        "character `\\n` at position 41 is not in the Z85 alphabet"
    );
    assert_eq!(
        refusal("café!").to_string(),
        "character `\\u{e9}` at position 4 is not in the Z85 alphabet"
    );
}

// Z85-09
#[test]
fn a_group_above_the_range_is_refused() {
    assert_eq!(decode("%nSc0").unwrap(), [0xff; 4]);
    for text in ["%nSc1", "%nSd0", "%nT00", "%o000", "$0000", "#0000", "####0", "#####"] {
        assert_eq!(refusal(text), Z85Error::Group { position: 1 });
        assert_eq!(refusal(&format!("00000{text}")), Z85Error::Group { position: 6 });
        assert_eq!(refusal(&format!("{text}00000")), Z85Error::Group { position: 1 });
    }
    assert_eq!(
        refusal("#####").to_string(),
        "the five characters at position 1 are above `%nSc0`, the last Z85 group"
    );
}

// Z85-02, Z85-08, Z85-09: the lengths of OSV-2020-1655
#[test]
fn the_lengths_that_once_overran_a_buffer() {
    for len in [0, 1, 4, 39, 40, 41, 45] {
        for octet in 0..=u8::MAX {
            let text: String = core::iter::repeat_n(char::from(octet), len).collect();
            let octets = decode(&text);
            assert!(octets.is_err() || octets.unwrap().len() == len / 5 * 4);
        }
    }
}

proptest! {
    // Z85-10
    #[test]
    fn what_is_encoded_decodes_to_itself(groups: Vec<[u8; 4]>) {
        let octets = groups.as_flattened();
        let text = encode(octets).unwrap();
        prop_assert_eq!(text.len(), groups.len() * 5);
        prop_assert_eq!(decode(&text).unwrap(), octets);
        prop_assert_eq!(text, ::z85::encode(octets));
    }

    // Z85-08, Z85-09, Z85-10
    #[test]
    fn what_is_decoded_encodes_to_itself(
        text in prop_oneof!["[!-~]{0,20}", "[0-9a-zA-Z.:+=^!/*?&<>()\\[\\]{}@%$#-]{5,20}", "([!-~]{5}){0,6}"]
    ) {
        match (decode(&text), ::z85::decode(&text)) {
            (Ok(octets), oracle) => {
                prop_assert_eq!(oracle.as_ref(), Ok(&octets));
                prop_assert_eq!(encode(&octets).unwrap(), text);
            }
            // The oracle reads a last group that starts with `#` as padding.
            (Err(_), Ok(_)) => prop_assert!(text.as_bytes()[text.len() - 5] == b'#'),
            (Err(_), Err(_)) => {}
        }
    }

    // Z85-10
    #[test]
    fn any_text_is_decoded_or_refused(text: String) {
        prop_assert!(decode(&text).is_err() || text.len() % 5 == 0);
    }
}
