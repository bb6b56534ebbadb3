//! Digests that stand in for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

static KEYS: LazyLock<[RandomState; 2]> =
    LazyLock::new(|| [RandomState::new(), RandomState::new()]);

/// 128 bits of some octet strings under two random keys that never leave this process. It tells
/// whether two secrets are the same; nobody can search for a secret that has the same one, because
/// nobody knows the keys.
pub(crate) fn digest(parts: &[&[u8]]) -> u128 {
    let [high, low] = KEYS.each_ref().map(|key| {
        let mut hasher = key.build_hasher();
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        u128::from(hasher.finish())
    });
    high << 64 | low
}
