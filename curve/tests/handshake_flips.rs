//! Every bit of every record, in both directions, flipped on the way.

use std::cell::Cell;
use std::rc::Rc;

use zmtp_core::Message;

use crate::support::*;
use crate::world::*;

/// The records behind the greetings in the order in which they are sent: HELLO, WELCOME, INITIATE,
/// READY, then MESSAGE from either side.
const MESSAGES_FROM: usize = 4;

struct Outcome {
    pair: Pair,
    to_client: Vec<Message>,
    to_server: Vec<Message>,
}

/// Runs a connection on which `edit` sees every record behind the greetings with its number.
fn run(mut edit: impl FnMut(usize, &mut Vec<u8>) + 'static) -> Outcome {
    let mut at = 0;
    let mut pair = both().edit(move |_, record| {
        if record[0] != 0xFF {
            edit(at, record);
            at += 1;
        }
    });
    pair.run();
    for node in [&mut pair.client, &mut pair.server] {
        if node.try_peer().is_some() && node.error.is_none() {
            node.send("a secret");
        }
    }
    pair.run();
    let (to_client, to_server) = (pair.client.messages(), pair.server.messages());
    Outcome { pair, to_client, to_server }
}

fn sizes() -> Vec<usize> {
    let sizes = Rc::new(std::cell::RefCell::new(Vec::new()));
    let log = sizes.clone();
    let outcome = run(move |_, record| log.borrow_mut().push(record.len()));
    assert_eq!((outcome.to_client.len(), outcome.to_server.len()), (1, 1));
    sizes.take()
}

// CURVEZMQ-09, CURVEZMQ-18, CURVEZMQ-25, CURVEZMQ-32, CURVEZMQ-38: no altered octet of the handshake
// gets it completed on both sides, and no altered MESSAGE is delivered.
#[test]
fn no_flipped_bit_passes() {
    let sizes = sizes();
    assert_eq!(sizes[..2], [2 + 200, 2 + 168]);
    for (record, size) in sizes.into_iter().enumerate() {
        let header = if size > 2 + 255 { 9 } else { 2 };
        for bit in 0..size * 8 {
            let hit = Rc::new(Cell::new(false));
            let done = hit.clone();
            let outcome = run(move |at, octets| {
                if at == record {
                    flip(octets, bit);
                    done.set(true);
                }
            });
            assert!(hit.get());
            check(&outcome, record, bit, bit / 8 < header);
        }
    }
}

fn check(outcome: &Outcome, record: usize, bit: usize, in_header: bool) {
    let Outcome { pair, to_client, to_server } = outcome;
    let place = format!("record {record}, bit {bit}");
    let failed = pair.client.error.is_some() || pair.server.error.is_some();
    let (client, server) = (pair.client.try_peer(), pair.server.try_peer());
    for messages in [to_client, to_server] {
        assert!(messages.iter().all(|message| *message == Message::from("a secret")), "{place}");
    }
    if record >= MESSAGES_FROM {
        // The header is not protected: COMMAND and MORE out there mean nothing, and the size may
        // have the receiver wait for what does not come.
        let delivered = to_client.len() + to_server.len();
        assert!(delivered < 2 || (in_header && bit < 8), "{place}: {delivered}");
        assert!(failed || in_header, "{place}");
        return;
    }
    // A size that grew has the receiver wait, up to the deadline.
    assert!(failed || in_header, "{place}");
    assert!(client.is_none(), "{place}: the client went on");
    // The server has said READY when that is what is altered, and must not learn of it earlier.
    assert_eq!(server.is_some(), record == 3, "{place}");
    assert_eq!((to_client.len(), to_server.len()), (0, 0), "{place}");
}
