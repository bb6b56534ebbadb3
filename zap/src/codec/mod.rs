//! Requests and replies of 27/ZAP, to and from frames.
//!
//! Any frames give a value or a [`ZapError`]. What is built here can be encoded, and decodes to
//! itself. Senders keep the letter of the specification (ASCII, 255 characters); receivers also take
//! UTF-8, which pyzmq and CZMQ send.

mod address;
mod envelope;
mod error;
mod property;
mod reply;
mod request;

pub use envelope::Envelope;
pub use error::{Field, ZapError};
pub use property::{check_properties, is_reserved_property};
pub use reply::Reply;
pub use request::Request;

/// The endpoint of the handler within a process (27/ZAP, "Architecture").
pub const ENDPOINT: &str = "inproc://zeromq.zap.01";

/// The version frame of every request and reply.
pub const VERSION: &[u8] = b"1.0";

/// Longest string field, in octets (27/ZAP, "Message Format").
const MAX_TEXT: usize = 255;

/// A string field, as lenient as the module says.
fn text(field: Field, frame: &[u8]) -> Result<&str, ZapError> {
    if frame.len() > MAX_TEXT {
        return Err(ZapError::TooLong(field));
    }
    std::str::from_utf8(frame).map_err(|_| ZapError::NotText(field))
}
