//! Nothing that is printed holds a password, or octets of a peer that were not escaped.

use zmtp_core::SocketType::ROUTER;
use zmtp_core::auth::{AuthDecision, Domain, Refusal, Secret, UserId};
use zmtp_core::error::{Incompatible, Kind, ProtocolError, Stage};
use zmtp_core::mechanism::plain::PlainClient;
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::command::Command;
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

use crate::support::*;

/// `secret`, as text and as `Debug` prints the octets.
fn shows_the_password(printed: &str) -> bool {
    printed.contains("secret\"")
        || printed.contains("secret'")
        || printed.contains("06secret")
        || printed.contains("\\x06secret")
        || printed.contains("115, 101, 99, 114, 101, 116")
}

// hostile: R9
#[test]
fn no_password_is_printed_at_any_stage() {
    let mut printed = Vec::new();
    printed.push(format!("{:?}", PlainClient::new(b"admin", b"secret").unwrap()));
    printed.push(format!("{:?}", plain_client()));
    printed.push(format!("{:?}", Secret::new(b"secret".to_vec())));

    let mut client = Node::new(plain_client());
    printed.push(format!("{:?}", client.connection));
    let mut input = bytes::BytesMut::from(&greeting("PLAIN")[..]);
    client.connection.handle_input(client.now, &mut input).unwrap();
    printed.push(format!("{:#?}", client.connection)); // HELLO waits to be written

    let mut server = Node::new(plain_server()).answering(None);
    server.feed(&greeting("PLAIN")).feed(&hello(b"admin", b"secret"));
    printed.push(format!("{:?}", server.connection));
    printed.push(format!("{:?}", server.asked));
    let data = credentials(b"admin", b"secret");
    printed.push(format!("{:?}", Command { name: b"HELLO", data: &data }));

    for text in printed {
        assert!(!shows_the_password(&text), "{text}");
    }
    assert!(shows_the_password(&format!("{:?}", bytes::Bytes::from_static(b"\x06secret"))));
}

/// What applications add to the metadata may be a credential, whichever way it is spelt.
// hostile: R9
#[test]
fn no_property_of_an_application_is_printed() {
    let mut node = Node::new(null(ROUTER)).answering(None);
    let properties = [
        property("Socket-Type", "DEALER"),
        property("X-Auth-Token", "secret"),
        property("x-AUTH-pin", "secret"),
        property("X-Note", "secret"),
    ];
    node.feed(&greeting("NULL")).feed(&command("READY", &properties.concat()));
    let mut metadata = Metadata::new();
    metadata.push("X-Auth-Token", "secret").unwrap();
    for text in [
        format!("{:?}", node.peer()),
        format!("{:#?}", node.events),
        format!("{:?}", node.connection),
        format!("{metadata:?}"),
        format!("{:?}", AuthDecision::Accept { user_id: None, metadata: metadata.clone() }),
    ] {
        assert!(!shows_the_password(&text) && !text.contains("secret"), "{text}");
    }
    assert!(format!("{:?}", node.peer()).contains("x-AUTH-pin"), "the names are no secret");
    assert_eq!(format!("{metadata:?}"), r#"{"X-Auth-Token": 6 octets}"#);
    let mut others = Metadata::new();
    others.push("Resource", "a\nb").unwrap();
    assert_eq!(format!("{others:?}"), r#"{"Resource": b"a\nb"}"#);
}

#[test]
fn secrets_are_equal_by_content() {
    let secret = |octets: &[u8]| Secret::new(octets.to_vec());
    assert_eq!(secret(b"secret"), secret(b"secret"));
    assert_ne!(secret(b"secret"), secret(b"secreT"));
    assert_ne!(secret(b"secret"), secret(b"secret "));
    assert_eq!(secret(b"secret").expose(), b"secret");
}

// hostile: R8
#[test]
fn what_a_peer_chose_is_escaped_everywhere() {
    let evil = "a\r\n\x1B[2J\0b\u{202E}";
    let mut octets = [0; 20];
    octets[..7].copy_from_slice(b"A\n\x1B[2Jx");
    let theirs = MechanismName::from_octets(octets);
    let (ours, text) = (MechanismName::NULL, evil.into());
    let mut node = Node::new(null(ROUTER));
    let identity = [property("Socket-Type", "DEALER"), property("Identity", evil)].concat();
    node.feed(&greeting("NULL"))
        .feed(&command("READY", &identity))
        .feed(&message(&[evil.as_bytes()]));
    let shown = [
        Incompatible::Mechanism { ours, theirs }.to_string(),
        format!("{theirs:?}"),
        ProtocolError::local(
            Stage::Authentication,
            Kind::Denied { status: Refusal::Failure, text },
        )
        .to_string(),
        RoutingId::new(evil).unwrap().to_string(),
        format!("{} {}", Domain::new(evil).unwrap(), UserId::new(evil).unwrap()),
        format!("{:?}", node.peer()),
        format!("{:?}", node.events),
    ];
    for text in shown {
        let harmless = |letter: char| letter == ' ' || letter.is_ascii_graphic();
        assert!(text.chars().all(harmless), "{text:?}");
    }
}

#[test]
fn names_of_the_authenticator_have_a_size() {
    assert!(Domain::new(&"d".repeat(255)).is_some() && Domain::new(&"d".repeat(256)).is_none());
    assert!(UserId::new(&"u".repeat(255)).is_some() && UserId::new(&"u".repeat(256)).is_none());
    assert!(UserId::default().is_empty());
    assert_eq!(AuthDecision::accept().status().code(), "200");
    for (refusal, code) in
        [(Refusal::Temporary, "300"), (Refusal::Failure, "400"), (Refusal::Internal, "500")]
    {
        assert_eq!(AuthDecision::refuse(refusal, "").status().to_string(), code);
        let status = zmtp_core::auth::AuthStatus::from_code(code.as_bytes());
        assert_eq!(status, Some(refusal.status()));
    }
    for code in ["", "201", "2000", "600", "20"] {
        assert_eq!(zmtp_core::auth::AuthStatus::from_code(code.as_bytes()), None);
    }
}

// An IPv4 address is one, however the system dresses it.
#[test]
fn addresses_are_canonical() {
    let mapped = PeerAddress::Ip("[::ffff:192.0.2.7]:5555".parse().unwrap());
    assert_eq!(mapped.to_string(), "192.0.2.7:5555");
    assert_eq!(mapped.zap_text(), "192.0.2.7");
    assert_eq!(mapped.ip(), Some("192.0.2.7".parse().unwrap()));
    let process = PeerAddress::Process { uid: 1, gid: 2, pid: Some(3) };
    assert_eq!(process.zap_text(), "localhost:1:2:3");
    assert_eq!((PeerAddress::Inproc.zap_text(), PeerAddress::Unknown.ip()), (String::new(), None));
}
