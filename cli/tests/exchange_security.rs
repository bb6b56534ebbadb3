//! `recv` and `send` as security server and client, whichever of them listens, with each other and with
//! libzmq.

mod support;

use std::time::Duration;

use libzmq_reference::{Context, CurveKeys, SocketType, ZapHandler};
use support::{Background, Place, run};

const ANY: &str = "tcp://127.0.0.1:*";

/// The flags of a server and of three clients: known, unknown, and with a wrong server key.
struct Flags {
    server: Vec<String>,
    known: Vec<String>,
    stranger: Vec<String>,
    misled: Vec<String>,
}

fn curve(place: &Place) -> Flags {
    let (server, server_secret) = place.keys("server");
    let (alice, alice_secret) = place.keys("alice");
    let (_, mallory_secret) = place.keys("mallory");
    let authorized = place.authorized("authorized", &["alice"]);
    let owned = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect();
    Flags {
        server: owned(&["--curve-secret", &server_secret, "--authorized-keys", &authorized]),
        known: owned(&["--curve-secret", &alice_secret, "--server-key", &server]),
        stranger: owned(&["--curve-secret", &mallory_secret, "--server-key", &server]),
        misled: owned(&["--curve-secret", &alice_secret, "--server-key", &alice]),
    }
}

fn with<'a>(begin: &[&'a str], flags: &'a [String]) -> Vec<&'a str> {
    begin.iter().copied().chain(flags.iter().map(String::as_str)).collect()
}

/// The four arrangements: who listens, and who is the server.
#[test]
fn the_listener_or_the_connecter_is_the_server_of_curve() {
    let place = Place::new("exchange-curve");
    let flags = curve(&place);
    for (listener, connecter) in [(&flags.server, &flags.known), (&flags.known, &flags.server)] {
        let pull = ["recv", "--type", "pull", "--bind", ANY, "--count", "1"];
        let pull = Background::start(&with(&pull, listener));
        let endpoint = pull.endpoint();
        let push = ["send", "--type", "push", "--connect", &endpoint, "hello"];
        run(&with(&push, connecter)).exits(0);
        assert_eq!(pull.ends().exits(0).out, "hello\n");

        let push = ["send", "--type", "push", "--bind", ANY, "hello"];
        let push = Background::start(&with(&push, listener));
        let endpoint = push.endpoint();
        let pull = ["recv", "--type", "pull", "--count", "1", "--connect", &endpoint];
        assert_eq!(run(&with(&pull, connecter)).exits(0).out, "hello\n");
        push.ends().exits(0);
    }
}

#[test]
fn a_listening_server_refuses_and_says_why_on_both_sides() {
    let place = Place::new("exchange-refuses");
    let flags = curve(&place);
    let pull = ["recv", "--type", "pull", "--bind", ANY, "--json"];
    let pull = Background::start(&with(&pull, &flags.server));
    let endpoint = pull.endpoint();
    let push = ["send", "--type", "push", "--connect", &endpoint, "hello"];
    run(&with(&push, &flags.stranger)).exits(3).says("status 400").says("authorized keys");
    let refused: serde_json::Value = serde_json::from_str(&pull.logs(&["refused"])).unwrap();
    assert_eq!((&refused["status"], &refused["stage"]), (&"400".into(), &"authentication".into()));
    run(&with(&push, &flags.misled)).exits(3).says("the server key is wrong");
    pull.logs(&["refused", "HELLO"]);
    run(&push).exits(6).says("--server-key");
    pull.logs(&["refused", "mechanism"]);
    // None of them disturbed the one who may.
    run(&with(&push, &flags.known)).exits(0);
    pull.prints(&["hello"]);
}

/// Whoever connects as the server refuses the one who listens, and says so.
#[test]
fn a_connecting_server_refuses_and_says_why_on_both_sides() {
    let place = Place::new("exchange-connecting");
    let flags = curve(&place);
    for (client, theirs, ours) in [
        (&flags.stranger, "READY", "does not let that peer in"),
        (&flags.misled, "WELCOME", "expects another server key"),
    ] {
        let pull = Background::start(&with(&["recv", "--type", "pull", "--bind", ANY], client));
        let endpoint = pull.endpoint();
        let push = ["send", "--type", "push", "--connect", &endpoint, "hello"];
        let push = run(&with(&push, &flags.server));
        assert!([3, 5].contains(&push.code), "{push:?}");
        push.says(ours);
        pull.logs(&["refused", theirs]);
    }
    let pull = Background::start(&with(&["recv", "--type", "pull", "--bind", ANY], &flags.server));
    let endpoint = pull.endpoint();
    let push = ["send", "--type", "push", "--connect", &endpoint, "hello"];
    run(&with(&push, &flags.server)).exits(6).says("both sides are the server");
}

#[test]
fn passwords_and_addresses_are_judged_as_well() {
    let place = Place::new("exchange-plain");
    let users = place.write("users", "admin=open sesame\n");
    let (good, bad) = (place.write("good", "open sesame"), place.write("bad", "open barley"));
    let pull = ["recv", "--type", "pull", "--bind", ANY, "--json", "--plain-passwords", &users];
    let pull = Background::start(&pull);
    let endpoint = pull.endpoint();
    let push = ["send", "--type", "push", "--connect", &endpoint, "hello", "--plain-user", "admin"];
    let by = |file| [&push[..], &["--plain-password-file", file]].concat();
    run(&by(&bad)).exits(3).says("400").hides("barley");
    run(&by(&good)).exits(0);
    let printed: serde_json::Value = serde_json::from_str(&pull.prints(&["hello"])).unwrap();
    assert_eq!(printed["user"], "admin");

    let pull = Background::start(&["recv", "--type", "pull", "--bind", ANY, "--deny", "loopback"]);
    let endpoint = pull.endpoint();
    run(&["send", "--type", "push", "--connect", &endpoint, "hello"]).exits(3).says("400");
    pull.logs(&["refused", "127.0.0.1:", "400"]);
}

/// libzmq listens: as CURVE server, and as CURVE client of a server that connects.
#[test]
fn libzmq_listens_in_either_role() {
    let place = Place::new("exchange-libzmq");
    let flags = curve(&place);
    let context = Context::new();
    let _zap = ZapHandler::start(&context, |request| request.accept("somebody")).unwrap();

    let keys = CurveKeys::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.curve_server(true).unwrap().curve_secretkey(&keys.secret).unwrap();
    let at = pull.bind(ANY).unwrap();
    run(&["send", "--type", "push", "--connect", &at, "--server-key", &keys.public, "a", "b"])
        .exits(0);
    assert!(pull.poll_in(Duration::from_secs(60)).unwrap());
    assert_eq!((pull.recv().unwrap(), pull.recv().unwrap()), (b"a".to_vec(), b"b".to_vec()));
    let other = CurveKeys::new();
    run(&["send", "--type", "push", "--connect", &at, "--server-key", &other.public, "x"])
        .exits(3)
        .says("the server key is wrong");

    let client = context.socket(SocketType::Push).unwrap();
    let server_key = run(&["public-key", &flags.server[1]]).exits(0).out;
    client.curve_serverkey(server_key.trim()).unwrap();
    client.curve_publickey(&keys.public).unwrap().curve_secretkey(&keys.secret).unwrap();
    let at = client.bind(ANY).unwrap();
    let recv = ["recv", "--type", "pull", "--count", "1", "--connect", &at, "--allow-any-client"];
    let secret = ["--curve-secret", &flags.server[1]];
    let recv = Background::start(&[&recv[..], &secret].concat());
    client.send("from the client that listens", 0).unwrap();
    assert_eq!(recv.ends().exits(0).out, "from the client that listens\n");
    // The same server, but it knows alice only.
    let recv = ["recv", "--type", "pull", "--count", "1", "--connect", &at];
    run(&with(&recv, &flags.server)).exits(3).says("does not let that peer in");
}

/// libzmq connects, under NULL, with types that have a message of their own.
#[test]
fn libzmq_connects_with_every_type() {
    let context = Context::new();
    for (kind, theirs) in [
        ("pull", SocketType::Push),
        ("sub", SocketType::Pub),
        ("xsub", SocketType::Xpub),
        ("dealer", SocketType::Dealer),
        ("router", SocketType::Dealer),
        ("pair", SocketType::Pair),
        ("rep", SocketType::Req),
        ("req", SocketType::Rep),
        ("xpub", SocketType::Sub),
    ] {
        let recv = Background::start(&["recv", "--type", kind, "--bind", ANY, "--count", "1"]);
        let endpoint = recv.endpoint();
        let socket = context.socket(theirs).unwrap();
        socket.linger(0).unwrap();
        if theirs == SocketType::Dealer {
            socket.routing_id("id").unwrap();
        }
        socket.connect(&endpoint).unwrap();
        let expected = match theirs {
            SocketType::Sub => {
                socket.subscribe("topic").unwrap();
                "\\x01topic\n"
            }
            SocketType::Rep => {
                assert_eq!(socket.recv().unwrap(), b"");
                socket.send("hello", 0).unwrap();
                "hello\n"
            }
            // libzmq tells a publisher of subscribers, which an XPUB can wait for and a PUB cannot.
            SocketType::Xpub => {
                assert_eq!(socket.recv().unwrap(), b"\x01");
                socket.send("hello", 0).unwrap();
                "hello\n"
            }
            SocketType::Pub => {
                let recv = recv;
                while !sent_until_printed(&socket, &recv) {}
                recv.ends().exits(0);
                continue;
            }
            _ if kind == "router" => {
                socket.send("hello", 0).unwrap();
                "id\thello\n"
            }
            _ => {
                socket.send("hello", 0).unwrap();
                "hello\n"
            }
        };
        let ended = recv.ends().exits(0);
        assert_eq!(ended.out, expected, "{kind}");
    }
}

/// Whether a message that was just published has come out.
fn sent_until_printed(socket: &libzmq_reference::Socket, recv: &Background) -> bool {
    socket.send("hello", 0).unwrap();
    recv.has_printed("hello", Duration::from_millis(50))
}

#[test]
fn libzmq_receives_of_every_type() {
    let context = Context::new();
    let patience = Duration::from_secs(60);
    for (kind, theirs) in [
        ("push", SocketType::Pull),
        ("pub", SocketType::Sub),
        ("xpub", SocketType::Sub),
        ("dealer", SocketType::Router),
        ("pair", SocketType::Pair),
        ("req", SocketType::Rep),
        ("xsub", SocketType::Xpub),
    ] {
        let socket = context.socket(theirs).unwrap();
        if theirs == SocketType::Sub {
            socket.subscribe("").unwrap();
        }
        let at = socket.bind(ANY).unwrap();
        let message = if kind == "xsub" { "\u{1}hello" } else { "hello" };
        let send = Background::start(&["send", "--type", kind, "--connect", &at, message]);
        assert!(socket.poll_in(patience).unwrap(), "{kind}");
        let parts = socket.recv_multipart().unwrap();
        assert_eq!(parts.last().unwrap(), message.as_bytes(), "{kind}");
        if theirs == SocketType::Rep {
            socket.send("", 0).unwrap();
        }
        send.ends().exits(0);
    }
    // REP answers, ROUTER answers by id.
    let req = context.socket(SocketType::Req).unwrap();
    let rep = Background::start(&["send", "--type", "rep", "--bind", ANY, "answer"]);
    req.connect(&rep.endpoint()).unwrap();
    req.send("question", 0).unwrap();
    assert_eq!(req.recv().unwrap(), b"answer");
    rep.ends().exits(0);
    let dealer = context.socket(SocketType::Dealer).unwrap();
    dealer.routing_id("id").unwrap();
    let router =
        Background::start(&["send", "--type", "router", "--multipart", "--bind", ANY, "id\thello"]);
    dealer.connect(&router.endpoint()).unwrap();
    assert_eq!(dealer.recv().unwrap(), b"hello");
    router.ends().exits(0);
}
