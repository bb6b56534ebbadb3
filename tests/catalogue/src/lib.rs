//! Which catalogued requirement is named by which test.
//!
//! `conformance/requirements.toml` lists what the specifications ask for, each with a stable id. A
//! test names the ids that it exercises, in a comment or in an assertion. This crate puts the two
//! together, with `conformance/excuses.toml` for what no test can or should name:
//!
//! ```text
//!  requirements.toml ──▶ lists ──┐
//!  hostile-cases.md, past-…  ────┤
//!  excuses.toml ─────────────────┼──▶ report ──▶ table, JSON, exit code
//!  *.rs ──▶ sources ──▶ scan ────┘
//!            (test code only)
//! ```
//!
//! Only test code counts: files under a `tests` directory, and what stands under `#[cfg(test)]`. The
//! ids that production code carries, to say which rule a peer broke, are not proof of anything.
//!
//! The same is done for hostile cases (`// hostile: G1, F3`) and past vulnerabilities (`V1`, or a
//! CVE or OSV number anywhere in test code).
//!
//! [`named`] is for documents whose tables name the tests that stand for a row.

mod lists;
pub mod named;
mod report;
mod scan;
mod sources;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

pub use lists::Requirement;
pub use report::{Entry, Group, Problem, Report, Status};
pub use scan::Place;

/// A file that is needed cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
}

/// Compares the catalogue with the tests of the workspace in `root`.
///
/// # Errors
/// [`Error`] when a list or a source file cannot be read; holes are in the report instead.
pub fn check(root: &Path) -> Result<Report, Error> {
    let (lists, sources) = (lists::Lists::read(root)?, sources::read(root)?);
    let groups: BTreeSet<&str> = lists.requirements.iter().map(|it| it.group()).collect();
    let cited = scan::scan(&sources, |text| scan::requirements(text, &groups));
    Ok(report::of_requirements(&lists, &cited))
}

/// Compares the hostile cases and past vulnerabilities with the tests of the workspace in `root`.
///
/// # Errors
/// [`Error`] when a list or a source file cannot be read; holes are in the report instead.
pub fn check_hostile(root: &Path) -> Result<Report, Error> {
    let (lists, sources) = (lists::Lists::read(root)?, sources::read(root)?);
    let cited = scan::scan(&sources, scan::hostile);
    Ok(report::of_hostile(&lists, &cited))
}
