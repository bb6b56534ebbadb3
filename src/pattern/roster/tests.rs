use std::collections::BTreeSet;

use proptest::prelude::*;
use transport::{HighWaterMarks, Owner};

use super::*;

#[derive(Debug)]
struct Nobody;

impl Owner for Nobody {
    fn connecting(&self, _: &Arc<Pipe>) {}

    fn established(&self, _: &Arc<Pipe>) -> Result<(), ProtocolError> {
        Ok(())
    }

    fn lost(&self, _: &Arc<Pipe>, _: bool) {}

    fn readable(&self, _: &Arc<Pipe>) {}

    fn writable(&self, _: &Arc<Pipe>) {}

    fn stopped(&self) {}
}

fn pipe() -> Arc<Pipe> {
    Pipe::new(Arc::new(Nobody), HighWaterMarks::default(), false)
}

impl Roster {
    fn selected(&mut self, topic: &[u8], invert: bool) -> BTreeSet<Slot> {
        self.select(topic, invert);
        let chosen: BTreeSet<_> = self.chosen.iter().copied().collect();
        assert_eq!(chosen.len(), self.chosen.len(), "somebody was chosen twice");
        chosen
    }
}

/// Who wants what, as plainly as possible.
type Model = Vec<Option<BTreeSet<Vec<u8>>>>;

fn wanted(model: &Model, prefix: &[u8]) -> bool {
    model.iter().flatten().any(|wants| wants.contains(prefix))
}

fn naive(model: &Model, topic: &[u8], invert: bool) -> BTreeSet<Slot> {
    let likes = |wants: &BTreeSet<Vec<u8>>| wants.iter().any(|prefix| topic.starts_with(prefix));
    let slots = model.iter().zip(0..);
    slots
        .filter(|(wants, _)| wants.as_ref().is_some_and(|it| likes(it) != invert))
        .map(|it| it.1)
        .collect()
}

#[derive(Debug, Clone)]
enum Step {
    Subscribe(usize, Vec<u8>),
    Cancel(usize, Vec<u8>),
    Leave(usize),
}

const PEERS: usize = 5;

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![2 => Just(b'a'), 1 => Just(b'b')], 0..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..PEERS, word()).prop_map(|(who, what)| Step::Subscribe(who, what)),
        4 => (0..PEERS, word()).prop_map(|(who, what)| Step::Cancel(who, what)),
        1 => (0..PEERS).prop_map(Step::Leave),
    ]
}

proptest! {
    // PUBSUB-WIRE-04, PUBSUB-WIRE-06, PUBSUB-WIRE-11, PUBSUB-XPUB-01, PUBSUB-XPUB-03: every message
    // goes once to each who wants it, and the first and the last of a prefix are told apart.
    #[test]
    fn knows_who_wants_what(
        steps in prop::collection::vec(step(), 1..150),
        topics in prop::collection::vec(word(), 1..20),
    ) {
        let mut roster = Roster::default();
        let mut pipes: Vec<_> = (0..PEERS).map(|_| pipe()).collect();
        let mut model: Model = Vec::new();
        for step in steps {
            match step {
                Step::Subscribe(who, prefix) => {
                    let slot = roster.enter(&pipes[who]).unwrap();
                    model.resize_with(model.len().max(slot as usize + 1), || None);
                    let first = !wanted(&model, &prefix);
                    let new = model[slot as usize].get_or_insert_default().insert(prefix.clone());
                    let change = roster.subscribe(slot, &prefix, Some(&Limits::DEFAULT)).unwrap();
                    prop_assert_eq!(change.map(|it| it.turned), new.then_some(first));
                }
                Step::Cancel(who, prefix) => {
                    let Some(slot) = roster.slot(pipes[who].id()) else { continue };
                    let had = model[slot as usize].as_mut().unwrap().remove(&prefix);
                    let change = roster.cancel(slot, &prefix);
                    prop_assert_eq!(change.map(|it| it.turned), had.then(|| !wanted(&model, &prefix)));
                }
                Step::Leave(who) => {
                    let Some(slot) = roster.slot(pipes[who].id()) else { continue };
                    let wants = model[slot as usize].take().unwrap();
                    let mut gone = BTreeSet::new();
                    while let Some(some) = roster.forget(slot, 2) {
                        for change in some {
                            prop_assert_eq!(change.turned, !wanted(&model, &change.prefix));
                            gone.insert(change.prefix.to_vec());
                        }
                    }
                    prop_assert_eq!(gone, wants);
                    roster.leave(slot);
                    pipes[who] = pipe();
                }
            }
        }
        for topic in topics {
            for invert in [false, true] {
                prop_assert_eq!(roster.selected(&topic, invert), naive(&model, &topic, invert));
            }
        }
        let prefixes: BTreeSet<_> = model.iter().flatten().flatten().collect();
        prop_assert_eq!(roster.prefixes(), prefixes.len());
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, ProtocolError>) -> bool {
    result.is_err_and(|error| error.kind == Misbehaved::TooManySubscriptions.into())
}

// PUBSUB-WIRE-13
#[test]
fn limits_are_exact() {
    let mut limits = Limits::DEFAULT;
    limits.max_subscriptions = 3;
    limits.max_subscription_octets = 10;
    let mut roster = Roster::default();
    let slot = roster.enter(&pipe()).unwrap();
    for prefix in [&b""[..], b"12345", b"1234"] {
        roster.subscribe(slot, prefix, Some(&limits)).unwrap().unwrap();
        // A second time costs nothing.
        assert_eq!(roster.subscribe(slot, prefix, Some(&limits)), Ok(None));
    }
    assert!(refused(roster.subscribe(slot, b"x", Some(&limits))), "a fourth one");
    roster.cancel(slot, b"").unwrap();
    assert!(refused(roster.subscribe(slot, b"xy", Some(&limits))), "11 octets");
    roster.subscribe(slot, b"x", Some(&limits)).unwrap().unwrap();
    roster.cancel(slot, b"12345").unwrap();
    assert_eq!(roster.cancel(slot, b"12345"), None, "nothing comes of nothing");
    roster.subscribe(slot, b"12345", Some(&limits)).unwrap().unwrap();
}

// PUBSUB-WIRE-13
#[test]
fn what_is_asked_for_has_limits_too() {
    let mut limits = Limits::DEFAULT;
    limits.max_subscriptions = 2;
    let mut roster = Roster::default();
    let slot = roster.enter(&pipe()).unwrap();
    for prefix in [&b"a"[..], b"b"] {
        assert!(roster.ask(slot, prefix, &limits).unwrap().turned);
        assert!(!roster.ask(slot, prefix, &limits).unwrap().turned);
    }
    assert!(refused(roster.ask(slot, b"c", &limits)));
    assert!(roster.unask(slot, b"a").turned);
    assert!(!roster.unask(slot, b"a").turned);
    assert!(roster.ask(slot, b"c", &limits).unwrap().turned);
    // The application is not bound by what its peers may ask for.
    for prefix in [&b"1"[..], b"2", b"3"] {
        assert!(roster.subscribe(slot, prefix, None).unwrap().is_some());
    }
}
