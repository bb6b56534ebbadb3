//! ironhouse beside everything else that speaks ZMTP, measured in one interleaved run.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml                        ironhouse, libzmq, raw sockets
//! cargo run --release --manifest-path bench/Cargo.toml --features rivals      all
//! cargo run --release --manifest-path bench/Cargo.toml -- --case curve --rounds 9 --out /tmp/out
//! ```
//!
//! Each measurement takes two fresh processes. The rounds go over all peers of a case in turn, so that
//! what else the machine does meets all of them alike, and what is told is the median of the ratios
//! within a round. Absolute figures of a shared machine mean little.

mod cases;
mod chart;
mod client;
mod peer;
mod report;
mod run;
mod shaker;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cases::Case;
use crate::peer::PeerName;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Measures ironhouse beside libzmq, other implementations and raw sockets.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Names the cases and the peers.
    List,
    /// One side of one measurement.
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Cases whose name begins with one of these; all if none is given.
    #[arg(long, value_delimiter = ',')]
    case: Vec<String>,
    /// Peers; all that were built if none is given. libzmq is always among them.
    #[arg(long, value_delimiter = ',')]
    peer: Vec<PeerName>,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Time that one measurement counts, in milliseconds.
    #[arg(long, default_value_t = 400)]
    window: u64,
    /// Folder for `bench.md`, `bench.json` and a chart for each case.
    #[arg(long)]
    out: Option<PathBuf>,
    /// A Markdown document in which the tables are put between `<!-- bench: begin -->` and
    /// `<!-- bench: end -->`.
    #[arg(long)]
    document: Option<PathBuf>,
    /// Prints JSON in place of the table.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<(), Error> {
    match cli.command {
        Some(Command::Worker(args)) => worker::work(args),
        Some(Command::List) => {
            for case in cases::all() {
                println!("{:<22} {}", case.name, case.title);
            }
            println!();
            for peer in PeerName::built() {
                println!("{}", peer.name());
            }
            Ok(())
        }
        None => measure(&cli.run),
    }
}

fn measure(args: &RunArgs) -> Result<(), Error> {
    let chosen = |case: &Case| {
        args.case.is_empty() || args.case.iter().any(|start| case.name.starts_with(start.as_str()))
    };
    let cases: Vec<Case> = cases::all().into_iter().filter(chosen).collect();
    if cases.is_empty() {
        return Err("no case has such a name; `list` names them".into());
    }
    let peers: Vec<PeerName> = PeerName::built()
        .into_iter()
        .filter(|peer| {
            args.peer.is_empty() || args.peer.contains(peer) || *peer == PeerName::Libzmq
        })
        .collect();
    // Ten thousand connections at once are more than many a shell allows at first.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    let results = run::all(&cases, &peers, args.rounds, Duration::from_millis(args.window))?;
    if let Some(out) = &args.out {
        report::write(&results, out)?;
    }
    if let Some(document) = &args.document {
        report::insert(&results, document)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        print!("{}", report::markdown(&results));
    }
    Ok(())
}
