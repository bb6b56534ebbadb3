//! The committed figures.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How many instructions each part may take.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// The compiler that made the program that was counted.
    pub(crate) compiler: String,
    /// Instructions for one message or one handshake.
    pub(crate) instructions: BTreeMap<String, u64>,
}

/// How a count compares with the committed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within 5 % either way.
    Same,
    /// More.
    Worse,
    /// Less.
    Better,
}

impl Verdict {
    /// Compares in whole twentieths, so that exactly +5 % is still good.
    pub(crate) fn of(committed: u64, now: u64) -> Self {
        match (now * 20, committed) {
            (now, committed) if now > committed * 21 => Self::Worse,
            (now, committed) if now < committed * 19 => Self::Better,
            _ => Self::Same,
        }
    }
}

const HEAD: &str = "\
# Instructions for one message or one handshake: what `cargo run --release -p instructions` compares with.
# Written by `cargo run --release -p instructions -- --update`.
";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("figures.toml")
}

impl Figures {
    pub(crate) fn read() -> Result<Self, Error> {
        let text = std::fs::read_to_string(path())?;
        Ok(toml::from_str(&text)?)
    }

    /// No figures yet.
    pub(crate) fn of_this_compiler() -> Result<Self, Error> {
        let output = Command::new("rustc").arg("--version").output()?;
        let compiler = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Self { compiler, instructions: BTreeMap::new() })
    }

    pub(crate) fn write(&self) -> Result<(), Error> {
        Ok(std::fs::write(path(), format!("{HEAD}{}", toml::to_string(self)?))?)
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;
    use crate::is_part;

    #[test]
    fn five_percent_more_is_the_last_that_is_good() {
        assert_eq!(Verdict::of(1000, 1050), Verdict::Same);
        assert_eq!(Verdict::of(1000, 1051), Verdict::Worse);
        assert_eq!(Verdict::of(1000, 950), Verdict::Same);
        assert_eq!(Verdict::of(1000, 949), Verdict::Better);
    }

    #[test]
    fn every_part_has_a_figure_and_no_other_has() {
        let figures = super::Figures::read().expect("figures.toml");
        assert!(figures.instructions.keys().all(|name| is_part(name)));
        assert_eq!(figures.instructions.len(), crate::PARTS.len());
    }
}
