//! Connecting, and what to say when nothing comes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ironhouse::error::{ConnectFailure, RecvError, SendError};
use ironhouse::{
    AnySocket, Connecting, Disconnect, Event, Limits, Options, Reconnect, Security,
    TransportOptions,
};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use zmtp_core::wire::greeting::MechanismName;

use crate::advice::explained;
use crate::args::Place;
use crate::exit::{Class, Failure};
use crate::output::{NOTE, note, styled};
use crate::progress::waiting;
use crate::watch::Watch;

/// How much later than the connection itself the command loses patience, so that the connection can say
/// where it was stuck.
const MARGIN: Duration = Duration::from_millis(500);

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until there must be one; `None` is without end.
    pub(crate) limit: Option<Duration>,
    /// As long nobody needs to listen.
    pub(crate) grace: Option<Duration>,
}

/// Options of a socket that connects quickly, or tells quickly why not.
pub(crate) fn options(security: Security, limit: Option<Duration>) -> Options {
    let mut limits = Limits::DEFAULT;
    let mut transport = TransportOptions::default();
    if let Some(limit) = limit {
        limits.handshake_timeout = limit;
        transport.connect_timeout = limit;
    }
    let again = Reconnect {
        interval: Duration::from_millis(100),
        max_interval: Duration::from_millis(250),
    };
    Options::new().security(security).limits(limits).transport(transport).reconnect(again)
}

/// The options of a socket that its peers know by this id.
pub(crate) fn named(options: Options, routing_id: Option<&str>) -> Result<Options, Failure> {
    match routing_id {
        None => Ok(options),
        Some(id) => options
            .routing_id(id)
            .map_err(|error| Failure::usage(format!("--routing-id {id}: {error}"))),
    }
}

/// Waits for READY or for a reason that another attempt would not change.
pub(crate) async fn ready(
    mut connecting: Connecting,
    mechanism: MechanismName,
    patience: Patience,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let grace = match (patience.grace, patience.limit) {
        (Some(grace), Some(limit)) => Some(grace.min(limit)),
        (grace, limit) => grace.or(limit),
    };
    let mut last = None;
    loop {
        let outcome = match patience.limit.map(|limit| begin + limit + MARGIN) {
            None => connecting.ready().await,
            Some(end) => match timeout_at(end, connecting.ready()).await {
                Ok(outcome) => outcome,
                Err(_) => break,
            },
        };
        let Err(failure) = outcome else { return Ok(()) };
        let over = !may_pass(&failure) || grace.is_some_and(|grace| begin.elapsed() >= grace);
        if !over && last.is_none() && patience.grace.is_none() {
            let again = styled(NOTE, "trying again:");
            note(format_args!("{again} {failure}"));
        }
        last = Some(failure);
        if over {
            break;
        }
    }
    Err(last.map_or_else(
        || silent(format_args!("{}: no connection", connecting.endpoint()), patience.limit),
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

/// Nothing came in time.
pub(crate) fn silent(what: impl std::fmt::Display, limit: Option<Duration>) -> Failure {
    let seconds = limit.unwrap_or_default().as_secs_f64();
    Failure::new(Class::Silent, format_args!("{what} within {seconds} s"))
}

/// A message that could not be sent.
pub(crate) fn not_sent(error: SendError, mechanism: MechanismName) -> Failure {
    match error {
        SendError::Refused(failure) => explained(&failure, mechanism),
        SendError::Unsupported(_) | SendError::NoBody => Failure::usage(error),
        SendError::HostUnreachable(_) | SendError::PeerGone => {
            Failure::new(Class::Unreachable, error)
        }
        error => Failure::broken(error),
    }
}

/// A message that could not be received.
pub(crate) fn not_received(error: RecvError, mechanism: MechanismName) -> Failure {
    match error {
        RecvError::Refused(failure) => explained(&failure, mechanism),
        RecvError::Unsupported(_) => Failure::usage(error),
        RecvError::RequestLost => Failure::new(Class::Unreachable, error),
        error => Failure::broken(error),
    }
}

/// Binds or connects, and tells what happens to the socket from then on.
pub(crate) async fn enter(
    socket: &AnySocket,
    place: &Place,
    mechanism: MechanismName,
    limit: Option<Duration>,
    json: bool,
) -> Result<(), Failure> {
    let watch = Watch { json, ..Watch::default() };
    if let Some(endpoint) = &place.bind {
        tokio::spawn(watch.run(socket.monitor()));
        let endpoint = socket.bind(endpoint).await.map_err(Failure::usage)?;
        if json {
            note(json!({ "event": "listening", "endpoint": endpoint.to_string() }));
        } else {
            note(format_args!("listening on {endpoint}"));
        }
    }
    if let Some(endpoint) = &place.connect {
        let connecting = socket.connect(endpoint).map_err(Failure::usage)?;
        let patience = Patience { limit, grace: None };
        waiting(endpoint, ready(connecting, mechanism, patience)).await?;
        tokio::spawn(watch.run(socket.monitor()));
    }
    Ok(())
}

/// Counts what is lost with connections, and tells when there are peers and subscriptions.
#[derive(Debug)]
pub(crate) struct Losses {
    lost: Arc<AtomicUsize>,
    peer: Arc<Notify>,
}

impl Losses {
    /// From now on.
    pub(crate) fn of(socket: &AnySocket) -> Self {
        let mut monitor = socket.monitor();
        let losses = Self { lost: Arc::default(), peer: Arc::default() };
        let (count, peer) = (losses.lost.clone(), losses.peer.clone());
        tokio::spawn(async move {
            while let Some(event) = monitor.next_event().await {
                match event {
                    Event::HandshakeSucceeded { .. } | Event::Subscribed { .. } => {
                        peer.notify_one();
                    }
                    Event::Disconnected { lost, .. } => {
                        count.fetch_add(lost, Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
        });
        losses
    }

    /// Waits for a peer or a subscription that has come since the last call.
    pub(crate) async fn peer(&self) {
        self.peer.notified().await;
    }

    /// Messages that were handed over and are lost.
    pub(crate) fn count(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }
}
