//! What is in MESSAGE boxes, from a client that was let in: inner flags, commands, numbers.

use arbitrary::Arbitrary;
use zmtp_core::mechanism::Role;
use zmtp_core::{Limits, Message};

use crate::common::boxes::Boxes;
use crate::common::node::{Cut, Node};
use crate::common::side::Kind;
use crate::common::{octets, plan};
use crate::curve_inside_initiate::client;
use crate::frame_decode::Model;

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    boxes: u8,
    limits: u8,
    messages: Vec<Sealed>,
}

#[derive(Debug, Default, Arbitrary)]
struct Sealed {
    outer: u8,
    /// How much the number rises; the first comes behind that of INITIATE, which is 2.
    step: Step,
    inner: u8,
    any_inner: bool,
    content: Vec<u8>,
    empty: bool,
}

#[derive(Debug, Default, Arbitrary)]
enum Step {
    #[default]
    One,
    By(u32),
    To(u64),
    Last,
}

/// The stream is what the same frames would be in clear, as long as numbers rise and flags are known.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let boxes = Boxes::choose(plan.boxes);
    let mut limits = Limits::DEFAULT;
    if plan.limits > 0 {
        // Commands are not judged apart before the box is open.
        limits.max_message = usize::from(plan.limits) * 4;
        limits.max_command = limits.max_message;
        limits.max_parts = usize::from(plan.limits % 8) + 1;
    }
    let config = Kind::Curve(boxes).side(Role::Server).with_limits(limits.clone());
    let mut server = Node::new(config, 1, Cut::Whole);
    let client = client(boxes, &mut server);
    let vouched = [boxes.public(&client.transient), client.server].concat();
    let vouch = client.vouch(&client.permanent, &[1; 16], &vouched);
    let public = boxes.public(&client.permanent);
    let content = [&public[..], &[1; 16], &vouch, &octets::socket_type("DEALER")].concat();
    server.feed(&client.initiate(2, &content));
    assert!(server.peer().is_some(), "{:?}", server.error);
    let (mut last, mut clear, mut broken) = (2_u64, Vec::new(), false);
    for Sealed { outer, step, inner, any_inner, content, empty } in &plan.messages {
        let count = match step {
            Step::One => last.saturating_add(1),
            Step::By(more) => last.saturating_add(u64::from(*more)),
            Step::To(count) => *count,
            Step::Last => u64::MAX,
        };
        let inner = if *any_inner { *inner } else { inner % 3 };
        let text = if *empty { Vec::new() } else { [&[inner][..], content].concat() };
        server.feed(&client.message([0, 4, 1][usize::from(outer % 3)], count, &text));
        broken |= count <= last || text.is_empty() || inner > 2;
        if broken {
            break;
        }
        last = count;
        clear.extend(octets::frame([0, 1, 4][usize::from(inner)], content));
        if server.error.is_some() {
            break;
        }
    }
    let mut model = Model::new(&limits);
    model.read(&clear);
    let refused = model.refused.is_some();
    let messages: Vec<Message> =
        model.messages.into_iter().filter_map(Message::from_parts::<Vec<u8>>).collect();
    assert_eq!(server.messages(), messages);
    assert_eq!(server.error.is_some(), broken || refused, "{:?}", server.error);
    server.verdict();
}
