//! The lists that tests are compared with.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::scan::{is_advisory, is_case, words};

/// One entry of the catalogue; the fields that nobody needs here are not read.
#[derive(Debug, Clone, Deserialize)]
pub struct Requirement {
    /// Stable id, such as `ZMTP-FRAME-04`.
    pub id: String,
    /// MUST, SHOULD, ..
    pub level: String,
    /// What is asked for.
    pub statement: String,
}

impl Requirement {
    /// The part of the id before the first hyphen.
    #[must_use]
    pub fn group(&self) -> &str {
        self.id.split('-').next().unwrap_or(&self.id)
    }
}

/// A row of one of the hostile lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hostile {
    /// A test that names one of them names the row.
    pub(crate) ids: Vec<String>,
    /// The row in a few words.
    pub(crate) what: String,
}

/// Why no test names some ids.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Excuse {
    pub(crate) ids: Vec<String>,
    pub(crate) reason: String,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) hostile: Vec<(&'static str, Vec<Hostile>)>,
    /// Groups of requirements in which a hole is a failure.
    pub(crate) required: Vec<String>,
    pub(crate) excuses: Vec<Excuse>,
}

#[derive(Deserialize)]
struct Catalogue {
    requirement: Vec<Requirement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Excuses {
    required: Vec<String>,
    #[serde(default)]
    excuse: Vec<Excuse>,
}

impl Lists {
    pub(crate) fn read(root: &Path) -> Result<Self, Error> {
        let directory = root.join("conformance");
        let catalogue: Catalogue = read_toml(&directory.join("requirements.toml"))?;
        let excuses: Excuses = read_toml(&directory.join("excuses.toml"))?;
        let cases = read_text(&directory.join("hostile-cases.md"))?;
        let vulnerabilities = read_text(&directory.join("past-vulnerabilities.md"))?;
        Ok(Self {
            requirements: catalogue.requirement,
            hostile: vec![("cases", rows(&cases)), ("past", rows(&vulnerabilities))],
            required: excuses.required,
            excuses: excuses.excuse,
        })
    }
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    toml::from_str(&read_text(path)?)
        .map_err(|source| Error::Parse { path: path.to_owned(), source })
}

/// The rows of all tables in a Markdown text whose first cell holds an id.
fn rows(text: &str) -> Vec<Hostile> {
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Hostile> {
    let cells: Vec<&str> =
        line.strip_prefix("| ")?.trim_end_matches([' ', '|']).split(" | ").collect();
    let (first, rest) = cells.split_first()?;
    let is_id = |word: &&str| is_case(word) || is_advisory(word);
    let ids: Vec<String> =
        words(first).map(|(word, _)| word).filter(is_id).map(str::to_owned).collect();
    let what = match (first.split_once(": "), rest) {
        (Some((_, title)), _) => title,
        (None, [_affected, cause, _input, _must_hold]) => cause,
        (None, [what, ..]) => what,
        (None, []) => return None,
    };
    (!ids.is_empty()).then(|| Hostile { ids, what: what.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile(ids: &[&str], what: &str) -> Hostile {
        Hostile { ids: ids.iter().map(|&id| id.to_owned()).collect(), what: what.to_owned() }
    }

    #[test]
    fn rows_with_an_id_are_cases() {
        let text = "\
| id | peer does | must happen |
|---|---|---|
| G3 | 1.0 (unversioned) start `01 00` | close |
| V1: regression of its fix (issue 1551) | 4.0.5 .. 4.1 | hang | rounds | all |
| CVE-2020-36400 (OSV-2020-1887) = CVE-2021-20235 (x) | < 4.3.3 | overflow | y | z |
| no id | G1 | x |
";
        assert_eq!(
            rows(text),
            [
                hostile(&["G3"], "1.0 (unversioned) start `01 00`"),
                hostile(&["V1"], "regression of its fix (issue 1551)"),
                hostile(&["CVE-2020-36400", "OSV-2020-1887", "CVE-2021-20235"], "overflow"),
            ]
        );
    }

    #[test]
    fn the_lists_of_this_workspace_are_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let lists = Lists::read(&root).expect("lists");
        assert!(lists.requirements.iter().any(|it| it.id == "ZMTP-GREETING-01"));
        let sizes: Vec<_> = lists.hostile.iter().map(|(name, rows)| (*name, rows.len())).collect();
        assert_eq!(sizes, [("cases", 65), ("past", 26)]);
        let unknown = lists
            .required
            .iter()
            .find(|group| !lists.requirements.iter().any(|it| it.group() == **group));
        assert_eq!(unknown, None, "a required group has no entry");
    }
}
