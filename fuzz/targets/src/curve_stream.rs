//! Sealed messages of an established connection: lost, repeated, swapped and altered on the way.

use arbitrary::Arbitrary;
use zmtp_core::Message;

use crate::common::boxes::Boxes;
use crate::common::side::{Kind, established};
use crate::common::{naive, octets, plan};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    boxes: u8,
    to_client: bool,
    messages: Vec<Vec<u8>>,
    deliveries: Vec<Delivery>,
}

#[derive(Debug, Default, Arbitrary)]
struct Delivery {
    which: u8,
    flip: Option<u16>,
    cut: bool,
    /// The outer flags, which nobody protects.
    outer: u8,
}

/// What is delivered was sent, in this order, once each; what is altered or comes again is the end.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let kind = Kind::Curve(Boxes::choose(plan.boxes));
    let (mut from, mut to) = established(kind);
    if plan.to_client {
        std::mem::swap(&mut from, &mut to);
    }
    let begin = from.output.len();
    let mut messages = plan.messages;
    messages.truncate(64);
    for message in &messages {
        assert!(from.send(&Message::from(message.clone())));
    }
    let frames = naive::frames(&from.output[begin..]);
    assert_eq!(frames.len(), messages.len(), "a frame for each");
    let (mut expected, mut last, mut alive) = (Vec::new(), None, true);
    for delivery in plan.deliveries.iter().take(128) {
        let Some(which) = usize::from(delivery.which).checked_rem(frames.len()) else { break };
        let mut body = frames[which].1.clone();
        let mut altered = delivery.cut;
        if let Some(bit) = delivery.flip {
            let bit = usize::from(bit) % (body.len() * 8);
            body[bit / 8] ^= 1 << (bit % 8);
            altered = true;
        }
        body.truncate(body.len() - usize::from(delivery.cut));
        let outer = [0, 1, 4][usize::from(delivery.outer % 3)];
        let rises = last.is_none_or(|last| which > last);
        to.feed(&octets::frame(outer, &body));
        if alive && !altered && rises {
            last = Some(which);
            expected.push(Message::from(messages[which].clone()));
        } else {
            alive = false;
        }
        assert_eq!((to.messages() == expected, to.error.is_none()), (true, alive), "{delivery:?}");
    }
    to.verdict();
    from.verdict();
}
