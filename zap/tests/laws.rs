//! Laws of the codec: what can be built can be encoded, and decodes to itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use zap::codec::{Envelope, Field, Reply, Request, ZapError};
use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, Domain, Refusal, Secret, UserId};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

fn octets(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..=most)
}

fn addresses() -> impl Strategy<Value = PeerAddress> {
    let ip = (any::<IpAddr>(), any::<u16>());
    prop_oneof![
        ip.prop_map(|(ip, port)| PeerAddress::Ip(SocketAddr::new(ip, port))),
        any::<(u32, u32, Option<u32>)>().prop_map(|(uid, gid, pid)| PeerAddress::Process {
            uid,
            gid,
            pid
        }),
        Just(PeerAddress::Inproc),
        Just(PeerAddress::Unknown),
    ]
}

fn credentials() -> impl Strategy<Value = (MechanismName, Credentials)> {
    let plain = (octets(255), octets(255)).prop_map(|(username, password)| {
        let (username, password) = (username.into(), Secret::new(password));
        (MechanismName::PLAIN, Credentials::Plain { username, password })
    });
    let curve = any::<[u8; 32]>()
        .prop_map(|public_key| (MechanismName::CURVE, Credentials::Curve { public_key }));
    let other = ("[A-Z]{6,20}", proptest::collection::vec(octets(300), 0..4)).prop_map(
        |(mechanism, frames)| {
            let frames = frames.into_iter().map(Secret::new).collect();
            (MechanismName::new(mechanism.as_bytes()).unwrap(), Credentials::Other(frames))
        },
    );
    prop_oneof![Just((MechanismName::NULL, Credentials::Null)), plain, curve, other]
}

prop_compose! {
    fn questions()(
        domain in "[ -~]{0,255}",
        address in addresses(),
        identity in octets(255),
        (mechanism, credentials) in credentials(),
    ) -> AuthRequest {
        AuthRequest {
            domain: Domain::new(&domain).unwrap(),
            address,
            listener: Arc::from("tcp://192.0.2.1:9000"),
            routing_id: RoutingId::new(identity).unwrap(),
            mechanism,
            credentials,
            metadata: Metadata::new(),
        }
    }
}

fn decisions() -> impl Strategy<Value = AuthDecision> {
    let properties = proptest::collection::vec(("[a-z]{1,20}", octets(40)), 0..8);
    let accept = ("\\PC{0,60}", properties).prop_map(|(user_id, properties)| {
        let mut metadata = Metadata::new();
        for (name, value) in properties {
            metadata.push(&name, value).unwrap();
        }
        AuthDecision::Accept { user_id: UserId::new(&user_id), metadata }
    });
    let refusal =
        prop_oneof![Just(Refusal::Temporary), Just(Refusal::Failure), Just(Refusal::Internal)];
    let refuse =
        (refusal, "(?s).{0,300}").prop_map(|(refusal, text)| AuthDecision::refuse(refusal, &text));
    prop_oneof![accept, refuse]
}

proptest! {
    #[test]
    fn a_request_decodes_to_itself(id in octets(255), question in questions()) {
        let request = Request::new(id, &question).unwrap();
        let frames = request.encode();
        prop_assert_eq!(&Request::decode(&frames), &Ok(request.clone()));
        let (_, asked) = request.into_parts();
        prop_assert_eq!(asked.address.ip(), question.address.ip());
        prop_assert_eq!(asked.address.zap_text(), question.address.zap_text());
        prop_assert_eq!(asked.credentials, question.credentials);
    }

    // ZAP-15, ZAP-20: whatever the decision, its reply is legal, and never a better one.
    #[test]
    fn a_reply_decodes_to_itself_and_is_ascii(id in octets(255), decision in decisions()) {
        let reply = Reply::new(id.clone(), decision.clone());
        let frames = reply.encode();
        prop_assert_eq!(&Reply::decode(&frames, &id), &Ok(reply.clone()));
        for text in &frames[2..5] {
            prop_assert!(text.len() <= 255 && text.is_ascii());
        }
        match (decision, reply.decision()) {
            (AuthDecision::Accept { user_id, .. }, AuthDecision::Accept { user_id: sent, .. }) => {
                prop_assert_eq!(user_id.filter(|it| !it.is_empty()), sent.clone());
            }
            (before, after) => prop_assert!(before.status() <= after.status()),
        }
    }

    #[test]
    fn an_envelope_of_any_number_of_hops_comes_back(
        routing in proptest::collection::vec(octets(255), 0..6),
        body in proptest::collection::vec(octets(9), 0..8),
    ) {
        let routing: Vec<_> = routing.into_iter().map(Bytes::from).filter(|f| !f.is_empty()).collect();
        let body: Vec<_> = body.into_iter().map(Bytes::from).collect();
        let whole = Envelope::new(routing.clone()).unwrap().wrap(body.clone());
        let (envelope, rest) = Envelope::split(&whole).unwrap();
        prop_assert_eq!((envelope.routing(), rest), (&routing[..], &body[..]));
    }
}

fn decoded(at: usize, frame: &[u8]) -> Result<AuthRequest, ZapError> {
    let mut frames: [&[u8]; 6] = [b"1.0", b"1", b"lab", b"192.0.2.7", b"me", b"NULL"];
    frames[at] = frame;
    Request::decode(&frames).map(|request| request.into_parts().1)
}

// ZAP-08, hostile: Z6
#[test]
fn the_addresses_of_libzmq_are_understood() {
    let address = |text: &str| decoded(3, text.as_bytes()).map(|question| question.address);
    let ip = |text: &str| Ok(PeerAddress::Ip(SocketAddr::new(text.parse().unwrap(), 0)));
    let process = |uid, gid, pid| Ok(PeerAddress::Process { uid, gid, pid });
    assert_eq!(address("::ffff:192.0.2.7"), ip("192.0.2.7"));
    assert_eq!(address("2001:DB8:0::1"), ip("2001:db8::1"));
    assert_eq!(address("fe80::1%eth0"), ip("fe80::1"));
    assert_eq!(address("localhost:1000:100:4711"), process(1000, 100, Some(4711)));
    assert_eq!(address("localhost:501:20:"), process(501, 20, None));
    assert_eq!(address("localhost"), Ok(PeerAddress::Unknown));
    assert_eq!(address(""), Ok(PeerAddress::Unknown));
    for garbage in [
        "tcp://192.0.2.7",
        "192.0.2.7:5000",
        "192.0.2.07x",
        "host.example",
        "localhost:",
        " ",
        "localhost:1:2",
        "localhost:1:2:3:4",
        "localhost:+1:2:3",
        "localhost:-1:2:3",
        "localhosts",
        "localhost::2:3",
        "localhost:4294967296:2:3",
    ] {
        assert_eq!(address(garbage), Err(ZapError::Address), "{garbage}");
    }
}

// ZAP-20
#[test]
fn a_field_that_is_too_long_or_no_text_is_named() {
    let long = [b'1'; 256];
    assert_eq!(decoded(2, &long), Err(ZapError::TooLong(Field::Domain)));
    assert_eq!(decoded(3, &long), Err(ZapError::TooLong(Field::Address)));
    assert_eq!(decoded(4, &long), Err(ZapError::TooLong(Field::Identity)));
    assert_eq!(decoded(5, &long), Err(ZapError::Mechanism));
    assert_eq!(decoded(2, b"\xFF"), Err(ZapError::NotText(Field::Domain)));
    assert!(decoded(2, &long[1..]).is_ok() && decoded(4, &[0xFF; 255]).is_ok());
    let domain = Domain::new("Köln").unwrap();
    assert_eq!(decoded(2, "Köln".as_bytes()).unwrap().domain, domain, "taken");
    let question = AuthRequest { domain, ..decoded(2, b"").unwrap() };
    let sent = Request::new(Bytes::new(), &question);
    assert_eq!(sent, Err(ZapError::NotAscii(Field::Domain)), "but not sent");
}
