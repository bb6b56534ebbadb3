//! The server from INITIATE to READY.

use zmtp_core::auth::{AuthDecision, Credentials};
use zmtp_core::error::{BoxName, Incompatible, Kind, Malformed, Misbehaved, Side, Stage};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::MetadataError;
use zmtp_core::{Limits, SocketType};

use crate::oracle::*;
use crate::support::*;
use crate::world::{Seeded, a_server, flip, low_order_points, server_node};

/// The server under test behind its WELCOME, and the client that it was for.
fn welcomed() -> (Node, RawClient) {
    let mut node = server_node();
    let client = RawClient::new(0x11).with_welcome(&mut node);
    (node, client)
}

/// The server refuses what `spoil` makes, in silence and without asking.
#[track_caller]
fn refuses(spoil: impl Fn(&RawClient) -> Vec<u8>, kind: impl Into<Kind>) {
    let (mut node, client) = welcomed();
    refuses_now(&mut node, &spoil(&client), kind);
}

#[track_caller]
fn refuses_now(node: &mut Node, octets: &[u8], kind: impl Into<Kind>) {
    node.feed(octets);
    let error = node.refused();
    assert_eq!((error.side, error.stage, &error.kind), (Side::Peer, Stage::Initiate, &kind.into()));
    assert_eq!(node.written(), b"", "no READY, no ERROR");
    assert_eq!((&node.events, &node.asked), (&vec![], &vec![]));
}

/// The server refuses an INITIATE whose box holds what `spoil` leaves there.
#[track_caller]
fn refuses_content(spoil: impl Fn(&RawClient, &mut Content), kind: impl Into<Kind>) {
    let spoilt = |client: &RawClient| {
        let mut content = client.content();
        spoil(client, &mut content);
        client.initiate_over(&content).frame()
    };
    refuses(spoilt, kind);
}

// CURVEZMQ-30, CURVEZMQ-31: READY is as in the grammar, and comes after the decision.
// What was proved before is in the question.
#[test]
fn the_authenticator_is_asked_about_a_proved_key() {
    let (node, client) = welcomed();
    let mut node = node.answering(None);
    let mut content = client.content();
    content.metadata = [property("Socket-Type", "DEALER"), property("Identity", "me")].concat();
    node.feed(&client.initiate_over(&content).frame());
    assert_eq!(node.written(), b"", "no READY yet");
    let [request] = &node.asked[..] else { panic!("{node:?}") };
    assert_eq!(request.mechanism, MechanismName::CURVE);
    let public_key = public(&client.permanent);
    assert_eq!(request.credentials, Credentials::Curve { public_key });
    assert_eq!(request.routing_id.as_bytes(), b"me");
    assert_eq!(request.metadata.get("socket-type").unwrap(), "DEALER");

    node.decide(AuthDecision::accept());
    assert_eq!(client.ready(&node.written()), of_router());
    assert_eq!(node.peer().verified.public_key, Some(public_key));
    assert_eq!(node.peer().claimed.routing_id.as_bytes(), b"me");
}

// CURVEZMQ-25: every length below the least. hostile: CVE-2019-13132
#[test]
fn initiate_has_at_least_257_octets() {
    let size = Malformed::CommandSize("INITIATE");
    for len in 0..257 - 9 {
        refuses(|client| command("INITIATE", &client.initiate().data()[..len]), size);
    }
    // The least there is: no metadata, so no Socket-Type, and none that fits.
    let none = Incompatible::SocketType { ours: SocketType::ROUTER, theirs: None };
    let (mut node, client) = welcomed();
    let bare = client.initiate_over(&Content { metadata: vec![], ..client.content() });
    assert_eq!(bare.data().len(), 257 - 9);
    node.feed(&bare.frame());
    assert_eq!(node.refused().kind, none.into());
}

// CURVEZMQ-24: metadata around the buffer that once overflowed, and up to our limit.
// hostile: CVE-2019-13132
#[test]
fn metadata_of_any_size_up_to_the_limit() {
    let padded = |len: usize| {
        let filler = len - of_dealer().len() - property("X-Filler", "").len();
        [of_dealer(), property("X-Filler", vec![b'.'; filler])].concat()
    };
    for len in [100, 255, 256, 257, 600, 65_536] {
        let (mut node, client) = welcomed();
        let content = Content { metadata: padded(len), ..client.content() };
        node.feed(&client.initiate_over(&content).frame());
        assert_eq!(node.peer().claimed.metadata.len(), 3, "{len}");
    }
    let (mut node, client) = welcomed();
    let content = Content { metadata: padded(65_537), ..client.content() };
    let frame = client.initiate_over(&content).frame();
    refuses_now(&mut node, &frame[..9], Misbehaved::OversizedCommand);
}

// CURVEZMQ-25: every bit of the cookie. hostile: C4
#[test]
fn an_altered_cookie_is_refused() {
    for bit in 0..96 * 8 {
        let altered = |client: &RawClient| {
            let mut initiate = client.initiate();
            flip(&mut initiate.cookie, bit);
            initiate.frame()
        };
        refuses(altered, Kind::Unopenable(BoxName::Cookie));
    }
}

// CURVEZMQ-25, CURVEZMQ-16. hostile: C4
#[test]
fn a_cookie_of_another_connection_is_refused() {
    let mut other = Node::with_random(a_server(), &mut Seeded(77));
    // Even of the same client with the same transient key.
    let theirs = RawClient::new(0x11).with_welcome(&mut other);
    refuses(|_| theirs.initiate().frame(), Kind::Unopenable(BoxName::Cookie));
    let mixed = |client: &RawClient| {
        Initiate { cookie: theirs.cookie.clone(), ..client.initiate() }.frame()
    };
    refuses(mixed, Kind::Unopenable(BoxName::Cookie));
}

// CURVEZMQ-25: a source of randomness that repeats itself gives two connections the same cookie key.
#[test]
fn a_cookie_for_another_transient_key_is_refused() {
    let theirs = RawClient::new(0x22).with_welcome(&mut server_node());
    refuses(|_| theirs.initiate().frame(), Misbehaved::CookieMismatch);
}

// CURVEZMQ-17. hostile: C4
#[test]
fn a_cookie_is_good_for_a_minute() {
    let patient = |limits: &mut Limits| limits.handshake_timeout = seconds(100);
    for (wait, fresh) in [(0, true), (60, true), (61, false), (99, false)] {
        let config = a_server().with_limits(limits(patient));
        let mut node = Node::with_random(config, &mut Seeded(2));
        let client = RawClient::new(0x11).with_welcome(&mut node);
        node.wait(seconds(wait));
        if fresh {
            node.feed(&client.initiate().frame()).peer();
        } else {
            refuses_now(&mut node, &client.initiate().frame(), Misbehaved::CookieExpired);
        }
    }
}

// CURVEZMQ-25: the box.
#[test]
fn the_box_of_initiate_opens() {
    let unopenable = Kind::Unopenable(BoxName::Initiate);
    for bit in (0..144 * 8).step_by(7) {
        let altered = |client: &RawClient| {
            let mut initiate = client.initiate();
            flip(&mut initiate.sealed, bit);
            initiate.frame()
        };
        refuses(altered, unopenable.clone());
    }
    let other =
        |client: &RawClient| RawClient { server_transient: public(&[3; 32]), ..client.clone() };
    refuses(|client| other(client).initiate().frame(), unopenable.clone());
    let other = |client: &RawClient| RawClient { transient: [3; 32], ..client.clone() };
    refuses(|client| other(client).initiate().frame(), unopenable.clone());
    refuses(|client| Initiate { nonce: 3, ..client.initiate() }.frame(), unopenable.clone());
    let cut = |client: &RawClient| {
        let mut data = client.initiate().data();
        data.pop();
        command("INITIATE", &data)
    };
    refuses(cut, unopenable);
}

// CURVEZMQ-22, CURVEZMQ-26. hostile: C5
#[test]
fn the_vouch_is_by_the_owner_of_the_key() {
    let unopenable = Kind::Unopenable(BoxName::Vouch);
    for at in [0, 15, 16, 47, 48, 79] {
        refuses_content(|_, content| content.vouch[at] ^= 0x10, unopenable.clone());
    }
    refuses_content(|_, content| content.vouch_nonce[0] ^= 1, unopenable.clone());
    // The key of somebody else, vouched for with an own one.
    refuses_content(|_, content| content.client = public(&[0xAB; 32]), unopenable.clone());
    let by_transient = |client: &RawClient, content: &mut Content| {
        let vouched = [public(&client.transient), client.server].concat();
        content.vouch = client.vouch_by(&client.transient, &vouched);
    };
    refuses_content(by_transient, unopenable);
}

// CURVEZMQ-26: a vouch for another C', as a server has it that the client talked to before.
// CURVEZMQ-27: a vouch for another S; libzmq takes it. hostile: C5
#[test]
fn the_vouch_is_for_this_connection_and_this_server() {
    let over = |client: &RawClient, first: [u8; 32], second: [u8; 32]| {
        client.vouch_by(&client.permanent, &[first, second].concat())
    };
    let transient = |client: &RawClient| public(&client.transient);
    let (mut low, mut high) = ([0; 32], [0; 32]);
    (low[0], high[31]) = (1, 0x80);
    for bits in [[1; 32], low, high] {
        let changed = |key: [u8; 32]| std::array::from_fn(|at| key[at] ^ bits[at]);
        refuses_content(
            |client, content| {
                content.vouch = over(client, changed(transient(client)), client.server);
            },
            Misbehaved::VouchClientKey,
        );
        refuses_content(
            |client, content| {
                content.vouch = over(client, transient(client), changed(client.server));
            },
            Misbehaved::VouchServerKey,
        );
    }
    refuses_content(
        |client, content| content.vouch = over(client, client.server, transient(client)),
        Misbehaved::VouchClientKey,
    );
}

// CURVEZMQ-53: anybody can vouch for such a key. hostile: C2
#[test]
fn permanent_keys_of_low_order_are_refused() {
    for point in low_order_points() {
        let forged = |client: &RawClient, content: &mut Content| {
            content.client = point;
            let vouched = [public(&client.transient), client.server].concat();
            content.vouch = seal(&[1; 32], &point, &long("VOUCH---", &[0xF0; 16]), &vouched);
        };
        refuses_content(forged, Misbehaved::LowOrderKey);
    }
}

// CURVEZMQ-41, CURVEZMQ-44: libzmq compares from MESSAGE on only.
// CURVEZMQ-45: a gap is fine.
#[test]
fn the_nonce_of_initiate_is_above_that_of_hello() {
    for (hello, initiate, good) in [
        (1, 2, true),
        (0, 1, true),
        (5, 1 << 40, true),
        (5, u64::MAX, true),
        (5, 5, false),
        (5, 1, false),
        (0, 0, false),
        (u64::MAX, 0, false),
        (u64::MAX, u64::MAX, false),
    ] {
        let mut node = server_node();
        let mut client = RawClient { nonce: initiate, ..RawClient::new(0x11) };
        node.feed(&greeting("CURVE")).feed(&client.hello_over(&[0; 64], hello).frame());
        client.welcome(&node.written()[66..]);
        if good {
            node.feed(&client.initiate().frame()).peer();
        } else {
            refuses_now(&mut node, &client.initiate().frame(), Misbehaved::NonceNotRising);
        }
    }
}

// CURVEZMQ-24: what every parser of metadata must survive, whole and in pieces.
#[test]
fn malformed_metadata_is_refused() {
    let filled = |octet: u8, len: usize| [vec![len as u8], vec![octet; len]].concat();
    let many = property("X", "").repeat(65);
    let cases: [(Vec<u8>, MetadataError); 12] = [
        (hex("00"), MetadataError::Name),
        (hex("01"), MetadataError::Truncated),
        (hex("01 41"), MetadataError::Truncated),
        (hex("01 41 00 00 00"), MetadataError::Truncated),
        (hex("01 41 00 00 00 01"), MetadataError::Truncated),
        (hex("01 41 FF FF FF FF"), MetadataError::ValueLength),
        (hex("01 41 7F FF FF FF 00"), MetadataError::Truncated),
        (hex("01 41 80 00 00 00 00"), MetadataError::ValueLength),
        (hex("00 00 00 00 00"), MetadataError::Name),
        (filled(0x41, 254), MetadataError::Truncated),
        (of_dealer(), MetadataError::Duplicate),
        (many, MetadataError::TooLarge),
    ];
    for (more, error) in cases {
        let spoilt = |_: &RawClient, content: &mut Content| content.metadata.extend(&more);
        refuses_content(spoilt, Malformed::Metadata(error));
    }
    // Names ignore case; a value may be empty.
    let (mut node, client) = welcomed();
    let metadata = [property("sOCKET-tYPE", "DEALER"), property("X-Empty", "")].concat();
    node.feed(&client.initiate_over(&Content { metadata, ..client.content() }).frame());
    assert_eq!(node.peer().claimed.socket_type, SocketType::DEALER);
}

// CURVEZMQ-28, CURVEZMQ-10: while the first connection lives, and without it.
// hostile: C3
#[test]
fn a_recorded_session_fails_at_initiate() {
    let mut first = server_node();
    let (client, _) = RawClient::new(0x11).with_ready(&mut first);
    let recorded = [
        greeting("CURVE"),
        client.hello().frame(),
        client.initiate().frame(),
        client.traffic().message(0, b"pay 100"),
    ]
    .concat();
    for seed in 100..110 {
        let mut node = Node::with_random(a_server(), &mut Seeded(seed));
        node.feed(&recorded);
        let error = node.refused();
        let cookie = Kind::Unopenable(BoxName::Cookie);
        assert_eq!((error.stage, &error.kind), (Stage::Initiate, &cookie));
        assert_eq!((node.asked.len(), node.events.len()), (0, 0));
        assert_eq!(node.written().len(), 64 + 170, "no READY");
    }
    assert_eq!(first.error, None);
}

// CURVEZMQ-51: in place of INITIATE nothing else is taken.
#[test]
fn the_server_takes_nothing_else_second() {
    for name in ["WELCOME", "READY", "MESSAGE", "initiate", "PING"] {
        let data = |client: &RawClient| client.initiate().data();
        refuses(|client| command(name, &data(client)), Misbehaved::UnexpectedCommand);
    }
    refuses(|_| error("400"), Misbehaved::UnexpectedCommand);
    refuses(|_| message(&[b"sneaky"]), Misbehaved::MessageInHandshake);
}

// CURVE-11, ZMTP-SOCKTYPE-13: the one malformation that the client is told about.
#[test]
fn a_socket_type_that_does_not_fit_is_told() {
    for socket_type in ["PUB", "dealer", "", "\0"] {
        let (mut node, client) = welcomed();
        let metadata = property("Socket-Type", socket_type);
        node.feed(&client.initiate_over(&Content { metadata, ..client.content() }).frame());
        let kind = &node.refused().kind;
        assert!(matches!(kind, Kind::Incompatible(Incompatible::SocketType { .. })), "{kind}");
        assert_eq!(node.asked, []);
        assert_eq!(node.written(), error("Invalid-Socket-Type"));
    }
}
