//! Hashes of passwords, as htpasswd-like files hold them.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params as Argon2Params, PasswordVerifier};
use sha_crypt::{Params as ShaParams, ShaCrypt};
use zeroize::Zeroizing;

use super::PasswordFault;
use crate::pool::{Pool, PoolLimits};

/// Passwords that may wait.
const WAITING: usize = 64;
/// Most threads; half of what the machine has, if that is less.
const MOST: usize = 4;

/// The threads that hash passwords.
pub(super) static THREADS: LazyLock<Pool> = LazyLock::new(|| {
    let threads = thread::available_parallelism().map_or(1, NonZero::get) / 2;
    Pool::new("password hashes", PoolLimits { threads: threads.clamp(1, MOST), waiting: WAITING })
});

/// Most memory that one hash may take, in KiB.
const MAX_MEMORY: u32 = 1024 * 1024;
/// Most passes over that memory.
const MAX_PASSES: u32 = 64;
/// Highest cost of bcrypt, a power of two.
const MAX_COST: u32 = 18;
/// Most rounds of SHA-crypt.
const MAX_ROUNDS: u32 = 2_000_000;
/// Longest text of a hash.
const MAX_TEXT: usize = 512;

const ARGON2ID: &str = "argon2id";
const BCRYPT: &str = "bcrypt";
const SHA_CRYPT: &str = "SHA-crypt";

/// Beginnings of hashes that are not supported, and their names.
const UNSUPPORTED: [(&str, &str); 12] = [
    ("$apr1$", "Apache MD5 ($apr1$)"),
    ("$1$", "MD5-crypt ($1$)"),
    ("$2x$", "broken bcrypt ($2x$)"),
    ("$2$", "the first bcrypt ($2$)"),
    ("$argon2i$", "argon2i"),
    ("$argon2d$", "argon2d"),
    ("$y$", "yescrypt ($y$)"),
    ("$7$", "scrypt ($7$)"),
    ("$scrypt$", "scrypt"),
    ("$pbkdf2", "PBKDF2"),
    ("{SHA}", "SHA-1 without salt ({SHA})"),
    ("{SSHA}", "SHA-1 ({SSHA})"),
];

/// A hash that was looked at: checking a password against it gives yes or no and nothing else.
#[derive(Clone)]
pub(super) struct Hash {
    scheme: &'static str,
    text: Zeroizing<String>,
    /// How far the text is the same for all hashes that take as long.
    cost: usize,
}

impl Hash {
    pub(super) fn parse(text: &str) -> Result<Self, PasswordFault> {
        if let Some((_, scheme)) = UNSUPPORTED.iter().find(|(start, _)| text.starts_with(start)) {
            return Err(PasswordFault::Scheme(scheme));
        }
        let (scheme, parsed) = match text.split('$').nth(1) {
            _ if text.len() > MAX_TEXT => return Err(PasswordFault::Unmarked),
            Some("argon2id") => (ARGON2ID, argon2_cost(text)),
            Some("2a" | "2b" | "2y") => (BCRYPT, bcrypt_cost(text)),
            Some("5" | "6") => (SHA_CRYPT, sha_cost(text)),
            _ => return Err(PasswordFault::Unmarked),
        };
        match parsed {
            Some((cost, true)) => Ok(Self { scheme, text: Zeroizing::new(text.to_owned()), cost }),
            Some((_, false)) => Err(PasswordFault::Cost(scheme)),
            None => Err(PasswordFault::Hash(scheme)),
        }
    }

    /// Whether it is the hash of a password. Takes as long as it is meant to.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let text = self.text.as_str();
        match self.scheme {
            ARGON2ID => Argon2::default().verify_password(password, text).is_ok(),
            BCRYPT => bcrypt::verify(password, text).unwrap_or(false),
            _ => ShaCrypt::default().verify_password(password, text).is_ok(),
        }
    }

    /// Equal for hashes that take as long.
    pub(super) fn cost(&self) -> &str {
        self.text.get(..self.cost).unwrap_or_default()
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Where the part of a hash ends that says what it costs, and whether that may be; `None` for text
/// that is no such hash. `fields` stand between the dollars before the salt.
fn cost_of(text: &str, fields: usize, bearable: bool) -> Option<(usize, bool)> {
    let (salt, _) = text.match_indices('$').nth(fields)?;
    Some((salt, bearable))
}

fn argon2_cost(text: &str) -> Option<(usize, bool)> {
    let hash = PasswordHash::new(text).ok()?;
    let params = Argon2Params::try_from(&hash).ok()?;
    hash.salt.as_ref().and(hash.hash.as_ref())?;
    let bearable = params.m_cost() <= MAX_MEMORY && params.t_cost() <= MAX_PASSES;
    cost_of(text, if hash.version.is_some() { 3 } else { 2 }, bearable)
}

fn bcrypt_cost(text: &str) -> Option<(usize, bool)> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    cost_of(text, 2, parts.get_cost() <= MAX_COST)
}

fn sha_cost(text: &str) -> Option<(usize, bool)> {
    let fields: Vec<_> = text.split('$').collect();
    let (rounds, hash) = match *fields.as_slice() {
        [_, _, rounds, _, hash] => (rounds.strip_prefix("rounds=")?.parse().ok()?, hash),
        [_, _, _, hash] => (ShaParams::RECOMMENDED_ROUNDS, hash),
        _ => return None,
    };
    let length = if text.starts_with("$5$") { 43 } else { 86 };
    let crypt = |octet: u8| octet.is_ascii_alphanumeric() || b"./".contains(&octet);
    if hash.len() != length || !hash.bytes().all(crypt) {
        return None;
    }
    cost_of(text, fields.len() - 3, rounds <= MAX_ROUNDS)
}
