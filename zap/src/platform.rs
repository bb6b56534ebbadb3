//! What differs between operating systems: who may read a file.

use std::fs::{Metadata, OpenOptions};

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
