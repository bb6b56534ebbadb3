//! Calls to a connection in any order: input, time, sending, decisions that nobody asked for or that
//! never come, and the end.

use std::time::Duration;

use arbitrary::Arbitrary;
use zmtp_core::Message;
use zmtp_core::auth::{AuthDecision, Domain, Refusal};
use zmtp_core::connection::{ConnectionConfig, Event};
use zmtp_core::error::{Kind as Cause, LocalFault, Side, Stage};
use zmtp_core::mechanism::Role;

use crate::common::node::{Cut, Node};
use crate::common::plan;
use crate::common::side::{Kind, other};
use crate::common::wire::{Arrival, Op, Wire};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    kind: u8,
    client: bool,
    domain: bool,
    calls: Vec<Call>,
}

#[derive(Debug, Arbitrary)]
enum Call {
    /// The next record of a proper peer arrives.
    Next,
    /// These octets arrive.
    Input(Vec<u8>),
    /// Nothing arrives, and the connection is asked all the same.
    Again,
    Send(Vec<u8>),
    Decide(u8),
    /// Hundredths of a second.
    Wait(u16),
    End,
}

/// Where the connection is, by the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Asked,
    Established,
    Over,
}

/// Every call does what its documentation says for the state that the connection is in.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let (node, calls) = play(&plan);
    let (again, _) = play(&plan);
    assert_eq!(node.verdict(), again.verdict(), "the same calls, twice: {calls}");
}

fn config(plan: &Plan, role: Role) -> ConnectionConfig {
    let config = Kind::choose(plan.kind).side(role);
    match Domain::new("lab") {
        Some(domain) if plan.domain => config.with_domain(domain),
        _ => config,
    }
}

fn play(plan: &Plan) -> (Node, usize) {
    let role = if plan.client { Role::Client } else { Role::Server };
    let mut node = Node::new(config(plan, role), 1, Cut::Whole);
    node.answer = None;
    let mut peer = Node::new(Kind::choose(plan.kind).side(other(role)), 101, Cut::Whole);
    let (mut wire, mut told) = (Wire::default(), 0);
    let mut decided = 0;
    for (at, call) in plan.calls.iter().take(100).enumerate() {
        peer.feed(&node.output[told..]);
        told = node.output.len();
        wire.take(&peer.output);
        let before = state(&node, decided);
        let (written, unread) = (node.output.len(), node.unread());
        match call {
            Call::Next => {
                for arrival in wire.next(&Op::Pass) {
                    if let Arrival::Octets(octets) = arrival {
                        node.feed(&octets);
                    }
                }
            }
            Call::Input(octets) => node.feed(octets),
            Call::Again => node.work(),
            Call::Send(body) => {
                let sent = node.send(&Message::from(body.clone()));
                assert_eq!(sent, before == State::Established, "call {at}");
                assert_eq!(node.output.len() > written, sent);
            }
            Call::Decide(answer) => {
                node.decide(decision(*answer));
                decided += usize::from(before == State::Asked);
                judge(before, *answer, &node);
            }
            Call::Wait(time) => {
                node.wait(Duration::from_millis(10) * u32::from(*time));
                let late = node.now.since_origin() >= Duration::from_secs(10);
                if before != State::Over && before != State::Established {
                    assert_eq!(node.error.is_some(), late, "one deadline for all of it");
                }
            }
            Call::End => {
                node.end();
                let closes = before != State::Established;
                assert_eq!(node.error.is_some(), closes, "an end in the middle");
            }
        }
        let after = state(&node, decided);
        assert!(before != State::Over || after == State::Over, "over is over");
        if before == State::Asked && after == State::Asked {
            // Parked: nothing is read, and nothing is said.
            assert!(node.unread() >= unread && node.output.len() == written);
        }
        let told = |event: &Event| matches!(event, Event::Message(_) | Event::Subscription(..));
        assert!(node.peer().is_some() || !node.events.iter().any(told));
        let due = node.connection.poll_timeout();
        assert!(due.is_none_or(|due| due > node.now), "a timer in the past, after call {at}");
    }
    (node, plan.calls.len())
}

fn state(node: &Node, decided: usize) -> State {
    match (&node.error, node.peer()) {
        (Some(_), _) => State::Over,
        (None, Some(_)) => State::Established,
        (None, None) if node.asked.len() > decided => State::Asked,
        (None, None) => State::Handshake,
    }
}

fn decision(answer: u8) -> AuthDecision {
    match answer % 4 {
        0 => AuthDecision::accept(),
        1 => AuthDecision::refuse(Refusal::Temporary, "no"),
        2 => AuthDecision::refuse(Refusal::Failure, "no"),
        _ => AuthDecision::refuse(Refusal::Internal, "no"),
    }
}

/// What must have become of a decision.
fn judge(before: State, answer: u8, node: &Node) {
    match (before, &node.error) {
        (State::Over, _) => {}
        (State::Asked, error) => {
            let refused = |cause: &Cause| matches!(cause, Cause::Denied { .. });
            match answer % 4 {
                0 => assert!(!error.as_ref().is_some_and(|error| refused(&error.kind))),
                _ => assert!(error.as_ref().is_some_and(|error| refused(&error.kind))),
            }
        }
        (State::Handshake | State::Established, error) => {
            let error = error.as_ref().expect("nobody asked");
            assert_eq!((error.side, &error.kind), (Side::Local, &LocalFault::UnaskedDecision.into()));
            assert!(before == State::Handshake || error.stage == Stage::Traffic);
        }
    }
}
