//! User names and their passwords or the hashes of these, in memory.

mod entry;
#[cfg(feature = "hashes")]
mod hash;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use entry::Entry;
use tracing::warn;
use zmtp_core::auth::{AuthRequest, Credentials, Secret, UserId};

use crate::digest::digest;
use crate::file::{self, FileError, FileFault};
use crate::platform;
use crate::provider::{Answer, Grant, Provider, ReloadError, Statement, Verdict};

/// Largest file that is read.
const MAX_FILE: u32 = 16 * 1024 * 1024;

/// Longest user name and password (24/ZMTP-PLAIN, "Formal Grammar").
const MAX_CREDENTIAL: usize = 255;

/// Where something is wrong with passwords, and what.
pub type PasswordError = FileError<PasswordFault>;

/// What is wrong with passwords. Never repeats a name or a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordFault {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileFault),
    /// A line without equals sign, or with nothing on one side of it.
    #[error("expected USER=PASSWORD, or a comment that begins with #")]
    Line,
    /// Blanks that CZMQ would count as part of the user name or password.
    #[error("there are blanks around the user name or password, which would be part of it")]
    Blanks,
    /// A user name that is not one.
    #[error("a user name is text of 1 to 255 octets")]
    User,
    /// A password over 255 octets.
    #[error("a password has at most 255 octets")]
    Password,
    /// A second password for the same user.
    #[error("this user stands here for the second time")]
    Twice,
    /// A password in clear text without leave.
    #[error("a password in clear text, where only hashes are wanted")]
    ClearText,
    /// Neither a hash nor marked as clear text.
    #[error("expected USER:HASH, or USER:{{PLAIN}}PASSWORD for a password in clear text")]
    Unmarked,
    /// A hash by a scheme that is too weak, or that nobody needed so far.
    #[error("hashes by {0} are not supported; use argon2id, bcrypt or SHA-crypt ($5$, $6$)")]
    Scheme(&'static str),
    /// A hash that is none.
    #[error("this is no hash by {0}, though it begins like one")]
    Hash(&'static str),
    /// A hash that would stop the machine.
    #[error("this hash by {0} takes more time or memory than can be borne")]
    Cost(&'static str),
    /// A hash, in a program that cannot compute any.
    #[error("this program is built without password hashes (feature \"hashes\" of the crate zap)")]
    NoHashes,
    /// Others may read passwords in clear text.
    #[error("its mode {0:03o} lets others at the passwords; run chmod 600")]
    Exposed(u32),
}

/// A table of users and passwords for PLAIN.
///
/// Passwords are compared in constant time, as octets, whatever their length. An unknown user costs the
/// same as a known one: the same comparison, or a hash that takes as long as that of some user.
///
/// Hashes are computed on a few threads of their own. When too many wait for these, a peer is told to
/// come again (300).
#[derive(Clone, Default)]
pub struct Passwords {
    users: HashMap<UserId, Entry>,
    /// One of each cost, to stand in for unknown users.
    costs: Vec<Entry>,
    file: Option<PathBuf>,
    hashed: bool,
}

impl Passwords {
    /// A table without users, which refuses everybody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table of pairs; of two for the same user the later one counts.
    ///
    /// # Errors
    /// [`PasswordFault::User`] and [`PasswordFault::Password`].
    pub fn from_pairs<U: AsRef<str>, P: AsRef<[u8]>>(
        pairs: impl IntoIterator<Item = (U, P)>,
    ) -> Result<Self, PasswordFault> {
        let mut table = Self::new();
        for (user, password) in pairs {
            table.insert(user.as_ref(), password.as_ref())?;
        }
        Ok(table)
    }

    /// Sets the password of a user. User names are text, because they become the user id.
    ///
    /// # Errors
    /// [`PasswordFault::User`] and [`PasswordFault::Password`].
    pub fn insert(&mut self, user: &str, password: &[u8]) -> Result<(), PasswordFault> {
        let user = UserId::new(user).filter(|user| !user.is_empty()).ok_or(PasswordFault::User)?;
        self.put(user, Entry::clear(password)?);
        Ok(())
    }

    fn put(&mut self, user: UserId, entry: Entry) {
        if !self.costs.iter().any(|known| known.cost() == entry.cost()) {
            self.costs.push(entry.clone());
        }
        self.users.insert(user, entry);
    }

    /// Reads a file with a user on each line; lines that begin with `#` and empty ones do not count.
    ///
    /// | line | holds |
    /// |---|---|
    /// | `user=password` | a password in clear text, as in the files of CZMQ's `zauth` |
    /// | `user:{PLAIN}password` | the same |
    /// | `user:$argon2id$..` | a hash by argon2id |
    /// | `user:$2b$..`, `$2y$`, `$2a$` | a hash by bcrypt, as `htpasswd -B` writes it; 72 octets count |
    /// | `user:$6$..`, `user:$5$..` | a hash by SHA-crypt, as in `/etc/shadow` |
    ///
    /// CZMQ skips lines that it does not understand; here they are errors, and so is clear text in a file
    /// that everybody may read. Hashes need the feature `hashes`.
    ///
    /// # Errors
    /// [`PasswordError`] with the file and, where it is one, the line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PasswordError> {
        Self::load_from(path.as_ref(), false)
    }

    /// Reads a file as [`load`](Self::load) does, and insists on hashes.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and [`PasswordFault::ClearText`].
    pub fn load_hashed(path: impl AsRef<Path>) -> Result<Self, PasswordError> {
        Self::load_from(path.as_ref(), true)
    }

    fn load_from(path: &Path, hashed: bool) -> Result<Self, PasswordError> {
        let (content, system) = file::read(path, MAX_FILE)
            .map_err(|fault| PasswordError::new(fault.into()).in_file(path))?;
        let table = Self::read(&content, hashed).map_err(|error| error.in_file(path))?;
        let clear = table.costs.iter().any(|entry| matches!(entry, Entry::Clear(_)));
        match platform::exposed_mode(&system) {
            Some(mode) if clear && mode & 0o007 != 0 => {
                return Err(PasswordError::new(PasswordFault::Exposed(mode)).in_file(path));
            }
            Some(mode) => {
                warn!(file = %path.display(), mode = format_args!("{mode:03o}"), "others may read these passwords; run chmod 600");
            }
            None => {}
        }
        Ok(Self { file: Some(path.to_owned()), ..table })
    }

    /// Reads the lines of such a file.
    ///
    /// # Errors
    /// [`PasswordError`] with the line.
    pub fn parse(content: &[u8]) -> Result<Self, PasswordError> {
        Self::read(content, false)
    }

    fn read(content: &[u8], hashed: bool) -> Result<Self, PasswordError> {
        let mut table = Self { hashed, ..Self::new() };
        for (index, line) in content.split(|octet| *octet == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                continue;
            }
            table.parse_line(line).map_err(|fault| PasswordError::at(index + 1, fault))?;
        }
        Ok(table)
    }

    fn parse_line(&mut self, line: &[u8]) -> Result<(), PasswordFault> {
        let (user, entry) = entry::parse(line, self.hashed)?;
        if self.users.contains_key(&user) {
            return Err(PasswordFault::Twice);
        }
        self.put(user, entry);
        Ok(())
    }

    /// The user who has this name and this password. Takes as long as a hash takes, if it is one.
    #[must_use]
    pub fn verify(&self, username: &[u8], password: &Secret) -> Option<UserId> {
        let (user, entry) = self.find(username);
        user.filter(|_| entry.verify(password))
    }

    /// The user of this name, and what its password is checked against; for unknown ones, something
    /// that takes as long.
    fn find(&self, username: &[u8]) -> (Option<UserId>, Entry) {
        let user = std::str::from_utf8(username).ok().and_then(UserId::new);
        if let Some((user, entry)) = user.and_then(|user| self.users.get_key_value(&user)) {
            return (Some(user.clone()), entry.clone());
        }
        // The same for the same name each time.
        let choice = digest(&[username]) % self.costs.len().max(1) as u128;
        let choice = usize::try_from(choice).ok().and_then(|choice| self.costs.get(choice));
        (None, choice.cloned().unwrap_or_default())
    }

    /// What is kept of a user's password, for comparison with the same later.
    fn stamp(&self, username: &[u8]) -> Option<(UserId, u128)> {
        let user = std::str::from_utf8(username).ok().and_then(UserId::new)?;
        let (user, entry) = self.users.get_key_value(&user)?;
        Some((user.clone(), digest(&[entry.octets()])))
    }

    fn answer(&self, credentials: &Credentials) -> Answer {
        let user = match credentials {
            Credentials::Plain { username, password } => {
                let (user, entry) = self.find(username);
                return entry.check(password, |fits| verdict(user.filter(|_| fits)));
            }
            // Of a peer that is in; see `retain`.
            Credentials::Other(frames) => match frames.as_slice() {
                [username, stamp] => self
                    .stamp(username.expose())
                    .filter(|(_, known)| stamp.expose() == known.to_ne_bytes())
                    .map(|(user, _)| user),
                _ => None,
            },
            _ => None,
        };
        verdict(user).into()
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

impl Provider for Passwords {
    fn name(&self) -> Cow<'_, str> {
        match &self.file {
            Some(file) => format!("passwords in {}", file.display()).into(),
            None => "passwords".into(),
        }
    }

    fn judge(&self, request: &AuthRequest, _now: SystemTime) -> Answer {
        self.answer(&request.credentials)
    }

    /// The user and a digest of what is known of the password, so that the peer stays in while that
    /// stays the same, without its password being kept or a hash computed again.
    fn retain(&self, request: &AuthRequest) -> Option<Credentials> {
        let Credentials::Plain { username, .. } = &request.credentials else { return None };
        let (user, stamp) = self.stamp(username)?;
        let frames = [user.as_str().as_bytes(), &stamp.to_ne_bytes()];
        Some(Credentials::Other(frames.map(|frame| Secret::new(frame.to_vec())).into()))
    }

    fn source(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn reload(&self) -> Option<Result<Arc<dyn Provider>, ReloadError>> {
        let users = Self::load_from(self.file.as_ref()?, self.hashed);
        let users = users.map(|users| Arc::new(users) as Arc<dyn Provider>);
        Some(users.map_err(|error| ReloadError(error.to_string())))
    }

    fn statements(&self) -> Vec<Statement> {
        let statement = |(user, entry): (&UserId, &Entry)| Statement {
            text: format!("password of {user}"),
            secret: digest(&[entry.octets()]),
        };
        self.users.iter().map(statement).collect()
    }
}

fn verdict(user: Option<UserId>) -> Verdict {
    user.map_or(Verdict::Abstain("Invalid credentials"), |user| Verdict::Accept(Grant::user(user)))
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({} users)", self.len())
    }
}
