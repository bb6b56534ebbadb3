//! `request`: a REQ socket that sends requests and prints the replies.

use std::time::Duration;

use clap::Args;
use ironhouse::error::RecvError;
use ironhouse::{Connecting, Disconnect, Endpoint, Limits, Options, Reconnect, Req};
use tokio::time::{Instant, timeout_at};

use crate::exit::{Class, Failure, class_of};
use crate::output::{line, message_json, message_line};
use crate::security::ClientFlags;

/// How long a server that is just starting may take to listen.
const GRACE: Duration = Duration::from_secs(3);

/// Send requests and print the replies.
///
/// Exit codes: 0 served, 2 usage, 3 refused by the peer (also when it closes without a reason after it
/// saw who this is), 4 unreachable, 5 the peer does not speak ZMTP or breaks it, 6 the mechanisms
/// differ, 7 no answer in time.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Where to connect, for example tcp://127.0.0.1:5555
    #[arg(long, value_name = "ENDPOINT")]
    connect: Endpoint,
    /// One request each
    #[arg(required = true, value_name = "MESSAGE")]
    messages: Vec<String>,
    /// Sends all requests so many times
    #[arg(long, default_value_t = 1, value_name = "N")]
    count: u64,
    /// Seconds for the connection, and again for each reply
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS", value_parser = seconds)]
    timeout: f64,
    /// Prints each reply as JSON, with every octet
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
    let security = arguments.security.security()?;
    let limit = Duration::from_secs_f64(arguments.timeout);
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = limit;
    let again = Reconnect {
        interval: Duration::from_millis(100),
        max_interval: Duration::from_millis(250),
    };
    let options =
        Options::new().security(security).limits(limits).reconnect(again).linger(Duration::ZERO);
    let req = Req::new(options).map_err(Failure::usage)?;
    let connecting = req.connect(&arguments.connect).map_err(Failure::usage)?;
    ready(connecting, limit).await?;
    for _ in 0..arguments.count {
        for message in &arguments.messages {
            exchange(&req, message, limit, arguments.json).await?;
        }
    }
    Ok(())
}

/// Waits for READY or for a reason that another attempt would not change.
async fn ready(mut connecting: Connecting, limit: Duration) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut last = Failure::new(
        Class::Silent,
        format!(
            "{}: the handshake took more than {} s",
            connecting.endpoint(),
            limit.as_secs_f64()
        ),
    );
    while let Ok(outcome) = timeout_at(begin + limit, connecting.ready()).await {
        let Err(failure) = outcome else { return Ok(()) };
        let permanent =
            matches!(&failure.cause, Disconnect::Unreachable(error) if error.is_permanent());
        let starting = class_of(&failure.cause) == Class::Unreachable && !permanent;
        let is_final = failure.is_final;
        last = failure.into();
        if is_final || !starting || begin.elapsed() > GRACE {
            break;
        }
    }
    Err(last)
}

async fn exchange(req: &Req, message: &str, limit: Duration, json: bool) -> Result<(), Failure> {
    let silent = |_| {
        let text = format!("no reply within {} s", limit.as_secs_f64());
        Failure::new(Class::Silent, text)
    };
    let deadline = Instant::now() + limit;
    timeout_at(deadline, req.send(message)).await.map_err(silent)?.map_err(Failure::broken)?;
    let reply = timeout_at(deadline, req.recv()).await.map_err(silent)?.map_err(|error| {
        let class = match &error {
            RecvError::Refused(failure) => class_of(&failure.cause),
            RecvError::RequestLost => Class::Unreachable,
            _ => Class::Broken,
        };
        Failure::new(class, error)
    })?;
    if json {
        line(message_json(&reply));
    } else {
        line(message_line(&reply));
    }
    Ok(())
}
