//! PING, PONG, time-to-live and silence, with a clock that the plan moves.

use std::time::Duration;

use arbitrary::Arbitrary;
use zmtp_core::mechanism::Role;
use zmtp_core::traffic::HeartbeatConfig;
use zmtp_core::wire::heartbeat::Ttl;

use crate::common::node::{Cut, Node};
use crate::common::side::Kind;
use crate::common::{naive, octets, plan};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    /// In milliseconds; none of zero.
    interval: Option<u16>,
    timeout: Option<u16>,
    ttl: u16,
    old_peer: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Wait(u16),
    Ping { ttl: u16, context: Vec<u8> },
    Pong(Vec<u8>),
    Message,
    /// Some octets of a frame, then the rest of it.
    Half,
}

/// PONGs echo, PINGs keep their distance, and the end comes exactly when silence is too long.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let millis = |millis: u16| Duration::from_millis(millis.into());
    let heartbeat = HeartbeatConfig {
        interval: plan.interval.map(millis),
        timeout: plan.timeout.map(millis),
        ttl: Ttl::from_duration(millis(plan.ttl)),
    };
    let mut model = Model::new(&plan);
    let config = Kind::Null.side(Role::Server).with_heartbeat(heartbeat);
    let mut node = Node::new(config, 1, Cut::Whole);
    let mut greeting = octets::greeting("NULL", false);
    greeting[11] = u8::from(!plan.old_peer);
    node.feed(&greeting);
    node.feed(&octets::command("READY", &octets::socket_type("DEALER")));
    let begin = node.output.len();
    for step in plan.steps.iter().take(64) {
        match step {
            Step::Wait(time) => {
                node.wait(millis(*time));
                model.wait(u64::from(*time));
            }
            Step::Ping { ttl, context } => {
                let data = [&ttl.to_be_bytes()[..], context].concat();
                node.feed(&octets::command("PING", &data));
                model.ping(*ttl, context);
            }
            Step::Pong(context) => {
                node.feed(&octets::command("PONG", context));
                model.pong(context);
            }
            Step::Message => {
                node.feed(&octets::frame(0, b"x"));
                model.sign_of_life();
            }
            Step::Half => {
                let frame = octets::frame(0, &[7; 20]);
                node.feed(&frame[..9]);
                node.feed(&frame[9..]);
                model.sign_of_life();
            }
        }
        assert_eq!(node.error.is_some(), model.over, "{step:?}: {:?}", node.error);
    }
    let said = naive::frames(&node.output[begin..]);
    let names: Vec<_> = said.iter().filter_map(|(_, body)| naive::command(body)).collect();
    assert_eq!(names.len(), said.len(), "nothing but commands");
    let pongs = names.iter().filter(|(name, _)| name == b"PONG").map(|(_, data)| data.to_vec());
    assert_eq!(pongs.collect::<Vec<_>>(), model.pongs);
    let pings = names.iter().filter(|(name, _)| name == b"PING");
    assert_eq!(pings.clone().count(), model.pings);
    let ttl = (plan.ttl / 100).to_be_bytes();
    assert!(pings.clone().all(|(_, data)| data[..2] == ttl || !plan.ttl.is_multiple_of(100)));
    node.verdict();
}

/// Heartbeats by the book, one millisecond after the other.
struct Model {
    now: u64,
    interval: u64,
    timeout: u64,
    next_ping: Option<u64>,
    unanswered: u32,
    answer_due: Option<u64>,
    peer_ttl: Option<u64>,
    pings: usize,
    pongs: Vec<Vec<u8>>,
    over: bool,
}

impl Model {
    fn new(plan: &Plan) -> Self {
        let interval = if plan.old_peer { 0 } else { plan.interval.unwrap_or_default().into() };
        let timeout = plan.timeout.map_or(interval, u64::from);
        Self {
            now: 0,
            interval,
            timeout,
            next_ping: (interval > 0).then_some(interval),
            unanswered: 0,
            answer_due: None,
            peer_ttl: None,
            pings: 0,
            pongs: Vec::new(),
            over: false,
        }
    }

    fn wait(&mut self, time: u64) {
        for _ in 0..time {
            self.now += 1;
            let late = |due: Option<u64>| due.is_some_and(|due| due <= self.now);
            self.over |= late(self.peer_ttl) || late(self.answer_due);
            if self.over || !late(self.next_ping) {
                continue;
            }
            if self.answer_due.is_none() {
                self.pings += 1;
                self.unanswered += 1;
                self.answer_due = (self.timeout > 0).then_some(self.now + self.timeout);
            }
            // Ever more rarely for who never answers, but no more than sixteen times.
            let factor = [1, 1, 1, 2, 4, 8].get(self.unanswered as usize).copied().unwrap_or(16);
            self.next_ping = Some(self.now + self.interval * factor);
        }
    }

    fn sign_of_life(&mut self) {
        self.answer_due = None;
        self.peer_ttl = None;
    }

    fn ping(&mut self, ttl: u16, context: &[u8]) {
        self.sign_of_life();
        self.over |= context.len() > 16;
        if !self.over {
            self.pongs.push(context.to_vec());
            self.peer_ttl = (ttl > 0).then_some(self.now + u64::from(ttl) * 100);
        }
    }

    fn pong(&mut self, context: &[u8]) {
        self.sign_of_life();
        self.over |= context.len() > 16;
        self.unanswered = 0;
    }
}
