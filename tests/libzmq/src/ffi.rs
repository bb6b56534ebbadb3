//! The one place that calls C: owned handles whose safe methods are all that the rest sees.

use crate::Error;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_short, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

mod c {
    use super::{Msg, PollItem, c_char, c_int, c_long, c_void};

    unsafe extern "C" {
        pub(super) fn zmq_errno() -> c_int;
        pub(super) fn zmq_strerror(errno: c_int) -> *const c_char;
        pub(super) fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int);
        pub(super) fn zmq_has(capability: *const c_char) -> c_int;

        pub(super) fn zmq_ctx_new() -> *mut c_void;
        pub(super) fn zmq_ctx_set(context: *mut c_void, option: c_int, value: c_int) -> c_int;
        pub(super) fn zmq_ctx_get(context: *mut c_void, option: c_int) -> c_int;
        pub(super) fn zmq_ctx_shutdown(context: *mut c_void) -> c_int;
        pub(super) fn zmq_ctx_term(context: *mut c_void) -> c_int;

        pub(super) fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
        pub(super) fn zmq_close(socket: *mut c_void) -> c_int;
        pub(super) fn zmq_setsockopt(
            socket: *mut c_void,
            option: c_int,
            value: *const c_void,
            size: usize,
        ) -> c_int;
        pub(super) fn zmq_getsockopt(
            socket: *mut c_void,
            option: c_int,
            value: *mut c_void,
            size: *mut usize,
        ) -> c_int;
        pub(super) fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
        pub(super) fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
        pub(super) fn zmq_unbind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
        pub(super) fn zmq_disconnect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
        pub(super) fn zmq_send(
            socket: *mut c_void,
            data: *const c_void,
            size: usize,
            flags: c_int,
        ) -> c_int;
        pub(super) fn zmq_socket_monitor(
            socket: *mut c_void,
            endpoint: *const c_char,
            events: c_int,
        ) -> c_int;
        pub(super) fn zmq_poll(items: *mut PollItem, count: c_int, timeout: c_long) -> c_int;
        pub(super) fn zmq_proxy(
            frontend: *mut c_void,
            backend: *mut c_void,
            capture: *mut c_void,
        ) -> c_int;

        pub(super) fn zmq_msg_init(message: *mut Msg) -> c_int;
        pub(super) fn zmq_msg_recv(message: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
        pub(super) fn zmq_msg_close(message: *mut Msg) -> c_int;
        pub(super) fn zmq_msg_data(message: *mut Msg) -> *mut c_void;
        pub(super) fn zmq_msg_size(message: *const Msg) -> usize;
        pub(super) fn zmq_msg_get(message: *const Msg, property: c_int) -> c_int;
        pub(super) fn zmq_msg_gets(message: *const Msg, property: *const c_char) -> *const c_char;

        pub(super) fn zmq_curve_keypair(public: *mut c_char, secret: *mut c_char) -> c_int;
        pub(super) fn zmq_curve_public(public: *mut c_char, secret: *const c_char) -> c_int;
        pub(super) fn zmq_z85_encode(
            text: *mut c_char,
            data: *const u8,
            size: usize,
        ) -> *mut c_char;
        pub(super) fn zmq_z85_decode(data: *mut u8, text: *const c_char) -> *mut u8;
    }
}

/// `zmq_msg_t`: a block of bytes that only libzmq reads.
#[repr(C, align(8))]
struct Msg([MaybeUninit<u8>; 64]);

/// `zmq_pollitem_t`.
#[repr(C)]
struct PollItem {
    socket: *mut c_void,
    fd: c_int,
    events: c_short,
    revents: c_short,
}

/// The number and text of the error that the last call on this thread has set.
pub(crate) fn last_error() -> Error {
    // SAFETY: reads a number of this thread.
    error(unsafe { c::zmq_errno() })
}

/// The error of a number, with libzmq's text for it.
pub(crate) fn error(errno: i32) -> Error {
    // SAFETY: libzmq has a text for every number, in memory that nobody changes while it is read.
    let text = unsafe { CStr::from_ptr(c::zmq_strerror(errno)) };
    Error { errno, text: text.to_string_lossy().into_owned() }
}

/// Turns the result of a C call into ours: -1 means that it has failed.
fn check(result: c_int) -> Result<c_int, Error> {
    if result == -1 { Err(last_error()) } else { Ok(result) }
}

/// A C string, which cannot hold a zero byte.
fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::invalid())
}

/// The text in a buffer that C has filled up to a zero byte.
fn text(buffer: &[u8]) -> String {
    let text = buffer.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// An owned context, terminated on drop.
#[derive(Debug)]
pub(crate) struct Context(*mut c_void);

// SAFETY: libzmq allows every call on a context from any thread.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    pub(crate) fn new() -> Result<Self, Error> {
        // SAFETY: takes nothing; null is told from a context below.
        let context = unsafe { c::zmq_ctx_new() };
        if context.is_null() {
            return Err(last_error());
        }
        Ok(Self(context))
    }

    pub(crate) fn set(&self, option: i32, value: i32) -> Result<(), Error> {
        // SAFETY: the context lives until drop.
        check(unsafe { c::zmq_ctx_set(self.0, option, value) }).map(drop)
    }

    pub(crate) fn get(&self, option: i32) -> Result<i32, Error> {
        // SAFETY: the context lives until drop.
        check(unsafe { c::zmq_ctx_get(self.0, option) })
    }

    pub(crate) fn shutdown(&self) -> Result<(), Error> {
        // SAFETY: the context lives until drop.
        check(unsafe { c::zmq_ctx_shutdown(self.0) }).map(drop)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: this is the only owner; a signal may interrupt the wait, which is then resumed.
        while unsafe { c::zmq_ctx_term(self.0) } == -1
            && std::io::Error::from_raw_os_error(last_error().errno).kind()
                == std::io::ErrorKind::Interrupted
        {}
    }
}

/// What binds, connects, or undoes either.
type EndpointFn = unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int;

/// An owned socket, closed on drop.
#[derive(Debug)]
pub(crate) struct Socket {
    raw: *mut c_void,
    tap: RefCell<Option<Tap>>,
    /// Kept alive for as long as the socket is.
    context: Arc<Context>,
}

// SAFETY: a socket may move to another thread; it is not `Sync`, so one thread at a time uses it.
unsafe impl Send for Socket {}

impl Socket {
    pub(crate) fn new(context: &Arc<Context>, kind: i32) -> Result<Self, Error> {
        // SAFETY: the context is alive; null is told from a socket below.
        let raw = unsafe { c::zmq_socket(context.0, kind) };
        if raw.is_null() {
            return Err(last_error());
        }
        Ok(Self { raw, tap: RefCell::default(), context: Arc::clone(context) })
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub(crate) fn bind(&self, endpoint: &str) -> Result<(), Error> {
        self.at(endpoint, c::zmq_bind)
    }

    pub(crate) fn connect(&self, endpoint: &str) -> Result<(), Error> {
        self.at(endpoint, c::zmq_connect)
    }

    pub(crate) fn unbind(&self, endpoint: &str) -> Result<(), Error> {
        self.at(endpoint, c::zmq_unbind)
    }

    pub(crate) fn disconnect(&self, endpoint: &str) -> Result<(), Error> {
        self.at(endpoint, c::zmq_disconnect)
    }

    /// Calls one of the four functions above.
    fn at(&self, endpoint: &str, function: EndpointFn) -> Result<(), Error> {
        let endpoint = c_string(endpoint)?;
        // SAFETY: socket and string are alive during the call.
        check(unsafe { function(self.raw, endpoint.as_ptr()) }).map(drop)
    }

    pub(crate) fn set(&self, option: i32, value: &[u8]) -> Result<(), Error> {
        // SAFETY: libzmq copies the value, of which it is told the size.
        check(unsafe { c::zmq_setsockopt(self.raw, option, value.as_ptr().cast(), value.len()) })
            .map(drop)
    }

    /// Fills the front of `value` and tells how much of it.
    pub(crate) fn get(&self, option: i32, value: &mut [u8]) -> Result<usize, Error> {
        let mut size = value.len();
        // SAFETY: libzmq is told the room that there is, and writes no more.
        check(unsafe {
            c::zmq_getsockopt(self.raw, option, value.as_mut_ptr().cast(), &raw mut size)
        })?;
        Ok(size)
    }

    pub(crate) fn send(&self, frame: &[u8], flags: i32) -> Result<(), Error> {
        // SAFETY: libzmq copies the frame, of which it is told the size.
        check(unsafe { c::zmq_send(self.raw, frame.as_ptr().cast(), frame.len(), flags) }).map(drop)
    }

    pub(crate) fn recv(&self, flags: i32) -> Result<Message, Error> {
        let mut message = Message::new();
        // SAFETY: the message has been initialised.
        check(unsafe { c::zmq_msg_recv(&raw mut message.0, self.raw, flags) })?;
        Ok(message)
    }

    /// Which of the `events` are there, after at most `timeout` milliseconds.
    pub(crate) fn poll(&self, events: i16, timeout: i64) -> Result<i16, Error> {
        let mut item = PollItem { socket: self.raw, fd: 0, events, revents: 0 };
        let timeout = c_long::try_from(timeout).unwrap_or(c_long::MAX);
        // SAFETY: one item is announced and one is there.
        check(unsafe { c::zmq_poll(&raw mut item, 1, timeout) })?;
        Ok(item.revents)
    }

    /// Sends the `events` of this socket to the PAIR socket that has connected to `endpoint`.
    pub(crate) fn monitor(&self, endpoint: &str, events: u16) -> Result<Tap, Error> {
        let endpoint = c_string(endpoint)?;
        if let Some(tap) = self.tap.take() {
            tap.close();
        }
        // SAFETY: socket and string are alive during the call.
        check(unsafe { c::zmq_socket_monitor(self.raw, endpoint.as_ptr(), events.into()) })?;
        let tap = Tap(Arc::new(Mutex::new(Some(Tapped(self.raw)))));
        self.tap.replace(Some(tap.clone()));
        Ok(tap)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(tap) = self.tap.take() {
            tap.close();
        }
        // SAFETY: this is the only owner, now that the tap has let go.
        unsafe { c::zmq_close(self.raw) };
    }
}

/// What a socket's events flow through, until the socket or the receiver of the events closes it.
///
/// It has to be closed before the receiver is: libzmq would wait forever for somebody to take the
/// next event.
#[derive(Clone, Debug)]
pub(crate) struct Tap(Arc<Mutex<Option<Tapped>>>);

/// A socket that is open, or else its tap would have been closed.
#[derive(Debug)]
struct Tapped(*mut c_void);

// SAFETY: libzmq guards a socket's monitor with a mutex of its own, as its I/O threads use it too.
unsafe impl Send for Tapped {}

impl Tap {
    pub(crate) fn close(&self) {
        let mut tapped = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = tapped.take() {
            // SAFETY: the socket is open, and the lock keeps it so during the call.
            unsafe { c::zmq_socket_monitor(socket.0, ptr::null(), 0) };
        }
    }
}

/// Moves messages between two sockets, and a copy of each to the third, until an error ends it.
pub(crate) fn proxy(frontend: &Socket, backend: &Socket, capture: Option<&Socket>) -> Error {
    let capture = capture.map_or(ptr::null_mut(), |socket| socket.raw);
    // SAFETY: all sockets are alive and, borrowed by this thread, used by no other.
    unsafe { c::zmq_proxy(frontend.raw, backend.raw, capture) };
    last_error()
}

/// An owned frame. libzmq itself hands frames on by copying these bytes, so they may move.
pub(crate) struct Message(Msg);

impl Message {
    fn new() -> Self {
        let mut message = Self(Msg([MaybeUninit::uninit(); 64]));
        // SAFETY: initialising an empty message only writes its bytes, and cannot fail.
        unsafe { c::zmq_msg_init(&raw mut message.0) };
        message
    }

    pub(crate) fn data(&self) -> &[u8] {
        let message = &raw const self.0;
        // SAFETY: libzmq only looks up, in spite of the pointer to mutable, where the data of an
        // initialised message are; they stay there for as long as it is borrowed.
        unsafe {
            let data = c::zmq_msg_data(message.cast_mut()).cast();
            std::slice::from_raw_parts(data, c::zmq_msg_size(message))
        }
    }

    pub(crate) fn get(&self, property: i32) -> Result<i32, Error> {
        // SAFETY: the message has been initialised.
        check(unsafe { c::zmq_msg_get(&raw const self.0, property) })
    }

    pub(crate) fn property(&self, name: &str) -> Option<String> {
        let name = c_string(name).ok()?;
        // SAFETY: message and name are alive; a text that is not null ends in a zero byte and
        // lives as long as the message.
        unsafe {
            let value = c::zmq_msg_gets(&raw const self.0, name.as_ptr());
            (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: this is the only owner of an initialised message.
        unsafe { c::zmq_msg_close(&raw mut self.0) };
    }
}

pub(crate) fn version() -> (i32, i32, i32) {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: three numbers are written to where three numbers are.
    unsafe { c::zmq_version(&raw mut major, &raw mut minor, &raw mut patch) };
    (major, minor, patch)
}

pub(crate) fn has(capability: &str) -> bool {
    // SAFETY: the string is alive during the call.
    c_string(capability).is_ok_and(|name| unsafe { c::zmq_has(name.as_ptr()) } == 1)
}

/// The Z85 text of a key: 40 characters and a zero byte.
const KEY_TEXT: usize = 41;

pub(crate) fn curve_keypair() -> Result<(String, String), Error> {
    let (mut public, mut secret) = ([0_u8; KEY_TEXT], [0_u8; KEY_TEXT]);
    // SAFETY: both buffers have the room that libzmq asks for.
    check(unsafe { c::zmq_curve_keypair(public.as_mut_ptr().cast(), secret.as_mut_ptr().cast()) })?;
    Ok((text(&public), text(&secret)))
}

pub(crate) fn curve_public(secret: &str) -> Result<String, Error> {
    let secret = c_string(secret)?;
    if secret.as_bytes_with_nul().len() != KEY_TEXT {
        return Err(Error::invalid());
    }
    let mut public = [0_u8; KEY_TEXT];
    // SAFETY: the buffer has the room that libzmq asks for, and the secret key, of which it would
    // decode any length into 32 bytes, has been seen to have the right one.
    check(unsafe { c::zmq_curve_public(public.as_mut_ptr().cast(), secret.as_ptr()) })?;
    Ok(text(&public))
}

pub(crate) fn z85_encode(data: &[u8]) -> Result<String, Error> {
    let mut encoded = vec![0_u8; data.len() / 4 * 5 + 1];
    // SAFETY: libzmq is told the size of the data, and needs five characters for four of its
    // bytes and a zero byte.
    let end = unsafe { c::zmq_z85_encode(encoded.as_mut_ptr().cast(), data.as_ptr(), data.len()) };
    if end.is_null() {
        return Err(last_error());
    }
    Ok(text(&encoded))
}

pub(crate) fn z85_decode(text: &str) -> Result<Vec<u8>, Error> {
    let mut decoded = vec![0_u8; text.len() / 5 * 4];
    let text = c_string(text)?;
    // SAFETY: libzmq makes four bytes of five characters.
    let end = unsafe { c::zmq_z85_decode(decoded.as_mut_ptr(), text.as_ptr()) };
    if end.is_null() {
        return Err(last_error());
    }
    Ok(decoded)
}
