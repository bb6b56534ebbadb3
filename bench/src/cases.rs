//! What is measured.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What the two processes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Work {
    /// One PUSH to one PULL, as fast as it goes.
    Pipeline,
    /// One PUB to eight SUB, which take everything; what all of them get together.
    Publish,
    /// One PUB to one SUB with 100,000 subscriptions, each of which is published to in turn.
    Topics,
    /// A REQ asks a REP, one request at a time.
    Request,
    /// Connections with 64 handshakes in flight, all from one client, whatever the server.
    Handshake,
    /// 10,000 silent connections on a ROUTER.
    Idle,
}

/// Where the octets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Via {
    /// Loopback tcp.
    Tcp,
    /// A Unix domain socket.
    Ipc,
    /// Within one process.
    Inproc,
}

/// Which cores the processes may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Cores {
    /// Any.
    All,
    /// Both processes the same one; asynchronous peers run on one thread.
    One,
    /// Each process its own; asynchronous peers run on one thread.
    Each,
}

/// One case.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// A short name, for the command line.
    pub name: &'static str,
    /// What the table says.
    pub title: &'static str,
    /// What is done.
    pub work: Work,
    /// Over what.
    pub via: Via,
    /// Octets of a body.
    pub body: usize,
    /// Whether CURVE is on.
    pub curve: bool,
    /// Where.
    pub cores: Cores,
    /// Whether those who can spin before they sleep.
    pub spin: bool,
}

impl Case {
    /// What is counted.
    pub fn unit(&self) -> &'static str {
        match self.work {
            Work::Pipeline | Work::Publish | Work::Topics => "messages/s",
            Work::Request => "µs, p50",
            Work::Handshake => "handshakes/s",
            Work::Idle => "octets",
        }
    }

    /// Whether a smaller value is the better one.
    pub fn less_is_better(&self) -> bool {
        matches!(self.work, Work::Request | Work::Idle)
    }
}

const fn case(name: &'static str, title: &'static str, work: Work, via: Via, body: usize) -> Case {
    Case { name, title, work, via, body, curve: false, cores: Cores::All, spin: false }
}

const fn curve(name: &'static str, title: &'static str, body: usize) -> Case {
    Case { curve: true, ..case(name, title, Work::Pipeline, Via::Tcp, body) }
}

/// All cases, in the order of the table.
pub fn all() -> Vec<Case> {
    use Via::{Inproc, Ipc, Tcp};
    use Work::{Handshake, Idle, Pipeline, Publish, Request, Topics};
    const KIB: usize = 1024;
    vec![
        case("tcp-16", "PUSH/PULL tcp, 16 B", Pipeline, Tcp, 16),
        case("tcp-64", "PUSH/PULL tcp, 64 B", Pipeline, Tcp, 64),
        case("tcp-256", "PUSH/PULL tcp, 256 B", Pipeline, Tcp, 256),
        case("tcp-1k", "PUSH/PULL tcp, 1 KiB", Pipeline, Tcp, KIB),
        case("tcp-4k", "PUSH/PULL tcp, 4 KiB", Pipeline, Tcp, 4 * KIB),
        case("tcp-16k", "PUSH/PULL tcp, 16 KiB", Pipeline, Tcp, 16 * KIB),
        case("tcp-64k", "PUSH/PULL tcp, 64 KiB", Pipeline, Tcp, 64 * KIB),
        case("tcp-1m", "PUSH/PULL tcp, 1 MiB", Pipeline, Tcp, KIB * KIB),
        case("ipc-64", "PUSH/PULL ipc, 64 B", Pipeline, Ipc, 64),
        case("ipc-1k", "PUSH/PULL ipc, 1 KiB", Pipeline, Ipc, KIB),
        case("ipc-64k", "PUSH/PULL ipc, 64 KiB", Pipeline, Ipc, 64 * KIB),
        case("inproc-64", "PUSH/PULL inproc, 64 B", Pipeline, Inproc, 64),
        case("pub-64", "PUB to 8 SUB, 64 B", Publish, Tcp, 64),
        case("pub-1k", "PUB to 8 SUB, 1 KiB", Publish, Tcp, KIB),
        case("topics-64", "PUB to 100,000 subscriptions, 64 B", Topics, Tcp, 64),
        Case {
            cores: Cores::One,
            ..case("req-one", "REQ/REP 64 B, both on one core", Request, Tcp, 64)
        },
        Case {
            cores: Cores::Each,
            ..case("req-each", "REQ/REP 64 B, a core each", Request, Tcp, 64)
        },
        Case {
            cores: Cores::Each,
            spin: true,
            ..case("req-spin", "REQ/REP 64 B, a core each, spinning", Request, Tcp, 64)
        },
        case("req-inproc", "REQ/REP inproc, 64 B", Request, Inproc, 64),
        curve("curve-64", "CURVE PUSH/PULL, 64 B", 64),
        curve("curve-1k", "CURVE PUSH/PULL, 1 KiB", KIB),
        curve("curve-16k", "CURVE PUSH/PULL, 16 KiB", 16 * KIB),
        curve("curve-64k", "CURVE PUSH/PULL, 64 KiB", 64 * KIB),
        case("shake-null", "handshakes, NULL, 64 in flight", Handshake, Tcp, 0),
        Case {
            curve: true,
            ..case("shake-curve", "handshakes, CURVE, 64 in flight", Handshake, Tcp, 0)
        },
        case("idle", "memory of an idle connection", Idle, Tcp, 0),
    ]
}

/// Subscribers of [`Work::Publish`].
pub const SUBSCRIBERS: usize = 8;
/// Subscriptions of [`Work::Topics`].
pub const TOPICS: usize = 100_000;
/// Connections of [`Work::Idle`].
pub const CONNECTIONS: usize = 10_000;
/// Handshakes that [`Work::Handshake`] has in flight.
pub const IN_FLIGHT: usize = 64;
