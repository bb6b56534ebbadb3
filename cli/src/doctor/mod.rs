//! `doctor`: connects stage by stage and explains the first failure.

mod examine;
mod report;

use std::time::Duration;

use clap::Args;
use ironhouse::{Endpoint, SocketType};

use crate::args::{seconds, socket_type};
use crate::exit::Failure;
use crate::security::{ClientFlags, reachable};
use report::Report;

/// Connect stage by stage, and explain the first failure.
///
/// Exit codes: 0 all is well, 2 usage, 3 refused by the peer (also when it closes without a reason
/// after it saw who this is), 4 unreachable, 5 the peer does not speak ZMTP or breaks it, 6 the
/// mechanisms differ, 7 no answer in time.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to connect, for example tcp://127.0.0.1:5555
    #[arg(value_name = "ENDPOINT")]
    endpoint: Endpoint,
    /// Seconds for each stage
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds, allow_hyphen_values = true)]
    timeout: Duration,
    /// The socket type to pretend to be. One that receives (REP, PULL, ROUTER ..) may be given messages
    /// that were meant for others
    #[arg(long = "type", value_name = "TYPE", default_value = "REQ", value_parser = socket_type)]
    socket_type: SocketType,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    security: ClientFlags,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    reachable(&arguments.endpoint)?;
    let security = arguments.security.security()?;
    let mut report = Report::new(arguments.json);
    let patient = examine::Patient {
        endpoint: arguments.endpoint,
        security,
        socket_type: arguments.socket_type,
        limit: arguments.timeout,
    };
    let outcome = examine::examine(&patient, &mut report).await;
    report.finish(outcome)
}
