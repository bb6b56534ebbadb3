//! The examination: the sans-IO connection, driven one stage at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use ironhouse::{Endpoint, OsRandom, Security, SocketType};
use tokio::time::{Instant, timeout_at};
use transport::net::{Stream, TransportOptions, dial};
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::error::{Kind, ProtocolError, Side, Stage};
use zmtp_core::peer::{Peer, PeerAddress};
use zmtp_core::traffic::{Received, Traffic};
use zmtp_core::wire::greeting::{GREETING_LEN, Greeting, MechanismName, SIGNATURE_LEN, Version};
use zmtp_core::wire::heartbeat::{Ping, PingContext, Ttl};

use super::report::{
    AUTHENTICATION, CONNECT, Finding, GREETING, HANDSHAKE, PING, READY, RESOLVE, Report,
};
use crate::advice::{self, Advice};
use crate::exit::Class;
use crate::progress::waiting;

/// Who is examined, and as whom.
pub(super) struct Patient {
    pub(super) endpoint: Endpoint,
    pub(super) security: Security,
    pub(super) socket_type: SocketType,
    pub(super) limit: Duration,
}

pub(super) async fn examine(patient: &Patient, report: &mut Report) -> Result<(), Finding> {
    resolve(patient, report).await?;
    let (stream, address) = connect(patient, report).await?;
    let mut visit = Visit::new(patient, stream, address)?;
    visit.greet(report).await?;
    let peer = visit.shake_hands(report).await?;
    let properties: Vec<_> = peer
        .claimed
        .metadata
        .iter()
        .map(|(name, value)| format!("{name}={}", value.escape_ascii()))
        .collect();
    report.good(READY, properties.join(" "), None);
    visit.ping(&peer, report).await
}

async fn resolve(patient: &Patient, report: &mut Report) -> Result<(), Finding> {
    let Endpoint::Tcp(tcp) = &patient.endpoint else {
        report.good(RESOLVE, format_args!("not needed for {}", patient.endpoint), None);
        return Ok(());
    };
    let begin = Instant::now();
    let address = tcp.address();
    let target = format!("{}:{}", address.host(), address.port());
    let looked_up = timeout_at(begin + patient.limit, tokio::net::lookup_host(target));
    let looked_up = waiting("the resolver", looked_up).await;
    let found: Vec<_> = match looked_up {
        Ok(Ok(found)) => found.map(|address| address.ip().to_string()).collect(),
        // An address with a zone is for the dialler to judge.
        Ok(Err(_)) if address.host().to_string().contains('%') => vec![address.host().to_string()],
        Ok(Err(error)) => {
            return Err(unresolved(
                format!("{}: {error}", address.host()),
                "the host name is unknown",
                "check its spelling and the resolver",
            ));
        }
        Err(_) => {
            return Err(unresolved(
                format!("{}: no answer in time", address.host()),
                "the resolver is silent",
                "check the resolver, or give the address instead of the name",
            ));
        }
    };
    report.good(RESOLVE, found.join(", "), Some(begin.elapsed()));
    Ok(())
}

fn unresolved(what: String, meaning: &str, step: &str) -> Finding {
    let advice = Advice::new(Class::Unreachable, meaning, &[step]);
    Finding { stage: RESOLVE, what, error: None, advice }
}

async fn connect(patient: &Patient, report: &mut Report) -> Result<(Stream, PeerAddress), Finding> {
    let begin = Instant::now();
    let mut options = TransportOptions::default();
    options.connect_timeout = patient.limit;
    let dialled = waiting("the connection", dial(&patient.endpoint, &options)).await;
    let (stream, address) = dialled.map_err(|error| Finding {
        stage: CONNECT,
        what: error.to_string(),
        error: None,
        advice: advice::of_dial(&error, &patient.endpoint),
    })?;
    report.good(CONNECT, &address, Some(begin.elapsed()));
    Ok((stream, address))
}

/// One connection to the patient.
struct Visit<'a> {
    patient: &'a Patient,
    stream: Stream,
    connection: Connection,
    input: BytesMut,
    begin: Instant,
    mechanism: MechanismName,
    /// When the stage that is under way must be over.
    deadline: Instant,
}

impl<'a> Visit<'a> {
    fn new(patient: &'a Patient, stream: Stream, address: PeerAddress) -> Result<Self, Finding> {
        let mechanism = patient.security.mechanism().clone();
        let name = mechanism.mechanism();
        let config = ConnectionConfig::new(patient.socket_type, mechanism);
        let link = Link { address, listener: patient.endpoint.to_string().into() };
        let now = zmtp_core::Instant::ORIGIN;
        let connection =
            Connection::new(Arc::new(config), link, now, &mut OsRandom).map_err(|error| {
                let meaning = "this machine has no randomness to give";
                let advice = Advice::new(Class::Broken, meaning, &[]);
                Finding { stage: GREETING, what: error.to_string(), error: None, advice }
            })?;
        let begin = Instant::now();
        Ok(Self {
            patient,
            stream,
            connection,
            input: BytesMut::new(),
            begin,
            mechanism: name,
            deadline: begin + patient.limit,
        })
    }

    fn now(&self) -> zmtp_core::Instant {
        zmtp_core::Instant::after_origin(self.begin.elapsed())
    }

    /// Both greetings.
    async fn greet(&mut self, report: &mut Report) -> Result<(), Finding> {
        let begin = Instant::now();
        self.flush().await;
        let greeting = loop {
            match Greeting::decode(&self.input) {
                Ok(Some(greeting)) => break greeting,
                Ok(None) => {
                    let read = self.read().await;
                    // Whoever began a greeting has seen ours, or waits for it.
                    let begun = self.input.len() >= SIGNATURE_LEN;
                    let stage = if begun { Stage::Mechanism } else { Stage::Greeting };
                    if !read.map_err(|()| self.silence(stage))? {
                        return Err(self.failed(&closed(stage)));
                    }
                }
                Err(kind) => {
                    let error = ProtocolError::peer(Stage::Greeting, kind);
                    let mut finding = self.failed(&error);
                    if let Some(foreign) = advice::foreign(&self.input) {
                        finding.advice.meaning =
                            format!("this looks like {foreign}, not like a ZMTP 3 peer");
                    }
                    return Err(finding);
                }
            }
        };
        let as_server = match greeting {
            Greeting { as_server: true, .. } => "1",
            Greeting { mechanism: MechanismName::NULL, .. } => "0",
            Greeting { .. } => "0 (libzmq says so in either role)",
        };
        let Greeting { version, mechanism, .. } = greeting;
        let what = format!("ZMTP {version}, mechanism {mechanism}, as-server {as_server}");
        report.good(GREETING, what, Some(begin.elapsed()));
        if mechanism != self.mechanism {
            // The connection finds the words for it.
            let error = self.step().err().unwrap_or_else(|| closed(Stage::Mechanism));
            return Err(Finding { stage: HANDSHAKE, ..self.failed(&error) });
        }
        Ok(())
    }

    /// From the greeting to READY.
    async fn shake_hands(&mut self, report: &mut Report) -> Result<Arc<Peer>, Finding> {
        let begin = Instant::now();
        self.deadline = begin + self.patient.limit;
        let mut welcomed = false;
        loop {
            if let Err(error) = self.step() {
                return Err(self.failed(&error));
            }
            self.flush().await;
            let stage = self.connection.stage();
            if !welcomed && stage >= Stage::Ready {
                welcomed = true;
                let what = match self.mechanism {
                    MechanismName::NULL => "NULL has no commands before READY",
                    MechanismName::PLAIN => "WELCOME: the server takes part in PLAIN",
                    _ => "WELCOME: the server has the secret key of the server key",
                };
                report.good(HANDSHAKE, what, Some(begin.elapsed()));
            }
            if let Some(Event::Established(peer)) = self.connection.poll_event() {
                let what = match self.mechanism {
                    MechanismName::NULL => {
                        "NULL has no credentials; the server lets this address in"
                    }
                    _ => "the server lets this side in",
                };
                report.good(AUTHENTICATION, what, Some(begin.elapsed()));
                return Ok(peer);
            }
            if !self.read().await.map_err(|()| self.silence(stage))? {
                let error = self.connection.handle_end().err();
                return Err(self.failed(&error.unwrap_or_else(|| closed(stage))));
            }
        }
    }

    /// A round trip through the established connection.
    async fn ping(mut self, peer: &Peer, report: &mut Report) -> Result<(), Finding> {
        if peer.claimed.version < Version::V3_1 {
            report.good(PING, "not asked: the peer speaks ZMTP 3.0, which has no PING", None);
            return Ok(());
        }
        let begin = Instant::now();
        self.deadline = begin + self.patient.limit;
        let context = PingContext::new(&std::process::id().to_be_bytes()).unwrap_or_default();
        let ping = Ping { ttl: Ttl::default(), context };
        if let Some(traffic) = self.connection.traffic()
            && let Err(error) = traffic.outgoing.ping(&ping)
        {
            return Err(self.failed(&error));
        }
        self.flush().await;
        loop {
            match self.pong(&context) {
                Ok(true) => {
                    report.good(PING, "PONG came back", Some(begin.elapsed()));
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) => return Err(Finding { stage: PING, ..self.failed(&error) }),
            }
            let read = self.read().await;
            let finding = match read {
                Ok(true) => continue,
                Ok(false) => self.failed(&closed(Stage::Traffic)),
                Err(()) => self.silence(Stage::Traffic),
            };
            return Err(Finding { stage: PING, ..finding });
        }
    }

    /// Whether the PONG is there.
    fn pong(&mut self, context: &PingContext) -> Result<bool, ProtocolError> {
        let Some(Traffic { incoming, .. }) = self.connection.traffic() else { return Ok(false) };
        while let Some(received) = incoming.next(&mut self.input)? {
            if received == Received::Pong(*context) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn step(&mut self) -> Result<(), ProtocolError> {
        let now = self.now();
        // After the handshake the traffic is read by hand.
        if self.connection.traffic().is_some() {
            return Ok(());
        }
        self.connection.handle_input(now, &mut self.input)
    }

    /// Writes what waits. An error shows at the next read.
    async fn flush(&mut self) {
        while let Some(octets) = self.connection.poll_output() {
            let mut rest: &[u8] = &octets;
            while !rest.is_empty() {
                if timeout_at(self.deadline, self.stream.writable()).await.is_err() {
                    return;
                }
                match self.stream.try_write(rest) {
                    Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        }
    }

    /// Reads some octets: `false` at the end of the stream, an error when time is up.
    async fn read(&mut self) -> Result<bool, ()> {
        loop {
            let ready = timeout_at(self.deadline, self.stream.readable());
            let ready = waiting("an answer", ready).await.map_err(|_| ())?;
            if ready.is_err() {
                return Ok(false);
            }
            self.input.reserve(GREETING_LEN);
            match self.stream.try_read_buf(&mut self.input) {
                Ok(count) => return Ok(count > 0),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Ok(false),
            }
        }
    }

    fn failed(&self, error: &ProtocolError) -> Finding {
        let stage = match error.stage {
            Stage::Greeting => GREETING,
            Stage::Mechanism if matches!(error.kind, Kind::PeerClosed | Kind::TimedOut) => GREETING,
            Stage::Mechanism | Stage::Hello => HANDSHAKE,
            Stage::Welcome if self.mechanism == MechanismName::CURVE => HANDSHAKE,
            Stage::Traffic => PING,
            _ => AUTHENTICATION,
        };
        let advice = advice::of_handshake(error, self.mechanism);
        Finding {
            stage,
            what: error.kind.to_string(),
            error: Some(Box::new(error.clone())),
            advice,
        }
    }

    fn silence(&self, stage: Stage) -> Finding {
        let error = ProtocolError { side: Side::Peer, stage, kind: Kind::TimedOut };
        self.failed(&error)
    }
}

fn closed(stage: Stage) -> ProtocolError {
    ProtocolError { side: Side::Peer, stage, kind: Kind::PeerClosed }
}
