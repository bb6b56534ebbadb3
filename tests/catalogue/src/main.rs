//! The command: `cargo run -p catalogue`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use catalogue::{Report, check, check_hostile};
use clap::Parser;

/// List which catalogued requirements are named by tests, and which are not, with the reason.
///
/// Exits with 1 on a hole in a required group, on a test that names what is in no list, and on an
/// excuse that is not needed. Every hostile case and every past vulnerability is required.
#[derive(Debug, Parser)]
#[command(name = "catalogue")]
struct Arguments {
    /// Only these groups, such as ZMTP,NULL
    #[arg(long, value_delimiter = ',', value_name = "GROUP,..")]
    group: Vec<String>,
    /// Hostile cases and past vulnerabilities instead of requirements
    #[arg(long)]
    hostile: bool,
    /// Also which tests name each one, and where
    #[arg(long, conflicts_with = "json")]
    places: bool,
    /// Everything as JSON
    #[arg(long)]
    json: bool,
    /// The workspace; by default the one around the current directory
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(report) => {
            // Whoever closed the pipe has read enough.
            let _ = print(&report, &arguments);
            ExitCode::from(u8::from(!report.is_clean()))
        }
        Err(message) => {
            eprintln!("catalogue: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report, String> {
    let root = match &arguments.root {
        Some(root) => root.clone(),
        None => workspace().ok_or("no conformance/requirements.toml here or above")?,
    };
    let compare = if arguments.hostile { check_hostile } else { check };
    let report = compare(&root).map_err(|error| error.to_string())?;
    if arguments.group.is_empty() {
        return Ok(report);
    }
    report.select(&arguments.group).map_err(|name| format!("no group is called {name}"))
}

fn workspace() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let is_root = |directory: &&Path| directory.join("conformance/requirements.toml").is_file();
    here.ancestors().find(is_root).map(PathBuf::from)
}

fn print(report: &Report, arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if arguments.json {
        return writeln!(out, "{:#}", report.to_json());
    }
    if arguments.places {
        report.write_places(&mut out)?;
        writeln!(out)?;
    }
    write!(out, "{report}")
}
