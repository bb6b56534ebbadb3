//! Beginnings that are not those of a proper peer: older versions, garbage, other mechanisms.

use arbitrary::Arbitrary;
use zmtp_core::Message;
use zmtp_core::mechanism::Role;

use crate::common::boxes::Boxes;
use crate::common::node::{Cut, Node};
use crate::common::side::Kind;
use crate::common::{naive, octets, plan, secrets};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    boxes: u8,
    curve: bool,
    server: bool,
    start: Start,
    rest: Vec<u8>,
    cut: u8,
}

#[derive(Debug, Default, Arbitrary)]
enum Start {
    /// The flags and length of an identity, as 1.0 begins.
    Unversioned(u8),
    /// A signature and a version of 2.x or older, with a socket type behind it.
    Older { major: u8, socket_type: u8 },
    /// A greeting of 3.x for another mechanism.
    Other(bool),
    /// A proper greeting in which one octet is another.
    Altered { at: u8, octet: u8 },
    /// Nothing of the kind.
    #[default]
    Garbage,
}

impl Start {
    fn octets(&self, mechanism: &str) -> Vec<u8> {
        match self {
            Self::Unversioned(len) => vec![(*len).clamp(1, 0xFE), 0],
            Self::Older { major, socket_type } => {
                [&octets::greeting("", false)[..10], &[major % 3, *socket_type]].concat()
            }
            Self::Other(null) => {
                let others = if mechanism == "PLAIN" { ["NULL", "CURVE"] } else { ["NULL", "PLAIN"] };
                octets::greeting(others[usize::from(!null)], false)
            }
            Self::Altered { at, octet } => {
                let mut greeting = octets::greeting(mechanism, false);
                greeting[usize::from(at % 64)] = *octet;
                greeting
            }
            Self::Garbage => Vec::new(),
        }
    }
}

/// With PLAIN or CURVE nobody gets in by another door, and no octet of the application leaves.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let kind =
        if plan.curve { Kind::Curve(Boxes::choose(plan.boxes)) } else { Kind::Plain };
    let role = if plan.server { Role::Server } else { Role::Client };
    let mut node = Node::new(kind.side(role), 1, Cut::Every(usize::from(plan.cut) + 1));
    assert!(!node.send(&Message::from("application data")), "before anything has come");
    let mut stream = plan.start.octets(kind.name());
    if let Start::Altered { .. } = plan.start {
        // What a proper peer of NULL would go on with.
        stream.extend(octets::command("READY", &octets::socket_type("DEALER")));
    }
    stream.extend(plan.rest);
    node.feed(&stream);
    let established = node.peer().is_some();
    let proper = naive::handshake(kind.name(), role, &stream);
    assert!(!established || (kind == Kind::Plain && proper), "let in by another door");
    assert!(!secrets::contains(&node.output, b"application data"));
    match plan.start {
        Start::Unversioned(_) | Start::Older { .. } | Start::Other(_) => {
            assert!(node.error.is_some(), "it is no peer of ours");
            assert!(node.asked.is_empty(), "nobody was to be judged");
            // A server may say why it closes; a client says nothing.
            assert!(node.output.len() == 64 || plan.server, "more than the greeting");
        }
        Start::Altered { .. } | Start::Garbage => {}
    }
    if !established {
        assert!(node.messages().is_empty());
        let said = naive::greeting(&stream).map(|it| it.mechanism);
        let plain = said.as_deref() == Some(&octets::greeting("PLAIN", false)[12..32]);
        assert!(plain || !secrets::contains(&node.output, secrets::PASSWORD));
    }
    node.verdict();
}
