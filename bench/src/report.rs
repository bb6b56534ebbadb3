//! Medians of ratios, as tables.

use std::fmt::Write;
use std::path::Path;

use crate::Error;
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

/// The tables.
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    let peers: Vec<PeerName> = PeerName::built()
        .into_iter()
        .filter(|peer| results.cases.iter().any(|case| case.rows.iter().any(|r| r.peer == *peer)))
        .collect();
    let _ = writeln!(
        text,
        "{}; {}; {} rounds of {} ms. Median of the ratios to libzmq within a round, in brackets the \
         lowest and the highest. Of latency and memory less is better.\n",
        results.date,
        results.machine,
        results.rounds,
        results.window.as_millis(),
    );
    table(&mut text, results, &peers, |result, row| {
        if row.peer == PeerName::Libzmq {
            let value = absolute(row, |sample| sample.value)?;
            return Some(format!("{} {}", short(value.median), result.unit));
        }
        let ratio = ratio(result, row, |sample| sample.value)?;
        Some(format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high))
    });
    let _ = writeln!(
        text,
        "\nCPU time of both processes for each message, request or handshake (for handshakes the \
         server's alone), as a ratio to libzmq's: less is better.\n"
    );
    table(&mut text, results, &peers, |result, row| {
        let cpu = |sample: &Sample| sample.cpu;
        if row.peer == PeerName::Libzmq {
            return Some(format!("{} ns", short(absolute(row, cpu)?.median)));
        }
        let ratio = ratio(result, row, cpu)?;
        Some(format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high))
    });
    text
}

fn table(
    text: &mut String,
    results: &Results,
    peers: &[PeerName],
    cell: impl Fn(&CaseResult, &Row) -> Option<String>,
) {
    let mut lines = vec![vec!["case".to_owned()]];
    lines[0].extend(peers.iter().map(|peer| peer.name()));
    for result in &results.cases {
        let mut line = vec![result.case.title.to_owned()];
        line.extend(peers.iter().map(|peer| {
            let row = result.rows.iter().find(|row| row.peer == *peer);
            row.and_then(|row| cell(result, row)).unwrap_or_default()
        }));
        lines.push(line);
    }
    let wide = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..=peers.len()).map(|at| wide(at).unwrap_or(0)).collect();
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
