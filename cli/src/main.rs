//! The ironhouse command.

mod advice;
mod args;
mod demo;
mod doctor;
mod echo;
mod exit;
mod input;
mod interrupts;
mod keygen;
mod meeting;
mod output;
mod policy;
mod progress;
mod proxy;
mod recv;
mod request;
mod security;
mod send;
mod serve;
mod watch;

use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};

use crate::exit::Failure;

/// ZeroMQ's wire protocol and security: keys, policies, sockets, tests of a connection, and a
/// demonstration.
#[derive(Debug, Parser)]
#[command(name = "ironhouse", version, max_term_width = 100)]
struct Cli {
    /// Log to standard error: once for established and refused peers, twice for everything. The
    /// environment variable RUST_LOG says it in more detail.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 1000)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

/// Each says what it does where its arguments are.
#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Keygen(keygen::Arguments),
    PublicKey(keygen::PublicKeyArguments),
    Echo(echo::Arguments),
    Request(request::Arguments),
    Recv(recv::Arguments),
    Send(send::Arguments),
    Proxy(Box<proxy::Arguments>),
    Doctor(doctor::Arguments),
    Policy(policy::Arguments),
    Explain(policy::Explain),
    Zap(serve::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
    let result = match cli.command {
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::PublicKey(arguments) => keygen::public_key(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Explain(arguments) => policy::explain(&arguments),
        Command::Demo(arguments) => on_runtime(demo::run(arguments)),
        Command::Echo(arguments) => on_runtime(echo::run(arguments)),
        Command::Request(arguments) => on_runtime(request::run(arguments)),
        Command::Recv(arguments) => on_runtime(recv::run(arguments)),
        Command::Send(arguments) => on_runtime(send::run(arguments)),
        Command::Proxy(arguments) => on_runtime(proxy::run(*arguments)),
        Command::Zap(arguments) => on_runtime(serve::run(arguments)),
        Command::Doctor(arguments) => on_runtime(doctor::run(arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::broken(format!("cannot start: {error}")))?;
    runtime.block_on(work)
}

fn start_log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let default = match verbose {
        0 => "off",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(anstream::stderr).init();
}
