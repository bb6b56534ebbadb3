//! That nothing secret is printed.

use std::fmt::Write;

use zmtp_core::wire::greeting::GREETING_LEN;

use super::octets;

/// The user name of the clients.
pub const USER: &[u8] = b"somebody";

/// The password of the clients.
pub const PASSWORD: &[u8] = b"a password nobody must see";

/// c: the secret half of the client's permanent key.
pub const CLIENT: [u8; 32] = *b"the client's own secret key, 32!";

/// s: the secret half of the server's permanent key.
pub const SERVER: [u8; 32] = *b"the server's own secret key, 32!";

/// All of them.
pub const ALL: [&[u8]; 3] = [PASSWORD, &CLIENT, &SERVER];

/// `text` was printed by somebody who knows the secrets and was given `input`.
///
/// # Panics
/// If a secret that was not in the input is in the text: as it is, as a list of numbers, in hexadecimal
/// digits or in Z85. The HELLO of PLAIN behind the greeting does not count: there the password is a secret, while
/// anywhere else the peer may say what it likes, and see it shown.
pub fn assert_not_in(text: &str, input: &[u8]) {
    let hello = [octets::short_string(USER), octets::short_string(PASSWORD)].concat();
    let hello = octets::command("HELLO", &hello);
    let (greeting, rest) = input.split_at(input.len().min(GREETING_LEN));
    let rest = rest.strip_prefix(&hello[..]).unwrap_or(rest);
    for secret in ALL {
        if contains(greeting, secret) || contains(rest, secret) {
            continue;
        }
        for form in forms(secret) {
            assert!(!text.contains(&form), "a secret was printed: {text}");
        }
    }
}

fn forms(secret: &[u8]) -> Vec<String> {
    let mut hex = String::new();
    for octet in secret {
        _ = write!(hex, "{octet:02x}");
    }
    let list = format!("{secret:?}").trim_matches(['[', ']']).to_owned();
    let mut forms = vec![secret.escape_ascii().to_string(), list, hex.to_uppercase(), hex];
    forms.extend(curve::z85::encode(secret));
    forms
}

/// Whether `part` is somewhere in `octets`.
#[must_use]
pub fn contains(octets: &[u8], part: &[u8]) -> bool {
    part.is_empty() || octets.windows(part.len()).any(|some| some == part)
}
