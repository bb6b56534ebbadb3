//! The content of a passwords file.

use zap::Passwords;
use zmtp_core::auth::Secret;

use crate::common::heap;

/// Users come in with their password and with no other; faults do not repeat what stands there.
pub fn run(data: &[u8]) {
    // Each password is padded to 256 octets, and a line has at least three.
    let lines = data.iter().filter(|octet| **octet == b'\n').count() + 1;
    let parsed = heap::bounded(data.len(), 2048 * lines, || Passwords::parse(data));
    match (parsed, by_hand(data)) {
        (Ok(_), ByHand::Bad) => panic!("a naive reader refuses it"),
        // To compute it would take longer than all else here.
        (Ok(_), ByHand::Hash) => {}
        (Ok(passwords), ByHand::Clear(users)) => {
            assert_eq!(passwords.len(), users.len());
            for (user, password) in users {
                let verify = |password: &[u8]| {
                    let user_id = passwords.verify(&user, &Secret::new(password.to_vec()));
                    user_id.map(|user_id| user_id.as_str().as_bytes().to_vec())
                };
                assert_eq!(verify(&password), Some(user.clone()));
                let mut other = password.clone();
                other.push(b'!');
                assert_eq!(verify(&other), None, "a longer one");
                assert_eq!(verify(&password[1..]), None, "a shorter one");
                if password.len() > 7 {
                    let shown = format!("{passwords:?}");
                    let password = password.escape_ascii().to_string();
                    assert!(shown.len() < 100 || !shown.contains(&password), "shown: {shown}");
                }
            }
        }
        (Err(error), users) => {
            assert!(!matches!(users, ByHand::Clear(_)), "a naive reader takes it: {error}");
            let shown = format!("{error} {error:?}");
            assert!(shown.len() < 200, "it repeats what it read: {shown}");
        }
    }
}

/// What a naive reader finds.
enum ByHand {
    Clear(Vec<(Vec<u8>, Vec<u8>)>),
    /// What may be a hash.
    Hash,
    Bad,
}

/// Lines of `USER=PASSWORD` or `USER:{PLAIN}PASSWORD`, each user once; anything else is bad, but for
/// comments, blank lines, and what begins as a hash does.
fn by_hand(data: &[u8]) -> ByHand {
    let mut users: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in data.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#") || line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let Some(at) = line.iter().position(|octet| *octet == b'=' || *octet == b':') else {
            return ByHand::Bad;
        };
        let (user, mut password) = (&line[..at], &line[at + 1..]);
        if line[at] == b':' {
            match password.strip_prefix(b"{PLAIN}") {
                Some(clear) => password = clear,
                None if password.starts_with(b"$") => return ByHand::Hash,
                None => return ByHand::Bad,
            }
        }
        let bad = |text: &[u8]| text.is_empty() || text.len() > 255 || text.trim_ascii() != text;
        let twice = users.iter().any(|(known, _)| known == user);
        if bad(user) || bad(password) || twice || str::from_utf8(user).is_err() {
            return ByHand::Bad;
        }
        users.push((user.to_vec(), password.to_vec()));
    }
    ByHand::Clear(users)
}
