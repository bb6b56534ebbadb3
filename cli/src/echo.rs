//! `echo`: a REP socket that answers every request with itself.

use clap::Args;
use ironhouse::error::SendError;
use ironhouse::{Endpoint, Event, Monitor, Observation, Options, Rep};
use serde_json::json;

use crate::exit::{Failure, status_of};
use crate::output::{self, DIM, NOTE, line, note, styled};
use crate::security::ServerFlags;

/// Answer every request with itself, and log whom that refuses.
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
    let security = arguments.security.security()?;
    let rep = Rep::new(Options::new().security(security)).map_err(Failure::usage)?;
    let monitor = rep.monitor();
    let endpoint = rep.bind(arguments.bind).await.map_err(Failure::usage)?;
    if arguments.json {
        line(json!({ "event": "listening", "endpoint": endpoint.to_string() }));
    } else {
        line(format_args!("listening on {endpoint}"));
    }
    tokio::select! {
        result = answer(&rep) => result,
        () = watch(monitor, arguments.json) => Ok(()),
        () = interrupted() => Ok(()),
    }
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

async fn watch(mut monitor: Monitor, as_json: bool) {
    while let Some(observation) = monitor.next().await {
        match observation {
            Observation::Event(event) if as_json => show_json(&event),
            Observation::Event(event) => show(&event),
            Observation::Missed(count) => note(format_args!("{count} events were not shown")),
        }
    }
}

fn show(event: &Event) {
    match event {
        Event::HandshakeFailed { address, error, .. } => note(format_args!(
            "{} {address}: stage {}, status {}, reason: {error}",
            styled(NOTE, "refused"),
            error.stage,
            status_of(error).unwrap_or("none"),
        )),
        Event::AcceptFailed { error, .. } => output::error(error),
        Event::HandshakeSucceeded { peer, .. } => note(styled(
            DIM,
            format_args!(
                "serving {} ({}{})",
                peer.verified.address,
                peer.verified.mechanism,
                peer.user_id().map_or_else(String::new, |user| format!(", user {user}")),
            ),
        )),
        _ => {}
    }
}

fn show_json(event: &Event) {
    let value = match event {
        Event::HandshakeFailed { address, error, .. } => json!({
            "event": "refused",
            "address": address.to_string(),
            "side": error.side.to_string(),
            "stage": error.stage.as_str(),
            "status": status_of(error),
            "reason": error.kind.to_string(),
            "rule": error.rule().id,
        }),
        Event::HandshakeSucceeded { peer, .. } => json!({
            "event": "serving",
            "address": peer.verified.address.to_string(),
            "mechanism": peer.verified.mechanism.to_string(),
            "user": peer.user_id().map(|user| user.as_str().to_owned()),
        }),
        Event::AcceptFailed { error, .. } => {
            json!({ "event": "accept-failed", "reason": error.to_string() })
        }
        _ => return,
    };
    note(value);
}

/// Resolves when the user or the system wants the command to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
