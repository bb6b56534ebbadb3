//! What the comparison found.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, io};

use serde_json::{Value, json};

use crate::lists::Lists;
use crate::scan::{Cited, Place};

/// What is known of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Tests name it, there.
    Cited(Vec<Place>),
    /// None does, for this reason.
    Excused(String),
    /// None does.
    Hole,
}

/// One requirement or hostile case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Other ids of the same entry.
    pub also: Vec<String>,
    /// MUST, SHOULD, ..; empty for hostile cases.
    pub level: String,
    /// What it says.
    pub statement: String,
    /// Whether tests name it.
    pub status: Status,
}

/// Entries that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// First part of their ids.
    pub name: String,
    /// Whether a hole in it is a failure.
    pub required: bool,
    /// In the order of the list.
    pub entries: Vec<Entry>,
}

impl Group {
    /// Numbers of entries that are cited, excused and holes.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for entry in &self.entries {
            counts[match entry.status {
                Status::Cited(_) => 0,
                Status::Excused(_) => 1,
                Status::Hole => 2,
            }] += 1;
        }
        counts
    }

    fn holes(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.status == Status::Hole)
    }
}

/// A mistake in tests or excuses; always a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A test names what is in no list.
    UnknownId(String, Place),
    /// A test names a range; each id must be written out.
    Abbreviated(String, Place),
    /// An excuse for what is in no list.
    UnknownExcuse(String),
    /// An excuse for what a test names.
    ExcusedThoughCited(String, Place),
    /// Two excuses for the same.
    ExcusedTwice(String),
    /// An excuse without a reason.
    NoReason(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownId(id, place) => write!(f, "{place}: no list has {id}"),
            Self::Abbreviated(text, place) => {
                write!(f, "{place}: write out each id instead of {text}")
            }
            Self::UnknownExcuse(id) => write!(f, "excuses.toml: no list has {id}"),
            Self::ExcusedThoughCited(id, place) => {
                write!(f, "excuses.toml: {id} needs no excuse, {place} names it")
            }
            Self::ExcusedTwice(id) => write!(f, "excuses.toml: {id} is there twice"),
            Self::NoReason(id) => write!(f, "excuses.toml: the excuse for {id} has no reason"),
        }
    }
}

/// All that was found; `Display` is what a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the order of the lists.
    pub groups: Vec<Group>,
    /// Mistakes, not bound to a group.
    pub problems: Vec<Problem>,
}

/// Requirements against tests.
pub(crate) fn of_requirements(lists: &Lists, cited: &Cited) -> Report {
    let mut rows: Vec<(&str, Row<'_>)> = Vec::new();
    for it in &lists.requirements {
        let row = Row { ids: vec![&it.id], level: &it.level, statement: &it.statement };
        rows.push((it.group(), row));
    }
    let required = |name: &str| lists.required.iter().any(|it| it == name);
    compare(lists, cited, &rows, required)
}

/// Hostile cases and past vulnerabilities against tests; all of them are required.
pub(crate) fn of_hostile(lists: &Lists, cited: &Cited) -> Report {
    let mut rows: Vec<(&str, Row<'_>)> = Vec::new();
    for (name, cases) in &lists.hostile {
        for it in cases {
            let ids = it.ids.iter().map(String::as_str).collect();
            rows.push((name, Row { ids, level: "", statement: &it.what }));
        }
    }
    compare(lists, cited, &rows, |_| true)
}

struct Row<'a> {
    ids: Vec<&'a str>,
    level: &'a str,
    statement: &'a str,
}

fn compare(
    lists: &Lists,
    cited: &Cited,
    rows: &[(&str, Row<'_>)],
    required: impl Fn(&str) -> bool,
) -> Report {
    let mut problems = Vec::new();
    let excuses = excuses(lists, cited, rows, &mut problems);
    let mut groups: Vec<Group> = Vec::new();
    for (name, row) in rows {
        let places: Vec<Place> =
            row.ids.iter().filter_map(|id| cited.ids.get(*id)).flatten().cloned().collect();
        let excuse = row.ids.iter().find_map(|id| excuses.get(id));
        let status = match (places.is_empty(), excuse) {
            (false, _) => Status::Cited(places),
            (true, Some(&reason)) => Status::Excused(reason.to_owned()),
            (true, None) => Status::Hole,
        };
        let mut ids = row.ids.iter().map(|&id| id.to_owned());
        let entry = Entry {
            id: ids.next().unwrap_or_default(),
            also: ids.collect(),
            level: row.level.to_owned(),
            statement: row.statement.to_owned(),
            status,
        };
        match groups.iter_mut().find(|group| group.name == *name) {
            Some(group) => group.entries.push(entry),
            None => groups.push(Group {
                name: (*name).to_owned(),
                required: required(name),
                entries: vec![entry],
            }),
        }
    }
    Report { groups, problems }
}

/// The reasons by id, and what is wrong with excuses and citations.
fn excuses<'a>(
    lists: &'a Lists,
    cited: &Cited,
    rows: &[(&str, Row<'_>)],
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a str, &'a str> {
    let known: BTreeSet<&str> = rows.iter().flat_map(|(_, row)| row.ids.iter().copied()).collect();
    let elsewhere: BTreeSet<&str> = all_ids(lists).collect();
    let mut excuses = BTreeMap::new();
    for excuse in &lists.excuses {
        for id in &excuse.ids {
            if !elsewhere.contains(id.as_str()) {
                problems.push(Problem::UnknownExcuse(id.clone()));
            } else if let Some(places) = cited.ids.get(id) {
                problems.push(Problem::ExcusedThoughCited(id.clone(), places[0].clone()));
            }
            if excuse.reason.trim().is_empty() {
                problems.push(Problem::NoReason(id.clone()));
            }
            if excuses.insert(id.as_str(), excuse.reason.as_str()).is_some() {
                problems.push(Problem::ExcusedTwice(id.clone()));
            }
        }
    }
    for (id, places) in cited.ids.iter().filter(|(id, _)| !known.contains(id.as_str())) {
        problems.extend(places.iter().map(|it| Problem::UnknownId(id.clone(), it.clone())));
    }
    let abbreviated = cited.abbreviated.iter().cloned();
    problems.extend(abbreviated.map(|(text, place)| Problem::Abbreviated(text, place)));
    excuses
}

fn all_ids(lists: &Lists) -> impl Iterator<Item = &str> {
    let requirements = lists.requirements.iter().map(|it| it.id.as_str());
    let hostile = lists.hostile.iter().flat_map(|(_, cases)| cases).flat_map(|it| &it.ids);
    requirements.chain(hostile.map(String::as_str))
}

impl Report {
    /// Only some groups; problems stay. Gives back the first name that is no group.
    ///
    /// # Errors
    /// The unknown name.
    pub fn select(mut self, names: &[String]) -> Result<Self, String> {
        let known = |name: &&String| self.groups.iter().any(|group| group.name == **name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(unknown.clone());
        }
        self.groups.retain(|group| names.contains(&group.name));
        Ok(self)
    }

    /// Holes in required groups.
    pub fn holes(&self) -> impl Iterator<Item = &Entry> {
        self.groups.iter().filter(|group| group.required).flat_map(Group::holes)
    }

    /// Whether there is nothing to do: no hole in a required group and no mistake.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty() && self.holes().next().is_none()
    }

    /// Everything, for scripts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let entry = |entry: &Entry| {
            let mut value = json!({
                "id": entry.id, "also": entry.also, "level": entry.level,
                "statement": entry.statement,
            });
            let (status, key, detail) = match &entry.status {
                Status::Cited(places) => {
                    let places = places.iter().map(ToString::to_string).collect::<Vec<_>>();
                    ("cited", "places", json!(places))
                }
                Status::Excused(reason) => ("excused", "reason", json!(reason)),
                Status::Hole => ("hole", "places", json!([])),
            };
            value["status"] = json!(status);
            value[key] = detail;
            value
        };
        let group = |group: &Group| {
            let [cited, excused, holes] = group.counts();
            json!({
                "name": group.name, "required": group.required, "total": group.entries.len(),
                "cited": cited, "excused": excused, "holes": holes,
                "entries": group.entries.iter().map(entry).collect::<Vec<_>>(),
            })
        };
        json!({
            "clean": self.is_clean(),
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
            "problems": self.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    /// Each cited id with the places that name it.
    ///
    /// # Errors
    /// That of `out`.
    pub fn write_places(&self, out: &mut impl io::Write) -> io::Result<()> {
        for entry in self.groups.iter().flat_map(|group| &group.entries) {
            if let Status::Cited(places) = &entry.status {
                writeln!(out, "{}  {}", entry.id, shortened(&entry.statement))?;
                let mut lines = places.iter();
                lines.try_for_each(|place| writeln!(out, "    {}  {place}", place.test))?;
            }
        }
        Ok(())
    }

    fn write_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.groups.iter().map(|group| group.name.len()).max().unwrap_or(0);
        let width = longest.max("required".len());
        writeln!(f, "{:width$}  total  cited  excused  holes", "group")?;
        let row = |f: &mut fmt::Formatter<'_>, name: &str, counts: [usize; 3], note| {
            let [cited, excused, holes] = counts;
            let total = cited + excused + holes;
            writeln!(f, "{name:width$}  {total:5}  {cited:5}  {excused:7}  {holes:5}{note}")
        };
        let mut sum = [0; 3];
        for group in &self.groups {
            let counts = group.counts();
            row(f, &group.name, counts, if group.required { "" } else { "  not required yet" })?;
            if group.required {
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
        }
        if self.groups.iter().any(|group| group.required) {
            row(f, "required", sum, "")?;
        }
        Ok(())
    }

    fn write_excused(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for entry in self.groups.iter().flat_map(|group| &group.entries) {
            let Status::Excused(reason) = &entry.status else { continue };
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, ids)) => ids.push(&entry.id),
                None => reasons.push((reason, vec![&entry.id])),
            }
        }
        if !reasons.is_empty() {
            writeln!(f, "\nexcused")?;
        }
        for (reason, ids) in reasons {
            writeln!(f, "  {}\n      {reason}", ids.join(", "))?;
        }
        Ok(())
    }

    fn write_holes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holes: Vec<&Entry> = self.holes().collect();
        if holes.is_empty() {
            return Ok(());
        }
        let width = holes.iter().map(|entry| entry.id.len()).max().unwrap_or(0);
        let levels = holes.iter().map(|entry| entry.level.len()).max().unwrap_or(0);
        writeln!(f, "\nholes: no test names")?;
        for Entry { id, level, statement, .. } in holes {
            writeln!(f, "  {id:width$}  {level:levels$}  {}", shortened(statement))?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_table(f)?;
        self.write_excused(f)?;
        self.write_holes(f)?;
        if !self.problems.is_empty() {
            writeln!(f, "\nmistakes")?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}

/// The beginning of a sentence, as much as fits beside an id.
fn shortened(text: &str) -> String {
    const WIDTH: usize = 96;
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let cut: String = text.chars().take(WIDTH - 2).collect();
    format!("{} ..", cut.rsplit_once(' ').map_or(cut.as_str(), |(start, _)| start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::{Excuse, Hostile, Requirement};

    fn lists(excused: &[(&str, &str)]) -> Lists {
        let requirement = |id: &str| Requirement {
            id: id.to_owned(),
            level: "MUST".to_owned(),
            statement: format!("what {id} says"),
        };
        let case = |ids: &[&str]| Hostile {
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
            what: "does".to_owned(),
        };
        Lists {
            requirements: ["NULL-01", "NULL-02", "PUB-01"].map(requirement).into(),
            hostile: vec![
                ("cases", vec![case(&["G1"])]),
                ("past", vec![case(&["CVE-2020-1", "CVE-2020-2"])]),
            ],
            required: vec!["NULL".to_owned()],
            excuses: excused
                .iter()
                .map(|(id, reason)| Excuse {
                    ids: vec![(*id).to_owned()],
                    reason: (*reason).to_owned(),
                })
                .collect(),
        }
    }

    fn place() -> Place {
        Place { file: "tests/a.rs".to_owned(), line: 7, test: "it_holds".to_owned() }
    }

    fn cited(ids: &[&str]) -> Cited {
        let ids = ids.iter().map(|&id| (id.to_owned(), vec![place()])).collect();
        Cited { ids, abbreviated: Vec::new() }
    }

    fn problems(excused: &[(&str, &str)], ids: &[&str]) -> Vec<Problem> {
        of_requirements(&lists(excused), &cited(ids)).problems
    }

    #[test]
    fn a_hole_fails_only_in_a_required_group() {
        let report = of_requirements(&lists(&[]), &cited(&["NULL-01"]));
        let holes: Vec<_> = report.holes().map(|entry| entry.id.as_str()).collect();
        assert_eq!(holes, ["NULL-02"]);
        assert!(!report.is_clean());

        let report = of_requirements(&lists(&[("NULL-02", "so")]), &cited(&["NULL-01"]));
        assert_eq!(report.groups[0].counts(), [1, 1, 0]);
        assert_eq!(report.groups[1].counts(), [0, 0, 1]);
        assert!(report.is_clean());
    }

    #[test]
    fn excuses_tell_the_truth() {
        let id = |id: &str| id.to_owned();
        assert_eq!(problems(&[("NULL-09", "so")], &[]), [Problem::UnknownExcuse(id("NULL-09"))]);
        assert_eq!(problems(&[("NULL-01", " ")], &[]), [Problem::NoReason(id("NULL-01"))]);
        assert_eq!(
            problems(&[("NULL-01", "so"), ("NULL-01", "thus")], &[]),
            [Problem::ExcusedTwice(id("NULL-01"))]
        );
        assert_eq!(
            problems(&[("NULL-01", "so")], &["NULL-01"]),
            [Problem::ExcusedThoughCited(id("NULL-01"), place())]
        );
        assert_eq!(problems(&[("G1", "not built")], &[]), []);
    }

    #[test]
    fn a_test_cannot_name_what_is_not_there() {
        assert_eq!(
            problems(&[], &["NULL-09"]),
            [Problem::UnknownId("NULL-09".to_owned(), place())]
        );
        let report = of_hostile(&lists(&[]), &cited(&["G9"]));
        assert_eq!(report.problems, [Problem::UnknownId("G9".to_owned(), place())]);
    }

    #[test]
    fn one_name_of_a_vulnerability_is_enough() {
        let report = of_hostile(&lists(&[]), &cited(&["CVE-2020-2", "G1"]));
        assert_eq!(report.groups[1].counts(), [1, 0, 0]);
        assert!(report.is_clean());
    }

    #[test]
    fn every_hostile_case_needs_a_test() {
        let report = of_hostile(&lists(&[]), &cited(&["CVE-2020-2"]));
        let holes: Vec<_> = report.holes().map(|entry| entry.id.as_str()).collect();
        assert_eq!(holes, ["G1"]);
    }

    #[test]
    fn groups_are_selected_by_name() {
        let report = of_requirements(&lists(&[]), &cited(&[]));
        assert_eq!(report.clone().select(&["NUL".to_owned()]), Err("NUL".to_owned()));
        let selected = report.select(&["PUB".to_owned()]).expect("a group");
        assert_eq!(selected.groups.len(), 1);
        assert!(selected.is_clean());
    }

    #[test]
    fn the_table_is_aligned() {
        let report = of_requirements(&lists(&[("NULL-02", "so")]), &cited(&["NULL-09"]));
        assert_eq!(
            report.to_string(),
            "\
group     total  cited  excused  holes
NULL          2      0        1      1
PUB           1      0        0      1  not required yet
required      2      0        1      1

excused
  NULL-02
      so

holes: no test names
  NULL-01  MUST  what NULL-01 says

mistakes
  tests/a.rs:7: no list has NULL-09
"
        );
    }

    #[test]
    fn scripts_get_everything() {
        let json = of_requirements(&lists(&[]), &cited(&["NULL-01"])).to_json();
        assert_eq!(json["clean"], false);
        assert_eq!(json["groups"][0]["holes"], 1);
        assert_eq!(json["groups"][0]["entries"][0]["places"][0], "tests/a.rs:7");
        assert_eq!(json["groups"][0]["entries"][1]["status"], "hole");
    }

    #[test]
    fn long_statements_are_cut_at_a_word() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"word ".repeat(40));
        assert!(cut.ends_with("word ..") && cut.len() <= 96, "{cut}");
    }
}
