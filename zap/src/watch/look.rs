//! What lies in the files and directories of a policy, told apart by content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::digest::digest;
use crate::file::{self, FileFault};
use crate::platform::{Identity, Mark};
use crate::store::is_secret;

/// Largest file of its own that is read; larger ones are told apart by their marks.
const MAX_FILE: u32 = 16 * 1024 * 1024;
/// Largest file in a directory that is read.
const MAX_ENTRY: u32 = 64 * 1024;
/// File systems may count time in steps as long as this: within one, content changes and times do not.
const STEP: Duration = Duration::from_secs(2);

/// What one look at the sources of a policy has found. Two are equal if no file was touched in between.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    sources: BTreeMap<PathBuf, Files>,
    /// Directories in which a change may lead to another look, and which directories they are.
    pub(super) places: BTreeMap<PathBuf, Option<Identity>>,
    begun: Option<SystemTime>,
}

/// The source itself, and what lies in it if it is a directory.
type Files = BTreeMap<PathBuf, Seen>;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    mark: Option<Mark>,
    digest: u128,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        self.sources == other.sources
    }
}

impl Look {
    /// Looks at all sources. What has the same mark as `before` is not read again.
    pub(super) fn at(sources: Vec<PathBuf>, before: &Self) -> Self {
        let mut look = Self { begun: Some(SystemTime::now()), ..Self::default() };
        for source in sources {
            let known = before.sources.get(&source).map(|files| (files, before.begun));
            let files = look.source(&source, known.unwrap_or((&Files::new(), None)));
            look.sources.insert(source, files);
        }
        look
    }

    /// The sources that hold something else than `before`.
    pub(super) fn differences(&self, before: &Self) -> Vec<PathBuf> {
        let all: BTreeSet<_> = self.sources.keys().chain(before.sources.keys()).collect();
        let differs =
            |source: &&PathBuf| !same(self.sources.get(*source), before.sources.get(*source));
        all.into_iter().filter(differs).cloned().collect()
    }

    fn source(&mut self, source: &Path, known: (&Files, Option<SystemTime>)) -> Files {
        self.place(parent(source));
        if let Ok(real) = fs::canonicalize(source) {
            // A link leads there, or the directory may be replaced.
            self.place(parent(&real));
        }
        let mut files = Files::new();
        if !source.is_dir() {
            files.insert(source.to_owned(), see(source, MAX_FILE, known));
            return files;
        }
        self.place(source);
        let listed = self.directory(source, known, &mut files);
        // That it can be listed, or why not.
        let digest = digest(&[&error_text(listed.err())]);
        files.insert(source.to_owned(), Seen { mark: None, digest });
        files
    }

    fn directory(
        &mut self,
        directory: &Path,
        known: (&Files, Option<SystemTime>),
        files: &mut Files,
    ) -> io::Result<()> {
        let root = fs::canonicalize(directory)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = entry.path();
            let kind = entry.file_type()?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") || kind.is_dir() {
                continue;
            }
            // The secret half of a certificate is not opened, under no name.
            let seen = if is_secret(&path) {
                continue;
            } else if kind.is_symlink() {
                match fs::canonicalize(&path) {
                    Ok(real) if real.starts_with(&root) && !is_secret(&real) => {
                        self.place(parent(&real));
                        see(&path, MAX_ENTRY, known)
                    }
                    Ok(real) => unread(real.as_os_str().as_encoded_bytes()),
                    Err(error) => unread(&error_text(Some(error))),
                }
            } else {
                see(&path, MAX_ENTRY, known)
            };
            files.insert(path, seen);
        }
        Ok(())
    }

    fn place(&mut self, directory: &Path) {
        if !self.places.contains_key(directory) {
            let identity = fs::metadata(directory).ok().map(|it| Mark::of(&it).identity);
            self.places.insert(directory.to_owned(), identity);
        }
    }
}

/// Whether two looks at a source saw the same.
fn same(one: Option<&Files>, other: Option<&Files>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() == other.is_none() };
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| one.0 == other.0 && one.1.digest == other.1.digest)
}

/// Looks at a file, and reads it unless it is known.
fn see(path: &Path, limit: u32, (known, begun): (&Files, Option<SystemTime>)) -> Seen {
    let mark = match fs::metadata(path) {
        Ok(metadata) => Mark::of(&metadata),
        Err(error) => return unread(&error_text(Some(error))),
    };
    if let Some(seen) = known.get(path)
        && seen.mark == Some(mark)
        && is_old(&mark, begun)
    {
        return *seen;
    }
    match file::read(path, limit) {
        // Of the very file that was read: a change in between is seen by the next look.
        Ok((content, metadata)) => {
            Seen { mark: Some(mark), digest: digest_of(&content, &metadata) }
        }
        Err(fault @ FileFault::TooLarge(_)) => unread(format!("{fault} {mark:?}").as_bytes()),
        Err(fault) => unread(fault.to_string().as_bytes()),
    }
}

/// Whether the last change was long before the look that `begun`: one after it has another time.
fn is_old(mark: &Mark, begun: Option<SystemTime>) -> bool {
    let changed = mark.last_change().and_then(|it| it.checked_add(STEP));
    changed.zip(begun).is_some_and(|(changed, begun)| changed < begun)
}

/// What is in a file, and who may read it, because that may make it a bad one.
fn digest_of(content: &[u8], metadata: &Metadata) -> u128 {
    digest(&[content, &Mark::of(metadata).mode.to_ne_bytes()])
}

fn unread(why: &[u8]) -> Seen {
    Seen { mark: None, digest: digest(&[b"not read", why]) }
}

fn error_text(error: Option<io::Error>) -> Vec<u8> {
    error.map(|error| error.kind().to_string().into_bytes()).unwrap_or_default()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}
