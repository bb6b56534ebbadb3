//! Our client against our server, with a man in the middle: two sessions, whose records he may pass,
//! spoil, hold back, repeat, reflect, cross over, or replace by recorded ones.

use arbitrary::Arbitrary;
use zmtp_core::Message;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::Role;
use zmtp_core::peer::RoutingId;
use zmtp_core::wire::metadata::Metadata;

use crate::common::boxes::Boxes;
use crate::common::node::{Cut, Node};
use crate::common::side::{Kind, established};
use crate::common::wire::{Arrival, Op, Wire};
use crate::common::{naive, octets, plan, secrets};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    kind: u8,
    cut: u8,
    steps: Vec<Step>,
    messages: Vec<Vec<u8>>,
}

#[derive(Debug, Arbitrary)]
struct Step {
    /// Which of the four directions.
    direction: u8,
    what: Trick,
}

#[derive(Debug, Arbitrary)]
enum Trick {
    /// Something happens to the next record.
    On(Op),
    /// A record of an earlier session between the two, whole, comes first.
    Recorded { by_client: bool, which: u8 },
    /// Something that this side said itself comes back to it.
    Reflect(u8),
    /// From now on each client talks to the other server.
    Cross,
}

/// A client and a server; what each of them says, on its way.
#[derive(Debug)]
struct Session {
    nodes: [Node; 2],
    wires: [Wire; 2],
}

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// Who is let in agrees with the other side about who they are and what was said, whatever happens on
/// the way.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let kind = Kind::choose(plan.kind);
    let recorded = established(kind);
    let recorded = [recorded.0.output, recorded.1.output].map(|said| records(&said));
    let cut = if plan.cut == 0 { Cut::Whole } else { Cut::Every(plan.cut.into()) };
    let mut sessions = [0, 1].map(|session| Session {
        nodes: ROLES.map(|role| {
            let seed = session as u8 * 90 + u8::from(role == Role::Server) * 45;
            Node::new(config(kind, role, session), seed, cut)
        }),
        wires: Default::default(),
    });
    let (mut crossed, mut honest) = (false, true);
    for step in plan.steps.iter().take(80) {
        refill(&mut sessions);
        let (session, side) = (usize::from(step.direction / 2 % 2), usize::from(step.direction % 2));
        // Who hears what this side says.
        let hearer = (if crossed { 1 - session } else { session }, 1 - side);
        let arrivals = match &step.what {
            Trick::On(op) => {
                honest &= matches!(op, Op::Pass | Op::Long);
                sessions[session].wires[side].next(op)
            }
            Trick::Recorded { by_client, which } => {
                honest = false;
                pick(&recorded[usize::from(!by_client)], *which)
            }
            Trick::Reflect(which) => {
                honest = false;
                pick(&records(&sessions[hearer.0].nodes[hearer.1].output), *which)
            }
            Trick::Cross => {
                honest = false;
                crossed = !crossed;
                continue;
            }
        };
        arrive(&mut sessions[hearer.0].nodes[hearer.1], arrivals);
    }
    finish(&mut sessions, crossed, &plan.messages);
    if honest {
        for node in sessions.iter().flat_map(|session| &session.nodes) {
            assert!(node.peer().is_some(), "nothing but passing on: {:?}", node.error);
        }
    }
    check(kind, &sessions, &plan.messages, honest);
    for node in sessions.into_iter().flat_map(|session| session.nodes) {
        node.verdict();
    }
}

/// What a side calls itself.
fn name(role: Role, session: usize) -> Vec<u8> {
    format!("{role:?} {session}").into_bytes()
}

fn config(kind: Kind, role: Role, session: usize) -> ConnectionConfig {
    let id = RoutingId::new(name(role, session)).expect("a short name");
    kind.side(role).with_metadata(&id, &Metadata::new()).expect("no properties")
}

fn records(said: &[u8]) -> Vec<Vec<u8>> {
    let mut records = vec![said[..64].to_vec()];
    records.extend(naive::frames(&said[64..]).iter().map(|(flags, body)| octets::frame(*flags, body)));
    records
}

fn pick(records: &[Vec<u8>], which: u8) -> Vec<Arrival> {
    vec![Arrival::Octets(records[usize::from(which) % records.len()].clone())]
}

fn refill(sessions: &mut [Session; 2]) {
    for Session { nodes, wires } in sessions {
        for (node, wire) in nodes.iter().zip(wires) {
            wire.take(&node.output);
        }
    }
}

fn arrive(node: &mut Node, arrivals: Vec<Arrival>) {
    for arrival in arrivals {
        match arrival {
            Arrival::Octets(octets) => node.feed(&octets),
            Arrival::End => node.end(),
            Arrival::Time(time) => node.wait(time),
        }
    }
}

/// Nobody interferes any more; whoever is content says something.
fn finish(sessions: &mut [Session; 2], crossed: bool, messages: &[Vec<u8>]) {
    let mut messages = messages.iter().take(8);
    loop {
        refill(sessions);
        let mut idle = true;
        for session in 0..2 {
            for side in 0..2 {
                let arrivals = sessions[session].wires[side].next(&Op::Pass);
                idle &= arrivals.is_empty();
                let hearer = if crossed { 1 - session } else { session };
                arrive(&mut sessions[hearer].nodes[1 - side], arrivals);
            }
        }
        if !idle {
            continue;
        }
        let Some(message) = messages.next() else { return };
        for (at, session) in sessions.iter_mut().enumerate() {
            for (side, node) in session.nodes.iter_mut().enumerate() {
                node.send(&Message::from(marked(at, side, message)));
            }
        }
    }
}

/// A message with the name of who says it.
fn marked(session: usize, side: usize, message: &[u8]) -> Vec<u8> {
    [&[session as u8, side as u8], message].concat()
}

fn check(kind: Kind, sessions: &[Session; 2], messages: &[Vec<u8>], honest: bool) {
    for (at, session) in sessions.iter().enumerate() {
        for (side, node) in session.nodes.iter().enumerate() {
            if node.peer().is_none() {
                assert!(node.output.len() <= node.fed.len() + 64 + 300, "it says more than it hears");
                assert!(node.messages().is_empty());
            }
            let plain = kind == Kind::Plain && side == 0;
            assert!(plain || !secrets::contains(&node.output, secrets::PASSWORD));
            if let (Kind::Curve(boxes), Some(_)) = (kind, node.peer()) {
                let partner = partner(sessions, side, node);
                if honest {
                    assert_eq!(partner, at);
                }
                agree(boxes, node, ROLES[1 - side], partner);
                let said: Vec<_> = messages
                    .iter()
                    .map(|message| Message::from(marked(partner, 1 - side, message)))
                    .collect();
                let (heard, mut rest) = (node.messages(), said.iter());
                assert!(heard.iter().all(|it| rest.any(|said| said == it)), "{heard:?} of {said:?}");
            }
        }
    }
}

/// The session whose other side said the whole handshake that this node heard: exactly one did.
fn partner(sessions: &[Session; 2], side: usize, node: &Node) -> usize {
    let commands = |octets: &[u8]| -> Vec<_> {
        naive::frames(octets.get(64..).unwrap_or_default()).into_iter().take(2).collect()
    };
    let heard = commands(&node.fed);
    let said = |session: &Session| commands(&session.nodes[1 - side].output) == heard;
    let found: Vec<_> = sessions.iter().map(said).collect();
    match found[..] {
        [true, false] => 0,
        [false, true] => 1,
        _ => panic!("let in with a handshake that nobody said: {found:?}"),
    }
}

/// The authenticated view: whose key the other side has, and what it says of itself.
fn agree(boxes: Boxes, node: &Node, role: Role, session: usize) {
    let peer = node.peer().expect("established");
    assert_eq!(peer.claimed.routing_id.as_bytes(), name(role, session));
    let secret = if role == Role::Client { secrets::CLIENT } else { secrets::SERVER };
    assert_eq!(peer.verified.public_key, Some(boxes.public(&secret)));
}
