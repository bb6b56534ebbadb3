//! Unix domain sockets.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use zmtp_core::peer::PeerAddress;

use super::super::error::{AcceptError, BindErrorKind, DialErrorKind, Failure};
use super::super::{OsError, TransportOptions, tcp};
use crate::endpoint::{Endpoint, IpcEndpoint};

/// A socket that is bound has this long to listen before it counts as left behind.
const BOUND_BUT_SILENT: Duration = Duration::from_millis(20);

/// How often, and how far apart, a lock is asked for: a second in all.
const LOCK_ATTEMPTS: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Pauses while the server's backlog is full; the system offers nothing to wait for.
const BACKLOG_PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

#[derive(Debug)]
pub(in crate::net) struct IpcListener {
    // Dropped first: while the socket is open, nothing else at the path can have its identity.
    _files: Files,
    socket: UnixListener,
    local: IpcEndpoint,
}

impl IpcListener {
    pub(in crate::net) async fn bind(
        endpoint: &IpcEndpoint,
        options: &TransportOptions,
    ) -> Result<Self, Failure<BindErrorKind>> {
        if endpoint.is_any() {
            return Self::bind_any(options);
        }
        let name = socket_name(endpoint).ok_or(BindErrorKind::Unsupported(ABSTRACT))?;
        let socket = match listen(&name, options) {
            Err(failure) if failure.kind == BindErrorKind::AddressInUse => {
                let Some(path) = endpoint.path() else { return Err(failure) };
                let _turn = turn(path).await;
                remove_if_stale(path, failure).await?;
                listen(&name, options)?
            }
            other => other?,
        };
        let files = Files { socket: endpoint.path().and_then(Identified::new), directory: None };
        Ok(Self { _files: files, socket, local: endpoint.clone() })
    }

    /// In a directory of its own, which other users cannot enter.
    fn bind_any(options: &TransportOptions) -> Result<Self, Failure<BindErrorKind>> {
        let directory = new_directory()?;
        let path = directory.join("socket");
        let mut files = Files { socket: None, directory: Some(directory) };
        let local = IpcEndpoint::from_path(&path).ok_or(BindErrorKind::PathTooLong)?;
        let socket = listen(&path.clone().into_os_string(), options)?;
        files.socket = Identified::new(&path);
        Ok(Self { _files: files, socket, local })
    }

    pub(in crate::net) const fn local(&self) -> &IpcEndpoint {
        &self.local
    }

    pub(in crate::net) async fn accept(
        &self,
        options: &TransportOptions,
    ) -> Result<(UnixStream, PeerAddress), AcceptError> {
        let (stream, _unnamed) = self.socket.accept().await.map_err(AcceptError::new)?;
        tcp::set_buffers(SockRef::from(&stream), options)
            .map_err(|error| AcceptError::of_connection(error.cause()))?;
        let peer = peer_address(&stream)
            .map_err(|error| AcceptError::of_connection(OsError::from(error)))?;
        Ok((stream, peer))
    }
}

pub(in crate::net) async fn dial(
    endpoint: &IpcEndpoint,
    options: &TransportOptions,
) -> Result<(UnixStream, PeerAddress), Failure<DialErrorKind>> {
    let name = socket_name(endpoint).ok_or(DialErrorKind::Unsupported(ABSTRACT))?;
    let mut pause = BACKLOG_PAUSES.0;
    let stream = loop {
        match UnixStream::connect(&name).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(BACKLOG_PAUSES.1);
            }
            Err(error) if is_too_long(&error) => return Err(DialErrorKind::PathTooLong.into()),
            other => break other?,
        }
    };
    tcp::set_buffers(SockRef::from(&stream), options)?;
    let peer = peer_address(&stream)?;
    Ok((stream, peer))
}

pub(in crate::net) fn local_addr(stream: &UnixStream) -> io::Result<Option<Endpoint>> {
    let address = stream.local_addr()?;
    if address.is_unnamed() {
        return Ok(None);
    }
    let name = match abstract_name(&address) {
        Some(name) => str::from_utf8(name).ok().and_then(IpcEndpoint::from_abstract_name),
        None => address.as_pathname().and_then(IpcEndpoint::from_path),
    };
    name.map(|name| Some(Endpoint::Ipc(name))).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(address: &SocketAddr) -> Option<&[u8]> {
    address.as_abstract_name()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn abstract_name(_address: &SocketAddr) -> Option<&[u8]> {
    None
}

/// What the kernel says of the process at the other end: its effective ids when it connected, or
/// when it began to listen.
fn peer_address(stream: &UnixStream) -> io::Result<PeerAddress> {
    match stream.peer_cred() {
        Ok(peer) => {
            // A process that this namespace cannot see has the number 0.
            let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
            Ok(PeerAddress::Process { uid: peer.uid(), gid: peer.gid(), pid })
        }
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(PeerAddress::Unknown),
        Err(error) => Err(error),
    }
}

const ABSTRACT: &str = "abstract namespace for sockets (ipc://@name); use a path";

/// The name as the system takes it: an abstract one starts with a zero. `None` where there are none.
fn socket_name(endpoint: &IpcEndpoint) -> Option<OsString> {
    match endpoint.abstract_name() {
        Some(name) if cfg!(any(target_os = "linux", target_os = "android")) => {
            Some(format!("\0{name}").into())
        }
        Some(_) => None,
        None => endpoint.path().map(|path| path.as_os_str().to_owned()),
    }
}

fn listen(
    name: &OsString,
    options: &TransportOptions,
) -> Result<UnixListener, Failure<BindErrorKind>> {
    let address = match SockAddr::unix(name) {
        Err(error) if is_too_long(&error) => return Err(BindErrorKind::PathTooLong.into()),
        other => other?,
    };
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    tcp::set_buffers(SockRef::from(&socket), options)?;
    socket.bind(&address)?;
    socket.listen(tcp::backlog(options))?;
    Ok(UnixListener::from_std(socket.into())?)
}

/// Before it asks the system, the library checks the one thing that an endpoint does not know: how
/// much room the system's addresses have.
fn is_too_long(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidInput && error.raw_os_error().is_none()
}

/// Waits until no other process is about to replace a socket in the same directory, and keeps them
/// from it as long as the answer is held. Otherwise one could remove the socket that another has
/// just put in place of the old one.
///
/// `None` without the right to read the directory, and if somebody holds it for long: then the
/// checks made one after another must do.
async fn turn(path: &Path) -> Option<File> {
    let absolute = std::path::absolute(path).ok()?;
    let directory = File::open(absolute.parent()?).ok()?;
    for _ in 0..LOCK_ATTEMPTS {
        match directory.try_lock() {
            Ok(()) => return Some(directory),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// Removes a socket that its server left behind. Anything else stays, and is the reason to fail.
///
/// Asked twice, because a server that has just bound the path does not listen yet; and removed only
/// if it is still the same file, because others than this library do not wait for their turn.
async fn remove_if_stale(
    path: &Path,
    in_use: Failure<BindErrorKind>,
) -> Result<(), Failure<BindErrorKind>> {
    let Some(before) = unless_gone(fs::symlink_metadata(path))? else { return Ok(()) };
    if !before.file_type().is_socket() {
        return Err(BindErrorKind::NotASocket.into());
    }
    for pause in [BOUND_BUT_SILENT, Duration::ZERO] {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(error.into());
            }
            // It answers, its backlog is full, or it is a socket of another type.
            Ok(_) | Err(_) => return Err(in_use),
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    let times = |file: &Metadata| (file.dev(), file.ino(), file.ctime(), file.ctime_nsec());
    match unless_gone(fs::symlink_metadata(path))? {
        Some(after) if times(&after) == times(&before) => {
            unless_gone(fs::remove_file(path))?;
            Ok(())
        }
        Some(_) => Err(in_use),
        None => Ok(()),
    }
}

/// Whatever removed the file did what was wanted.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// What a listener has put into the file system, and takes away at the end.
#[derive(Debug)]
struct Files {
    socket: Option<Identified>,
    directory: Option<PathBuf>,
}

impl Drop for Files {
    fn drop(&mut self) {
        // Nobody is there to tell: a leftover socket is replaced by the next bind.
        if let Some(socket) = self.socket.take().filter(Identified::is_there) {
            let _ = fs::remove_file(socket.path);
        }
        if let Some(directory) = self.directory.take() {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// A file that can be told from another one at the same path.
#[derive(Debug)]
struct Identified {
    path: PathBuf,
    identity: (u64, u64),
}

impl Identified {
    /// `None` if nothing is there. The path is made absolute: the working directory may change.
    fn new(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let identity = Self::identity(&path)?;
        Some(Self { path, identity })
    }

    fn is_there(&self) -> bool {
        Self::identity(&self.path) == Some(self.identity)
    }

    fn identity(path: &Path) -> Option<(u64, u64)> {
        fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
    }
}

/// A new directory for this user alone. The name need not be a secret: `mkdir` takes nothing that
/// exists and follows no link.
fn new_directory() -> io::Result<PathBuf> {
    let mut last = io::ErrorKind::AlreadyExists.into();
    for _ in 0..16 {
        let number = RandomState::new().build_hasher().finish();
        let path = std::env::temp_dir().join(format!("ironhouse-{number:016x}"));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
