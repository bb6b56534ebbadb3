//! Does not compile if `zmtp-core` or `curve`, or anything below them, brings in std.
//!
//! `#![no_std]` here says nothing about dependencies. The panic handler does: std has one of its own,
//! and the compiler refuses two in one crate graph ("found duplicate lang item `panic_impl`"), also
//! on a target that has std. What std hides besides, such as an allocator, stays with the program.
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::panic::PanicInfo;

use bytes::BytesMut;
use curve::KeyPair;
use zmtp_core::connection::{Connection, ConnectionConfig, Link};
use zmtp_core::error::ProtocolError;
use zmtp_core::mechanism::null::Null;
use zmtp_core::peer::PeerAddress;
use zmtp_core::{Instant, RandomError, RandomSource, SocketType};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// One side of a connection under NULL.
///
/// # Errors
/// That of `random`.
pub fn null(random: &mut dyn RandomSource) -> Result<Connection, RandomError> {
    let config = Arc::new(ConnectionConfig::new(SocketType::DEALER, Arc::new(Null)));
    let link = Link { address: PeerAddress::Unknown, listener: Arc::from("") };
    Connection::new(config, link, Instant::ORIGIN, random)
}

/// Moves octets between two sides until neither has more to say.
///
/// # Errors
/// Why the connection is over.
pub fn drive(sides: [&mut Connection; 2]) -> Result<(), ProtocolError> {
    let [one, other] = sides;
    let mut quiet = false;
    while !quiet {
        quiet = !(carry(one, other)? | carry(other, one)?);
    }
    Ok(())
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<bool, ProtocolError> {
    let mut wire = BytesMut::new();
    while let Some(octets) = from.poll_output() {
        wire.extend_from_slice(&octets);
    }
    let moved = !wire.is_empty();
    to.handle_input(Instant::ORIGIN, &mut wire)?;
    Ok(moved)
}

/// A key pair for CURVE, with text and all.
///
/// # Errors
/// That of `random`.
pub fn keys(random: &mut dyn RandomSource) -> Result<Box<KeyPair>, RandomError> {
    let pair = KeyPair::generate(random)?;
    let text = pair.secret().to_z85();
    debug_assert_eq!(text.len(), curve::KEY_TEXT_LEN);
    Ok(Box::new(pair))
}
