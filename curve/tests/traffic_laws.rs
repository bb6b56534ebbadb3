//! What holds for every stream of sealed frames.

use proptest::collection::vec;
use proptest::prelude::*;
use zmtp_core::Message;
use zmtp_core::error::{Kind, Misbehaved};

use crate::support::*;
use crate::world::both;

/// A pair with its handshake behind it.
fn established() -> Pair {
    let mut pair = both();
    pair.run();
    pair
}

/// Messages of one to four parts, short ones mostly.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let len = prop_oneof![8 => 0_usize..80, 2 => 80_usize..600, 1 => 600_usize..20_000];
    let part = (len, any::<u8>()).prop_map(|(len, octet)| vec![octet; len]);
    let message = vec(part, 1..4).prop_map(|parts| Message::from_parts(parts).unwrap());
    vec(message, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // CURVE-05, CURVEZMQ-41: what is sent arrives, in order, in both directions, however it is cut.
    #[test]
    fn what_is_sent_arrives(
        there in messages(),
        back in messages(),
        cuts in vec(1_usize..5000, 0..20),
    ) {
        let mut pair = established();
        for (to_server, messages) in [(true, &there), (false, &back)] {
            let (sender, receiver) = if to_server {
                (&mut pair.client, &mut pair.server)
            } else {
                (&mut pair.server, &mut pair.client)
            };
            for message in messages {
                sender.send(message.clone());
            }
            let octets = sender.written();
            let mut rest = &octets[..];
            for cut in &cuts {
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                receiver.feed(head);
                rest = tail;
            }
            receiver.feed(rest);
            prop_assert_eq!(&receiver.messages(), messages);
            prop_assert_eq!(&receiver.error, &None);
        }
    }

    // CURVEZMQ-42, CURVEZMQ-43: frames that are lost, repeated or overtaken. A lost one is noticed
    // by nobody but TCP; any step back or on the spot ends the connection with nothing delivered
    // behind it.
    #[test]
    fn any_step_back_closes(order in vec(0_usize..12, 1..20), to_server: bool) {
        let mut pair = established();
        let (sender, receiver) = if to_server {
            (&mut pair.client, &mut pair.server)
        } else {
            (&mut pair.server, &mut pair.client)
        };
        let sealed: Vec<Vec<u8>> =
            (0..12).map(|at: usize| sender.send(at.to_string()).written()).collect();
        for at in &order {
            receiver.feed(&sealed[*at]);
        }
        let rising = order.windows(2).take_while(|two| two[0] < two[1]).count() + 1;
        let expected: Vec<Message> =
            order[..rising].iter().map(|at| at.to_string().into()).collect();
        prop_assert_eq!(receiver.messages(), expected);
        let kind = receiver.error.as_ref().map(|error| error.kind.clone());
        let repeated = (rising < order.len()).then(|| Kind::from(Misbehaved::NonceNotRising));
        prop_assert_eq!(kind, repeated);
    }

    // Whatever comes in place of a frame: no panic, nothing delivered.
    #[test]
    fn any_octets_are_refused(octets in vec(any::<u8>(), 0..200), named: bool, flags in 0_u8..8) {
        let body = if named { [b"\x07MESSAGE" as &[u8], &octets].concat() } else { octets };
        let flags = flags & !2;
        let mut pair = established();
        for node in [&mut pair.client, &mut pair.server] {
            node.feed(&frame(flags, &body));
            prop_assert!(node.error.is_some());
            prop_assert_eq!(node.messages(), []);
        }
    }

    // Nor in place of a command of the handshake.
    #[test]
    fn any_octets_end_the_handshake(data in vec(any::<u8>(), 0..300), sized: bool) {
        use crate::world::{client_node, server_node};
        for (node, name, len) in [(client_node(), "WELCOME", 160), (server_node(), "HELLO", 194)] {
            let mut node = node;
            let mut data = data.clone();
            if sized {
                data.resize(len, 0);
            }
            node.feed(&greeting("CURVE")).feed(&command(name, &data));
            prop_assert!(node.error.is_some());
        }
    }
}
