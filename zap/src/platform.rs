//! What differs between operating systems: who may read a file.

use std::fs::{Metadata, OpenOptions};
#[cfg(feature = "watch")]
use std::time::{Duration, SystemTime};

/// Makes the file that these options create readable and writable for its owner alone.
#[cfg(unix)]
pub(crate) fn owner_only(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// The permission bits, if anybody but the owner has any of them.
#[cfg(unix)]
pub(crate) fn exposed_mode(metadata: &Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Whether anybody but the owner may write.
#[cfg(all(unix, feature = "policy-file"))]
pub(crate) fn writable_by_others(metadata: &Metadata) -> bool {
    exposed_mode(metadata).is_some_and(|mode| mode & 0o022 != 0)
}

/// Elsewhere there are no permission bits to judge by.
#[cfg(all(not(unix), feature = "policy-file"))]
pub(crate) fn writable_by_others(_metadata: &Metadata) -> bool {
    false
}

/// Elsewhere a new file inherits the access list of its directory, which is the administrator's.
#[cfg(not(unix))]
pub(crate) fn owner_only(_options: &mut OpenOptions) {}

/// Elsewhere there are no permission bits to judge by.
#[cfg(not(unix))]
pub(crate) fn exposed_mode(_metadata: &Metadata) -> Option<u32> {
    None
}

/// Which file something is, whatever its name.
#[cfg(feature = "watch")]
pub(crate) type Identity = (u64, u64);

/// What tells states of a file apart without reading it.
#[cfg(feature = "watch")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) identity: Identity,
    pub(crate) mode: u32,
    length: u64,
    modified: Option<SystemTime>,
    /// When anything about it changed, which no program can set; or else when it was created.
    changed: Option<SystemTime>,
}

#[cfg(feature = "watch")]
impl Mark {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
        let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
        Self {
            identity: (metadata.dev(), metadata.ino()),
            mode: metadata.mode(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
            changed: SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds)),
        }
    }

    /// Elsewhere a file has no number; when it was created tells most of them apart.
    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let changed = metadata.created().ok();
        let since = changed.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let since = since.unwrap_or_default();
        Self {
            identity: (since.as_secs(), since.subsec_nanos().into()),
            mode: metadata.permissions().readonly().into(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
        }
    }

    pub(crate) fn last_change(&self) -> Option<SystemTime> {
        self.modified.max(self.changed)
    }
}
