//! Metadata: the same parser wherever properties come from.

use bytes::{Bytes, BytesMut};
use zmtp_core::SocketType::{DEALER, ROUTER};
use zmtp_core::error::{Incompatible, Kind, Malformed, Misbehaved};
use zmtp_core::peer::RoutingId;
use zmtp_core::wire::metadata::{Metadata, MetadataError, PropertyName};
use zmtp_core::{Limits, SocketType};

use crate::support::*;

/// A connection that waits for a command with metadata, and the name of that command.
type Place = (&'static str, fn() -> Node);

/// NULL READY, PLAIN INITIATE and PLAIN READY.
const PLACES: [Place; 3] =
    [("READY", null_waits), ("INITIATE", server_waits), ("READY", client_waits)];

fn null_waits() -> Node {
    let mut node = Node::new(null(ROUTER));
    node.feed(&greeting("NULL"));
    node
}

fn server_waits() -> Node {
    let mut node = Node::new(plain_server());
    node.feed(&greeting("PLAIN")).feed(&hello(b"admin", b"secret"));
    node
}

fn client_waits() -> Node {
    let mut node = Node::new(plain_client());
    node.feed(&greeting("PLAIN")).feed(&command("WELCOME", b""));
    node
}

fn socket_type() -> Vec<u8> {
    property("Socket-Type", "DEALER")
}

/// What becomes of a block of metadata, the same in every place and however it is cut.
#[track_caller]
fn outcome(metadata: &[u8]) -> Option<Kind> {
    let mut kinds = PLACES.map(|(name, node)| {
        let verdict = same_however_cut(node, &command(name, metadata));
        assert_eq!(verdict.events.is_empty(), verdict.error.is_some());
        verdict.error.map(|error| match error.kind {
            // Under PLAIN the client is the DEALER.
            Kind::Incompatible(Incompatible::SocketType { theirs, .. }) => {
                Incompatible::SocketType { ours: ROUTER, theirs }.into()
            }
            kind => kind,
        })
    });
    assert_eq!(kinds[0], kinds[1]);
    assert_eq!(kinds[0], kinds[2]);
    kinds[0].take()
}

fn no_type() -> Kind {
    Incompatible::SocketType { ours: ROUTER, theirs: None }.into()
}

fn malformed(error: MetadataError) -> Kind {
    Malformed::Metadata(error).into()
}

// ZMTP-META-02, ZMTP-META-03, ZMTP-META-05, ZMTP-META-06, ZMTP-META-07, ZMTP-META-08, ZMTP-META-11,
// NULL-06, PLAIN-09: every hostile block, in every place where metadata is taken from a peer.
// hostile: M1, M2, V4
#[test]
fn hostile_blocks_get_one_verdict_everywhere() {
    use MetadataError::{Duplicate, Name, Truncated, ValueLength};
    let long_name = [&[0xFF; 1][..], &[0x41; 254]].concat();
    let longest_name = [&[0xFF; 1][..], &[0x41; 255], &[0; 4]].concat();
    let twice = |name: &str| [property(name, "DEALER"), property(name, "x")].concat();
    let table: Vec<(Vec<u8>, Kind)> = vec![
        (hex(""), no_type()),
        (hex("00"), malformed(Name)),
        (hex("01"), malformed(Truncated)),
        (hex("01 41"), malformed(Truncated)),
        (hex("01 41 00 00 00"), malformed(Truncated)),
        (hex("01 41 00 00 00 01"), malformed(Truncated)),
        (hex("01 41 00 00 00 00"), no_type()),
        (hex("01 41 FF FF FF FF"), malformed(ValueLength)),
        (hex("01 41 7F FF FF FF 00"), malformed(Truncated)),
        (hex("01 41 80 00 00 00 00"), malformed(ValueLength)),
        (long_name, malformed(Truncated)),
        (longest_name, no_type()),
        (hex("00 00 00 00 00"), malformed(Name)),
        (hex("00 00 00 00 01 76"), malformed(Name)),
        (hex("14 41 42 43"), malformed(Truncated)),
        ([socket_type(), hex("00")].concat(), malformed(Name)),
        ([socket_type(), hex("41")].concat(), malformed(Truncated)),
        ([socket_type(), hex("05 61 62")].concat(), malformed(Truncated)),
        (twice("Socket-Type"), malformed(Duplicate)),
        (twice("Identity"), malformed(Duplicate)),
        ([socket_type(), property("SOCKET-TYPE", "PUB")].concat(), malformed(Duplicate)),
        (property("Socket-Type", ""), no_type()),
        (property("Socket-Type", [b'A'; 255]), no_type()),
        (property("A\0B", "x"), malformed(Name)),
        (property("A\r\nB", "x"), malformed(Name)),
        (property("A B", "x"), malformed(Name)),
        (property("Ä", "x"), malformed(Name)),
        (hex("01 FF 00 00 00 00"), malformed(Name)),
    ];
    for (block, expected) in table {
        assert_eq!(outcome(&block), Some(expected), "{block:X?}");
    }
}

// ZMTP-META-05, ZMTP-META-09, ZMTP-META-12: what is unusual and legal.
#[test]
fn unusual_blocks_are_taken() {
    let all_octets: Vec<u8> = (0..=255).collect();
    let unknown = (0..50).flat_map(|at| property(&format!("Unknown-{at}"), "x"));
    for more in [
        property("X-Empty", ""),
        property("X-Bin", all_octets),
        property(&"n".repeat(255), "v"),
        property("a.b+c_d-0", "a\0b"),
        [property("X-Foo", "1"), property("X-Foo", "2"), property("Platform", "x")].concat(),
        unknown.collect(),
    ] {
        assert_eq!(outcome(&[socket_type(), more.clone()].concat()), None);
        assert_eq!(outcome(&[more, socket_type()].concat()), None);
    }
}

// ZMTP-SEC-07: a block that is too large is refused on the header of its frame.
// hostile: F2, M4
#[test]
fn large_blocks_are_refused_on_the_header() {
    let huge = property("Socket-Type", vec![b'A'; 65_536]);
    assert_eq!(outcome(&huge), Some(Misbehaved::OversizedCommand.into()));
    for (name, node) in PLACES {
        let body = 1 + name.len() + Limits::DEFAULT.max_metadata;
        for (size, refused) in [(body, false), (body + 1, true), (1 << 20, true), (1 << 30, true)] {
            let mut node = node();
            node.feed(&header(6, size as u64));
            assert_eq!(node.error.is_some(), refused, "{name} of {size}");
        }
    }
}

// hostile: M4
#[test]
fn many_properties_are_refused() {
    let many = |count: usize| (0..count).flat_map(|_| property("X", "")).collect::<Vec<u8>>();
    assert_eq!(outcome(&[socket_type(), many(63)].concat()), None);
    let expected = Some(malformed(MetadataError::TooLarge));
    assert_eq!(outcome(&[socket_type(), many(64)].concat()), expected);
    assert_eq!(outcome(&many(10_000)), expected);
}

// ZMTP-META-04: names are compared ignoring case, in what is enforced and in what is looked up.
// hostile: M3
#[test]
fn the_case_of_names_does_not_matter() {
    let theirs = Some(SocketType::PUB);
    let expected = Incompatible::SocketType { ours: ROUTER, theirs }.into();
    assert_eq!(outcome(&property("socket-type", "PUB")), Some(expected));
    let mut node = null_waits();
    let block = [property("sOCKET-tYPE", "DEALER"), property("IDENTITY", "BOB")].concat();
    node.feed(&command("READY", &block));
    let peer = node.peer();
    assert_eq!(peer.claimed.routing_id.as_bytes(), b"BOB");
    assert_eq!(peer.claimed.metadata.get("Identity").unwrap(), &b"BOB"[..]);
}

// ZMTP-META-01, ZMTP-META-10, ZMTP-META-14, ZMTP-SOCKTYPE-01, ZMTP-SOCKTYPE-02: what each type sends.
#[test]
fn ours_names_the_socket_and_nothing_more() {
    for ours in SocketType::ALL {
        let theirs = SocketType::ALL.into_iter().find(|theirs| ours.accepts(*theirs)).unwrap();
        let mut node = Node::new(null(ours));
        let written = node.feed(&hello_null(theirs.as_str())).written();
        let mut expected = property("Socket-Type", ours.as_str());
        if [SocketType::REQ, DEALER, ROUTER].contains(&ours) {
            expected.extend(property("Identity", ""));
        }
        assert_eq!(written[64..], command("READY", &expected));
    }
}

// ZMTP-META-01, ZMTP-IDENTITY-01: properties of the application follow those of the socket.
#[test]
fn properties_of_the_application_arrive() {
    let mut own = Metadata::new();
    own.push("X-Colour", "green").unwrap();
    own.push("X-Empty", "").unwrap();
    let config = null(DEALER).with_metadata(&RoutingId::new("BOB").unwrap(), &own).unwrap();
    let mut pair = Pair::new(config, null(ROUTER));
    pair.run();
    let claimed = &pair.server.peer().claimed;
    let properties: Vec<(&str, &[u8])> =
        claimed.metadata.iter().map(|(n, v)| (n, &v[..])).collect();
    let expected: [(&str, &[u8]); 4] = [
        ("Socket-Type", b"DEALER"),
        ("Identity", b"BOB"),
        ("X-Colour", b"green"),
        ("X-Empty", b""),
    ];
    assert_eq!(properties, expected);
    assert_eq!(claimed.routing_id.as_bytes(), b"BOB");
}

// ZMTP-SOCKTYPE-01, ZMTP-IDENTITY-04: nothing that a strict peer would refuse can be configured.
#[test]
fn illegal_metadata_of_our_own_is_refused_at_configuration() {
    let nobody = RoutingId::default();
    for name in ["Socket-Type", "IDENTITY"] {
        let mut own = Metadata::new();
        own.push(name, "x").unwrap();
        let refused = null(DEALER).with_metadata(&nobody, &own).unwrap_err();
        assert_eq!(refused, MetadataError::Duplicate);
    }
    let reserved = RoutingId::new(&b"\0a"[..]).unwrap();
    let refused = null(DEALER).with_metadata(&reserved, &Metadata::new()).unwrap_err();
    assert_eq!(refused, MetadataError::ReservedIdentity);
    assert_eq!(RoutingId::new(vec![1; 256]), None);
    for name in ["", "a b", "a\0", &"n".repeat(256)] {
        assert_eq!(Metadata::new().push(name, ""), Err(MetadataError::Name));
    }
}

// NULL-10: the two frames of the worked example, octet for octet, both ways.
#[test]
fn the_worked_example() {
    let dealer = hex("04 29 05 5245414459
        0B 536F636B65742D54797065 00000006 4445414C4552
        08 4964656E74697479 00000000");
    let router = hex("04 1C 05 5245414459 0B 536F636B65742D54797065 00000006 524F55544552");
    let written = Node::new(null(DEALER)).feed(&greeting("NULL")).feed(&router).written();
    assert_eq!(written[64..], dealer);
    let mut node = Node::new(null(ROUTER));
    assert_eq!(node.feed(&greeting("NULL")).feed(&dealer).peer().claimed.socket_type, DEALER);

    let metadata = Metadata::decode(&router[8..], &Limits::DEFAULT).unwrap();
    let mut block = BytesMut::new();
    metadata.encode(&mut block);
    assert_eq!(block, router[8..]);
}

// ZMTP-META-04: names are the same whatever their case, and shown as they were written.
#[test]
fn names_are_equal_whatever_their_case() {
    let name = |text| PropertyName::new(text).expect("a name");
    assert_eq!(name("X-Colour"), name("x-COLOUR"));
    assert_ne!(name("X-Colour"), name("X-Color"));
    assert_eq!(format!("{:?}", name("X-Colour")), "X-Colour");
    let metadata = |name| {
        let mut metadata = Metadata::new();
        assert!(metadata.is_empty());
        metadata.push(name, "blue").expect("a legal property");
        assert!(!metadata.is_empty());
        metadata
    };
    assert_eq!(metadata("X-Colour"), metadata("x-colour"));
    assert_ne!(metadata("X-Colour"), metadata("X-Shade"));
}

// ZMTP-META-06: no longer value can be written either.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_value_of_our_own_has_less_than_two_to_the_31_octets() {
    // Zeros that nobody reads take no memory.
    let zeros = Bytes::from(vec![0; 1 << 31]);
    let mut metadata = Metadata::new();
    assert_eq!(metadata.push("X-Long", zeros.clone()), Err(MetadataError::ValueLength));
    assert!(metadata.is_empty());
    assert_eq!(metadata.push("X-Long", zeros.slice(1..)), Ok(()));
}
