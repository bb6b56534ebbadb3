//! `send`: a socket of any type that sends, and ends when all is gone.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use ironhouse::error::SendError;
use ironhouse::{AnySocket, Message, Security, SocketType};
use tokio::time::timeout;
use zmtp_core::wire::greeting::MechanismName;

use crate::args::{Place, seconds, socket_type};
use crate::exit::{Class, Failure};
use crate::input::{Form, Source};
use crate::meeting::{self, not_received, not_sent, silent};
use crate::output::show;
use crate::progress::{Counter, waiting};
use crate::security::Side;

/// Without --timeout, as long as anybody may want to wait.
const WITHOUT_END: Duration = Duration::from_secs(365 * 86_400);
/// Messages to a publisher that may wait: an XSUB does not wait, it drops.
const UPSTREAM: usize = 1_000_000;

/// Send messages, and end when they are gone.
///
/// Waits for a peer, sends each MESSAGE, or each line of standard input if there is none, and ends when
/// the last octet is handed over. --multipart makes a part of whatever tabs separate. With --json each
/// MESSAGE or line is a JSON object, as `ironhouse recv --json` prints it:
/// {"parts": [{"text": ".."}, {"hex": ".."}]}.
///
/// PUB and XPUB wait until somebody has subscribed, and lose nothing to a slow subscriber: they wait for
/// it. ROUTER takes the first part for the routing id and waits for that peer. REQ waits for the reply to
/// each request and prints it on standard output, as `ironhouse recv` prints a message. REP gives one
/// message in answer to each request, which it passes over. XSUB sends upstream, where a first octet of 1
/// or 0 subscribes or cancels.
///
/// Where it listens, whom it refuses and why goes to standard error. An endpoint where nobody listens
/// is tried again; every other failure to connect ends the command at once.
///
/// Exit codes: 0 all sent, 1 some were lost, 2 usage, 3 refused by the peer or by this side, 4
/// unreachable, 5 the peer does not speak ZMTP or breaks it, 6 the mechanisms differ, 7 nobody took a
/// message in time.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Type of the socket: push, pub, xpub, xsub, dealer, router, pair, req or rep
    #[arg(long = "type", value_name = "TYPE", value_parser = socket_type)]
    socket_type: SocketType,
    #[command(flatten)]
    place: Place,
    /// REQ, DEALER and ROUTER: the id by which a ROUTER peer knows this socket; without it, the ROUTER
    /// makes one up
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    routing_id: Option<String>,
    /// Tabs separate the parts of a message
    #[arg(long, conflicts_with = "json")]
    multipart: bool,
    /// Seconds until a peer must be there, and again until it must have taken each message; without
    /// it, waits without end
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_hyphen_values = true)]
    timeout: Option<Duration>,
    /// Takes messages as JSON; prints replies and a failure as JSON, and events on standard error
    #[arg(long)]
    json: bool,
    /// One message each; without any, each line of standard input; after -- also one that begins
    /// with a hyphen
    #[arg(value_name = "MESSAGE")]
    messages: Vec<OsString>,
    #[command(flatten)]
    security: Side,
}

pub(crate) async fn run(mut arguments: Arguments) -> Result<(), Failure> {
    arguments.place.check()?;
    let security = arguments.security.security(arguments.json)?;
    let form = match (arguments.json, arguments.multipart) {
        (true, _) => Form::Json,
        (false, true) => Form::Tabs,
        (false, false) => Form::Whole,
    };
    let source = Source::new(std::mem::take(&mut arguments.messages), form)?;
    let outcome = send_all(&arguments, security, source).await;
    outcome.inspect_err(|failure| failure.tell_scripts(arguments.json))
}

async fn send_all(
    arguments: &Arguments,
    security: Security,
    mut source: Source,
) -> Result<(), Failure> {
    let mechanism = security.mechanism().mechanism();
    let socket = open(arguments, security)?;
    let limit = arguments.timeout;
    let losses = meeting::Losses::of(&socket);
    meeting::enter(&socket, &arguments.place, mechanism, limit, arguments.json).await?;
    within(limit, "peer", audience(&socket, &losses)).await?;
    let mut counter = Counter::new(source.total());
    while let Some(message) = source.next().await? {
        let delivered = deliver(&socket, message, mechanism, &losses);
        if let Some(reply) = within(limit, "peer that takes the message", delivered).await?? {
            show(&reply, arguments.json);
        }
        counter.count();
    }
    drop(counter);
    let dropped = socket.dropped();
    let given_up = waiting("the last messages to leave", socket.close()).await;
    let lost = dropped + (given_up + losses.count()) as u64;
    if lost > 0 {
        return Err(Failure::new(Class::Broken, format!("{lost} messages were lost")));
    }
    Ok(())
}

fn open(arguments: &Arguments, security: Security) -> Result<AnySocket, Failure> {
    let socket_type = arguments.socket_type;
    if matches!(socket_type, SocketType::PULL | SocketType::SUB) {
        return Err(Failure::usage(format!(
            "a {socket_type} socket cannot send: a type that sends is push, pub, xpub, xsub, dealer, \
             router, pair, req or rep"
        )));
    }
    let options = meeting::options(security, arguments.timeout)
        .linger(arguments.timeout.unwrap_or(WITHOUT_END));
    let options = match socket_type {
        SocketType::REQ | SocketType::DEALER | SocketType::PUSH | SocketType::PAIR => {
            options.immediate(true)
        }
        SocketType::PUB | SocketType::XPUB => options.xpub_nodrop(true),
        SocketType::XSUB => options.send_high_water_mark(UPSTREAM),
        _ => options,
    };
    let options = meeting::named(options, arguments.routing_id.as_deref())?;
    AnySocket::new(socket_type, options).map_err(Failure::usage)
}

/// Waits until somebody is there who gets what is sent.
async fn audience(socket: &AnySocket, losses: &meeting::Losses) {
    let publishes = matches!(socket, AnySocket::Pub(_) | AnySocket::XPub(_));
    losses.peer().await;
    while publishes && socket.subscriptions() == 0 {
        losses.peer().await;
    }
}

/// Sends one message, with what the type has to do before or after. Gives the reply to a request.
async fn deliver(
    socket: &AnySocket,
    message: Message,
    mechanism: MechanismName,
    losses: &meeting::Losses,
) -> Result<Option<Message>, Failure> {
    let sent = match socket {
        AnySocket::Rep(rep) => loop {
            rep.recv().await.map_err(|error| not_received(error, mechanism))?;
            match rep.send(message.clone()).await {
                // The next one who asks gets it.
                Err(SendError::PeerGone) => {}
                result => break result,
            }
        },
        AnySocket::Router(router) => loop {
            match router.send(message.clone()).await {
                Err(SendError::HostUnreachable(_)) => losses.peer().await,
                result => break result,
            }
        },
        AnySocket::Req(req) => {
            req.send(message).await.map_err(|error| not_sent(error, mechanism))?;
            let reply = req.recv().await.map_err(|error| not_received(error, mechanism))?;
            return Ok(Some(reply));
        }
        socket => socket.send(message).await,
    };
    sent.map(|()| None).map_err(|error| not_sent(error, mechanism))
}

/// Does `work`, for which it needs `what`, within the limit, if there is one.
async fn within<T>(
    limit: Option<Duration>,
    what: &str,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let limited = async {
        match limit {
            None => Ok(work.await),
            Some(limit) => {
                timeout(limit, work).await.map_err(|_| silent(format!("no {what}"), Some(limit)))
            }
        }
    };
    waiting(format_args!("a {what}"), limited).await
}
