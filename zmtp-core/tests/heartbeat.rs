//! PING and PONG in virtual time.

use std::time::Duration;

use zmtp_core::SocketType::{DEALER, PULL, PUSH, ROUTER};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Malformed, Misbehaved, Stage};
use zmtp_core::traffic::HeartbeatConfig;
use zmtp_core::wire::heartbeat::{Ping, PingContext, Ttl};

use crate::support::*;

const INTERVAL: Duration = seconds(1);

/// PING every second, give up three seconds after one.
fn beating() -> ConnectionConfig {
    null(PULL).with_heartbeat(HeartbeatConfig {
        interval: Some(INTERVAL),
        timeout: Some(seconds(3)),
        ttl: Ttl::from_duration(seconds(100)),
    })
}

fn beating_node() -> Node {
    Node::with_traffic(beating(), "PUSH")
}

fn quiet_node() -> Node {
    Node::established(PULL, "PUSH")
}

// HEARTBEAT-01, HEARTBEAT-02: a TTL of 100 s is 03 E8 tenths; the context is empty.
#[test]
fn a_ping_on_the_wire() {
    let mut node = beating_node();
    assert!(node.wait(millis(999)).written().is_empty());
    assert_eq!(node.wait(millis(1)).written(), hex("04 07 04 50494E47 03E8"));
}

// HEARTBEAT-01, HEARTBEAT-02: the whole range, and what is more than it.
#[test]
fn the_ttl_counts_tenths_of_a_second() {
    for (time, tenths) in [
        (millis(0), 0),
        (millis(99), 0),
        (millis(100), 1),
        (seconds(100), 1000),
        (millis(6_553_500), 65_535),
        (seconds(100_000), 65_535),
        (Duration::MAX, 65_535),
    ] {
        assert_eq!(Ttl::from_duration(time), Ttl(tenths));
    }
    assert_eq!(Ttl(0).duration(), None);
    assert_eq!(Ttl(656).duration(), Some(millis(65_600)));
    assert_eq!(Ttl(65_535).duration(), Some(millis(6_553_500)));
}

// HEARTBEAT-03: not before the handshake is over, however long that takes; and then in time.
#[test]
fn no_ping_in_the_handshake() {
    let mut node = Node::new(beating());
    node.feed(&greeting("NULL")).written();
    assert!(node.wait(seconds(5)).written().is_empty());
    node.feed(&ready("PUSH")).written();
    assert_eq!(node.wait(INTERVAL).written(), ping(1000, b""));
}

// HEARTBEAT-04, HEARTBEAT-05: the context comes back as it was, and nothing else.
#[test]
fn a_ping_is_answered_with_its_context() {
    for context in [&b""[..], b"c", &[0; 15], &[0xFF; 16], b"\0\x01\0"] {
        let verdict = same_however_cut(quiet_node, &ping(0, context));
        assert_eq!((verdict.output, verdict.error), (pong(context), None));
    }
    let verdict = same_however_cut(quiet_node, &hex("04 07 04 50494E47 0000"));
    assert_eq!(verdict.output, hex("04 05 04 504F4E47"));
}

// HEARTBEAT-06, HEARTBEAT-07: what is too short or too long ends the connection unanswered.
// hostile: R7
#[test]
fn a_malformed_ping_or_pong_is_refused() {
    let short = [command("PING", b""), command("PING", b"\0")];
    let long = [17, 200].map(|len| ping(0, &vec![1; len]));
    for octets in short.into_iter().chain(long) {
        let verdict = same_however_cut(quiet_node, &octets);
        let error = verdict.error.unwrap();
        assert_eq!((error.stage, error.kind), (Stage::Traffic, Malformed::Ping.into()));
        assert!(verdict.output.is_empty());
    }
    let verdict = same_however_cut(quiet_node, &pong(&[0; 17]));
    assert_eq!(verdict.error.unwrap().kind, Malformed::Pong.into());
    assert_eq!(PingContext::new(&[0; 17]), None);
}

// HEARTBEAT-08: silence within the TTL of the peer's own PING, and a close at the same moment.
// hostile: V7
#[test]
fn the_ttl_of_a_silent_peer_runs_out() {
    for ttl in [1, 5, 20, 65_535_u16] {
        let mut node = quiet_node();
        node.feed(&ping(ttl, b""));
        let time = millis(u64::from(ttl) * 100);
        assert_eq!(node.wait(time - millis(1)).error, None);
        assert_eq!(node.wait(millis(1)).refused().kind, Misbehaved::TtlExpired.into());
        node.end();
        assert_eq!(node.refused().kind, Misbehaved::TtlExpired.into());
    }
}

// HEARTBEAT-09: anything that arrives is a sign of life, even half a frame.
#[test]
fn traffic_ends_the_ttl() {
    for octets in
        [message(&[b"x"]), command("FOO", b""), pong(b""), frame(0, b"half")[..3].to_vec()]
    {
        let mut node = quiet_node();
        node.feed(&ping(10, b"")).wait(millis(500)).feed(&octets).wait(seconds(60));
        assert_eq!(node.error, None);
        // Behind the PING in the same read it is the same traffic.
        let verdict = same_however_cut(quiet_node, &[ping(10, b""), octets].concat());
        assert_eq!((verdict.timeout, verdict.error), (None, None));
    }
    let mut node = quiet_node();
    for _ in 0..10 {
        node.feed(&ping(10, b"")).wait(millis(900));
    }
    assert_eq!(node.error, None, "each PING starts anew");
    assert_eq!(node.wait(millis(100)).refused().kind, Misbehaved::TtlExpired.into());
}

// HEARTBEAT-09: octets that lie in the input since the last call are no news.
#[test]
fn old_octets_are_no_sign_of_life() {
    let mut node = beating_node();
    node.wait(INTERVAL).feed(&frame(0, b"half")[..3]).wait(INTERVAL);
    for _ in 0..3 {
        assert_eq!(node.error, None);
        node.feed(b"").wait(INTERVAL);
    }
    assert_eq!(node.refused().kind, Misbehaved::HeartbeatTimeout.into());
}

// HEARTBEAT-10: no TTL, no timer.
#[test]
fn a_ttl_of_zero_never_runs_out() {
    let mut node = quiet_node();
    node.feed(&ping(0, b"")).wait(seconds(1_000_000));
    assert_eq!((&node.error, node.connection.poll_timeout()), (&None, None));
}

// HEARTBEAT-11: long TTLs do not wrap.
#[test]
fn long_ttls_are_honoured() {
    for ttl in [655, 656, 657, 1000, 65_535] {
        let mut node = quiet_node();
        node.feed(&ping(ttl, b"")).wait(seconds(65));
        assert_eq!(node.error, None, "{ttl}");
    }
}

// HEARTBEAT-12: nothing at all after our PING.
#[test]
fn a_silent_peer_is_given_up() {
    let mut node = beating_node();
    assert_eq!(node.wait(INTERVAL + millis(2999)).error, None);
    assert_eq!(node.written(), ping(1000, b""), "asked once while the answer is owed");
    assert_eq!(node.wait(millis(1)).refused().kind, Misbehaved::HeartbeatTimeout.into());
    assert_eq!(node.connection.poll_timeout(), None);
}

// HEARTBEAT-12: without a time limit of its own the interval is one; zero waits for ever.
#[test]
fn the_time_limit_has_a_default() {
    let config =
        |timeout| HeartbeatConfig { interval: Some(INTERVAL), timeout, ..Default::default() };
    let mut node = Node::with_traffic(null(PULL).with_heartbeat(config(None)), "PUSH");
    assert_eq!(node.wait(INTERVAL * 2 - millis(1)).error, None);
    node.wait(millis(1)).refused();
    let never = config(Some(Duration::ZERO));
    let mut node = Node::with_traffic(null(PULL).with_heartbeat(never), "PUSH");
    assert_eq!(node.wait(seconds(1000)).error, None);
}

// HEARTBEAT-13: messages instead of PONGs keep a peer alive.
#[test]
fn any_traffic_answers_a_ping() {
    let mut node = beating_node();
    for _ in 0..100 {
        node.wait(seconds(2)).feed(&message(&[b"busy"]));
    }
    assert_eq!(node.error, None);
}

// HEARTBEAT-14: who never answers is asked ever more rarely; who does, at every interval.
#[test]
fn unanswered_pings_stay_few() {
    let count = |answer: &[u8]| {
        let mut node = beating_node();
        let mut pings = 0;
        for _ in 0..100 {
            pings += frames(&node.wait(INTERVAL).written()).len();
            node.feed(answer);
        }
        assert_eq!(node.error, None);
        pings
    };
    assert!((3..=12).contains(&count(&message(&[b"busy"]))));
    assert_eq!(count(&pong(b"")), 100);
}

// HEARTBEAT-15: each one, in order.
#[test]
fn many_pings_are_answered_in_order() {
    let context = |n: u8| vec![n; usize::from(n)];
    let pings: Vec<u8> = (0..10).flat_map(|n| ping(0, &context(n))).collect();
    let pongs: Vec<u8> = (0..10).flat_map(|n| pong(&context(n))).collect();
    assert_eq!(same_however_cut(quiet_node, &pings).output, pongs);
}

// HEARTBEAT-14: a flood of PINGs by somebody who does not read the answers is cut off; by somebody
// who does, never.
// hostile: R7
#[test]
fn a_flood_of_pings_is_bounded() {
    let flood = ping(0, &[7; 16]).repeat(1000);
    let mut node = quiet_node();
    let mut input = bytes::BytesMut::new();
    let refused = (0..100).find_map(|_| {
        input.extend_from_slice(&flood);
        node.connection.handle_input(node.now, &mut input).err()
    });
    assert_eq!(refused.unwrap().kind, Misbehaved::PingFlood.into());
    assert!(node.written().len() < 200_000);

    let mut node = quiet_node();
    for _ in 0..100 {
        assert_eq!(node.feed(&flood).written().len(), 1000 * 23);
    }
    assert_eq!(node.error, None);

    // Nor by somebody who is always a little behind.
    let mut node = quiet_node();
    let outgoing = &mut node.connection.traffic().unwrap().outgoing;
    outgoing.send(&vec![0; 5000].into()).unwrap();
    for _ in 0..100_000 {
        outgoing.pong(&PingContext::default()).unwrap();
        outgoing.output().advance(pong(b"").len());
    }
    assert!(outgoing.output().len() > 5000);
}

// HEARTBEAT-16: nobody asked, nobody minds.
#[test]
fn an_unsolicited_pong_is_a_sign_of_life() {
    let mut node = beating_node();
    node.feed(&pong(b"")).feed(&pong(b"unknown"));
    assert_eq!((&node.error, node.events.len()), (&None, 0));
    assert!(node.written().is_empty());
    node.wait(INTERVAL).feed(&pong(b"unknown")).wait(seconds(3));
    assert_eq!(node.error, None);
}

// HEARTBEAT-17: 3.0 peers are answered and not asked.
#[test]
fn a_3_0_peer_is_sent_no_ping() {
    let mut node = Node::new(beating());
    node.feed(&greeting_of("NULL", 3, 0)).feed(&ready("PUSH")).written();
    assert!(node.wait(seconds(60)).written().is_empty());
    assert_eq!(node.feed(&ping(0, b"!")).written(), pong(b"!"));
}

// HEARTBEAT-04, HEARTBEAT-12: two sides that both beat stay together, idle, for hours.
// hostile: V8
#[test]
fn an_idle_pair_stays_together() {
    let beat = |config: ConnectionConfig| {
        config.with_heartbeat(HeartbeatConfig {
            interval: Some(seconds(10)),
            timeout: Some(seconds(5)),
            ttl: Ttl::from_duration(seconds(20)),
        })
    };
    for (client, server) in
        [(beat(null(DEALER)), beat(null(ROUTER))), (beat(null(PUSH)), null(PULL))]
    {
        let mut pair = Pair::new(client, server);
        pair.run().wait(seconds(3 * 3600)).client.send("still there");
        assert_eq!((&pair.client.error, &pair.server.error), (&None, &None));
        assert_eq!(pair.run().server.messages().len(), 1);
    }
}

// HEARTBEAT-08, HEARTBEAT-12: when the peer's octets stop to arrive, both notice, each in its own way.
#[test]
fn a_cut_line_is_noticed_on_both_sides() {
    let beating = null(DEALER).with_heartbeat(HeartbeatConfig {
        interval: Some(INTERVAL),
        timeout: Some(seconds(2)),
        ttl: Ttl::from_duration(seconds(4)),
    });
    let mut pair = Pair::new(beating, null(ROUTER)).edit(|way, record| {
        if way == Way::ToClient && record.starts_with(&hex("04 05 04 504F4E47")) {
            record.clear();
        }
    });
    pair.run().wait(seconds(3));
    assert_eq!(pair.client.refused().kind, Misbehaved::HeartbeatTimeout.into());
    pair.server.wait(seconds(4));
    assert_eq!(pair.server.refused().kind, Misbehaved::TtlExpired.into());
}

#[test]
fn a_ping_decodes_to_itself() {
    for (ttl, context) in [(Ttl(0), &b""[..]), (Ttl(65_535), b"0123456789abcdef")] {
        let ping = Ping { ttl, context: PingContext::new(context).unwrap() };
        let data = ping.with_command(|command| command.data.to_vec());
        assert_eq!(Ping::decode(&data), Ok(ping));
    }
}
