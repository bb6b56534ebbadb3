//! Messages through both halves of a connection: `[mechanism, how to cut, messages]` as a plan.

use arbitrary::Arbitrary;
use zmtp_core::Message;

use crate::common::node::Node;
use crate::common::plan;
use crate::common::side::{Kind, established};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    kind: u8,
    cuts: Vec<u8>,
    messages: Vec<Vec<Vec<u8>>>,
    /// All messages are sent before any octet arrives.
    together: bool,
}

/// What is sent arrives, whole, in order, and however it is cut.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let (mut client, mut server) = established(Kind::choose(plan.kind));
    let mut to_server = client.output.len();
    let messages: Vec<Message> =
        plan.messages.into_iter().filter_map(Message::from_parts::<Vec<u8>>).collect();
    let mut cuts = plan.cuts.iter().cycle();
    let mut sent = 0;
    for message in &messages {
        assert!(client.send(message));
        sent += 1;
        if !plan.together {
            assert_eq!(deliver(&mut client, &mut server, &mut to_server, &mut cuts), sent);
        }
    }
    deliver(&mut client, &mut server, &mut to_server, &mut cuts);
    assert_eq!(server.messages(), messages);
    assert_eq!((server.unread(), &server.error), (0, &None));
    server.verdict();
    client.verdict();
}

/// What the client says in clear, if its mechanism is NULL, to be said to other implementations.
#[must_use]
pub fn in_clear(data: &[u8]) -> Option<Vec<u8>> {
    let plan: Plan = plan::read(data);
    let (mut client, _) = established(Some(Kind::choose(plan.kind)).filter(|it| *it == Kind::Null)?);
    for message in plan.messages.into_iter().filter_map(Message::from_parts::<Vec<u8>>) {
        client.send(&message);
    }
    Some(client.output)
}

/// Hands over what waits, in pieces; gives how many messages have arrived in all.
fn deliver<'a>(
    client: &mut Node,
    server: &mut Node,
    taken: &mut usize,
    cuts: &mut impl Iterator<Item = &'a u8>,
) -> usize {
    while *taken < client.output.len() {
        let rest = &client.output[*taken..];
        let len = cuts.next().map_or(rest.len(), |cut| usize::from(*cut) + 1).min(rest.len());
        let before = server.messages().len();
        server.feed(&rest[..len]);
        *taken += len;
        assert!(server.messages().len() >= before);
    }
    server.messages().len()
}
