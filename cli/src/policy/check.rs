//! `policy check`: what is wrong with a policy file, by line.

use std::path::PathBuf;

use clap::Args;
use ironhouse::Policy;
use serde_json::json;
use zap::PolicyProblem;

use super::{counted, lines};
use crate::exit::{Class, Failure};
use crate::output::{BAD, GOOD, harmless, line, styled};

/// Say what is wrong with a policy file, and with the files that it names.
///
/// Prints a line for each error and warning: file and line, severity, what is wrong and what was
/// expected. A policy with an error is not put in force by any command or program; a warning is worth a
/// second look.
///
/// Exit codes: 0 no error; 2 errors, or with --strict warnings.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The policy file
    file: PathBuf,
    /// Counts warnings as errors
    #[arg(long)]
    strict: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (_, problems) = Policy::check(&arguments.file);
    let errors = problems.iter().filter(|problem| problem.is_error).count();
    let warnings = problems.len() - errors;
    let passes = errors == 0 && !(arguments.strict && warnings > 0);
    let file = arguments.file.to_string_lossy();
    if arguments.json {
        line(json!({
            "file": file,
            "ok": passes,
            "errors": errors,
            "warnings": warnings,
            "problems": problems.iter().map(problem_json).collect::<Vec<_>>(),
        }));
    } else {
        lines(&problems).iter().for_each(line);
        let (style, verdict) = if passes { (GOOD, "good") } else { (BAD, "not good") };
        let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
        let verdict = styled(style, verdict);
        line(format_args!("{}: {verdict}, {errors}, {warnings}", harmless(&file)));
    }
    if passes { Ok(()) } else { Err(Failure::shown(Class::Usage)) }
}

fn problem_json(problem: &PolicyProblem) -> serde_json::Value {
    json!({
        "file": problem.file.to_string_lossy(),
        "line": problem.line,
        "severity": if problem.is_error { "error" } else { "warning" },
        "text": problem.text,
    })
}
