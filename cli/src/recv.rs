//! `recv`: a socket of any type that receives, printing what comes.

use std::time::Duration;

use clap::Args;
use ironhouse::{AnySocket, Message, Security, SocketType};
use tokio::time::timeout;
use zmtp_core::wire::greeting::MechanismName;

use crate::args::{Place, seconds, socket_type};
use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::meeting::{self, not_received, not_sent, silent};
use crate::output::show;
use crate::progress::{Counter, waiting};
use crate::security::Side;

/// How long the last answer of a REP may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// Receive messages and print them.
///
/// Prints each message on a line: its parts separated by tabs, those that are no plain text escaped.
/// --json prints exact octets instead: {"parts": [{"text": ".."}, {"hex": ".."}], ..}, where a part is
/// text if it is UTF-8. `ironhouse send --json` takes such lines back.
///
/// SUB and XSUB subscribe to everything unless --subscribe says to what. XPUB prints subscriptions: the
/// octet 1, or 0 when the last one is cancelled, then the prefix. ROUTER prints the routing id of the
/// peer as first part. REP answers each request with an empty message. REQ sends an empty request for
/// each message that it prints.
///
/// Where it listens, whom it refuses and why goes to standard error. An endpoint where nobody listens
/// is tried again; every other failure to connect ends the command at once.
///
/// Exit codes: 0 after --count messages, or at SIGINT or SIGTERM; 2 usage, 3 refused by the peer or by
/// this side, 4 unreachable, 5 the peer does not speak ZMTP or breaks it, 6 the mechanisms differ, 7 no
/// message in time.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Type of the socket: pull, sub, xpub, xsub, dealer, router, pair, req or rep
    #[arg(long = "type", value_name = "TYPE", value_parser = socket_type)]
    socket_type: SocketType,
    #[command(flatten)]
    place: Place,
    /// Ends after so many messages; without it, at SIGINT or SIGTERM. What peers have sent beyond
    /// that by then is gone with the connection
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// REQ, DEALER and ROUTER: the id by which a ROUTER peer knows this socket; without it, the ROUTER
    /// makes one up
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    routing_id: Option<String>,
    /// SUB and XSUB: receives what begins with this; may be given several times
    #[arg(long, value_name = "PREFIX", allow_hyphen_values = true)]
    subscribe: Vec<String>,
    /// Seconds until the connection must stand, and again until each message must be there; without
    /// it, waits without end
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_hyphen_values = true)]
    timeout: Option<Duration>,
    /// Prints JSON: messages and a failure on standard output, events on standard error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    security: Side,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    arguments.place.check()?;
    let security = arguments.security.security(arguments.json)?;
    let interrupts = Interrupts::listen()?;
    let outcome = tokio::select! {
        outcome = receive_all(&arguments, security) => outcome,
        () = interrupts.wait() => Ok(()),
    };
    outcome.inspect_err(|failure| failure.tell_scripts(arguments.json))
}

async fn receive_all(arguments: &Arguments, security: Security) -> Result<(), Failure> {
    let mechanism = security.mechanism().mechanism();
    let socket = open(arguments, security)?;
    let limit = arguments.timeout;
    meeting::enter(&socket, &arguments.place, mechanism, limit, arguments.json).await?;
    let mut counter = Counter::new(arguments.count);
    let mut left = arguments.count;
    while left != Some(0) {
        let next = receive(&socket, mechanism);
        let next = async {
            match limit {
                None => next.await,
                Some(limit) => timeout(limit, next)
                    .await
                    .unwrap_or_else(|_| Err(silent("no message", Some(limit)))),
            }
        };
        show(&waiting("a message", next).await?, arguments.json);
        counter.count();
        left = left.map(|left| left - 1);
    }
    socket.close().await;
    Ok(())
}

fn open(arguments: &Arguments, security: Security) -> Result<AnySocket, Failure> {
    let socket_type = arguments.socket_type;
    if matches!(socket_type, SocketType::PUSH | SocketType::PUB) {
        return Err(Failure::usage(format!(
            "a {socket_type} socket cannot receive: a type that receives is pull, sub, xpub, xsub, \
             dealer, router, pair, req or rep"
        )));
    }
    let options = meeting::options(security, arguments.timeout).linger(FAREWELL);
    let options = meeting::named(options, arguments.routing_id.as_deref())?;
    let socket = AnySocket::new(socket_type, options).map_err(Failure::usage)?;
    if matches!(socket_type, SocketType::SUB | SocketType::XSUB) {
        let everything = [String::new()];
        let given = &arguments.subscribe[..];
        for prefix in if given.is_empty() { &everything } else { given } {
            socket.subscribe(prefix).map_err(Failure::usage)?;
        }
    } else if !arguments.subscribe.is_empty() {
        return Err(Failure::usage(format!("--subscribe is for sub and xsub, not {socket_type}")));
    }
    Ok(socket)
}

/// The next message, with what the type has to do before or after.
async fn receive(socket: &AnySocket, mechanism: MechanismName) -> Result<Message, Failure> {
    if let AnySocket::Req(req) = socket {
        req.send("").await.map_err(|error| not_sent(error, mechanism))?;
    }
    let message = socket.recv().await.map_err(|error| not_received(error, mechanism))?;
    if let AnySocket::Rep(rep) = socket {
        // Whoever left before the answer got none.
        let _ = rep.send("").await;
    }
    Ok(message)
}
