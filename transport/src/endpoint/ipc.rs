//! `ipc://` endpoints.

use std::fmt;
use std::path::Path;

use super::error::EndpointErrorKind as Kind;

/// `sockaddr_un` holds 108 octets on Linux, the last of them zero; the longest name of libzmq.
/// Systems with less room (macOS: 103) refuse at bind and connect.
const LONGEST: usize = 107;

/// A Unix domain socket: a path, an abstract name (Linux only), or `*`, a new path of the
/// library's choice.
///
/// A relative path whose first character is `@`, or the path `*`, is written with `./` in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IpcEndpoint(Box<str>);

impl IpcEndpoint {
    /// The endpoint that is written as `ipc://` and this text, or `None` if the text is empty or
    /// `@`, has more than 107 octets or holds a NUL.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::check(text).ok()
    }

    /// The endpoint of a path; `None` as for [`new`](Self::new), and for a path that is not text.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let text = path.to_str()?;
        if text == "*" || text.starts_with('@') {
            return Self::new(&format!("./{text}"));
        }
        Self::new(text)
    }

    /// The endpoint of a name in Linux's abstract namespace.
    #[must_use]
    pub fn from_abstract_name(name: &str) -> Option<Self> {
        Self::new(&format!("@{name}"))
    }

    pub(super) fn check(text: &str) -> Result<Self, Kind> {
        match text {
            "" => Err(Kind::EmptyPath),
            "@" => Err(Kind::EmptyAbstractName),
            _ if text.contains('\0') => Err(Kind::Nul),
            _ if text.len() > LONGEST => Err(Kind::PathTooLong),
            _ => Ok(Self(text.into())),
        }
    }

    /// The path, unless it is an abstract name or yet to be chosen.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        (!self.is_any() && self.abstract_name().is_none()).then(|| Path::new(&*self.0))
    }

    /// The name in Linux's abstract namespace, without the `@`.
    #[must_use]
    pub fn abstract_name(&self) -> Option<&str> {
        self.0.strip_prefix('@')
    }

    /// Whether it is `*`, a path that bind chooses.
    #[must_use]
    pub fn is_any(&self) -> bool {
        &*self.0 == "*"
    }
}

/// What follows `ipc://`.
impl fmt::Display for IpcEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
