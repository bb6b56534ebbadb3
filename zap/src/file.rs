//! Small files, read whole and replaced whole.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use crate::platform;

/// Something wrong in a file: where, and what. Never repeats what the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError<W> {
    /// The file; `None` for text that came from elsewhere.
    pub file: Option<PathBuf>,
    /// The line, counted from 1, if it is one line that is wrong.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: W,
}

impl<W> FileError<W> {
    pub(crate) const fn new(what: W) -> Self {
        Self { file: None, line: None, what }
    }

    pub(crate) const fn at(line: usize, what: W) -> Self {
        Self { file: None, line: Some(line), what }
    }

    pub(crate) fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }
}

impl<W: fmt::Display> fmt::Display for FileError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}, line {line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        self.what.fmt(f)
    }
}

impl<W: fmt::Debug + fmt::Display> std::error::Error for FileError<W> {}

/// Why a file cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// The system says so.
    #[error("{0}")]
    Io(ErrorKind),
    /// A directory, a device or a pipe.
    #[error("not a regular file")]
    NotAFile,
    /// More octets than such a file has.
    #[error("larger than {0} octets")]
    TooLarge(u32),
    /// Not UTF-8.
    #[error("not text")]
    NotText,
}

impl From<std::io::Error> for FileFault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// The content of a file of at most `limit` octets, erased when dropped, and what the system knows
/// of the very file that was read.
pub(crate) fn read(path: &Path, limit: u32) -> Result<(Zeroizing<Vec<u8>>, Metadata), FileFault> {
    // Asked before opening: a pipe would block.
    if !fs::metadata(path)?.is_file() {
        return Err(FileFault::NotAFile);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // Room for one octet too many from the start, so that no copy is left behind by growing.
    let room = metadata.len().min(limit.into()) + 1;
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    file.take(u64::from(limit) + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit.into() {
        return Err(FileFault::TooLarge(limit));
    }
    Ok((content, metadata))
}

/// What to do when the file to write is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and fail.
    Keep,
    /// Put the new file in its place.
    Replace,
}

/// A file that is written under another name and not yet in place. Dropped before
/// [`commit`](Self::commit), it leaves nothing behind.
pub(crate) struct Pending {
    target: PathBuf,
    temporary: PathBuf,
    /// The target is an empty file that holds the name.
    reserved: bool,
    done: bool,
}

impl Pending {
    /// Writes `content` beside `target` and makes sure that the name is free, or may be taken.
    pub(crate) fn write(
        target: PathBuf,
        content: &[u8],
        owner_only: bool,
        existing: Existing,
    ) -> Result<Self, FileFault> {
        let create = |path: &Path| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            if owner_only {
                platform::owner_only(&mut options);
            }
            options.open(path)
        };
        let reserved = existing == Existing::Keep;
        if reserved {
            create(&target)?;
        }
        let temporary = temporary_name(&target);
        let pending = Self { target, temporary, reserved, done: false };
        let mut file = create(&pending.temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        Ok(pending)
    }

    /// Puts the file into its place in one step.
    pub(crate) fn commit(mut self) -> Result<PathBuf, FileFault> {
        fs::rename(&self.temporary, &self.target)?;
        self.done = true;
        Ok(std::mem::take(&mut self.target))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Nothing can be done about a failure; the next writer finds another name.
        _ = fs::remove_file(&self.temporary);
        if self.reserved {
            _ = fs::remove_file(&self.target);
        }
    }
}

/// A hidden name beside `target`, different for each call.
fn temporary_name(target: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.{count}.tmp", std::process::id()))
}
