//! `policy`: looks at policy files before anybody relies on them.

mod check;
mod diff;
mod explain;

use std::fmt::Display;
use std::path::Path;

use clap::{Args, Subcommand};
use ironhouse::Policy;
use zap::PolicyProblem;

pub(crate) use self::explain::{Arguments as Explain, run as explain};
use crate::exit::Failure;
use crate::output::{BAD, HEAD, NOTE, harmless, note, styled};

/// Check, compare and explain policy files.
///
/// The format of the file is in docs/policy.md. Exit codes: 0 all is well; `diff` 1 the policies
/// differ; 2 usage, or a policy that cannot be used; `explain` 3 the peer is refused.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Each says what it does where its arguments are.
#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Diff(diff::Arguments),
    Explain(Explain),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Explain(arguments) => explain(arguments),
    }
}

/// The policy in a file. What is wrong with it, or worth a second look, goes to standard error.
pub(crate) fn read(file: &Path) -> Result<Policy, Failure> {
    let (policy, problems) = Policy::check(file);
    lines(&problems).iter().for_each(note);
    policy.ok_or_else(|| {
        Failure::usage(format!("{}: this policy cannot be used", harmless(&file.to_string_lossy())))
    })
}

/// `policy.toml:7   error    there is no store "team"`, aligned.
fn lines(problems: &[PolicyProblem]) -> Vec<String> {
    let place = |problem: &PolicyProblem| {
        let file = harmless(&problem.file.to_string_lossy());
        problem.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
    };
    let places: Vec<_> = problems.iter().map(place).collect();
    let width = places.iter().map(|place| place.chars().count()).max().unwrap_or_default();
    let line = |(problem, place): (&PolicyProblem, &String)| {
        let (style, severity) = if problem.is_error { (BAD, "error") } else { (NOTE, "warning") };
        let severity = styled(style, format_args!("{severity:<7}"));
        let place = styled(HEAD, format_args!("{place:<width$}"));
        format!("{place}  {severity}  {}", harmless(&problem.text))
    };
    problems.iter().zip(&places).map(line).collect()
}

/// `no error`, `1 error`, `2 errors`.
fn counted(count: usize, what: &str) -> impl Display {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
