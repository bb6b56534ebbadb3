//! `echo`: a REP socket that answers every request with itself.

use std::time::Duration;

use clap::Args;
use ironhouse::error::SendError;
use ironhouse::{Disconnect, Endpoint, Event, Monitor, Observation, Options, Rep};
use serde_json::json;
use zmtp_core::error::ProtocolError;
use zmtp_core::peer::PeerAddress;

use crate::exit::{Failure, error_json, status_of};
use crate::output::{self, DIM, NOTE, line, note, styled};
use crate::security::{ServerFlags, not_inproc};

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
    let security = arguments.security.security()?;
    // Before anybody learns that this runs: who then tells it to end shall find it prepared.
    let interrupts = Interrupts::listen().map_err(Failure::broken)?;
    let options = Options::new().security(security).linger(FAREWELL);
    let rep = Rep::new(options).map_err(Failure::usage)?;
    let monitor = rep.monitor();
    let endpoint = rep.bind(arguments.bind).await.map_err(Failure::usage)?;
    if arguments.json {
        line(json!({ "event": "listening", "endpoint": endpoint.to_string() }));
    } else {
        line(format_args!("listening on {endpoint}"));
    }
    let outcome = tokio::select! {
        result = answer(&rep) => result,
        () = watch(monitor, arguments.json) => Ok(()),
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

async fn watch(mut monitor: Monitor, as_json: bool) {
    while let Some(observation) = monitor.next().await {
        match observation {
            Observation::Event(event) if as_json => show_json(&event),
            Observation::Event(event) => show(&event),
            Observation::Missed(count) if as_json => {
                note(json!({ "event": "missed", "count": count }));
            }
            Observation::Missed(count) => note(format_args!("{count} events were not shown")),
        }
    }
}

fn show(event: &Event) {
    match event {
        Event::HandshakeFailed { address, error, .. } => show_error("refused", address, error),
        Event::Disconnected { address, cause: Disconnect::Protocol(error), .. } => {
            show_error("broken", address, error);
        }
        Event::AcceptFailed { error, .. } => output::error(error),
        Event::HandshakeSucceeded { peer, .. } => note(styled(
            DIM,
            format_args!(
                "serving  {}  {}{}",
                peer.verified.address,
                peer.verified.mechanism,
                peer.user_id().map_or_else(String::new, |user| format!("  user {user}")),
            ),
        )),
        _ => {}
    }
}

fn show_error(what: &str, address: &PeerAddress, error: &ProtocolError) {
    note(format_args!(
        "{}  {address}  stage {}  status {}  reason: {} ({})",
        styled(NOTE, format_args!("{what:<7}")),
        error.stage,
        status_of(error).unwrap_or("none"),
        error.kind,
        error.rule().id,
    ));
}

fn show_json(event: &Event) {
    let of_error = |what: &str, address: &PeerAddress, error: &ProtocolError| {
        let mut value = error_json(error);
        value["event"] = what.into();
        value["address"] = address.to_string().into();
        value
    };
    note(match event {
        Event::HandshakeFailed { address, error, .. } => of_error("refused", address, error),
        Event::Disconnected { address, cause: Disconnect::Protocol(error), .. } => {
            of_error("broken", address, error)
        }
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
    });
}

/// The wish of the user or of the system that the command end.
struct Interrupts {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupts {
    /// From now on such a wish is waited for, and no longer kills the process.
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn wait(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
