//! What is different on Unix: its domain sockets with the credentials of their peers, some options,
//! and the numbers of errors.

mod ipc;
mod options;

pub(super) use ipc::{IpcListener, dial, local_addr};
pub(super) use options::{
    bind_device, prepare_listener, set_most_unsent, set_retransmit_timeout, set_traffic_class,
};

/// A connection over a Unix domain socket.
pub type IpcStream = tokio::net::UnixStream;

/// Sends, and gets an error rather than a signal if the connection is broken.
pub(super) fn send(socket: &socket2::Socket, octets: &[u8]) -> std::io::Result<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return socket.send_with_flags(octets, libc::MSG_NOSIGNAL);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (socket, octets);
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

/// Out of descriptors or memory.
pub(super) fn is_exhaustion(code: i32) -> bool {
    [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM].contains(&code)
}

/// The system does not know this kind of address.
pub(super) fn is_missing_family(code: i32) -> bool {
    code == libc::EAFNOSUPPORT
}

/// Those of the errors that accept(2) passes on from a new connection which have no portable kind.
pub(super) fn is_of_connection(code: i32) -> bool {
    #[cfg(target_os = "linux")]
    if code == libc::ENONET {
        return true;
    }
    [libc::EPROTO, libc::ENOPROTOOPT, libc::EHOSTDOWN].contains(&code)
}
