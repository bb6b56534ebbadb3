//! `echo`: a REP socket that answers every request with itself.

use std::time::Duration;

use clap::Args;
use ironhouse::error::SendError;
use ironhouse::{Endpoint, Options, Rep};
use serde_json::json;

use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::output::line;
use crate::security::{ServerFlags, not_inproc};
use crate::watch::Watch;

/// How long the last answers may take to leave when the command is told to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Answer every request with itself, and log whom that refuses.
///
/// The first line on standard output says where it listens. Served and refused peers are logged to
/// standard error, the latter with address, stage, status and reason. Ends with exit code 0 at SIGINT
/// or SIGTERM, with 2 for arguments, files or endpoints that cannot be used.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen, for example tcp://127.0.0.1:5555, tcp://*:* or ipc:///tmp/echo
    #[arg(long, value_name = "ENDPOINT")]
    bind: Endpoint,
    /// Logs JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    security: ServerFlags,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    not_inproc(&arguments.bind)?;
    let security = arguments.security.security(arguments.json)?;
    // Before anybody learns that this runs: who then tells it to end shall find it prepared.
    let interrupts = Interrupts::listen()?;
    let options = Options::new().security(security).linger(FAREWELL);
    let rep = Rep::new(options).map_err(Failure::usage)?;
    let monitor = rep.monitor();
    let watch = Watch { json: arguments.json, serving: true, side: None };
    let endpoint = rep.bind(arguments.bind).await.map_err(Failure::usage)?;
    if arguments.json {
        line(json!({ "event": "listening", "endpoint": endpoint.to_string() }));
    } else {
        line(format_args!("listening on {endpoint}"));
    }
    let outcome = tokio::select! {
        result = answer(&rep) => result,
        () = watch.run(monitor) => Ok(()),
        () = interrupts.wait() => Ok(()),
    };
    rep.close().await;
    outcome
}

async fn answer(rep: &Rep) -> Result<(), Failure> {
    loop {
        let request = rep.recv().await.map_err(Failure::broken)?;
        match rep.send(request).await {
            // A client that leaves before its answer is no concern of the others.
            Ok(()) | Err(SendError::PeerGone) => {}
            Err(error) => return Err(Failure::broken(error)),
        }
    }
}
