//! Two sides of ours.

use std::sync::{Arc, Mutex};

use zmtp_core::SocketType::{DEALER, PUSH};
use zmtp_core::error::{Incompatible, Kind, Stage};
use zmtp_core::traffic::HeartbeatConfig;
use zmtp_core::wire::heartbeat::Ttl;
use zmtp_core::{Limits, Message};

use crate::oracle::public;
use crate::support::*;
use crate::world::*;

/// What each side of a connection came to.
fn outcome(pair: &mut Pair) -> impl PartialEq + std::fmt::Debug + use<> {
    pair.run();
    pair.client.send("one").send(Message::from_parts(["two", "", "three"]).unwrap());
    pair.server.send("four");
    pair.run();
    let peers = (pair.client.peer(), pair.server.peer());
    let messages = (pair.client.messages(), pair.server.messages());
    let errors = (pair.client.error.clone(), pair.server.error.clone());
    (peers, messages, errors, pair.server.asked.clone())
}

// CURVEZMQ-05, hostile: F8: however the octets are cut.
#[test]
fn however_the_octets_are_cut() {
    let whole = outcome(&mut both());
    assert_eq!(outcome(&mut both().cut(Cut::Octets)), whole, "one by one");
    // Client: 64 + 202 + 9 + 257 + metadata, then three frames or so.
    for at in 1..1000 {
        assert_eq!(outcome(&mut both().cut(Cut::At(at))), whole, "cut at {at}");
    }
    let mut pair = both();
    outcome(&mut pair);
    let peer = pair.server.peer();
    assert_eq!(peer.verified.public_key, Some(public(&CLIENT)));
    assert_eq!(peer.claimed.routing_id.as_bytes(), b"whisperer");
    assert_eq!(pair.client.peer().verified.public_key, Some(public(&SERVER)));
}

// CURVE-12: of all that is to be hidden, nothing is in what is sent.
#[test]
fn nothing_to_hide_is_on_the_wire() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut pair = both().edit(move |_, record| log.lock().unwrap().extend_from_slice(record));
    pair.run();
    pair.client.send("the payload");
    pair.run();
    assert_eq!(pair.server.messages().len(), 1);
    let octets = seen.lock().unwrap();
    let mut drawn = [[0; 48].to_vec(), [0; 96].to_vec()];
    for (seed, drawn) in (1..).zip(&mut drawn) {
        zmtp_core::RandomSource::fill(&mut Seeded(seed), drawn).unwrap();
    }
    let [client, server] = &drawn;
    let keys = [CLIENT, SERVER, public(&CLIENT), public(&SERVER)];
    let texts = ["whisperer", PROPERTY, "from me to you", "Socket-Type", "DEALER", "the payload"];
    let secrets = [&client[..32], &server[..32], &server[32..64]];
    let hidden = keys.iter().map(|key| &key[..]).chain(texts.iter().map(|text| text.as_bytes()));
    for secret in hidden.chain(secrets) {
        // Half of it would be too much.
        let part = &secret[..secret.len().min(6)];
        assert!(!octets.windows(part.len()).any(|octets| octets == part), "{secret:02x?}");
    }
    // The draw is as documented: c' and s' are where they should be.
    let transient: [u8; 32] = client[..32].try_into().unwrap();
    assert!(octets.windows(32).any(|octets| octets == public(&transient)), "C' is public");
}

// CURVEZMQ-04: nothing that can be printed shows a secret. hostile: R9
#[test]
fn no_secret_in_any_debug() {
    let mut drawn = [vec![0; 48], vec![0; 96]];
    for (seed, drawn) in (1..).zip(&mut drawn) {
        zmtp_core::RandomSource::fill(&mut Seeded(seed), drawn).unwrap();
    }
    let secrets = [&CLIENT[..], &SERVER[..], &drawn[0][..32], &drawn[1][..32], &drawn[1][32..64]];
    let mut shown = Vec::new();
    let mut pair = both();
    let mut show = |pair: &Pair| {
        shown.push(format!("{:?} {:?}", pair.client.connection, pair.server.connection));
        shown.push(format!("{:#x?} {:#x?}", pair.client.connection, pair.server.connection));
    };
    show(&pair);
    let mut step = |to_server: bool, pair: &mut Pair| {
        if to_server {
            let octets = pair.client.written();
            pair.server.feed(&octets);
        } else {
            let octets = pair.server.written();
            pair.client.feed(&octets);
        }
        show(pair);
    };
    for to_server in [true, false, true, false, true, false] {
        step(to_server, &mut pair);
    }
    pair.client.peer();
    pair.server.peer();
    shown.push(format!("{:?} {:?}", a_client().security(), a_server().security()));
    for secret in secrets {
        for text in [
            format!("{secret:?}"),
            format!("{secret:x?}"),
            secret.iter().map(|octet| format!("{octet:02x}")).collect(),
        ] {
            let part = &text[..text.len() / 2];
            assert!(shown.iter().all(|shown| !shown.contains(part)), "{part}");
        }
    }
}

// CURVE-11: told by the server, with an ERROR; learnt by the client.
#[test]
fn sockets_that_do_not_fit() {
    let config = client(PUSH, CLIENT, public(&SERVER));
    let mut pair = Pair::of(Node::with_random(config, &mut Seeded(1)), server_node());
    pair.run();
    let kind = &pair.server.refused().kind;
    assert!(matches!(kind, Kind::Incompatible(Incompatible::SocketType { .. })), "{kind}");
    let error = pair.client.refused();
    assert!(matches!(error.kind, Kind::ReportedByPeer(_)), "{error}");
    assert_eq!(pair.server.asked, []);
}

// CURVEZMQ-02: a client that expects somebody else gets nowhere.
#[test]
fn another_server_cannot_answer() {
    let config = client(DEALER, CLIENT, public(&[3; 32]));
    let mut pair = Pair::of(Node::with_random(config, &mut Seeded(1)), server_node());
    pair.run();
    assert_eq!(pair.server.refused().stage, Stage::Hello);
    assert_eq!(pair.client.refused().kind, Kind::PeerClosed);
}

// ZMTP-MECH-07: nobody would begin, or nobody would answer.
#[test]
fn two_servers_and_two_clients() {
    let mut pair = Pair::of(server_node(), Node::with_random(a_server(), &mut Seeded(3)));
    pair.run();
    assert_eq!(pair.client.refused().kind, Incompatible::BothServers.into());
    let mut pair = Pair::of(client_node(), Node::with_random(a_client(), &mut Seeded(3)));
    pair.run();
    assert_eq!(pair.client.refused().stage, Stage::Welcome);
}

// hostile: G4, CVE-2014-7202: the mechanism is not for the peer to choose.
#[test]
fn another_mechanism_is_refused() {
    for mechanism in ["NULL", "PLAIN"] {
        for node in [client_node, server_node] {
            let octets = [greeting(mechanism), ready("DEALER"), message(&[b"sneaky"])].concat();
            let verdict = same_however_cut(node, &octets);
            let error = verdict.error.unwrap();
            assert!(matches!(error.kind, Kind::Incompatible(Incompatible::Mechanism { .. })));
            assert_eq!((verdict.events, verdict.asked), (vec![], vec![]));
            assert_eq!(verdict.output.len(), 64, "the greeting alone");
        }
    }
}

// CURVE-10, hostile: C10: PING and PONG are in boxes, and the TTL has its full range.
#[test]
fn heartbeats_are_encrypted() {
    let heartbeat = HeartbeatConfig {
        interval: Some(seconds(1)),
        timeout: Some(seconds(5)),
        ttl: Ttl::from_duration(seconds(6000)),
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let config = a_client().with_heartbeat(heartbeat);
    let mut pair = Pair::of(Node::with_random(config, &mut Seeded(1)), server_node())
        .edit(move |way, record| log.lock().unwrap().push((way, record.clone())));
    pair.run();
    seen.lock().unwrap().clear();
    pair.wait(millis(3500));
    let records = seen.lock().unwrap().clone();
    // 33 + 7 and 33 + 5 octets, each with a header of two.
    let lengths: Vec<_> = records.iter().map(|(way, record)| (*way, record.len())).collect();
    assert_eq!(lengths, [(Way::ToServer, 42), (Way::ToClient, 40)].repeat(3));
    assert!(records.iter().all(|(_, record)| record[..10] == *b"\0\x28\x07MESSAGE"
        || record[..10] == *b"\0\x26\x07MESSAGE"));
    assert_eq!((&pair.client.error, &pair.server.error), (&None, &None));
    assert!(pair.server.connection.poll_timeout().is_some(), "the TTL of the PING runs");
    pair.server.wait(seconds(5999));
    assert_eq!(pair.server.error, None);
    pair.server.wait(seconds(2));
    assert!(pair.server.error.is_some());
}

// hostile: C14
#[test]
fn a_large_message_arrives() {
    let mut pair = both();
    pair.run();
    let body: Vec<u8> = (0..32 * 1024 * 1024_u32).map(|at| (at >> 10) as u8).collect();
    pair.client.send(body.clone());
    let written = pair.client.written();
    assert_eq!(written.len(), 9 + 33 + body.len());
    pair.server.feed(&written);
    assert!(pair.server.messages() == [Message::from(body)]);
}

// Signed numbers once stopped a connection at its eightieth message.
// hostile: V1
#[test]
fn long_conversations_go_on() {
    let mut pair = both();
    pair.run();
    for round in 0..3000_u32 {
        let text = round.to_string();
        pair.client.send(text.clone());
        let written = pair.client.written();
        pair.server.feed(&written).send(text);
        let written = pair.server.written();
        pair.client.feed(&written);
    }
    assert_eq!((pair.client.messages().len(), pair.server.messages().len()), (3000, 3000));
}

// The limits of a message count what it holds, not its boxes.
#[test]
fn limits_are_those_of_the_content() {
    let tight = |limits: &mut Limits| (limits.max_message, limits.max_command) = (1000, 100);
    for (len, fits) in [(1000, true), (1001, false)] {
        let config = a_server().with_limits(limits(tight));
        let mut pair = Pair::of(client_node(), Node::with_random(config, &mut Seeded(2)));
        pair.run();
        pair.client.send(vec![7; len]);
        pair.run();
        assert_eq!(pair.server.messages().len() == 1, fits);
        assert_eq!(pair.server.error.is_none(), fits);
    }
}
