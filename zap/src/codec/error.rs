//! What can be wrong with a request or a reply.

use std::fmt;

use zmtp_core::auth::Refusal;
use zmtp_core::wire::metadata::MetadataError;

/// A field with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The domain of a request.
    Domain,
    /// The address of a request.
    Address,
    /// The identity of a request.
    Identity,
    /// A user name or password in a request.
    Credentials,
    /// The status text of a reply.
    StatusText,
    /// The user id of a reply.
    UserId,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::Address => "address",
            Self::Identity => "identity",
            Self::Credentials => "user name or password",
            Self::StatusText => "status text",
            Self::UserId => "user id",
        })
    }
}

/// Why frames are not a request or a reply, or a value cannot become one. Never repeats credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZapError {
    /// No empty frame ends the envelope.
    #[error("no empty frame stands between the envelope and the message")]
    NoDelimiter,
    /// A reply begins with something else than the empty frame that its request began with.
    #[error("the first frame of the reply is not the empty delimiter")]
    Delimiter,
    /// A request of fewer than six frames after the delimiter.
    #[error("a request has at least 6 frames after the delimiter, this one has {0}")]
    RequestFrames(usize),
    /// A reply of other than six frames after the delimiter.
    #[error("a reply has 6 frames after the delimiter, this one has {0}")]
    ReplyFrames(usize),
    /// The version is not 1.0.
    #[error("the version is not 1.0")]
    Version,
    /// The reply is to another request.
    #[error("the reply does not repeat the id of the request")]
    RequestId,
    /// The status is none of the four.
    #[error("the status code is not 200, 300, 400 or 500")]
    Status,
    /// A field of more than 255 octets.
    #[error("the {0} is longer than 255 octets")]
    TooLong(Field),
    /// A string that is not even UTF-8.
    #[error("the {0} is not text")]
    NotText(Field),
    /// A string that this side must not send.
    #[error("the {0} has characters outside ASCII, which ZAP does not allow")]
    NotAscii(Field),
    /// The address is neither an IP address, nor that of a process, nor empty.
    #[error("the address is neither an IP address nor localhost:UID:GID:PID")]
    Address,
    /// The mechanism is empty or not a mechanism's name.
    #[error("the mechanism is not a name of 1 to 20 capital letters, digits, '-', '_', '.', '+'")]
    Mechanism,
    /// The credentials are not those of the mechanism.
    #[error(
        "the credentials do not fit the mechanism: NULL has none, PLAIN a user name and a password, CURVE a key of 32 octets"
    )]
    Credentials,
    /// The metadata does not parse or is too large.
    #[error("the metadata is malformed: {0}")]
    Metadata(#[from] MetadataError),
    /// The metadata has a name that belongs to this library or to ZMTP.
    #[error("the metadata has the reserved property {0}")]
    Reserved(String),
}

impl ZapError {
    /// The status with which a handler answers a request that has this fault: 500 if it cannot even
    /// tell what was asked, 400 if it can.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::NoDelimiter
            | Self::Delimiter
            | Self::RequestFrames(_)
            | Self::ReplyFrames(_)
            | Self::Version
            | Self::RequestId
            | Self::Status => Refusal::Internal,
            Self::TooLong(_)
            | Self::NotText(_)
            | Self::NotAscii(_)
            | Self::Address
            | Self::Mechanism
            | Self::Credentials
            | Self::Metadata(_)
            | Self::Reserved(_) => Refusal::Failure,
        }
    }
}
