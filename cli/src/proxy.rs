//! `proxy`: two sockets, and whatever one receives the other sends.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use ironhouse::error::{ConnectFailure, ProxyError};
use ironhouse::{
    AnySocket, Connecting, Disconnect, Endpoint, Options, Proxy, ProxyStatistics, Pub, Security,
    Socket, SocketType,
};
use serde_json::{Value, json};
use zmtp_core::wire::greeting::MechanismName;

use crate::args::socket_type;
use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::meeting::{not_received, not_sent};
use crate::output::{NOTE, line, note, styled};
use crate::progress::Status;
use crate::security::{Backend, Capture, Frontend, not_inproc, reachable};
use crate::watch::Watch;

/// How long the last messages may take to leave when the command is told to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Pass messages on between two sockets.
///
/// The usual pairs, in front and behind: router and dealer for requests and replies, xsub and xpub for
/// publications and subscriptions, pull and push for work. Any two between which something can pass
/// work, but no req or rep, because they take turns. A sub subscribes to everything. A message is never
/// dropped but where the patterns say so: a side that takes nothing holds the other one up.
///
/// The first lines of standard output say where it listens. Peers that are served or refused are logged
/// to standard error. What has passed is told at the end: at SIGINT or SIGTERM, with exit code 0. Exit
/// code 2 is for arguments, files or endpoints that cannot be used, 3 for a peer that refuses a side which
/// has no other, 1 for all else.
///
/// --capture hands copies of all messages of both directions to whoever subscribes, from a PUB socket.
/// If one of the sides has any security, so must the copies, unless they stay on this machine.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The side in front, for example router=tcp://*:5559
    #[arg(long, value_name = "TYPE=ENDPOINT")]
    frontend: End,
    /// The side behind, for example dealer=tcp://*:5560
    #[arg(long, value_name = "TYPE=ENDPOINT")]
    backend: End,
    /// Where copies of all messages can be had, for example tcp://127.0.0.1:5561
    #[arg(long, value_name = "ENDPOINT")]
    capture: Option<Endpoint>,
    /// Connects in front, in place of listening
    #[arg(long)]
    frontend_connect: bool,
    /// Connects behind, in place of listening
    #[arg(long)]
    backend_connect: bool,
    /// Prints and logs JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    frontend_security: Frontend,
    #[command(flatten)]
    backend_security: Backend,
    #[command(flatten)]
    capture_security: Capture,
}

/// One end of a proxy.
#[derive(Debug, Clone)]
struct End {
    socket_type: SocketType,
    endpoint: Endpoint,
}

impl FromStr for End {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, endpoint) = text
            .split_once('=')
            .ok_or("expected TYPE=ENDPOINT, for example router=tcp://*:5559")?;
        let socket_type = socket_type(kind)?;
        let other = match socket_type {
            SocketType::REQ => "dealer",
            SocketType::REP => "router",
            _ => {
                let endpoint = endpoint.parse::<Endpoint>().map_err(|error| error.to_string())?;
                return Ok(Self { socket_type, endpoint });
            }
        };
        Err(format!("{socket_type} takes turns and cannot pass messages on: use {other}"))
    }
}

/// One end, before it is opened.
struct Plan<'a> {
    side: &'static str,
    end: &'a End,
    connects: bool,
    security: Security,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let of = |side: &'static str| {
        move |failure: Failure| Failure { text: format!("{side}: {}", failure.text), ..failure }
    };
    let json = arguments.json;
    let front = arguments.frontend_security.security(json).map_err(of("frontend"))?;
    let back = arguments.backend_security.security(json).map_err(of("backend"))?;
    let copies = arguments.capture_security.security(json).map_err(of("capture"))?;
    check_capture(&arguments, &[&front, &back], &copies)?;
    let interrupts = Interrupts::listen()?;
    let front = Plan {
        side: "frontend",
        end: &arguments.frontend,
        connects: arguments.frontend_connect,
        security: front,
    };
    let back = Plan {
        side: "backend",
        end: &arguments.backend,
        connects: arguments.backend_connect,
        security: back,
    };
    let sides =
        [&front, &back].map(|plan| (plan.end.socket_type, plan.security.mechanism().mechanism()));
    let (front, back) = (open(front, json).await?, open(back, json).await?);
    let capture = match arguments.capture {
        Some(endpoint) => Some(open_capture(endpoint, copies, json).await?),
        None => None,
    };
    let passed = pass(&front, &back, capture.as_ref(), &sides, interrupts).await?;
    tokio::join!(front.close(), back.close(), async {
        if let Some(capture) = capture {
            capture.close().await;
        }
    });
    tell(&passed, json);
    Ok(())
}

/// Secured messages must not leave this machine in copies for everybody.
fn check_capture(
    arguments: &Arguments,
    sides: &[&Security],
    copies: &Security,
) -> Result<(), Failure> {
    let Some(endpoint) = &arguments.capture else {
        return if is_open(copies) {
            Ok(())
        } else {
            Err(Failure::usage("security of the copies is given, but no --capture"))
        };
    };
    not_inproc(endpoint)?;
    let stays = match endpoint {
        Endpoint::Tcp(tcp) => tcp.host().ip().is_some_and(|ip| ip.to_canonical().is_loopback()),
        _ => true,
    };
    if is_open(copies) && !stays && !sides.iter().all(|side| is_open(side)) {
        return Err(Failure::usage(format!(
            "copies at {endpoint} would be open to everybody, but the proxied messages are not: \
             add security flags such as --capture-authorized-keys or --capture-allow, or listen on \
             127.0.0.1"
        )));
    }
    Ok(())
}

/// Whether anybody may read along.
fn is_open(security: &Security) -> bool {
    security.mechanism().mechanism() == MechanismName::NULL && !security.has_authenticator()
}

async fn open(plan: Plan<'_>, json: bool) -> Result<AnySocket, Failure> {
    let Plan { side, end, connects, security } = plan;
    let options = Options::new().security(security).linger(FAREWELL);
    let socket = AnySocket::new(end.socket_type, options).map_err(Failure::usage)?;
    if socket.socket_type() == SocketType::SUB {
        socket.subscribe("").map_err(Failure::usage)?;
    }
    tokio::spawn(Watch { json, serving: true, side: Some(side) }.run(socket.monitor()));
    if connects {
        reachable(&end.endpoint)?;
        let connecting = socket.connect(&end.endpoint).map_err(Failure::usage)?;
        say(side, "connecting to", &end.endpoint, json);
        tokio::spawn(tell_unreachable(side, connecting, json));
    } else {
        not_inproc(&end.endpoint)?;
        let endpoint = socket.bind(&end.endpoint).await.map_err(Failure::usage)?;
        say(side, "listening on", &endpoint, json);
    }
    Ok(socket)
}

/// Says once that nobody listens yet. Failures of a handshake are told by the watch.
async fn tell_unreachable(side: &'static str, mut connecting: Connecting, json: bool) {
    loop {
        match connecting.ready().await {
            Err(ConnectFailure { cause: Disconnect::Unreachable(error), .. }) if json => {
                let reason = error.to_string();
                return note(json!({ "event": "retrying", "proxy_side": side, "reason": reason }));
            }
            Err(ConnectFailure { cause: Disconnect::Unreachable(error), .. }) => {
                let again = styled(NOTE, "trying again:");
                return note(format_args!("{side:<8}  {again} {error}"));
            }
            Err(failure) if !failure.is_final => {}
            _ => return,
        }
    }
}

async fn open_capture(endpoint: Endpoint, security: Security, json: bool) -> Result<Pub, Failure> {
    let capture = Pub::new(Options::new().security(security).linger(FAREWELL));
    let capture = capture.map_err(Failure::usage)?;
    tokio::spawn(Watch { json, serving: true, side: Some("capture") }.run(capture.monitor()));
    let endpoint = capture.bind(endpoint).await.map_err(Failure::usage)?;
    say("capture", "listening on", &endpoint, json);
    Ok(capture)
}

fn say(side: &str, what: &str, endpoint: &Endpoint, json: bool) {
    if json {
        let event = what.split(' ').next();
        line(json!({ "event": event, "proxy_side": side, "endpoint": endpoint.to_string() }));
    } else {
        line(format_args!("{side:<8}  {what} {endpoint}"));
    }
}

/// Passes messages on until somebody wants it to end.
async fn pass(
    front: &AnySocket,
    back: &AnySocket,
    capture: Option<&Pub>,
    sides: &[(SocketType, MechanismName)],
    interrupts: Interrupts,
) -> Result<ProxyStatistics, Failure> {
    let mut proxy = Proxy::new(front, back).map_err(Failure::usage)?;
    if let Some(capture) = capture {
        proxy = proxy.capture(capture).map_err(Failure::usage)?;
    }
    let handle = proxy.handle();
    let status = Status::new(|| summary(&handle.statistics()));
    tokio::select! {
        ended = proxy.run() => ended.map_err(|error| stuck(error, sides)),
        () = interrupts.wait() => Ok(handle.statistics()),
        () = status.show() => Ok(handle.statistics()),
    }
}

/// A side that can go on no more, for the reason that it was refused for.
fn stuck(error: ProxyError, sides: &[(SocketType, MechanismName)]) -> Failure {
    let mechanism = |of| {
        let side = sides.iter().find(|(socket_type, _)| *socket_type == of);
        side.map_or(MechanismName::NULL, |(_, mechanism)| *mechanism)
    };
    match error {
        ProxyError::Receive(of, error) => not_received(error, mechanism(of)),
        ProxyError::Send(of, error) => not_sent(error, mechanism(of)),
        error => Failure::broken(error),
    }
}

fn summary(passed: &ProxyStatistics) -> String {
    format!(
        "forward {} of {}, backward {} of {}",
        passed.backend.sent,
        passed.frontend.received,
        passed.frontend.sent,
        passed.backend.received
    )
}

fn tell(passed: &ProxyStatistics, json: bool) {
    let sides = [("frontend", &passed.frontend), ("backend", &passed.backend)];
    if json {
        let side = |traffic: &ironhouse::Traffic| {
            json!({
                "received": traffic.received,
                "received_octets": traffic.received_octets,
                "sent": traffic.sent,
                "sent_octets": traffic.sent_octets,
                "undeliverable": traffic.undeliverable,
            })
        };
        let mut value = Value::from_iter(sides.map(|(name, traffic)| (name, side(traffic))));
        value["event"] = "ended".into();
        return line(value);
    }
    for (side, traffic) in sides {
        line(format_args!(
            "{side:<8}  received {} ({} octets), sent {} ({} octets), undeliverable {}",
            traffic.received,
            traffic.received_octets,
            traffic.sent,
            traffic.sent_octets,
            traffic.undeliverable
        ));
    }
}
