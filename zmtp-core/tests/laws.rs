//! Laws of each codec: what is encoded decodes to itself, cuts change nothing, limits are monotonous.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use zmtp_core::SocketType::{PULL, ROUTER, XPUB};
use zmtp_core::traffic::Received;
use zmtp_core::wire::command::Command;
use zmtp_core::wire::frame::{FrameHeader, FrameKind};
use zmtp_core::wire::greeting::{Greeting, MechanismName, Version};
use zmtp_core::wire::heartbeat::{Ping, PingContext, Ttl};
use zmtp_core::wire::metadata::Metadata;
use zmtp_core::wire::reason::ErrorReason;
use zmtp_core::wire::subscription::SubscriptionChange;
use zmtp_core::{Limits, Message};

use crate::support::*;

fn octets(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=max)
}

fn frame_kind() -> impl Strategy<Value = FrameKind> {
    prop_oneof![
        Just(FrameKind::Command),
        any::<bool>().prop_map(|more| FrameKind::Message { more })
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    vec(("[A-Za-z0-9_.+-]{1,40}", octets(300)), 0..20).prop_map(|properties| {
        let mut metadata = Metadata::new();
        for (name, value) in properties {
            metadata.push(&name, value).unwrap();
        }
        metadata
    })
}

fn some_message() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(prop_oneof![octets(3), octets(300)], 1..5)
}

/// Traffic that is legal, or nearly.
fn traffic() -> impl Strategy<Value = Vec<u8>> {
    let whole = some_message()
        .prop_map(|parts| message(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    let record = prop_oneof![
        4 => whole,
        2 => (any::<u16>(), octets(17)).prop_map(|(ttl, context)| ping(ttl, &context)),
        1 => octets(17).prop_map(|context| pong(&context)),
        1 => octets(20).prop_map(|prefix| command("SUBSCRIBE", &prefix)),
        1 => octets(20).prop_map(|data| command("FOO", &data)),
        1 => octets(20).prop_map(|body| frame(4, &body)),
        1 => octets(20).prop_map(|body| frame(1, &body)),
        1 => octets(9),
    ];
    vec(record, 0..12).prop_map(|records| records.concat())
}

/// Feeds `stream` in the pieces that `cuts` make of it.
fn in_pieces(mut node: Node, stream: &[u8], cuts: &[prop::sample::Index]) -> Verdict {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.sort_unstable();
    let mut at = 0;
    for cut in cuts.into_iter().chain([stream.len()]) {
        node.feed(&stream[at..cut]);
        at = cut;
    }
    node.verdict()
}

/// All that `stream` holds, one thing after the other, and how many octets of it are left; with the
/// shortcuts for plain messages, which take up to so many at a time and then a long one, or without them.
fn all_received(stream: &[u8], shortcut: Option<usize>) -> (Vec<Received>, bool, usize) {
    let limits = limits(|it| (it.max_message, it.max_parts) = (200, 3));
    let mut node = Node::with_traffic(null(PULL).with_limits(limits), "PUSH");
    let incoming = &mut node.connection.traffic().unwrap().incoming;
    let (mut input, mut all) = (BytesMut::from(stream), Vec::new());
    loop {
        if let Some(most) = shortcut {
            let mut messages = VecDeque::new();
            let octets = incoming.plain_messages(&input, most, &mut messages);
            assert!(messages.len() <= most);
            input.advance(octets);
            all.extend(messages.into_iter().map(Received::Message));
            all.extend(incoming.long_message(&mut input).map(Received::Message));
        }
        let is_begin = incoming.is_begin_of_message(&input);
        let received = incoming.next(&mut input);
        assert!(!is_begin || received == Ok(None));
        match received {
            Ok(Some(received)) => all.push(received),
            Ok(None) => return (all, true, input.len()),
            Err(_) => return (all, false, 0),
        }
    }
}

proptest! {
    #[test]
    fn the_shortcuts_for_plain_messages_change_nothing(stream in traffic(), most in 0..5_usize) {
        prop_assert_eq!(all_received(&stream, Some(most)), all_received(&stream, None));
    }

    #[test]
    fn a_frame_header_decodes_to_itself(kind in frame_kind(), len in 0..=i64::MAX as u64) {
        let header = FrameHeader { kind, len };
        let mut out = BytesMut::new();
        header.encode(&mut out);
        prop_assert_eq!(FrameHeader::decode(&out), Ok(Some((header, out.len()))));
        for cut in 0..out.len() {
            prop_assert_eq!(FrameHeader::decode(&out[..cut]), Ok(None));
        }
    }

    // More octets behind a header never change what it says, not even that it is wrong.
    #[test]
    fn a_frame_header_does_not_look_ahead(input in octets(12)) {
        let whole = FrameHeader::decode(&input);
        for cut in 0..=input.len() {
            let part = FrameHeader::decode(&input[..cut]);
            prop_assert!(part == Ok(None) || part == whole);
        }
    }

    #[test]
    fn a_greeting_decodes_to_itself(
        major in 3..=255_u8,
        minor: u8,
        name in "[A-Z0-9_.+-]{1,20}",
        as_server: bool,
    ) {
        let mechanism = MechanismName::new(name.as_bytes()).unwrap();
        prop_assert_eq!(mechanism.as_str(), Some(name.as_str()));
        let greeting = Greeting { version: Version { major, minor }, mechanism, as_server };
        prop_assert_eq!(Greeting::decode(&greeting.encode()), Ok(Some(greeting)));
    }

    #[test]
    fn a_greeting_does_not_look_ahead(at in 0..64_usize, octet: u8) {
        let octets = greeting_with("NULL", at, octet);
        let whole = Greeting::decode(&octets);
        for cut in 0..=octets.len() {
            let part = Greeting::decode(&octets[..cut]);
            prop_assert!(part == Ok(None) || part == whole);
        }
    }

    #[test]
    fn a_command_decodes_to_itself(name in "[A-Za-z]{1,255}", data in octets(600)) {
        let command = Command { name: name.as_bytes(), data: &data };
        let mut body = BytesMut::new();
        command.encode_body(&mut body);
        prop_assert_eq!(body.len(), command.body_len());
        prop_assert_eq!(Command::decode(&body), Ok(command));
        let mut framed = BytesMut::new();
        command.encode_frame(&mut framed);
        let (header, at) = FrameHeader::decode(&framed).unwrap().unwrap();
        prop_assert_eq!(header, FrameHeader::new(FrameKind::Command, body.len()));
        prop_assert_eq!(&framed[at..], &body);
    }

    #[test]
    fn metadata_decodes_to_itself(metadata in metadata()) {
        let mut block = BytesMut::new();
        metadata.encode(&mut block);
        prop_assert_eq!(Metadata::decode(&block, &Limits::DEFAULT), Ok(metadata));
    }

    // Whatever decodes is what was encoded, octet for octet: there is one spelling of each block.
    #[test]
    fn a_block_that_decodes_encodes_to_itself(block in octets(40)) {
        if let Ok(metadata) = Metadata::decode(&block, &Limits::DEFAULT) {
            let mut again = BytesMut::new();
            metadata.encode(&mut again);
            prop_assert_eq!(&again, &block);
        }
    }

    #[test]
    fn a_reason_decodes_to_itself(text in ".{0,300}") {
        let reason = ErrorReason::new(&text);
        prop_assert_eq!(ErrorReason::decode(&reason.encode()), Ok(reason));
    }

    #[test]
    fn a_ping_decodes_to_itself(ttl: u16, context in octets(16)) {
        let ping = Ping { ttl: Ttl(ttl), context: PingContext::new(&context).unwrap() };
        let data = ping.with_command(|command| command.data.to_vec());
        prop_assert_eq!(Ping::decode(&data), Ok(ping));
    }

    #[test]
    fn a_subscription_decodes_to_itself(subscribe: bool, prefix in octets(300)) {
        let change =
            if subscribe { SubscriptionChange::Subscribe } else { SubscriptionChange::Cancel };
        let body = [&[change.marker()], &prefix[..]].concat();
        prop_assert_eq!(SubscriptionChange::from_message(&body), Some((change, &prefix[..])));
    }

    // ZMTP-MSG-06, ZMTP-MSG-09: what one side sends the other receives, in order and cut anywhere.
    #[test]
    fn messages_arrive_as_they_were_sent(
        messages in vec(some_message(), 0..10),
        cuts in vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let messages: Vec<Message> =
            messages.into_iter().map(|parts| Message::from_parts(parts).unwrap()).collect();
        let mut sender = Node::established(zmtp_core::SocketType::PUSH, "PULL");
        for message in &messages {
            sender.send(message.clone());
        }
        let stream = sender.written();
        let mut receiver = Node::established(PULL, "PUSH");
        receiver.feed(&stream);
        prop_assert_eq!(receiver.messages(), messages);
        let whole = in_pieces(Node::established(PULL, "PUSH"), &stream, &[]);
        prop_assert_eq!(in_pieces(Node::established(PULL, "PUSH"), &stream, &cuts), whole);
    }

    // ZMTP-FRAME-13: legal or not, the outcome does not depend on the cuts.
    #[test]
    fn traffic_has_one_outcome_however_cut(
        stream in traffic(),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        for ours in [PULL, XPUB] {
            let theirs = if ours == PULL { "PUSH" } else { "SUB" };
            let whole = in_pieces(Node::established(ours, theirs), &stream, &[]);
            let cut = in_pieces(Node::established(ours, theirs), &stream, &cuts);
            prop_assert_eq!(cut, whole);
        }
    }

    // One octet of a handshake changed anywhere: one outcome however cut, and no panic.
    #[test]
    fn altered_handshakes_have_one_outcome_however_cut(
        at: prop::sample::Index,
        octet: u8,
        cuts in vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let initiate = command("INITIATE", &property("Socket-Type", "DEALER"));
        let plain = [greeting("PLAIN"), hello(b"admin", b"secret"), initiate].concat();
        for (config, mut stream) in [(null(ROUTER), hello_null("DEALER")), (plain_server(), plain)] {
            let at = at.index(stream.len());
            stream[at] = octet;
            let whole = in_pieces(Node::new(config.clone()), &stream, &[]);
            prop_assert_eq!(in_pieces(Node::new(config), &stream, &cuts), whole);
        }
    }

    // What a small limit takes a larger one takes too, to the same effect.
    #[test]
    fn a_larger_limit_refuses_nothing_more(
        stream in traffic(),
        small in (0..400_usize, 0..6_usize, 0..40_usize),
        more in (0..400_usize, 0..6_usize, 0..40_usize),
    ) {
        let with = |octets, parts, command| {
            let limits = limits(|it| {
                it.max_message = octets;
                it.max_parts = parts;
                it.max_command = command;
            });
            let node = Node::with_traffic(null(PULL).with_limits(limits), "PUSH");
            in_pieces(node, &stream, &[])
        };
        let taken = with(small.0, small.1, small.2);
        let larger = with(small.0 + more.0, small.1 + more.1, small.2 + more.2);
        if taken.error.is_none() {
            prop_assert_eq!(larger, taken);
        } else {
            prop_assert!(larger.events.starts_with(&taken.events));
        }
    }

    #[test]
    fn a_larger_limit_for_metadata_refuses_nothing_more(
        block in metadata(),
        small in (0..2000_usize, 0..20_usize),
        more in (0..2000_usize, 0..20_usize),
    ) {
        let mut octets = BytesMut::new();
        block.encode(&mut octets);
        let decode = |octets_, properties| {
            let limits = limits(|it| {
                it.max_metadata = octets_;
                it.max_properties = properties;
            });
            Metadata::decode(&octets, &limits)
        };
        if let Ok(taken) = decode(small.0, small.1) {
            prop_assert_eq!(decode(small.0 + more.0, small.1 + more.1), Ok(taken));
        }
    }

    // hostile: V6
    #[test]
    fn no_octets_make_a_panic(stream in octets(200), greeted: bool) {
        for (config, mechanism) in
            [(null(ROUTER), "NULL"), (plain_server(), "PLAIN"), (plain_client(), "PLAIN")]
        {
            let mut node = Node::new(config);
            if greeted {
                node.feed(&greeting(mechanism));
            }
            node.feed(&stream).wait(seconds(20));
            prop_assert!(node.error.is_some());
        }
    }
}
