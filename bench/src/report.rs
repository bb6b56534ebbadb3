//! Medians of ratios, as tables.

use std::fmt::Write;
use std::path::Path;

use crate::Error;
use crate::cases::{Goal, Work};
use crate::chart;
use crate::peer::PeerName;
use crate::run::{CaseResult, Results, Row, Sample};

/// A median with its spread.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), low, high })
    }
}

/// The ratio to libzmq, round by round.
pub fn ratio(result: &CaseResult, row: &Row, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
    let base = result.rows.iter().find(|row| row.peer == PeerName::Libzmq)?;
    let pairs = row.samples.iter().zip(&base.samples);
    let ratios = pairs.filter_map(|(one, base)| Some(of(one.as_ref()?) / of(base.as_ref()?)));
    Spread::of(ratios.filter(|ratio| ratio.is_finite()).collect())
}

fn absolute(row: &Row, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
    Spread::of(row.samples.iter().flatten().map(of).collect())
}

/// One line of the table: something of the samples of a case.
struct Line<'a> {
    result: &'a CaseResult,
    title: String,
    of: fn(&Sample) -> f64,
    /// Figures are ratios to libzmq's; else they are in `unit`, of which each has `scale`.
    relative: bool,
    unit: &'static str,
    scale: f64,
    less_is_better: bool,
    goal: Option<Goal>,
}

impl<'a> Line<'a> {
    /// What the table says of a case.
    fn of(result: &'a CaseResult) -> impl Iterator<Item = Self> {
        let case = &result.case;
        let value = Self {
            result,
            title: case.title.to_owned(),
            of: |sample| sample.value,
            relative: case.work != Work::Idle,
            unit: if case.work == Work::Idle { "KiB" } else { case.unit() },
            scale: if case.work == Work::Idle { 1024.0 } else { 1.0 },
            less_is_better: case.less_is_better(),
            goal: Some(case.goal),
        };
        let cpu = (case.work == Work::Handshake).then(|| Self {
            result,
            title: format!(
                "server CPU of a handshake, {}",
                if case.curve { "CURVE" } else { "NULL" }
            ),
            of: |sample| sample.cpu,
            relative: true,
            unit: "µs",
            scale: 1e3,
            less_is_better: true,
            goal: case.cpu_goal(),
        });
        std::iter::once(value).chain(cpu)
    }

    fn figure(&self, row: &Row) -> Option<Spread> {
        if self.relative {
            return ratio(self.result, row, self.of);
        }
        absolute(row, |sample| (self.of)(sample) / self.scale)
    }

    fn row(&self, peer: PeerName) -> Option<&'a Row> {
        self.result.rows.iter().find(|row| row.peer == peer)
    }

    fn cell(&self, row: &Row) -> Option<String> {
        if row.peer == PeerName::Libzmq && self.relative {
            let of = |sample: &Sample| (self.of)(sample) / self.scale;
            return Some(format!("{} {}", short(absolute(row, of)?.median), self.unit));
        }
        let Spread { median, low, high } = self.figure(row)?;
        if self.relative {
            return Some(format!("{median:.2} ({low:.2}–{high:.2})"));
        }
        Some(format!("{} ({}–{}) {}", short(median), short(low), short(high), self.unit))
    }

    /// Whether `one` is at least as good as `other`.
    fn reaches(&self, one: f64, other: f64) -> bool {
        if self.less_is_better { one <= other } else { one >= other }
    }

    /// The best of the others that speak ZMTP.
    fn best_rival(&self) -> Option<(PeerName, f64)> {
        let rivals = self.result.rows.iter();
        let rivals = rivals.filter(|row| !row.peer.is_ours() && row.peer != PeerName::Raw);
        let figures = rivals.filter_map(|row| Some((row.peer, self.figure(row)?.median)));
        figures.reduce(|a, b| if self.reaches(a.1, b.1) { a } else { b })
    }

    fn goals(&self) -> Option<(f64, f64)> {
        match self.goal? {
            Goal::Lead => self.best_rival().map(|(_, best)| (best, best)),
            Goal::Figures { least, aim } if self.relative => Some((least, aim)),
            Goal::Figures { least, aim } => Some((least / self.scale, aim / self.scale)),
        }
    }

    fn goal_cells(&self) -> [String; 2] {
        let one = |figure: f64| {
            if self.relative {
                format!("{figure:.2}")
            } else {
                format!("{} {}", short(figure), self.unit)
            }
        };
        match (self.goal, self.goals()) {
            (Some(Goal::Lead), _) => ["lead".to_owned(), "lead".to_owned()],
            (_, Some((least, aim))) => [one(least), one(aim)],
            (_, None) => Default::default(),
        }
    }

    /// What both faces have reached, the asynchronous one first.
    fn reached(&self) -> String {
        let Some((least, aim)) = self.goals() else { return String::new() };
        let faces = [PeerName::Ironhouse, PeerName::IronhouseBlocking];
        let words = faces.into_iter().filter_map(|face| {
            let median = self.figure(self.row(face)?)?.median;
            Some(match median {
                median if self.reaches(median, aim) => "aim",
                median if self.reaches(median, least) => "yes",
                _ => "no",
            })
        });
        match *words.collect::<Vec<_>>() {
            [one, other] if one != other => format!("{one}, {other}"),
            [one, ..] => one.to_owned(),
            [] => String::new(),
        }
    }

    /// Which of our faces lies below a rival.
    fn losses(&self) -> impl Iterator<Item = String> {
        let best = self.best_rival();
        let ours = self.result.rows.iter().filter(|row| row.peer.is_ours());
        ours.filter_map(move |row| {
            let ((rival, best), median) = (best?, self.figure(row)?.median);
            let (title, face, rival) = (&self.title, row.peer.name(), rival.name());
            let text = format!("- {title}: {face} {median:.2}, {rival} {best:.2}");
            (!self.reaches(median, best)).then_some(text)
        })
    }
}

/// Why cells are empty; each reason has a letter.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, row: &Row) -> String {
        let reason = row.failure.as_deref().unwrap_or("nothing was measured");
        let note = format!("{}: {reason}", row.peer.name());
        let at = self.0.iter().position(|known| *known == note).unwrap_or_else(|| {
            self.0.push(note);
            self.0.len() - 1
        });
        format!("– [{}]", at + 1)
    }
}

/// The tables.
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    let measured = |peer: &PeerName| {
        results.cases.iter().any(|case| case.rows.iter().any(|r| r.peer == *peer))
    };
    // Ours last, beside the goals.
    let mut peers: Vec<PeerName> = PeerName::built().into_iter().filter(measured).collect();
    peers.sort_by_key(|peer| (peer.is_ours(), *peer));
    let _ = writeln!(
        text,
        "{}; {}; {} rounds of {} ms, in {}. Median of the ratios to libzmq within a round, in brackets \
         the lowest and the highest; of memory the figures themselves. \
         Of latency, memory and CPU time less is better. *Reached* is said of the asynchronous face and, \
         where it differs, of the blocking one behind it.\n",
        results.date,
        results.machine,
        results.rounds,
        results.window.as_millis(),
        minutes(results.took),
    );
    let lines: Vec<Line<'_>> = results.cases.iter().flat_map(Line::of).collect();
    let mut notes = Notes::default();
    figures(&mut text, &lines, &peers, &mut notes);
    for (at, note) in notes.0.iter().enumerate() {
        let _ = write!(text, "{}[{}] {note}.", if at == 0 { "\n" } else { " " }, at + 1);
    }
    if !notes.0.is_empty() {
        text.push('\n');
    }
    let losses: Vec<String> = lines.iter().flat_map(Line::losses).collect();
    let _ = match losses.is_empty() {
        true => writeln!(text, "\nNothing of ours lies below the best of the others."),
        false => writeln!(text, "\nBelow the best of the others:\n\n{}", losses.join("\n")),
    };
    let _ = writeln!(
        text,
        "\nCPU time of both processes for each message, request or handshake (for handshakes the \
         server's alone), as a ratio to libzmq's: less is better.\n"
    );
    cpu_times(&mut text, results, &peers);
    text
}

/// What was measured, and what was to be reached.
fn figures(text: &mut String, lines: &[Line<'_>], peers: &[PeerName], notes: &mut Notes) {
    let mut cells = vec![vec!["case".to_owned()]];
    cells[0].extend(peers.iter().map(|peer| peer.name()));
    cells[0].extend(["reach at least", "aim", "reached"].map(str::to_owned));
    for line in lines {
        let mut row = vec![line.title.clone()];
        row.extend(peers.iter().map(|peer| match line.row(*peer) {
            Some(row) => line.cell(row).unwrap_or_else(|| notes.mark(row)),
            None => String::new(),
        }));
        row.extend(line.goal_cells());
        row.push(line.reached());
        cells.push(row);
    }
    table(text, &cells);
}

fn cpu_times(text: &mut String, results: &Results, peers: &[PeerName]) {
    let mut cells = vec![vec!["case".to_owned()]];
    cells[0].extend(peers.iter().map(|peer| peer.name()));
    for result in results.cases.iter().filter(|result| result.case.work != Work::Idle) {
        let cell = |row: &Row| {
            let cpu = |sample: &Sample| sample.cpu;
            if row.peer == PeerName::Libzmq {
                return Some(format!("{} ns", short(absolute(row, cpu)?.median)));
            }
            let ratio = ratio(result, row, cpu)?;
            Some(format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high))
        };
        let mut row = vec![result.case.title.to_owned()];
        row.extend(peers.iter().map(|peer| {
            let row = result.rows.iter().find(|row| row.peer == *peer);
            row.and_then(cell).unwrap_or_else(|| "–".to_owned())
        }));
        cells.push(row);
    }
    table(text, &cells);
}

/// Lines of equal length as a table; the first is its head.
fn table(text: &mut String, lines: &[Vec<String>]) {
    let columns = lines.first().map_or(0, Vec::len);
    let wide = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| wide(at).unwrap_or(0)).collect();
    for (number, line) in lines.iter().enumerate() {
        for (content, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {content:<width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
}

/// Three digits and a unit.
pub fn short(value: f64) -> String {
    let (value, unit) = match value {
        v if v >= 1e6 => (v / 1e6, " M"),
        v if v >= 1e4 => (v / 1e3, " k"),
        v => (v, ""),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}{unit}")
}

/// Minutes and seconds.
pub fn minutes(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

/// Writes tables and charts to a folder.
pub fn write(results: &Results, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("bench.md"), markdown(results))?;
    std::fs::write(folder.join("bench.json"), serde_json::to_string_pretty(results)?)?;
    for result in &results.cases {
        let file = folder.join(format!("{}.svg", result.case.name));
        std::fs::write(file, chart::svg(result))?;
    }
    Ok(())
}

/// What stands before and behind the tables in a document.
const BEGIN: &str = "<!-- bench: begin -->\n";
const END: &str = "<!-- bench: end -->\n";

/// Puts the tables in their place in a document.
pub fn insert(results: &Results, document: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(document)?;
    let marks = text.split_once(BEGIN).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(END)?;
        Some((head, tail))
    });
    let (head, tail) = marks.ok_or("the document has no place for the tables")?;
    Ok(std::fs::write(document, format!("{head}{BEGIN}{}{END}{tail}", markdown(results)))?)
}
