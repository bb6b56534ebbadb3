//! An established connection: messages and commands to octets and back.
//!
//! [`Traffic`] comes out of a [`Connection`](crate::connection::Connection) whose handshake is
//! complete, and from nowhere else. Its halves are independent, so that a driver can read with one
//! while the application writes with the other.

mod bodies;
mod heartbeat;
mod incoming;
mod outgoing;
mod output;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;

use bytes::BytesMut;

pub use bodies::Bodies;
pub use heartbeat::{Heartbeat, HeartbeatConfig};
pub use incoming::{Incoming, Received, TAKE_FROM};
pub use outgoing::Outgoing;
pub use output::{OutputBuffer, PIECE};

use crate::error::{Kind, LocalFault};
use crate::peer::Peer;
use crate::wire::frame::FrameKind;

/// The parts of an established connection.
#[derive(Debug)]
pub struct Traffic {
    /// Who is on the other side.
    pub peer: Arc<Peer>,
    /// Octets to messages.
    pub incoming: Incoming,
    /// Messages to octets; holds what is not written yet.
    pub outgoing: Outgoing,
    /// When to send PING, and when to give the peer up.
    pub heartbeat: Heartbeat,
}

/// Encrypts what leaves, frame by frame.
pub trait Seal: Send + fmt::Debug {
    /// Appends one whole frame to `out` that carries the octets of `chunks` in a row.
    ///
    /// # Errors
    /// [`LocalFault::NoncesExhausted`] after 2^64 - 1 frames; nothing is appended then.
    fn seal(
        &mut self,
        kind: FrameKind,
        chunks: &[&[u8]],
        out: &mut BytesMut,
    ) -> Result<(), LocalFault>;

    /// Octets by which the body of a frame is longer than its content.
    fn overhead(&self) -> usize;
}

/// Decrypts what arrives, frame by frame.
pub trait Open: Send + fmt::Debug {
    /// Opens the body of one frame in place. Says what the frame is, by the flags that were
    /// protected, and where in `body` its content lies.
    ///
    /// # Errors
    /// Anything that is not exactly the next box of this direction; the connection ends then.
    fn open(&mut self, body: &mut [u8]) -> Result<(FrameKind, Range<usize>), Kind>;

    /// Octets by which a body is longer than its content.
    fn overhead(&self) -> usize;
}

/// Both directions of encryption; `None` stands for clear text.
pub type Codec = Option<(Box<dyn Seal>, Box<dyn Open>)>;
