//! Ids in the text of test code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::sources::Source;

/// A line of test code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path from the root of the workspace, with `/`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The function that the line belongs to.
    pub test: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What one line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Citation {
    /// One id.
    Id(String),
    /// A range or another short form, such as `NULL-01..05`, of which a reader would take more than
    /// the first id.
    Abbreviated(String),
}

/// All that test code names.
#[derive(Debug, Default)]
pub(crate) struct Cited {
    pub(crate) ids: BTreeMap<String, Vec<Place>>,
    pub(crate) abbreviated: Vec<(String, Place)>,
}

/// Applies `find` to each line of test code.
pub(crate) fn scan(sources: &[Source], find: impl Fn(&str) -> Vec<Citation>) -> Cited {
    let mut cited = Cited::default();
    for source in sources {
        for (line, text) in source.test_lines() {
            for citation in find(text) {
                let (file, test) = (source.path.clone(), source.function_at(line).to_owned());
                let place = Place { file, line, test };
                match citation {
                    Citation::Abbreviated(text) => cited.abbreviated.push((text, place)),
                    Citation::Id(id) => {
                        let places = cited.ids.entry(id).or_default();
                        if places.last() != Some(&place) {
                            places.push(place);
                        }
                    }
                }
            }
        }
    }
    cited
}

/// Ids of requirements: a group, perhaps a topic, and a number, as in `ZMTP-FRAME-04`.
pub(crate) fn requirements(line: &str, groups: &BTreeSet<&str>) -> Vec<Citation> {
    words(line)
        .filter(|(word, _)| is_requirement(word, groups))
        .map(|(word, rest)| match rest.as_bytes() {
            [b'.', b'.', next, ..] | [b'/', next, ..] if next.is_ascii_digit() => {
                let end = rest.find([' ', ',', ';', '"']).unwrap_or(rest.len());
                Citation::Abbreviated(format!("{word}{}", &rest[..end]))
            }
            _ => Citation::Id(word.to_owned()),
        })
        .collect()
}

fn is_requirement(word: &str, groups: &BTreeSet<&str>) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let (group, topic, number) = match parts[..] {
        [group, number] => (group, "", number),
        [group, topic, number] => (group, topic, number),
        _ => return false,
    };
    let capitals = topic.bytes().all(|octet| octet.is_ascii_uppercase());
    groups.contains(group) && capitals && is_number(number)
}

/// Ids of hostile cases, which are too short to be recognised unless `hostile:` stands before them,
/// and numbers of advisories, which are not.
pub(crate) fn hostile(line: &str) -> Vec<Citation> {
    let after = line.split_once("hostile:").map_or("", |(_, after)| after);
    let listed = words(after)
        .map(|(word, _)| word)
        .take_while(|word| is_case(word) || is_advisory(word))
        .filter(|word| is_case(word));
    let advisories = words(line).map(|(word, _)| word).filter(|word| is_advisory(word));
    listed.chain(advisories).map(|word| Citation::Id(word.to_owned())).collect()
}

/// `G1`, `R9`, `V13`.
pub(crate) fn is_case(word: &str) -> bool {
    word.strip_prefix(|first: char| first.is_ascii_uppercase()).is_some_and(is_number)
}

/// `CVE-2019-6250`, `OSV-2020-1655`.
pub(crate) fn is_advisory(word: &str) -> bool {
    let mut parts = word.split('-');
    matches!(parts.next(), Some("CVE" | "OSV"))
        && parts.next().is_some_and(|year| year.len() == 4 && is_number(year))
        && parts.next().is_some_and(is_number)
        && parts.next().is_none()
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit())
}

/// The words of a line, each with what follows it. A word may hold hyphens and underscores inside.
pub(crate) fn words(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| !is_word(c));
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some((word.trim_matches(['-', '_']), after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<Citation> {
        requirements(line, &BTreeSet::from(["ZMTP", "NULL", "Z85"]))
    }

    fn ids(ids: &[&str]) -> Vec<Citation> {
        ids.iter().map(|&id| Citation::Id(id.to_owned())).collect()
    }

    #[test]
    fn requirements_are_found_in_comments_and_strings() {
        assert_eq!(found("    // ZMTP-FRAME-04, NULL-02."), ids(&["ZMTP-FRAME-04", "NULL-02"]));
        assert_eq!(found("assert_eq!(rule.id, \"Z85-09\");"), ids(&["Z85-09"]));
        assert_eq!(found("/// (NULL-01): [`ZMTP-MECH-01`]"), ids(&["NULL-01", "ZMTP-MECH-01"]));
    }

    #[test]
    fn what_only_resembles_a_requirement_is_not_found() {
        for line in [
            "37/ZMTP, \"Framing\"",
            "ZMTP-FRAME",
            "AMB-04",
            "null-02",
            "XNULL-02",
            "NULL-02b",
            "NULL_02",
            "ZMTP-Frame-04",
            "ZMTP-FRAME-04-05",
        ] {
            assert_eq!(found(line), [], "{line}");
        }
    }

    #[test]
    fn an_id_of_a_known_group_is_found_even_if_it_does_not_exist() {
        assert_eq!(found("// ZMTP-FRAME-4, NULL-999"), ids(&["ZMTP-FRAME-4", "NULL-999"]));
    }

    #[test]
    fn short_forms_are_reported_and_not_guessed() {
        let short = |text: &str| vec![Citation::Abbreviated(text.to_owned())];
        assert_eq!(found("// NULL-01..05, all of them"), short("NULL-01..05"));
        assert_eq!(found("// ZMTP-META-05/06"), short("ZMTP-META-05/06"));
        assert_eq!(found("// as NULL-01..."), ids(&["NULL-01"]));
    }

    #[test]
    fn hostile_cases_need_a_label_and_advisories_do_not() {
        assert_eq!(hostile("// G1 and F3"), []);
        assert_eq!(hostile("// hostile: G1, F3"), ids(&["G1", "F3"]));
        assert_eq!(hostile("hostile: &[\"G1\", \"V13\"], // C2 too"), ids(&["G1", "V13", "C2"]));
        assert_eq!(hostile("// hostile: R3 endless multipart, see C2"), ids(&["R3"]));
        assert_eq!(hostile("// as in CVE-2019-6250"), ids(&["CVE-2019-6250"]));
        assert_eq!(hostile("// hostile: OSV-2020-1655, F1"), ids(&["F1", "OSV-2020-1655"]));
        assert_eq!(hostile("// CVE-2019, OSV-20-1, CVE-2019-62-50"), []);
    }
}
