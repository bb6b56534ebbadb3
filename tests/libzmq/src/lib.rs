//! The reference: libzmq 4.3.5 with CURVE, built from source, behind a thin safe wrapper.
//!
//! ironhouse is tested against it and measured against it. The wrapper stays close to the C
//! interface, so that the libzmq manual explains what is not explained here; the numbers of
//! options, flags, events and errors are in [`consts`].
//!
//! A socket is made to suit tests: unless told otherwise it gives up sending and receiving after
//! ten seconds (`RCVTIMEO`, `SNDTIMEO`), so that nothing hangs, and drops what is unsent when it
//! is closed (`LINGER` 0).
//!
//! Building it takes Rust, a C and C++ compiler and `make`; the sources of libzmq and libsodium come
//! with the crates that this one depends on.
//!
//! ```
//! use libzmq_reference::{Context, SocketType};
//!
//! let context = Context::new();
//! let server = context.socket(SocketType::Rep)?;
//! let client = context.socket(SocketType::Req)?;
//! client.connect(&server.bind("tcp://127.0.0.1:*")?)?;
//!
//! client.send("hello", 0)?;
//! assert_eq!(server.recv()?, b"hello");
//! # Ok::<(), libzmq_reference::Error>(())
//! ```

pub mod consts;
mod error;
#[allow(unsafe_code, reason = "somebody has to call C")]
mod ffi;
mod monitor;
mod options;
mod zap;

pub use error::Error;
pub use monitor::{Monitor, MonitorEvent};
pub use zap::{ZapHandler, ZapRequest};

use consts::*;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The text of `zmq.h`, as it was built.
pub const HEADER: &str = include_str!(concat!(env!("OUT_DIR"), "/source/include/zmq.h"));

/// What sockets live in; one `inproc://` name space. Clones share it.
///
/// It ends when the last clone, socket, monitor and handler in it is dropped, which waits for as
/// long as the sockets linger.
#[derive(Clone, Debug)]
pub struct Context(Arc<ffi::Context>);

impl Context {
    /// A new context.
    ///
    /// # Panics
    ///
    /// If there is no memory left, or no file descriptor.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a default hides a thread pool")]
    pub fn new() -> Self {
        Self(Arc::new(ffi::Context::new().expect("a context")))
    }

    /// A new socket in this context.
    ///
    /// # Errors
    ///
    /// If the context has been shut down, or has no room for one more.
    pub fn socket(&self, kind: SocketType) -> Result<Socket, Error> {
        let socket = Socket(ffi::Socket::new(&self.0, kind as i32)?);
        socket.rcvtimeo(10_000)?.sndtimeo(10_000)?.linger(0)?;
        Ok(socket)
    }

    /// Sets an option of the context, such as [`ZMQ_IO_THREADS`].
    ///
    /// # Errors
    ///
    /// If libzmq refuses the option or its value.
    pub fn set_i32(&self, option: i32, value: i32) -> Result<(), Error> {
        self.0.set(option, value)
    }

    /// An option of the context.
    ///
    /// # Errors
    ///
    /// If there is no such option.
    pub fn get_i32(&self, option: i32) -> Result<i32, Error> {
        self.0.get(option)
    }

    /// Makes every call on a socket of this context fail with [`ETERM`], also those that are
    /// waiting: the way to end a [`proxy`].
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn shutdown(&self) -> Result<(), Error> {
        self.0.shutdown()
    }
}

/// The pattern that a socket follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs, reason = "each pattern is explained by the libzmq manual")]
pub enum SocketType {
    Pair = ZMQ_PAIR,
    Pub = ZMQ_PUB,
    Sub = ZMQ_SUB,
    Req = ZMQ_REQ,
    Rep = ZMQ_REP,
    Dealer = ZMQ_DEALER,
    Router = ZMQ_ROUTER,
    Pull = ZMQ_PULL,
    Push = ZMQ_PUSH,
    Xpub = ZMQ_XPUB,
    Xsub = ZMQ_XSUB,
    Stream = ZMQ_STREAM,
}

/// A socket, closed on drop.
///
/// Threads: a socket may move from one to another, but only one at a time may use it. The compiler
/// sees to that: a socket is `Send` and not `Sync`.
#[derive(Debug)]
pub struct Socket(ffi::Socket);

/// # Errors
///
/// Each call fails with what libzmq says: see the manual of its namesake in C.
impl Socket {
    /// Accepts connections at `endpoint`, and tells where that is: a `*` for the port, or for the
    /// whole of an `ipc://` address, has been filled in.
    pub fn bind(&self, endpoint: &str) -> Result<String, Error> {
        self.0.bind(endpoint)?;
        self.last_endpoint()
    }

    /// Connects to `endpoint`, in the background and again and again.
    pub fn connect(&self, endpoint: &str) -> Result<(), Error> {
        self.0.connect(endpoint)
    }

    /// Undoes [`Socket::bind`]; wants the endpoint that it has told.
    pub fn unbind(&self, endpoint: &str) -> Result<(), Error> {
        self.0.unbind(endpoint)
    }

    /// Undoes [`Socket::connect`].
    pub fn disconnect(&self, endpoint: &str) -> Result<(), Error> {
        self.0.disconnect(endpoint)
    }

    /// Sends one frame. The flags are 0, [`ZMQ_SNDMORE`], [`ZMQ_DONTWAIT`] or both.
    pub fn send(&self, frame: impl AsRef<[u8]>, flags: i32) -> Result<(), Error> {
        self.0.send(frame.as_ref(), flags)
    }

    /// Sends one message of many frames, or nothing if there are none.
    pub fn send_multipart<I>(&self, frames: I) -> Result<(), Error>
    where
        I: IntoIterator<Item: AsRef<[u8]>>,
    {
        let mut frames = frames.into_iter().peekable();
        while let Some(frame) = frames.next() {
            let more = if frames.peek().is_some() { ZMQ_SNDMORE } else { 0 };
            self.send(frame, more)?;
        }
        Ok(())
    }

    /// Receives one frame.
    pub fn recv(&self) -> Result<Vec<u8>, Error> {
        Ok(self.recv_message(0)?.to_vec())
    }

    /// Receives one frame without copying it, with all that libzmq knows about it. The flags are 0
    /// or [`ZMQ_DONTWAIT`].
    pub fn recv_message(&self, flags: i32) -> Result<Message, Error> {
        self.0.recv(flags).map(Message)
    }

    /// Receives one message, which is one frame or many.
    pub fn recv_multipart(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut frames = Vec::new();
        loop {
            let frame = self.recv_message(0)?;
            frames.push(frame.to_vec());
            if !frame.more() {
                return Ok(frames);
            }
        }
    }

    /// Waits until there is something to receive, and tells whether there is.
    pub fn poll_in(&self, timeout: Duration) -> Result<bool, Error> {
        self.poll(ZMQ_POLLIN, timeout)
    }

    /// Waits until something can be sent, and tells whether it can.
    pub fn poll_out(&self, timeout: Duration) -> Result<bool, Error> {
        self.poll(ZMQ_POLLOUT, timeout)
    }

    fn poll(&self, events: i16, timeout: Duration) -> Result<bool, Error> {
        let millis = timeout.as_micros().div_ceil(1000);
        let found = self.0.poll(events, i64::try_from(millis).unwrap_or(i64::MAX))?;
        Ok(found & events != 0)
    }

    /// Watches what happens to the connections of this socket, in place of an earlier monitor.
    ///
    /// It sees what happens from now on: call this before binding or connecting. It sees nothing
    /// of the closing of this socket itself.
    pub fn monitor(&self) -> Result<Monitor, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let endpoint = format!("inproc://libzmq-reference-monitor-{count}");

        let events = Socket(ffi::Socket::new(self.0.context(), ZMQ_PAIR)?);
        events.rcvtimeo(10_000)?.linger(0)?.rcvhwm(0)?;
        events.connect(&endpoint)?;
        let tap = self.0.monitor(&endpoint, ZMQ_EVENT_ALL)?;
        Ok(Monitor { events, tap })
    }
}

/// A frame that has been received: its bytes, and what libzmq knows about it.
pub struct Message(ffi::Message);

impl Message {
    /// Whether there are more frames in the same message.
    #[must_use]
    pub fn more(&self) -> bool {
        self.0.get(ZMQ_MORE) == Ok(1)
    }

    /// Something about the connection that the frame has come by: `Socket-Type`, `Identity`,
    /// `Peer-Address`, `User-Id`, or what else the peer or the ZAP handler has put there.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        self.0.property(name)
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.data()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.data().fmt(f)
    }
}

/// Moves messages between the two sockets, and a copy of each to `capture`, until the context is
/// [shut down](Context::shutdown).
///
/// # Errors
///
/// If anything else ends it.
pub fn proxy(frontend: &Socket, backend: &Socket, capture: Option<&Socket>) -> Result<(), Error> {
    match ffi::proxy(&frontend.0, &backend.0, capture.map(|socket| &socket.0)) {
        error if error.errno == ETERM => Ok(()),
        error => Err(error),
    }
}

/// The version of libzmq: major, minor, patch.
#[must_use]
pub fn version() -> (i32, i32, i32) {
    ffi::version()
}

/// Whether libzmq has been built with a capability: `curve`, `ipc`, `draft`, ...
#[must_use]
pub fn has(capability: &str) -> bool {
    ffi::has(capability)
}

/// A long-term key pair of CURVE, each key as the 40 characters of its Z85 text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveKeys {
    /// The key that others have to know.
    pub public: String,
    /// The key that nobody else may know.
    pub secret: String,
}

impl CurveKeys {
    /// A new key pair.
    ///
    /// # Panics
    ///
    /// If libzmq has been built without CURVE, which it has not.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "no two key pairs are equal")]
    pub fn new() -> Self {
        let (public, secret) = ffi::curve_keypair().expect("libzmq has CURVE");
        Self { public, secret }
    }
}

/// The public key that belongs to a secret one, both as Z85 text.
///
/// # Errors
///
/// If the secret key is no Z85 text of 40 characters.
pub fn curve_public(secret: &str) -> Result<String, Error> {
    ffi::curve_public(secret)
}

/// The Z85 text of some bytes.
///
/// # Errors
///
/// If the number of bytes is no multiple of four.
pub fn z85_encode(data: &[u8]) -> Result<String, Error> {
    ffi::z85_encode(data)
}

/// The bytes of a Z85 text.
///
/// # Errors
///
/// If it is no Z85 text, or an empty one.
pub fn z85_decode(text: &str) -> Result<Vec<u8>, Error> {
    ffi::z85_decode(text)
}
