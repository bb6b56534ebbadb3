//! `request`: a REQ socket that sends requests and prints the replies.

use std::time::Duration;

use clap::Args;
use ironhouse::error::{ConnectFailure, RecvError, SendError};
use ironhouse::{
    Connecting, Disconnect, Endpoint, Limits, Options, Reconnect, Req, Security, TransportOptions,
};
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};
use zmtp_core::wire::greeting::MechanismName;

use crate::advice::explained;
use crate::exit::{Class, Failure};
use crate::output::{line, message_json, message_line};
use crate::progress::{Counter, waiting};
use crate::security::{ClientFlags, reachable};

/// How long a server that is just starting may take to listen.
const GRACE: Duration = Duration::from_secs(3);
/// How much later than the connection itself the command loses patience, so that the connection can say
/// where it was stuck.
const MARGIN: Duration = Duration::from_millis(500);

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
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS", value_parser = seconds, allow_hyphen_values = true)]
    timeout: f64,
    /// Prints each reply as JSON, with every octet, and a failure as well
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    security: ClientFlags,
}

/// A time that is more than nothing and less than a day.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(time) if time > 0.0 && time <= 86_400.0 => Ok(time),
        _ => Err("expected a number of seconds above 0 and up to 86400".to_owned()),
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    reachable(&arguments.connect)?;
    let security = arguments.security.security()?;
    let outcome = send_all(&arguments, security).await;
    if arguments.json
        && let Err(failure) = &outcome
    {
        line(json!({ "failed": failure.to_json() }));
    }
    outcome
}

async fn send_all(arguments: &Arguments, security: Security) -> Result<(), Failure> {
    let mechanism = security.mechanism().mechanism();
    let limit = Duration::from_secs_f64(arguments.timeout);
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = limit;
    let mut transport = TransportOptions::default();
    transport.connect_timeout = limit;
    let again = Reconnect {
        interval: Duration::from_millis(100),
        max_interval: Duration::from_millis(250),
    };
    let options = Options::new()
        .security(security)
        .limits(limits)
        .transport(transport)
        .reconnect(again)
        .linger(Duration::ZERO);
    let req = Req::new(options).map_err(Failure::usage)?;
    let connecting = req.connect(&arguments.connect).map_err(Failure::usage)?;
    waiting(&arguments.connect, ready(connecting, mechanism, limit)).await?;
    let total = u64::try_from(arguments.messages.len()).unwrap_or(u64::MAX);
    let mut counter = Counter::new(total.saturating_mul(arguments.count));
    for _ in 0..arguments.count {
        for message in &arguments.messages {
            let exchange = timeout(limit, exchange(&req, message, mechanism, arguments.json));
            waiting("the reply", exchange).await.unwrap_or_else(|_| {
                let text =
                    format!("{}: no reply within {} s", arguments.connect, limit.as_secs_f64());
                Err(Failure::new(Class::Silent, text))
            })?;
            counter.count();
        }
    }
    Ok(())
}

/// Waits for READY or for a reason that another attempt would not change.
async fn ready(
    mut connecting: Connecting,
    mechanism: MechanismName,
    limit: Duration,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut last = None;
    while let Ok(outcome) = timeout_at(begin + limit + MARGIN, connecting.ready()).await {
        let Err(failure) = outcome else { return Ok(()) };
        let over = !may_pass(&failure) || begin.elapsed() >= GRACE.min(limit);
        last = Some(failure);
        if over {
            break;
        }
    }
    Err(last.map_or_else(
        || {
            let endpoint = connecting.endpoint();
            let text = format!("{endpoint}: no connection within {} s", limit.as_secs_f64());
            Failure::new(Class::Silent, text)
        },
        |failure| explained(&failure, mechanism),
    ))
}

/// Whether the server may just be starting.
fn may_pass(failure: &ConnectFailure) -> bool {
    match &failure.cause {
        Disconnect::Unreachable(error) => !failure.is_final && !error.is_permanent(),
        _ => false,
    }
}

async fn exchange(
    req: &Req,
    message: &str,
    mechanism: MechanismName,
    json: bool,
) -> Result<(), Failure> {
    req.send(message).await.map_err(|error| match error {
        SendError::Refused(failure) => explained(&failure, mechanism),
        error => Failure::broken(error),
    })?;
    let reply = req.recv().await.map_err(|error| match error {
        RecvError::Refused(failure) => explained(&failure, mechanism),
        RecvError::RequestLost => Failure::new(Class::Unreachable, error),
        error => Failure::broken(error),
    })?;
    if json {
        line(message_json(&reply));
    } else {
        line(message_line(&reply));
    }
    Ok(())
}
