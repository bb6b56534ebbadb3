//! `expected.toml`: where the two do not agree, and why.

use ironhouse_tests::{Done, Fallible};

use crate::verdict::Verdict;

/// A case that the two do not agree on.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) input: String,
    /// By which rule ours refused, if it did.
    pub(crate) rule: Option<&'static str>,
    pub(crate) ours: Verdict,
    pub(crate) theirs: Verdict,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input, rule, ours, theirs } = self;
        let rule = rule.map(|rule| format!(" by {rule}")).unwrap_or_default();
        write!(f, "{input}: ours {}{rule}, theirs {}", ours.end.name(), theirs.end.name())?;
        if ours.end == theirs.end {
            write!(f, "; echoes {:X?} and {:X?}", ours.echoes, theirs.echoes)?;
        }
        Ok(())
    }
}

/// An entry of the list. It holds for what ours refuses by a rule, or for single inputs.
#[derive(Debug)]
struct Entry {
    /// The rule, or the input.
    key: String,
    theirs: String,
    why: String,
}

impl Entry {
    fn covers(&self, difference: &Difference) -> bool {
        let key = difference.rule == Some(&self.key) || difference.input == self.key;
        key && self.theirs == difference.theirs.end.name()
    }
}

/// All of them.
pub(crate) struct Expected(Vec<Entry>);

impl Expected {
    pub(crate) fn read() -> Fallible<Self> {
        let table: toml::Table = include_str!("expected.toml").parse()?;
        let list = table.get("differs").and_then(toml::Value::as_array).ok_or("no list")?;
        let mut entries = Vec::new();
        for entry in list {
            let text = |name: &str| {
                let value = entry.get(name).and_then(toml::Value::as_str);
                value.map(str::to_owned).ok_or(format!("{name} is missing in {entry:?}"))
            };
            let key = text("rule").or_else(|_| text("input"))?;
            entries.push(Entry { key, theirs: text("theirs")?, why: text("why")? });
        }
        Ok(Self(entries))
    }

    /// Every difference has an entry, and every entry a difference.
    pub(crate) fn compare(&self, differences: &[Difference]) -> Done {
        let mut wrong = Vec::new();
        let seen = |entry: &Entry| differences.iter().any(|it| entry.covers(it));
        for it in differences {
            if !self.0.iter().any(|entry| entry.covers(it)) {
                wrong.push(format!("not in expected.toml: {it}"));
            }
        }
        for entry in &self.0 {
            assert!(!entry.why.is_empty(), "a reason for {}", entry.key);
            if !seen(entry) {
                wrong.push(format!("they agree meanwhile: {}", entry.key));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Difference, Entry, Expected};
    use crate::verdict::{End, Verdict};

    fn saw(end: End) -> Verdict {
        Verdict { end, rule: None, echoes: Vec::new() }
    }

    fn difference(input: &str, rule: Option<&'static str>) -> Difference {
        Difference {
            input: input.to_owned(),
            rule,
            ours: saw(if rule.is_some() { End::Refuses } else { End::GoesOn }),
            theirs: saw(if rule.is_some() { End::GoesOn } else { End::Refuses }),
        }
    }

    #[test]
    fn what_is_not_written_and_what_is_no_longer_true_fail() {
        let entry = |key: &str, theirs: &str| Entry {
            key: key.to_owned(),
            theirs: theirs.to_owned(),
            why: "because".to_owned(),
        };
        let expected = Expected(vec![entry("RULE-01", "goes on"), entry("a/b", "refuses")]);
        let (by_rule, by_input) = (difference("x", Some("RULE-01")), difference("a/b", None));
        assert!(expected.compare(&[by_rule, by_input]).is_ok());
        let fails = |differences: &[Difference]| expected.compare(differences).unwrap_err();
        let missing = fails(&[difference("x", Some("RULE-01"))]).to_string();
        assert_eq!(missing, "they agree meanwhile: a/b");
        let more = [
            difference("x", Some("RULE-01")),
            difference("a/b", None),
            difference("y", Some("RULE-02")),
        ];
        let more = fails(&more).to_string();
        assert_eq!(more, "not in expected.toml: y: ours refuses by RULE-02, theirs goes on");
    }
}
