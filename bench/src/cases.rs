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
    /// What ironhouse is to reach.
    pub goal: Goal,
}

/// What ironhouse is to reach, as a ratio to libzmq; for memory in octets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Goal {
    /// Not below anybody.
    Lead,
    /// In figures.
    Figures {
        /// At least.
        least: f64,
        /// If it can be.
        aim: f64,
    },
}

const fn goal(least: f64, aim: f64) -> Goal {
    Goal::Figures { least, aim }
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

    /// What the server is to use for a handshake at most, as a ratio of CPU time: 200 and 120 µs where libzmq
    /// took 439.
    pub fn cpu_goal(&self) -> Option<Goal> {
        let goal = goal(200.0 / 439.0, 120.0 / 439.0);
        (self.work == Work::Handshake && self.curve).then_some(goal)
    }
}

const fn case(
    name: &'static str,
    title: &'static str,
    work: Work,
    via: Via,
    body: usize,
    goal: Goal,
) -> Case {
    Case { name, title, work, via, body, curve: false, cores: Cores::All, spin: false, goal }
}

const fn curve(name: &'static str, title: &'static str, body: usize, goal: Goal) -> Case {
    Case { curve: true, ..case(name, title, Work::Pipeline, Via::Tcp, body, goal) }
}

/// All cases, in the order of the table.
pub fn all() -> Vec<Case> {
    use Goal::Lead;
    use Via::{Inproc, Ipc, Tcp};
    use Work::{Handshake, Idle, Pipeline, Publish, Request, Topics};
    const KIB: usize = 1024;
    vec![
        case("tcp-16", "PUSH/PULL tcp, 16 B", Pipeline, Tcp, 16, goal(2.0, 3.5)),
        case("tcp-64", "PUSH/PULL tcp, 64 B", Pipeline, Tcp, 64, goal(2.5, 4.0)),
        case("tcp-256", "PUSH/PULL tcp, 256 B", Pipeline, Tcp, 256, goal(3.0, 4.5)),
        case("tcp-1k", "PUSH/PULL tcp, 1 KiB", Pipeline, Tcp, KIB, goal(3.0, 4.5)),
        case("tcp-4k", "PUSH/PULL tcp, 4 KiB", Pipeline, Tcp, 4 * KIB, goal(3.0, 4.5)),
        case("tcp-16k", "PUSH/PULL tcp, 16 KiB", Pipeline, Tcp, 16 * KIB, goal(2.2, 2.7)),
        case("tcp-64k", "PUSH/PULL tcp, 64 KiB", Pipeline, Tcp, 64 * KIB, goal(1.6, 2.0)),
        case("tcp-1m", "PUSH/PULL tcp, 1 MiB", Pipeline, Tcp, KIB * KIB, goal(1.3, 1.4)),
        case("ipc-64", "PUSH/PULL ipc, 64 B", Pipeline, Ipc, 64, goal(4.0, 6.0)),
        case("ipc-1k", "PUSH/PULL ipc, 1 KiB", Pipeline, Ipc, KIB, goal(3.3, 3.8)),
        case("ipc-64k", "PUSH/PULL ipc, 64 KiB", Pipeline, Ipc, 64 * KIB, goal(4.5, 5.0)),
        case("inproc-64", "PUSH/PULL inproc, 64 B", Pipeline, Inproc, 64, Lead),
        case("pub-64", "PUB to 8 SUB, 64 B", Publish, Tcp, 64, goal(2.0, 3.0)),
        case("pub-1k", "PUB to 8 SUB, 1 KiB", Publish, Tcp, KIB, goal(2.2, 2.8)),
        case("topics-64", "PUB to 100,000 subscriptions, 64 B", Topics, Tcp, 64, Lead),
        Case {
            cores: Cores::One,
            ..case("req-one", "REQ/REP 64 B, both on one core", Request, Tcp, 64, goal(0.40, 0.33))
        },
        Case {
            cores: Cores::Each,
            ..case("req-each", "REQ/REP 64 B, a core each", Request, Tcp, 64, Lead)
        },
        Case {
            cores: Cores::Each,
            spin: true,
            ..case(
                "req-spin",
                "REQ/REP 64 B, a core each, spinning",
                Request,
                Tcp,
                64,
                goal(0.2, 0.1),
            )
        },
        case("req-inproc", "REQ/REP inproc, 64 B", Request, Inproc, 64, Lead),
        curve("curve-64", "CURVE PUSH/PULL, 64 B", 64, goal(2.0, 4.0)),
        curve("curve-1k", "CURVE PUSH/PULL, 1 KiB", KIB, goal(2.5, 4.0)),
        curve("curve-16k", "CURVE PUSH/PULL, 16 KiB", 16 * KIB, goal(2.5, 3.5)),
        curve("curve-64k", "CURVE PUSH/PULL, 64 KiB", 64 * KIB, goal(2.0, 3.0)),
        case("shake-null", "handshakes, NULL, 64 in flight", Handshake, Tcp, 0, goal(2.7, 3.5)),
        Case {
            curve: true,
            ..case(
                "shake-curve",
                "handshakes, CURVE, 64 in flight",
                Handshake,
                Tcp,
                0,
                goal(2.2, 3.5),
            )
        },
        case("idle", "memory of an idle connection", Idle, Tcp, 0, goal(4096.0, 2048.0)),
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
