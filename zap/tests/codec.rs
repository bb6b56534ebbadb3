//! Requests and replies of 27/ZAP.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use zap::codec::{Envelope, Reply, Request, VERSION, ZapError};
use zap::handler::{answer, answer_body};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, AuthStatus, Credentials, Domain, Refusal, Secret, UserId,
};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

fn question(mechanism: MechanismName, credentials: Credentials) -> AuthRequest {
    AuthRequest {
        domain: Domain::new("lab").unwrap(),
        address: PeerAddress::Ip("192.0.2.7:5000".parse().unwrap()),
        listener: Arc::from("tcp://192.0.2.1:9000"),
        routing_id: RoutingId::new(&b"me"[..]).unwrap(),
        mechanism,
        credentials,
        metadata: Metadata::new(),
    }
}

fn plain() -> AuthRequest {
    let (username, password) = (Bytes::from_static(b"admin"), Secret::new(b"secret".to_vec()));
    question(MechanismName::PLAIN, Credentials::Plain { username, password })
}

fn reply(frames: &[&[u8]]) -> AuthDecision {
    Reply::decision_of(Reply::decode(frames, b"1"))
}

fn refused_internally(decision: &AuthDecision) -> bool {
    matches!(decision, AuthDecision::Refuse { status: Refusal::Internal, .. })
}

const FULL: [&[u8]; 6] = [b"1.0", b"1", b"200", b"OK", b"admin", b""];

/// A good reply with one frame replaced.
fn with(at: usize, frame: &[u8]) -> AuthDecision {
    let mut frames = FULL;
    frames[at] = frame;
    reply(&frames)
}

// ZAP-04, ZAP-05, ZAP-06, ZAP-07, ZAP-08, ZAP-09, ZAP-10, ZAP-12
#[test]
fn a_request_has_its_frames_in_order() {
    let request = Request::new(&b"any id"[..], &plain()).unwrap();
    let frames = request.encode();
    let expected: [&[u8]; 8] =
        [b"1.0", b"any id", b"lab", b"192.0.2.7", b"me", b"PLAIN", b"admin", b"secret"];
    assert_eq!(frames, expected.map(Bytes::from_static));
    assert_eq!(Request::decode(&frames), Ok(request));
    let whole = Envelope::default().wrap(frames);
    assert!(whole[0].is_empty() && whole[1] == VERSION, "the delimiter comes first");
    assert_eq!(Request::new(&b""[..], &plain()).unwrap().id(), &Bytes::new());
}

// ZAP-11, ZAP-13
#[test]
fn credentials_are_those_of_the_mechanism() {
    let null = Request::new(&b"1"[..], &question(MechanismName::NULL, Credentials::Null)).unwrap();
    assert_eq!(null.encode().len(), 6);
    let key = Credentials::Curve { public_key: [7; 32] };
    let curve = Request::new(&b"1"[..], &question(MechanismName::CURVE, key)).unwrap();
    assert_eq!(curve.encode()[6..], [Bytes::copy_from_slice(&[7; 32])]);
}

// ZAP-10: the padding that a name has in a greeting is no part of it here.
#[test]
fn a_mechanism_has_no_padding() {
    let mut frames = Request::new(&b"1"[..], &plain()).unwrap().encode();
    frames[5] = Bytes::from_static(b"PLAIN\0");
    assert_eq!(Request::decode(&frames), Err(ZapError::Mechanism));
}

// ZAP-08, hostile: Z6
#[test]
fn addresses_are_canonical_and_processes_have_one() {
    let as_text = |address| {
        let question = AuthRequest { address, ..plain() };
        Request::new(&b"1"[..], &question).unwrap().encode()[3].clone()
    };
    assert_eq!(as_text(PeerAddress::Ip("[::ffff:192.0.2.7]:1".parse().unwrap())), "192.0.2.7");
    assert_eq!(as_text(PeerAddress::Ip("[2001:DB8::1]:1".parse().unwrap())), "2001:db8::1");
    let process = PeerAddress::Process { uid: 1, gid: 2, pid: Some(3) };
    assert_eq!(as_text(process), "localhost:1:2:3");
    assert_eq!(as_text(PeerAddress::Inproc), "");
}

// ZAP-14, ZAP-15, ZAP-16, ZAP-17, ZAP-18, ZAP-19
#[test]
fn a_reply_has_its_frames_in_order_and_repeats_the_id() {
    let mut metadata = Metadata::new();
    metadata.push("Role", "chief").unwrap();
    let user_id = UserId::new("admin");
    let accepted =
        Reply::new(&b"7"[..], AuthDecision::Accept { user_id, metadata: metadata.clone() });
    let frames = accepted.encode();
    let mut block = BytesMut::new();
    metadata.encode(&mut block);
    assert_eq!(frames[..5], [&b"1.0"[..], b"7", b"200", b"OK", b"admin"].map(Bytes::from_static));
    assert_eq!(frames[5], block);
    assert_eq!(Reply::decode(&frames, b"7"), Ok(accepted));
    for (refusal, code) in
        [(Refusal::Temporary, "300"), (Refusal::Failure, "400"), (Refusal::Internal, "500")]
    {
        let frames = Reply::new(&b"7"[..], AuthDecision::refuse(refusal, "")).encode();
        assert_eq!((&frames[2][..], frames.len()), (code.as_bytes(), 6));
        assert!(frames[3..].iter().all(Bytes::is_empty), "no user id and no metadata");
        assert_eq!(reply(&[b"1.0", b"1", code.as_bytes(), b"", b"", b""]).status().code(), code);
    }
}

// hostile: V3
#[test]
fn replies_of_any_shape_are_read_or_refuse() {
    let large = vec![0xFF; 1 << 20];
    let kinds: [&[u8]; 4] = [b"", b"1.0", b"200", &large];
    for count in 0..=9 {
        for kind in kinds {
            // All frames of one kind, then a good reply with its first frames of that kind.
            assert!(refused_internally(&reply(&vec![kind; count])), "{count} frames");
            for replaced in 1..=count.min(FULL.len()) {
                let mut frames: Vec<&[u8]> = FULL.into_iter().cycle().take(count).collect();
                frames[..replaced].fill(kind);
                let good = count == FULL.len() && frames[..3] == FULL[..3];
                let decision = reply(&frames);
                assert!(good || refused_internally(&decision), "{replaced} of {count}");
            }
        }
    }
}

// ZAP-20, ZAP-25, ZAP-27, hostile: Z4, hostile: Z8
#[test]
fn a_reply_that_breaks_any_rule_refuses() {
    assert_eq!(reply(&FULL).status(), AuthStatus::Success);
    for count in 0..FULL.len() {
        assert!(refused_internally(&reply(&FULL[..count])), "{count} frames");
    }
    assert!(refused_internally(&reply(&[&FULL[..], &[b""]].concat())), "one frame more");
    for version in [&b""[..], b"1.1", b"1", b"1.0 ", b"2.0"] {
        assert!(refused_internally(&with(0, version)));
    }
    for id in [&b""[..], b"2", b"11"] {
        assert!(refused_internally(&with(1, id)));
    }
    for status in [&b""[..], b"201", b"600", b"2000", b"20", b"OK", b" 200"] {
        assert!(refused_internally(&with(2, status)), "{status:?}");
    }
    assert!(refused_internally(&with(3, &[b'x'; 256])));
    assert!(refused_internally(&with(4, &[b'x'; 256])));
    assert_eq!(with(4, &[b'x'; 255]).status(), AuthStatus::Success);
    for metadata in
        [&b"\x01"[..], b"\x01A", b"\x01A\0\0\0\x05abc", b"\0\0\0\0\0", b"\x01A\x80\0\0\0"]
    {
        assert!(refused_internally(&with(5, metadata)), "{metadata:?}");
    }
    for name in ["User-Id", "peer-address", "Routing-Id", "Socket-Type", "identity", "__fd"] {
        let mut metadata = Metadata::new();
        metadata.push(name, "x").unwrap();
        let mut block = BytesMut::new();
        metadata.encode(&mut block);
        assert!(refused_internally(&with(5, &block)), "{name}");
        let accept = AuthDecision::Accept { user_id: None, metadata };
        assert!(refused_internally(Reply::new(&b"1"[..], accept).decision()), "{name}");
    }
    let whole = Envelope::default().wrap(FULL.map(Bytes::from_static).to_vec());
    assert!(Reply::decode_message(&whole, b"1").is_ok());
    let mut broken = whole;
    broken[0] = Bytes::from_static(b"x");
    assert_eq!(Reply::decode_message(&broken, b"1"), Err(ZapError::Delimiter));
}

fn accepting() -> impl zmtp_core::auth::Authenticator {
    zap::from_sync_fn(|_| AuthDecision::accept())
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("nothing here waits"),
    }
}

// ZAP-03, ZAP-30, ZAP-31, ZAP-32
#[test]
fn a_handler_answers_each_request_once_and_refuses_what_is_none() {
    let good = Request::new(&b"1"[..], &plain()).unwrap().encode();
    let status = |frames: &[Bytes]| {
        let reply = wait(answer_body(&accepting(), frames));
        assert_eq!(reply.len(), 6);
        String::from_utf8(reply[2].to_vec()).unwrap()
    };
    assert_eq!(status(&good), "200");
    let replaced = |at: usize, frame: &'static [u8]| {
        let mut frames = good.clone();
        frames[at] = Bytes::from_static(frame);
        frames
    };
    assert_eq!(status(&replaced(0, b"1.1")), "500");
    for count in 0..6 {
        assert_eq!(status(&good[..count]), "500", "{count} frames");
    }
    assert_eq!(status(&good[..6]), "400", "PLAIN without credentials");
    assert_eq!(status(&good[..7]), "400", "PLAIN without a password");
    assert_eq!(status(&[&good[..], &[Bytes::new()]].concat()), "400", "PLAIN with three");
    assert_eq!(status(&replaced(5, b"")), "400", "no mechanism");
    assert_eq!(status(&replaced(5, b"NULL")), "400", "NULL with credentials");
    assert_eq!(status(&replaced(5, b"CURVE")), "400", "CURVE with two");
    let mut curve = replaced(5, b"CURVE");
    curve.truncate(7);
    curve[6] = Bytes::from_static(&[1; 31]);
    assert_eq!(status(&curve), "400", "a key of 31 octets");
}

// ZAP-24
#[test]
fn the_envelope_goes_back_with_the_reply() {
    let body = Request::new(&b"1"[..], &plain()).unwrap().encode();
    let routing = vec![Bytes::from_static(b"hop one"), Bytes::from_static(b"hop two")];
    let whole = Envelope::new(routing.clone()).unwrap().wrap(body);
    let reply = wait(answer(&accepting(), &whole)).unwrap();
    assert_eq!((&reply[..2], reply[2].len(), &reply[3][..]), (&routing[..], 0, VERSION));
    assert_eq!(wait(answer(&accepting(), &routing)), None, "no delimiter, nobody to answer");
    assert_eq!(Envelope::new(vec![Bytes::new()]), None);
}

fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let known = prop_oneof![
        Just(b"1.0".to_vec()),
        Just(b"1".to_vec()),
        Just(b"200".to_vec()),
        Just(b"PLAIN".to_vec()),
        Just(b"CURVE".to_vec()),
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..300),
    ];
    proptest::collection::vec(known, 0..10)
}

proptest! {
    // Whatever the frames, there is an answer, and what was understood says the same again.
    #[test]
    fn any_frames_have_a_verdict(frames in frames()) {
        if let Ok(request) = Request::decode(&frames) {
            prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
        if let Ok(reply) = Reply::decode(&frames, b"1") {
            prop_assert_eq!(frames.len(), 6);
            prop_assert_eq!(&frames[0], b"1.0");
            let again = Reply::decode(&reply.encode(), b"1").map(|reply| reply.decision().status());
            prop_assert_eq!(again, Ok(reply.decision().status()));
        }
        prop_assert!(wait(answer_body(&accepting(), &frames)).len() == 6);
    }

    // ZAP-27: only a reply that is right in every frame lets anybody in.
    #[test]
    fn acceptance_needs_every_frame(frames in frames()) {
        let decision = Reply::decision_of(Reply::decode(&frames, b"1"));
        if decision.status() == AuthStatus::Success {
            prop_assert!(frames[0] == b"1.0" && frames[1] == b"1" && frames[2] == b"200");
        }
    }
}
