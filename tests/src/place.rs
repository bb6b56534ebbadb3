//! Where two sockets meet: every transport, and either side as the one that binds.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use ironhouse::{AnySocket, Connecting, Endpoint, Monitor};
use libzmq_reference as zmq;

use crate::theirs::Setup;
use crate::{Done, Fallible, rt};

/// A port of this machine that the system chooses.
pub const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// A transport between processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Over TCP, on the loopback interface.
    Tcp,
    /// Over a Unix socket.
    Ipc,
}

/// Who of the two binds; the other one connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binder {
    /// ironhouse.
    Ours,
    /// libzmq.
    Theirs,
}

/// A way for ours and theirs to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The transport.
    pub transport: Transport,
    /// Who binds.
    pub binder: Binder,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Ipc => "ipc",
        };
        let binder = match self.binder {
            Binder::Ours => "ours binds",
            Binder::Theirs => "theirs binds",
        };
        write!(f, "{transport}, {binder}")
    }
}

/// All of them.
pub const ALL: [Place; 4] = [
    Place { transport: Transport::Tcp, binder: Binder::Ours },
    Place { transport: Transport::Tcp, binder: Binder::Theirs },
    Place { transport: Transport::Ipc, binder: Binder::Ours },
    Place { transport: Transport::Ipc, binder: Binder::Theirs },
];

/// A directory for one test, gone with this value.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new and empty one; its path is short enough for a Unix socket in it.
    ///
    /// # Panics
    /// If the system lets us make none.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it has an effect")]
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ironhouse-{}-{count}", process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// An `ipc://` endpoint in it.
    #[must_use]
    pub fn ipc(&self, name: &str) -> String {
        format!("ipc://{}", self.join(name).display())
    }
}

impl Deref for TempDir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One socket of ours and one of libzmq, on the way to each other, both watched from the start.
#[derive(Debug)]
pub struct Meeting {
    /// Ours.
    pub ours: AnySocket,
    /// What happens to ours.
    pub our_events: Monitor,
    /// Waits for READY, where ours is the one that connects.
    pub connecting: Option<Connecting>,
    /// What happens to theirs.
    pub their_events: zmq::Monitor,
    /// Theirs.
    pub theirs: zmq::Socket,
    /// Where they meet.
    pub endpoint: Endpoint,
    _directory: TempDir,
}

impl Meeting {
    /// Sets `theirs` up, and lets one of the two bind and the other one connect.
    ///
    /// # Errors
    /// Whatever either side says.
    pub async fn arrange(
        place: Place,
        ours: AnySocket,
        theirs: zmq::Socket,
        set: &Setup,
    ) -> Fallible<Self> {
        set(&theirs)?;
        let directory = TempDir::new();
        let at = match place.transport {
            Transport::Tcp => ANYWHERE.to_owned(),
            Transport::Ipc => directory.ipc("socket"),
        };
        let (our_events, their_events) = (ours.monitor(), theirs.monitor()?);
        let (endpoint, connecting) = match place.binder {
            Binder::Ours => {
                let endpoint = ours.bind(at).await?;
                theirs.connect(&endpoint.to_string())?;
                (endpoint, None)
            }
            Binder::Theirs => {
                let endpoint: Endpoint = theirs.bind(&at)?.parse()?;
                let connecting = ours.connect(&endpoint)?;
                (endpoint, Some(connecting))
            }
        };
        Ok(Self {
            ours,
            our_events,
            connecting,
            their_events,
            theirs,
            endpoint,
            _directory: directory,
        })
    }

    /// Ends the side of ours, and makes sure that none of its tasks hangs.
    ///
    /// # Errors
    /// None.
    pub async fn end(self) -> Done {
        let Self { ours, theirs, .. } = self;
        drop(theirs);
        rt::in_time("the end of a socket", ours.close()).await;
        Ok(())
    }
}
