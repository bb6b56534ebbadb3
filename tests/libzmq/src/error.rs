use crate::ffi;
use std::fmt;
use std::io::{self, ErrorKind};

/// What a call of libzmq has failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The number: one of the operating system's, or of libzmq's own in [`crate::consts`].
    pub errno: i32,
    /// What libzmq says that the number means.
    pub text: String,
}

impl Error {
    /// The error of an argument that libzmq would refuse, or that it fails to check.
    pub(crate) fn invalid() -> Self {
        const EINVAL: i32 = 22;
        ffi::error(EINVAL)
    }

    /// Whether nothing could be sent or received within the socket's timeout.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::WouldBlock
    }

    /// The standard library's name for the number.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        io::Error::from_raw_os_error(self.errno).kind()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (errno {})", self.text, self.errno)
    }
}

impl std::error::Error for Error {}
