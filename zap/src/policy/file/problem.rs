//! What is wrong with a policy, or worth a second look.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something in a policy file, or in a file that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, if it is one.
    pub line: Option<usize>,
    /// Whether the policy cannot be put in force because of it.
    pub is_error: bool,
    /// What, and what to do about it. Never repeats a secret.
    pub text: String,
}

/// `policy.toml, line 7: error: the store "team" is not there`
impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}: {}", if self.is_error { "error" } else { "warning" }, self.text)
    }
}

/// Why a policy file cannot be put in force: one problem or more, the first ones first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct PolicyError(pub Vec<PolicyProblem>);

fn lines(problems: &[PolicyProblem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What a parser says of a value, without the value: somebody may have put a password there.
pub(super) fn without_value(message: &str) -> &str {
    let shows_value = ["invalid type: ", "invalid value: ", "unknown variant "];
    let expected = message.rfind(", expected ").map(|at| at + ", ".len());
    match expected.and_then(|at| message.get(at..)) {
        Some(expected) if shows_value.iter().any(|start| message.starts_with(start)) => expected,
        _ => message,
    }
}

/// The problems of one policy file, as they are found.
pub(super) struct Problems<'a> {
    file: &'a Path,
    text: &'a str,
    pub(super) found: Vec<PolicyProblem>,
}

impl<'a> Problems<'a> {
    pub(super) const fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// The line of an octet.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|octet| *octet == b'\n').count() + 1
    }

    pub(super) fn error(&mut self, at: usize, text: impl ToString) {
        self.add(Some(self.line(at)), true, text.to_string());
    }

    pub(super) fn warning(&mut self, at: usize, text: impl ToString) {
        self.add(Some(self.line(at)), false, text.to_string());
    }

    pub(super) fn add(&mut self, line: Option<usize>, is_error: bool, text: String) {
        self.found.push(PolicyProblem { file: self.file.to_owned(), line, is_error, text });
    }
}
