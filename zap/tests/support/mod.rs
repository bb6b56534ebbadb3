//! What the tests share: requests, directories, waiting.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;
use zmtp_core::auth::{AuthRequest, Credentials, Domain, Secret};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

pub(crate) fn ip(text: &str) -> PeerAddress {
    PeerAddress::Ip(std::net::SocketAddr::new(text.parse().unwrap(), 1))
}

/// A request from 192.0.2.7 to `tcp://*:9000`, in no domain, by the mechanism that has such credentials.
pub(crate) fn request(credentials: Credentials) -> AuthRequest {
    let mechanism = match credentials {
        Credentials::Null => MechanismName::NULL,
        Credentials::Plain { .. } => MechanismName::PLAIN,
        Credentials::Curve { .. } => MechanismName::CURVE,
        _ => MechanismName::GSSAPI,
    };
    AuthRequest {
        domain: Domain::default(),
        address: ip("192.0.2.7"),
        listener: Arc::from("tcp://*:9000"),
        routing_id: RoutingId::default(),
        mechanism,
        credentials,
        metadata: Metadata::new(),
    }
}

pub(crate) fn plain(user: &str, password: &str) -> AuthRequest {
    let username = Bytes::copy_from_slice(user.as_bytes());
    request(Credentials::Plain { username, password: Secret::new(password.into()) })
}

pub(crate) fn curve(key: u8) -> AuthRequest {
    request(Credentials::Curve { public_key: [key; 32] })
}

/// Text that many write, such as log records.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Takes records of every level, as one who reads them sees them.
    pub(crate) fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + 'static {
        let writer = self.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish()
    }

    pub(crate) fn all(&self) -> String {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(octets).unwrap()
    }
}

impl Write for Said {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A directory of its own, gone when dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ironhouse-zap-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file that its owner alone can read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_path: &Path, _mode: u32) {}

/// What a future has now, if it is done.
pub(crate) fn now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    match std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The value of a future that somebody else brings.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
