//! A connection of either transport.

use std::io::{self, IoSlice, Read as _};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BufMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;

use super::platform::IpcStream;
use super::tcp;
use crate::endpoint::Endpoint;

/// Whether the system tells of what arrives behind a short read without being asked in between, as epoll
/// and kqueue do.
const DRAINED_BY_SHORT_READS: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_vendor = "apple"
));

/// A byte stream to a peer.
///
/// It can be driven in two ways: as `AsyncRead` and `AsyncWrite`, or with [`ready`](Self::ready)
/// and the `try_*` methods, which take `&self` and need a buffer only while there is something to
/// read, so that an idle connection holds none. The futures of the second kind can be dropped at
/// any time and lose nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// A TCP connection, with `TCP_NODELAY` set.
    Tcp(TcpStream),
    /// A connection over a Unix domain socket.
    Ipc(IpcStream),
}

/// Does the same with whichever transport it is.
macro_rules! either {
    ($stream:expr, $inner:ident => $body:expr) => {
        match $stream {
            Stream::Tcp($inner) => $body,
            Stream::Ipc($inner) => $body,
        }
    };
}

impl Stream {
    /// Waits until one of the things asked for is possible, or the connection is closed. May be
    /// wrong: the `try_*` methods tell.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, stream => stream.ready(interest).await)
    }

    /// Waits until something can be read.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub async fn readable(&self) -> io::Result<()> {
        either!(self, stream => stream.readable().await)
    }

    /// Waits until something can be written.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub async fn writable(&self) -> io::Result<()> {
        either!(self, stream => stream.writable().await)
    }

    /// [`readable`](Self::readable) for use in a `poll` function. Only the last task to call it is
    /// woken.
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(context))
    }

    /// [`writable`](Self::writable) for use in a `poll` function. Only the last task to call it is
    /// woken.
    pub fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_write_ready(context))
    }

    /// Reads what is there; 0 octets mean that the peer has finished.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there, and whatever the system says of a broken connection.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_read(buffer))
    }

    /// Reads into the spare room of a buffer, which need not be initialised, and advances it.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_buf(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        either!(self, stream => stream.try_read_buf(buffer))
    }

    /// The same, but what brings less than there was room for is taken for the last that is there: the
    /// next attempt says `WouldBlock` without asking the system, until more arrives.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_out(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        if !DRAINED_BY_SHORT_READS {
            return self.try_read_buf(buffer);
        }
        let room = buffer.chunk_mut().len();
        let mut last = None;
        let mut read = |last: &mut Option<usize>| {
            let count = self.try_read_buf(buffer)?;
            if count == 0 || count == room {
                return Ok(count);
            }
            // Unless something has arrived since the runtime was last told, there is nothing now.
            *last = Some(count);
            Err(io::ErrorKind::WouldBlock.into())
        };
        let result = either!(self, stream => stream.try_io(Interest::READABLE, || read(&mut last)));
        last.map_or(result, Ok)
    }

    /// Writes as much as the system takes.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing, and whatever it says of a broken connection.
    pub fn try_write(&self, buffer: &[u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_write(buffer))
    }

    /// Writes from several buffers with one call of the system, as much as it takes.
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.try_write_vectored(buffers))
    }

    /// Reads what is there, and asks the system also while the runtime knows of nothing: it often does not yet
    /// of a connection that is new.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn read_at_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // What it does know is used up, or the next attempt would ask in vain.
        match self.try_read_out(&mut &mut *buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                either!(self, stream => (&*SockRef::from(stream)).read(buffer))
            }
            result => result,
        }
    }

    /// Writes as much as the system takes, whether or not the runtime knows that it does. On systems
    /// other than Linux and its relatives always `WouldBlock`.
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write).
    pub fn write_at_once(&self, buffer: &[u8]) -> io::Result<usize> {
        either!(self, stream => super::platform::send(&SockRef::from(stream), buffer))
    }

    /// Tells the peer that nothing more comes, after what is written. Reading goes on.
    ///
    /// # Errors
    /// The connection is broken already.
    pub fn shutdown_write(&self) -> io::Result<()> {
        either!(self, stream => SockRef::from(stream).shutdown(Shutdown::Write))
    }

    /// The address of this side: of a TCP connection always; of a Unix socket only where this side
    /// listens, for the other side has none.
    ///
    /// # Errors
    /// The system does not tell (some no longer do once the connection is broken), or the name is
    /// not text.
    pub fn local_addr(&self) -> io::Result<Option<Endpoint>> {
        match self {
            Self::Tcp(stream) => {
                stream.local_addr().map(|address| Some(tcp::canonical(address).into()))
            }
            Self::Ipc(stream) => super::platform::local_addr(stream),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write(context, buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(context, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(context))
    }
}
