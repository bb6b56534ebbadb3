//! Subscriptions in both forms, and which topics match them.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use zmtp_core::SocketType;
use zmtp_core::connection::{ConnectionConfig, Event};
use zmtp_core::mechanism::Role;
use zmtp_core::wire::subscription::SubscriptionChange;

use crate::common::node::{Cut, Node};
use crate::common::side::Kind;
use crate::common::{octets, plan};

/// As the sockets have it, file for file: it is no part of any interface.
#[path = "../../../src/pattern/prefixes.rs"]
mod prefixes;

use prefixes::PrefixTree;

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    cut: u8,
    steps: Vec<Step>,
    topics: Vec<Vec<u8>>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Subscribe(Vec<u8>, bool),
    Cancel(Vec<u8>, bool),
    /// Longer than the one before it, or shorter.
    Nested(u8, bool),
    Other(Vec<u8>),
}

/// What the publisher hears is what was said, and the topics that match are those of a naive look.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let config = ConnectionConfig::new(SocketType::PUB, Kind::Null.security(Role::Server));
    let mut node = Node::new(config, 1, Cut::Every(usize::from(plan.cut) + 1));
    node.feed(&octets::greeting("NULL", false));
    node.feed(&octets::command("READY", &octets::socket_type("SUB")));
    let mut said = Vec::new();
    for step in plan.steps.iter().take(200) {
        let (subscribes, prefix, as_command) = match step {
            Step::Subscribe(prefix, command) => (true, prefix.clone(), *command),
            Step::Cancel(prefix, command) => (false, prefix.clone(), *command),
            Step::Nested(len, subscribes) => (*subscribes, vec![b'a'; (*len).into()], true),
            Step::Other(octets) => {
                // A message that is no subscription: 00 and 01 in front would make one.
                node.feed(&octets::frame(0, &[b"\x02", &octets[..]].concat()));
                continue;
            }
        };
        said.push((subscribes, prefix.clone()));
        let name = if subscribes { "SUBSCRIBE" } else { "CANCEL" };
        node.feed(&match as_command {
            true => octets::command(name, &prefix),
            false => octets::frame(0, &[&[u8::from(subscribes)], &prefix[..]].concat()),
        });
    }
    assert_eq!(node.error, None);
    let heard: Vec<_> = node
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Subscription(change, prefix) => {
                Some((*change == SubscriptionChange::Subscribe, prefix.to_vec()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(heard, said);
    matching(&heard, &plan.topics);
    node.verdict();
}

fn matching(changes: &[(bool, Vec<u8>)], topics: &[Vec<u8>]) {
    let (mut tree, mut model) = (PrefixTree::<u32>::default(), BTreeMap::new());
    for (subscribes, prefix) in changes {
        if *subscribes {
            let id = tree.insert(prefix).expect("room");
            *tree.value_mut(id).expect("just stored") += 1;
            *model.entry(prefix.clone()).or_insert(0) += 1;
        } else {
            let removed = tree.find(prefix).and_then(|id| tree.remove(id));
            assert_eq!(removed, model.remove(prefix));
        }
        assert_eq!(tree.len(), model.len());
    }
    let stored: BTreeMap<Vec<u8>, u32> =
        tree.iter().map(|(prefix, count)| (prefix.to_vec(), *count)).collect();
    assert_eq!(stored, model);
    let prefixes = model.keys().cloned().collect::<Vec<_>>();
    for topic in topics.iter().chain(&prefixes) {
        let mut found = Vec::new();
        tree.matching(topic, |count| found.push(*count));
        let naive = model.iter().filter(|(prefix, _)| topic.starts_with(prefix));
        assert_eq!(found, naive.map(|(_, count)| *count).collect::<Vec<_>>(), "{topic:?}");
        assert_eq!(tree.matches(topic), !found.is_empty());
    }
}
