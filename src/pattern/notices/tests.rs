use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn turn(change: SubscriptionChange, prefix: &[u8], matters: bool) -> Turn {
    Turn { change, prefix: prefix.into(), peer: None, pipe: None, matters }
}

fn told(notices: &Notices) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| notices.try_recv()).map(|it| it.first().to_vec()).collect()
}

use SubscriptionChange::{Cancel, Subscribe};

#[test]
fn everything_is_told_in_order_while_there_is_room() {
    let notices = Notices::new(3, 100);
    notices.turn(turn(Subscribe, b"a", true));
    notices.turn(turn(Subscribe, b"a", false));
    notices.turn(turn(Cancel, b"a", true));
    assert_eq!(told(&notices), [b"\x01a", b"\x01a", b"\x00a"]);
    assert!(!notices.has_message());
}

#[test]
fn what_comes_to_nothing_is_left_out_when_there_is_no_room() {
    let notices = Notices::new(2, 100);
    for prefix in [b"a", b"b", b"c", b"d"] {
        notices.turn(turn(Subscribe, prefix, true));
    }
    notices.turn(turn(Subscribe, b"a", false));
    notices.turn(turn(Cancel, b"c", true));
    notices.turn(turn(Cancel, b"b", true));
    assert_eq!(told(&notices), [b"\x01a", b"\x01b", b"\x00b", b"\x01d"]);
}

#[test]
fn long_prefixes_are_bounded_too() {
    let notices = Notices::new(1000, 10);
    notices.turn(turn(Subscribe, &[b'x'; 50], true));
    for _ in 0..1000 {
        notices.turn(turn(Subscribe, b"churn", true));
        notices.turn(turn(Cancel, b"churn", true));
    }
    notices.turn(turn(Subscribe, b"churn", true));
    let all = told(&notices);
    assert_eq!(all, [[&[1][..], &[b'x'; 50]].concat(), b"\x01churn".to_vec()]);
}

#[test]
fn without_a_bound_everything_is_told() {
    let notices = Notices::new(0, 0);
    for _ in 0..5000 {
        notices.turn(turn(Subscribe, b"a", true));
        notices.turn(turn(Cancel, b"a", true));
    }
    assert_eq!(told(&notices).len(), 10_000);
}

fn hear(heard: &mut BTreeSet<Vec<u8>>, message: &Message) {
    let (change, prefix) = SubscriptionChange::from_message(message.first()).unwrap();
    let news = match change {
        Subscribe => heard.insert(prefix.to_vec()),
        Cancel => heard.remove(prefix),
    };
    assert!(news, "{message:?} was known");
}

proptest! {
    // Whatever is left out: who reads all knows in the end what is true, and never hears the same
    // twice in a row about one prefix.
    #[test]
    fn what_is_told_adds_up(
        steps in prop::collection::vec((0..6_u8, any::<bool>()), 1..200),
        most in 1..8_usize,
    ) {
        let notices = Notices::new(most, 1000);
        let (mut truth, mut heard) = (BTreeSet::new(), BTreeSet::new());
        for (prefix, read) in steps {
            let change = if truth.insert(vec![prefix]) { Subscribe } else { Cancel };
            if change == Cancel {
                truth.remove(&vec![prefix]);
            }
            notices.turn(turn(change, &[prefix], true));
            prop_assert!(lock(&notices.inner).queue.len() <= most);
            if read && let Some(message) = notices.try_recv() {
                hear(&mut heard, &message);
            }
        }
        while let Some(message) = notices.try_recv() {
            hear(&mut heard, &message);
        }
        prop_assert_eq!(heard, truth);
    }
}
