//! PLAIN: HELLO, WELCOME, INITIATE, READY.

use zmtp_core::SocketType::{DEALER, ROUTER};
use zmtp_core::auth::{AuthDecision, Credentials, Refusal, Secret, UserId};
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::{Kind, Malformed, Misbehaved, Stage};
use zmtp_core::mechanism::plain::{PlainClient, PlainServer};
use zmtp_core::wire::greeting::MechanismName;

use std::sync::Arc;

use crate::support::*;

fn server() -> Node {
    let mut node = Node::new(plain_server());
    node.feed(&greeting("PLAIN")).written();
    node
}

fn client() -> Node {
    let mut node = Node::new(plain_client());
    node.written();
    node.feed(&greeting("PLAIN"));
    node
}

fn initiate() -> Vec<u8> {
    command("INITIATE", &property("Socket-Type", "DEALER"))
}

fn client_as(username: &[u8], password: &[u8]) -> ConnectionConfig {
    let security = PlainClient::new(username, password).unwrap();
    ConnectionConfig::new(DEALER, Arc::new(security))
}

// PLAIN-02, PLAIN-05, PLAIN-07, PLAIN-14, ZMTP-META-13: the server's side, word for word.
#[test]
fn the_dialogue_of_the_server() {
    let mut node = server();
    assert!(node.written().is_empty(), "nothing before HELLO");
    node.feed(&hex("04 13 05 48454C4C4F 05 61646D696E 06 736563726574")); // admin, secret
    assert_eq!(node.written(), hex("04 08 07 57454C434F4D45")); // WELCOME
    node.feed(&initiate()).peer();
    let metadata = [property("Socket-Type", "ROUTER"), property("Identity", "")].concat();
    assert_eq!(node.written(), command("READY", &metadata));
}

// PLAIN-02, PLAIN-03, PLAIN-06, PLAIN-13, ZMTP-META-13: the client's side, word for word.
#[test]
fn the_dialogue_of_the_client() {
    let mut node = client();
    assert_eq!(node.written(), hex("04 13 05 48454C4C4F 05 61646D696E 06 736563726574"));
    assert!(node.wait(seconds(2)).written().is_empty(), "no INITIATE before WELCOME");
    node.feed(&command("WELCOME", b""));
    let metadata = [property("Socket-Type", "DEALER"), property("Identity", "")].concat();
    assert_eq!(node.written(), command("INITIATE", &metadata));
    node.feed(&ready("ROUTER")).peer();
    assert!(node.written().is_empty());
}

// PLAIN-02: the two against each other, cut at every octet.
#[test]
fn a_handshake_does_not_depend_on_segments() {
    let verdicts = |cut| {
        let mut pair = Pair::new(plain_client(), plain_server()).cut(cut);
        pair.run().client.send("hello");
        pair.run().server.send("world");
        pair.run();
        (pair.client.verdict(), pair.server.verdict())
    };
    let whole = verdicts(Cut::Whole);
    assert_eq!((whole.0.events.len(), whole.1.events.len()), (2, 2));
    for cut in (1..150).map(Cut::At).chain([Cut::Octets]) {
        assert_eq!(verdicts(cut), whole, "{cut:?}");
    }
}

// PLAIN-03, PLAIN-04, PLAIN-20: any octets up to 255 of each reach the authenticator as they are.
// hostile: P3
#[test]
fn credentials_arrive_as_given() {
    let all: Vec<u8> = (0..255).collect();
    for (username, password) in
        [(&b""[..], &b""[..]), (b"a b", b"\0"), ("Zoë".as_bytes(), b"\r\n"), (&all, &all)]
    {
        let mut pair = Pair::new(client_as(username, password), plain_server());
        pair.run();
        pair.client.peer();
        let request = &pair.server.asked[0];
        assert_eq!(request.mechanism, MechanismName::PLAIN);
        let expected = Credentials::Plain {
            username: username.to_vec().into(),
            password: Secret::new(password.to_vec()),
        };
        assert_eq!(request.credentials, expected);
        assert!(request.domain.is_empty() && request.routing_id.is_empty());
    }
}

// PLAIN-03: two longest strings need the long form.
#[test]
fn the_longest_hello_has_518_octets() {
    let mut node = Node::new(client_as(&[b'u'; 255], &[b'p'; 255]));
    let written = node.feed(&greeting("PLAIN")).written();
    assert_eq!(written[64..73], header(6, 518));
    let mut node = server();
    node.feed(&written[64..]);
    assert_eq!(node.asked.len(), 1);
    for (len, refused) in [(517, false), (518, false), (519, true)] {
        let mut node = server();
        node.feed(&header(6, len));
        assert_eq!(node.error.is_some(), refused, "{len}");
    }
}

// PLAIN-15, ZMTP-SEC-07: lengths that do not add up never reach the authenticator.
// hostile: P1
#[test]
fn a_hello_that_does_not_add_up_is_refused() {
    let fits = credentials(b"admin", b"secret");
    let mut more = fits.clone();
    more.push(0);
    for data in [&b""[..], b"\x05adm", b"\x05admin", b"\x05admin\x07secret", &fits[..12], &more] {
        let verdict = same_however_cut(server, &command("HELLO", data));
        let refused = verdict.error.unwrap();
        assert_eq!(refused.rule().id, "PLAIN-15");
        assert_eq!((refused.stage, refused.kind), (Stage::Hello, Malformed::Credentials.into()));
        assert!(verdict.asked.is_empty() && verdict.output.is_empty());
    }
    let mut node = server();
    node.feed(&header(6, 519));
    assert_eq!(node.refused().kind, Misbehaved::OversizedCommand.into());
}

// PLAIN-08, PLAIN-17, ZMTP-ERROR-02: refused credentials get no WELCOME, and what was pipelined behind
// them is never delivered.
// hostile: P2, V2
#[test]
fn refused_credentials() {
    for (status, told) in [
        (Refusal::Failure, error("400")),
        (Refusal::Internal, error("500")),
        (Refusal::Temporary, Vec::new()),
    ] {
        let refuse = AuthDecision::refuse(status, "no");
        let make = || {
            let mut node = Node::new(plain_server()).answering(refuse.clone());
            node.feed(&greeting("PLAIN")).written();
            node
        };
        let octets = [hello(b"admin", b"wrong"), initiate(), message(&[b"sneaky"])].concat();
        let verdict = same_however_cut(make, &octets);
        assert_eq!(verdict.output, told);
        assert!(verdict.events.is_empty());
        assert_eq!(verdict.asked.len(), 1);
        assert_eq!(verdict.error.unwrap().kind, Kind::Denied { status, text: "no".into() });
    }
}

// PLAIN-08, PLAIN-19: both sides know, in either spelling of ERROR.
// hostile: P2
#[test]
fn the_refused_client_learns_the_code() {
    for misspell_error in [false, true] {
        let security = Arc::new(PlainServer { misspell_error });
        let refuse = AuthDecision::refuse(Refusal::Failure, "no such user");
        let server = Node::new(ConnectionConfig::new(ROUTER, security)).answering(refuse);
        let mut pair = Pair::of(Node::new(plain_client()), server).edit(move |way, record| {
            if way == Way::ToClient && record.len() < 64 {
                assert_eq!(record.starts_with(&hex("04 09 5E 52524F52 03")), misspell_error);
            }
        });
        pair.run();
        let refused = pair.client.refused();
        let Kind::ReportedByPeer(reason) = &refused.kind else { panic!("{refused}") };
        assert_eq!((refused.stage, reason.as_bytes()), (Stage::Welcome, &b"400"[..]));
        assert_eq!(pair.server.refused().stage, Stage::Authentication);
    }
}

// PLAIN-09: an INITIATE that is not valid gets no READY; the table of metadata.rs has the cases.
#[test]
fn initiate_is_validated_before_ready() {
    for data in [property("Socket-Type", "PUB"), hex("00"), b"\x05ab".to_vec()] {
        let mut node = server();
        node.feed(&hello(b"admin", b"secret")).written();
        node.feed(&command("INITIATE", &data)).refused();
        assert!(!node.written().windows(5).any(|five| five == b"READY"));
    }
}

// PLAIN-10, PLAIN-11: the client sends after READY, and takes messages that stand right behind it.
#[test]
fn messages_follow_ready() {
    let mut node = client();
    assert_eq!(node.connection.send(&"early".into()), None);
    node.feed(&command("WELCOME", b""));
    assert_eq!(node.connection.send(&"early".into()), None);
    let octets = [ready("ROUTER"), message(&[b"1"]), message(&[b"2"]), message(&[b"3"])].concat();
    node.feed(&octets);
    assert_eq!(node.messages().len(), 3);
    node.send("now");
}

// PLAIN-16: a second HELLO, or anything else where INITIATE belongs.
#[test]
fn the_server_takes_one_hello() {
    for octets in [hello(b"a", b"b"), ready("DEALER"), message(&[b"x"]), ping(0, b"")] {
        let mut node = server();
        node.feed(&hello(b"admin", b"secret")).feed(&octets);
        assert_eq!(node.refused().stage, Stage::Initiate);
        assert!(node.events.is_empty());
    }
}

// PLAIN-18: READY or INITIATE for WELCOME, a WELCOME with a body, a second one.
// hostile: P4
#[test]
fn the_client_takes_one_empty_welcome() {
    for octets in [ready("ROUTER"), initiate(), command("WELCOME", b"x"), message(&[b"x"])] {
        let verdict = same_however_cut(client, &octets);
        assert_eq!(verdict.error.unwrap().stage, Stage::Welcome);
        assert_eq!(verdict.output, hello(b"admin", b"secret"), "no INITIATE");
    }
    let mut node = client();
    node.feed(&command("WELCOME", b"x"));
    assert_eq!(node.refused().kind, Malformed::WelcomeBody.into());

    let mut node = client();
    node.feed(&command("WELCOME", b"")).feed(&command("WELCOME", b""));
    assert_eq!(node.refused().stage, Stage::Ready);
}

// PLAIN-20, ZMTP-MECH-05: who connected and who is server are two questions, and so are user and
// routing id.
// hostile: P5
#[test]
fn either_end_may_be_the_server() {
    let alice = AuthDecision::accept_as(UserId::new("alice").unwrap());
    let server = Node::new(plain_server()).answering(alice);
    let mut pair = Pair::of(server, Node::new(plain_client()));
    pair.run();
    let peer = pair.client.peer();
    assert_eq!(peer.user_id().unwrap().as_str(), "alice");
    assert_eq!(peer.verified.mechanism, MechanismName::PLAIN);
    assert!(peer.claimed.routing_id.is_empty());
    assert_eq!(pair.server.peer().user_id(), None, "a client asks nobody");
}
