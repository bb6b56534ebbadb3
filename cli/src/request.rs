//! `request`: a REQ socket that sends requests and prints the replies.

use std::time::Duration;

use clap::Args;
use ironhouse::{Endpoint, Message, Req, Security};
use tokio::time::timeout;
use zmtp_core::wire::greeting::MechanismName;

use crate::args::seconds;
use crate::exit::Failure;
use crate::meeting::{self, Patience, not_received, not_sent, silent};
use crate::output::show;
use crate::progress::{Counter, waiting};
use crate::security::{ClientFlags, reachable};

/// How long a server that is just starting may take to listen.
const GRACE: Duration = Duration::from_secs(3);

/// Send requests and print the replies.
///
/// A server that does not listen yet is waited for up to 3 seconds; every other failure ends the
/// command at once.
///
/// Exit codes: 0 served, 2 usage, 3 refused by the peer (also when it closes without a reason after it
/// saw who this is), 4 unreachable, 5 the peer does not speak ZMTP or breaks it, 6 the mechanisms
/// differ, 7 no answer in time.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to connect, for example tcp://127.0.0.1:5555
    #[arg(long, value_name = "ENDPOINT")]
    connect: Endpoint,
    /// One request each; after -- also one that begins with a hyphen
    #[arg(required = true, value_name = "MESSAGE")]
    messages: Vec<String>,
    /// Sends all requests so many times
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Seconds for the connection, and again for each reply
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds, allow_hyphen_values = true)]
    timeout: Duration,
    /// Prints each reply as JSON, with every octet, and a failure as well
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    security: ClientFlags,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    reachable(&arguments.connect)?;
    let security = arguments.security.security()?;
    let outcome = send_all(&arguments, security).await;
    outcome.inspect_err(|failure| failure.tell_scripts(arguments.json))
}

async fn send_all(arguments: &Arguments, security: Security) -> Result<(), Failure> {
    let mechanism = security.mechanism().mechanism();
    let limit = arguments.timeout;
    let options = meeting::options(security, Some(limit)).linger(Duration::ZERO);
    let req = Req::new(options).map_err(Failure::usage)?;
    let connecting = req.connect(&arguments.connect).map_err(Failure::usage)?;
    let patience = Patience { limit: Some(limit), grace: Some(GRACE) };
    waiting(&arguments.connect, meeting::ready(connecting, mechanism, patience)).await?;
    let total = u64::try_from(arguments.messages.len()).unwrap_or(u64::MAX);
    let mut counter = Counter::new(Some(total.saturating_mul(arguments.count)));
    for _ in 0..arguments.count {
        for message in &arguments.messages {
            let exchange = timeout(limit, exchange(&req, message, mechanism));
            let reply = waiting("the reply", exchange).await.unwrap_or_else(|_| {
                Err(silent(format_args!("{}: no reply", arguments.connect), Some(limit)))
            })?;
            show(&reply, arguments.json);
            counter.count();
        }
    }
    Ok(())
}

async fn exchange(req: &Req, message: &str, mechanism: MechanismName) -> Result<Message, Failure> {
    req.send(message).await.map_err(|error| not_sent(error, mechanism))?;
    req.recv().await.map_err(|error| not_received(error, mechanism))
}
