//! Drives the handshake of one connection.

use std::future::pending;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use zmtp_core::auth::{AuthDecision, AuthRequest};
use zmtp_core::connection::{Connection, Event};
use zmtp_core::error::{Kind, LocalFault, ProtocolError, Side};
use zmtp_core::traffic::{OutputBuffer, Traffic};

use crate::ask::Judge;
use crate::clock::Clock;
use crate::net::Stream;
use crate::sessions::Judged;
use crate::warning::Refused;

/// Octets that may wait while nothing can be done with them.
const MAX_WAITING: usize = 4096;
/// Octets of one read.
const ROOM: usize = 512;
/// How long a refused peer may take to read why.
const FAREWELL: Duration = Duration::from_millis(500);

/// Who takes part on this side of a handshake.
pub(crate) struct Hands {
    pub(crate) judge: Judge,
    /// Fires when this connection has to make room for another.
    pub(crate) evicted: CancellationToken,
    pub(crate) clock: Clock,
    /// What the judge said, if the peer was refused.
    pub(crate) refused: OnceLock<Refused>,
}

impl Hands {
    /// Notes what there is to log if the decision about this request is a refusal.
    pub(crate) fn note(&self, request: Option<&AuthRequest>, decision: &AuthDecision) {
        if let AuthDecision::Refuse { step, .. } = decision {
            let claim = request.map(zap::claim).unwrap_or_default();
            let _ = self.refused.set(Refused { claim, step: step.clone() });
        }
    }
}

/// An established connection, and what was read behind the handshake.
pub(crate) struct Greeted {
    pub(crate) traffic: Box<Traffic>,
    pub(crate) input: BytesMut,
    /// For judging the peer again.
    pub(crate) judged: Option<Judged>,
}

/// Takes the first steps of a handshake, as far as they go without waiting: whoever connects has often
/// spoken already. Gives the connection back if they do not go to the end, for whatever reason; what was
/// read and not used is in `input`.
pub(crate) fn begin_to_shake_hands(
    stream: &Stream,
    mut connection: Connection,
    now: zmtp_core::Instant,
    input: &mut BytesMut,
) -> Result<Greeted, Box<Connection>> {
    let mut octets = [0; ROOM];
    if let Ok(count @ 1..) = stream.read_at_once(&mut octets) {
        input.extend_from_slice(octets.get(..count).unwrap_or_default());
        // An error stays with the connection.
        let _ = connection.handle_handshake_input(now, input);
    }
    let mut traffic = connection.into_traffic()?;
    write_at_once(stream, traffic.outgoing.output());
    Ok(Greeted { traffic, input: std::mem::take(input), judged: None })
}

/// Writes what the system takes. The rest stays, and leaves before all that comes.
fn write_at_once(stream: &Stream, output: &mut OutputBuffer) {
    loop {
        let written = output.chunks().next().map(|octets| stream.write_at_once(octets));
        match written {
            Some(Ok(count @ 1..)) => output.advance(count),
            Some(Ok(0) | Err(_)) => return,
            None => break,
        }
    }
    // With the memory that the handshake took.
    *output = OutputBuffer::new();
}

/// Runs the handshake to its end. On failure the peer is told what it may know.
pub(crate) async fn shake_hands(
    stream: &Stream,
    mut connection: Box<Connection>,
    input: &mut BytesMut,
    hands: &Hands,
) -> Result<Greeted, ProtocolError> {
    match run(stream, &mut connection, hands, input).await {
        Ok(judged) => match connection.into_traffic() {
            Ok(traffic) => Ok(Greeted { traffic, input: std::mem::take(input), judged }),
            Err(connection) => Err(closed(&connection)),
        },
        Err(error) => {
            // Who has left, is silent or is in the way of another one is not waited for.
            let gone = matches!(
                error.kind,
                Kind::PeerClosed | Kind::TimedOut | Kind::Local(LocalFault::Evicted)
            );
            if !gone {
                farewell(stream, &mut connection).await;
            }
            Err(error)
        }
    }
}

fn closed(connection: &Connection) -> ProtocolError {
    ProtocolError { side: Side::Peer, stage: connection.stage(), kind: Kind::PeerClosed }
}

/// What woke the driver.
enum Wake {
    Read(std::io::Result<usize>),
    Decided(AuthDecision),
    Deadline,
    Evicted,
}

async fn run(
    stream: &Stream,
    connection: &mut Connection,
    hands: &Hands,
    input: &mut BytesMut,
) -> Result<Option<Judged>, ProtocolError> {
    let mut decision = None;
    let mut judged = None;
    let mut asked = None;
    // What it has come to already.
    connection.handle_handshake_input(hands.clock.now(), input)?;
    loop {
        let deadline = connection.poll_timeout().map(|at| hands.clock.at(at));
        if flush(stream, connection, deadline).await.is_err() {
            // Whatever the write says, the peer may have told why before: read on.
            if input.is_empty() && matches!(stream.try_read_buf(input), Ok(0) | Err(_)) {
                return Err(closed(connection));
            }
        }
        while let Some(event) = connection.poll_event() {
            match event {
                Event::AuthRequired(request) => {
                    asked = Some(request.clone());
                    let (pending, again) = hands.judge.ask(request);
                    decision = Some(pending);
                    judged = again;
                }
                Event::Established(_) => return Ok(judged),
                _ => {}
            }
        }
        let wake = tokio::select! {
            biased;
            () = hands.evicted.cancelled() => Wake::Evicted,
            () = async { match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }} => Wake::Deadline,
            decided = async { match &mut decision {
                Some(decision) => decision.await,
                None => pending().await,
            }} => Wake::Decided(decided),
            read = read_some(stream, input), if input.len() < MAX_WAITING || decision.is_none() => {
                Wake::Read(read)
            }
        };
        let now = hands.clock.now();
        match wake {
            Wake::Evicted => {
                return Err(ProtocolError::local(connection.stage(), LocalFault::Evicted));
            }
            Wake::Deadline => connection.handle_timeout(now)?,
            Wake::Decided(decided) => {
                decision = None;
                hands.note(asked.take().as_deref(), &decided);
                connection.handle_auth(now, decided)?;
                connection.handle_handshake_input(now, input)?;
            }
            Wake::Read(Ok(0) | Err(_)) => connection.handle_end()?,
            Wake::Read(Ok(_)) => connection.handle_handshake_input(now, input)?,
        }
    }
}

async fn read_some(stream: &Stream, input: &mut BytesMut) -> std::io::Result<usize> {
    loop {
        stream.readable().await?;
        input.reserve(ROOM);
        match stream.try_read_out(input) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

async fn flush(
    stream: &Stream,
    connection: &mut Connection,
    deadline: Option<Instant>,
) -> std::io::Result<()> {
    while let Some(octets) = connection.poll_output() {
        let deadline = deadline.unwrap_or_else(|| Instant::now() + FAREWELL);
        timeout_at(deadline, write_all(stream, &octets))
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    }
    Ok(())
}

async fn write_all(stream: &Stream, mut octets: &[u8]) -> std::io::Result<()> {
    if let Ok(count) = stream.write_at_once(octets) {
        octets = octets.get(count..).unwrap_or_default();
    }
    while !octets.is_empty() {
        stream.writable().await?;
        match stream.try_write(octets) {
            Ok(count) => octets = octets.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes what is left, closes our side, and waits a moment for the peer to close its own: closing
/// with unread octets would reset the connection and destroy an ERROR on its way.
async fn farewell(stream: &Stream, connection: &mut Connection) {
    let _ = timeout(FAREWELL, async {
        while let Some(octets) = connection.poll_output() {
            write_all(stream, &octets).await?;
        }
        stream.shutdown_write()?;
        let mut sink = [0; 1024];
        let mut budget = 64 * 1024_usize;
        while budget > 0 {
            stream.readable().await?;
            match stream.try_read(&mut sink) {
                Ok(0) => break,
                Ok(count) => budget = budget.saturating_sub(count),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok::<(), std::io::Error>(())
    })
    .await;
}
