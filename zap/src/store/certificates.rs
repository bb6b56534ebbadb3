//! A directory of certificates, read once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{info, warn};
use zmtp_core::auth::AuthRequest;

use super::KeySet;
use crate::certificate::{Certificate, CertificateError, CertificateFault};
use crate::file::FileFault;
use crate::provider::{Answer, Provider, ReloadError, Statement};

/// Endings of the names of files that hold a public half.
const ENDINGS: [&str; 4] = ["key", "pub", "txt", "cert"];
const SECRET_ENDING: &str = "_secret";

/// The public keys in the certificates of one directory, and what was wrong with some of them.
///
/// Files whose names end in `.key`, `.pub`, `.txt` or `.cert` and do not begin with a dot are read, up
/// to 64 KiB each; subdirectories are not. A bad file is left out and named in
/// [`problems`](Self::problems) and in a warning; the others count. A file with a secret half is a bad
/// one, and `_secret` files are not even opened, not through links either. Of two files with one key
/// the first by name counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CertificateStore {
    directory: PathBuf,
    keys: KeySet,
    problems: Vec<CertificateError>,
}

impl CertificateStore {
    /// Reads a directory.
    ///
    /// # Errors
    /// [`CertificateError`] only if the directory itself cannot be read.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, CertificateError> {
        let directory = directory.as_ref();
        let (root, files) = list(directory).map_err(|error| {
            let fault = FileFault::from(error).into();
            CertificateError::new(fault).in_file(directory)
        })?;
        let mut store = Self { directory: directory.to_owned(), ..Self::default() };
        let mut origins = HashMap::new();
        for Candidate { path, is_link } in files {
            let certificate = match load_public(&root, &path, is_link) {
                Ok(certificate) => certificate,
                Err(error) => {
                    store.report(error);
                    continue;
                }
            };
            if let Some(first) = origins.get(certificate.public_key()) {
                let fault = CertificateFault::SameKey(PathBuf::clone(first));
                store.report(CertificateError::new(fault).in_file(&path));
                continue;
            }
            for name in certificate.properties().1 {
                let fault = CertificateFault::Unusable(name.to_owned());
                store.report(CertificateError::new(fault).in_file(&path));
            }
            store.keys.insert_from(&certificate, Some(Arc::from(path.as_path())));
            origins.insert(*certificate.public_key(), path);
        }
        let (keys, problems) = (store.keys.len(), store.problems.len());
        info!(directory = %directory.display(), keys, problems, "loaded certificates");
        Ok(store)
    }

    fn report(&mut self, problem: CertificateError) {
        warn!(%problem, "certificate store");
        self.problems.push(problem);
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// What was left out, whole files and single properties, in the order of the files' names.
    #[must_use]
    pub fn problems(&self) -> &[CertificateError] {
        &self.problems
    }
}

impl Provider for CertificateStore {
    fn name(&self) -> Cow<'_, str> {
        format!("certificates in {}", self.directory.display()).into()
    }

    fn judge(&self, request: &AuthRequest, now: SystemTime) -> Answer {
        self.keys.judge(request, now)
    }

    fn source(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    fn reload(&self) -> Option<Result<Arc<dyn Provider>, ReloadError>> {
        let store = Self::load(&self.directory).map(|store| Arc::new(store) as Arc<dyn Provider>);
        Some(store.map_err(|error| ReloadError(error.to_string())))
    }

    fn left_out(&self) -> Vec<String> {
        self.problems.iter().map(ToString::to_string).collect()
    }

    fn statements(&self) -> Vec<Statement> {
        self.keys.statements()
    }
}

impl From<CertificateStore> for KeySet {
    fn from(store: CertificateStore) -> Self {
        store.keys
    }
}

/// A file that may hold a certificate.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    path: PathBuf,
    is_link: bool,
}

/// The real path of a directory, and the files in it that may hold certificates, sorted by name.
fn list(directory: &Path) -> std::io::Result<(PathBuf, Vec<Candidate>)> {
    let root = fs::canonicalize(directory)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        // The directory itself says what most are: nobody asks for each of 100,000 files.
        let kind = entry.file_type()?;
        let is_link = !kind.is_file();
        let is_directory = kind.is_dir() || is_link && path.is_dir();
        if !hidden && ENDINGS.contains(&ending) && !is_directory {
            files.push(Candidate { path, is_link });
        }
    }
    files.sort();
    Ok((root, files))
}

/// Whether a file is named as those with the secret half of a certificate.
pub(crate) fn is_secret(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(SECRET_ENDING.as_bytes())
}

fn load_public(root: &Path, path: &Path, is_link: bool) -> Result<Certificate, CertificateError> {
    let fail = |fault| CertificateError::new(fault).in_file(path);
    if is_link {
        // It may lead to another name within the store, as in volumes of Kubernetes.
        let real = fs::canonicalize(path).map_err(|error| fail(FileFault::from(error).into()))?;
        if is_secret(&real) || !real.starts_with(root) {
            return Err(fail(CertificateFault::NotPublic));
        }
    }
    let (certificate, _) = Certificate::load(path)?;
    match certificate.secret_key() {
        Some(_) => Err(fail(CertificateFault::NotPublic)),
        None => Ok(certificate),
    }
}
