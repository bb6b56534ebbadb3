//! Counts the instructions of the hot parts and holds them against committed figures.
//!
//! ```text
//! cargo run --release -p instructions               measures and compares; fails at +5 %
//! cargo run --release -p instructions -- --update   measures and writes figures.toml
//! ```
//!
//! Unlike times, instructions do not depend on what else the machine does. They are counted by
//! `valgrind --tool=callgrind`, which runs this program again for each part and counts only while the
//! function of that part runs. They do depend on the compiler, which the figures therefore name.

mod figures;
mod parts;
mod peers;
mod valgrind;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::figures::{Figures, Verdict};
use crate::parts::{PARTS, Part};

type Error = Box<dyn std::error::Error>;

/// Counts instructions and compares them with the committed figures.
#[derive(Debug, Parser)]
struct Cli {
    /// Writes what is measured to `figures.toml`.
    #[arg(long)]
    update: bool,
    /// Only parts whose name begins with one of these.
    #[arg(value_name = "PART", conflicts_with = "update")]
    parts: Vec<String>,
    /// Runs one part, to be counted from outside.
    #[arg(long, hide = true)]
    run: Option<String>,
}

fn main() -> ExitCode {
    match start(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn start(cli: &Cli) -> Result<bool, Error> {
    if let Some(name) = &cli.run {
        let part = PARTS.iter().find(|part| part.name == name).ok_or("no such part")?;
        (part.run)()?;
        return Ok(true);
    }
    let chosen = |part: &&Part| {
        cli.parts.is_empty() || cli.parts.iter().any(|start| part.name.starts_with(start.as_str()))
    };
    let committed = if cli.update { Figures::default() } else { Figures::read()? };
    let mut measured = Figures::of_this_compiler()?;
    let mut good = true;
    println!("{:<16} {:>12} {:>12} {:>8}", "part", "committed", "now", "");
    for part in PARTS.iter().filter(chosen) {
        let count = valgrind::count(part)?;
        measured.instructions.insert(part.name.to_owned(), count);
        good &= tell(part.name, committed.instructions.get(part.name).copied(), count);
    }
    if cli.update {
        measured.write()?;
        return Ok(true);
    }
    if let Some(gone) = committed.instructions.keys().find(|name| !is_part(name)) {
        println!("{gone}: a figure without a part");
        good = false;
    }
    if !good {
        println!(
            "\nIf a cost is meant: cargo run --release -p instructions -- --update, and say why."
        );
        if committed.compiler != measured.compiler {
            println!("The figures are of {}, this is {}.", committed.compiler, measured.compiler);
        }
    }
    Ok(good)
}

fn is_part(name: &str) -> bool {
    PARTS.iter().any(|part| part.name == name)
}

/// Prints the line of a part; whether it is good.
fn tell(name: &str, committed: Option<u64>, now: u64) -> bool {
    let Some(committed) = committed else {
        println!("{name:<16} {:>12} {now:>12}", "-");
        return false;
    };
    let change = (now as f64 / committed as f64 - 1.0) * 100.0;
    let verdict = Verdict::of(committed, now);
    let remark = match verdict {
        Verdict::Same => "",
        Verdict::Worse => "  TOO MANY",
        Verdict::Better => "  better: commit the new figure with --update",
    };
    println!("{name:<16} {committed:>12} {now:>12} {change:>+7.1}%{remark}");
    verdict != Verdict::Worse
}
