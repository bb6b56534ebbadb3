//! User names and their passwords, in memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

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
}

/// A table of users and passwords for PLAIN.
///
/// Passwords are compared in constant time, as octets, whatever their length, and an unknown user
/// costs the same comparison as a known one.
#[derive(Clone)]
pub struct Passwords {
    users: HashMap<UserId, Secret>,
    /// Stands in for the password of unknown users.
    nobody: Secret,
    file: Option<PathBuf>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { users: HashMap::new(), nobody: padded(&[]), file: None }
    }
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
        if password.len() > MAX_CREDENTIAL {
            return Err(PasswordFault::Password);
        }
        self.users.insert(user, padded(password));
        Ok(())
    }

    /// Reads a file of `user=password` lines, as CZMQ's `zauth` has them; lines that begin with `#`
    /// and empty ones do not count. CZMQ skips lines that it does not understand; here they are errors.
    ///
    /// # Errors
    /// [`PasswordError`] with the file and, where it is one, the line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PasswordError> {
        let path = path.as_ref();
        let (content, system) = file::read(path, MAX_FILE)
            .map_err(|fault| PasswordError::new(fault.into()).in_file(path))?;
        if let Some(mode) = platform::exposed_mode(&system) {
            warn!(file = %path.display(), mode = format_args!("{mode:03o}"), "others may read these passwords; run chmod 600");
        }
        let table = Self::parse(&content).map_err(|error| error.in_file(path))?;
        Ok(Self { file: Some(path.to_owned()), ..table })
    }

    /// Reads the lines of such a file.
    ///
    /// # Errors
    /// [`PasswordError`] with the line.
    pub fn parse(content: &[u8]) -> Result<Self, PasswordError> {
        let mut table = Self::new();
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
        let mut halves = line.splitn(2, |octet| *octet == b'=');
        let (Some(user), Some(password)) = (halves.next(), halves.next()) else {
            return Err(PasswordFault::Line);
        };
        if user.is_empty() || password.is_empty() {
            return Err(PasswordFault::Line);
        }
        if user.trim_ascii() != user || password.trim_ascii() != password {
            return Err(PasswordFault::Blanks);
        }
        let user = std::str::from_utf8(user).map_err(|_| PasswordFault::User)?;
        let users = self.users.len();
        self.insert(user, password)?;
        if self.users.len() == users { Err(PasswordFault::Twice) } else { Ok(()) }
    }

    /// The user who has this name and this password.
    #[must_use]
    pub fn verify(&self, username: &[u8], password: &Secret) -> Option<UserId> {
        let user = std::str::from_utf8(username).ok().and_then(UserId::new);
        let known = user.as_ref().and_then(|user| self.users.get_key_value(user));
        let expected = known.map_or(&self.nobody, |(_, password)| password);
        let fits = password.expose().len() <= MAX_CREDENTIAL;
        let equal = *expected == padded(password.expose());
        known.filter(|_| fits && equal).map(|(user, _)| user.clone())
    }

    /// What is kept of a user's password, for comparison with the same later.
    fn stamp(&self, username: &[u8]) -> Option<(UserId, u128)> {
        let user = std::str::from_utf8(username).ok().and_then(UserId::new)?;
        let (user, password) = self.users.get_key_value(&user)?;
        Some((user.clone(), digest(&[password.expose()])))
    }

    fn verdict(&self, credentials: &Credentials) -> Verdict {
        let user = match credentials {
            Credentials::Plain { username, password } => self.verify(username, password),
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
        user.map_or(Verdict::Abstain("Invalid credentials"), |it| Verdict::Accept(Grant::user(it)))
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
        self.verdict(&request.credentials).into()
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
        let users =
            Self::load(self.file.as_ref()?).map(|users| Arc::new(users) as Arc<dyn Provider>);
        Some(users.map_err(|error| ReloadError(error.to_string())))
    }

    fn statements(&self) -> Vec<Statement> {
        let statement = |(user, password): (&UserId, &Secret)| Statement {
            text: format!("password of {user}"),
            secret: digest(&[password.expose()]),
        };
        self.users.iter().map(statement).collect()
    }
}

/// The password in 256 octets, the first of which is its length, so that comparing two takes the same
/// time for all. Of a longer one the rest is missing.
fn padded(password: &[u8]) -> Secret {
    let mut octets = Vec::with_capacity(1 + MAX_CREDENTIAL);
    octets.push(u8::try_from(password.len()).unwrap_or(u8::MAX));
    octets.extend(password.iter().take(MAX_CREDENTIAL));
    octets.resize(1 + MAX_CREDENTIAL, 0);
    Secret::new(octets)
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({} users)", self.len())
    }
}
