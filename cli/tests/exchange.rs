//! `recv` and `send` with each other: types, forms, failures.

mod support;

use support::{Background, Place, Run, run, run_with_input, stub};

const ANY: &str = "tcp://127.0.0.1:*";

/// A `recv` that listens, and where.
fn receiver(kind: &str, flags: &[&str]) -> (Background, String) {
    let begin = ["recv", "--type", kind, "--bind", ANY];
    let receiver = Background::start(&begin.iter().chain(flags).copied().collect::<Vec<_>>());
    let endpoint = receiver.endpoint();
    (receiver, endpoint)
}

fn send(kind: &str, endpoint: &str, rest: &[&str]) -> Run {
    let begin = ["send", "--type", kind, "--connect", endpoint];
    run(&begin.iter().chain(rest).copied().collect::<Vec<_>>())
}

#[test]
fn every_pair_of_types_exchanges_messages() {
    for (from, to) in [
        ("push", "pull"),
        ("pair", "pair"),
        ("dealer", "dealer"),
        ("dealer", "rep"),
        ("req", "rep"),
        ("pub", "sub"),
        ("pub", "xsub"),
        ("xpub", "sub"),
        ("xpub", "xsub"),
    ] {
        // A REP passes over what has no empty part in front.
        let message: &[&str] =
            if (from, to) == ("dealer", "rep") { &["--multipart", "\tone"] } else { &["one"] };
        let (receiver, endpoint) = receiver(to, &["--count", "1"]);
        send(from, &endpoint, message).exits(0);
        assert_eq!(receiver.ends().exits(0).out, "one\n", "{from} {to}");
    }
}

#[test]
fn either_side_may_listen() {
    for (from, to) in [("push", "pull"), ("pub", "sub"), ("rep", "req"), ("xpub", "xsub")] {
        let sender = Background::start(&["send", "--type", from, "--bind", ANY, "one", "two"]);
        let endpoint = sender.endpoint();
        let received =
            run(&["recv", "--type", to, "--connect", &endpoint, "--count", "2"]).exits(0);
        assert_eq!(received.out, "one\ntwo\n", "{from} {to}");
        sender.ends().exits(0);
    }
}

#[test]
fn a_router_shows_and_takes_routing_ids() {
    let (router, endpoint) = receiver("router", &["--count", "1", "--json"]);
    send("dealer", &endpoint, &["hello"]).exits(0);
    let received = router.ends().exits(0).json();
    let parts = received["parts"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[1]["text"]), (2, &"hello".into()));
    assert!(received["address"].as_str().unwrap().starts_with("127.0.0.1:"));

    // A peer that says who it is can be named before it is there.
    let sender = ["send", "--type", "router", "--bind", ANY, "--multipart", "me\thello"];
    let sender = Background::start(&sender);
    let endpoint = sender.endpoint();
    let me = ["recv", "--type", "dealer", "--connect", &endpoint, "--routing-id", "me"];
    let received = run(&[&me[..], &["--count", "1"]].concat()).exits(0);
    assert_eq!(received.out, "hello\n");
    sender.ends().exits(0);

    // A peer with no such id: it is waited for, and that does not last for ever.
    let sender = ["send", "--type", "router", "--bind", ANY, "--timeout", "3", "--multipart"];
    let sender = Background::start(&[&sender[..], &["nobody\thello"]].concat());
    let endpoint = sender.endpoint();
    let _peer = Background::start(&["recv", "--type", "dealer", "--connect", &endpoint]);
    sender.ends().exits(7);
    let alone = ["send", "--type", "router", "--bind", ANY, "without an id"];
    let alone = Background::start(&alone);
    let endpoint = alone.endpoint();
    let _peer = Background::start(&["recv", "--type", "dealer", "--connect", &endpoint]);
    alone.ends().exits(2).says("routing id");
}

#[test]
fn a_req_shows_the_replies() {
    let replies = ["send", "--type", "rep", "--bind", ANY, "--multipart", "one\tI", "two"];
    let rep = Background::start(&replies);
    let endpoint = rep.endpoint();
    assert_eq!(send("req", &endpoint, &["first", "second"]).exits(0).out, "one\tI\ntwo\n");
    assert_eq!(rep.ends().exits(0).out, "", "it passes over the requests");

    // A `recv` answers with nothing, once per request, and shows what it was asked.
    let (rep, endpoint) = receiver("rep", &["--count", "2"]);
    assert_eq!(send("req", &endpoint, &["first", "second"]).exits(0).out, "\n\n");
    assert_eq!(rep.ends().exits(0).out, "first\nsecond\n");

    let rep = Background::start(&["send", "--type", "rep", "--bind", ANY, "answer"]);
    let endpoint = rep.endpoint();
    let ask = ["--json", "{\"parts\": [{\"hex\": \"00\"}]}"];
    let reply = send("req", &endpoint, &ask).exits(0).json();
    assert_eq!(reply["parts"], serde_json::json!([{ "text": "answer" }]));

    // Nobody who answers: not one who is there, either.
    let (_dealer, endpoint) = receiver("rep", &["--count", "1"]);
    send("req", &endpoint, &["served"]).exits(0);
    let (_silent, endpoint) = receiver("router", &[]);
    send("req", &endpoint, &["--timeout", "1", "unanswered"]).exits(7);
}

#[test]
fn a_publisher_waits_for_a_subscription() {
    for publisher in ["pub", "xpub"] {
        let sender = Background::start(&["send", "--type", publisher, "--bind", ANY, "early"]);
        let endpoint = sender.endpoint();
        // A peer is not enough: it has to ask for something.
        let mute = ["send", "--type", "xsub", "--connect", &endpoint];
        run_with_input(&mute, "\0cancels nothing\n").exits(0);
        let ask = ["recv", "--type", "sub", "--connect", &endpoint, "--count", "1"];
        assert_eq!(run(&ask).exits(0).out, "early\n", "{publisher}");
        sender.ends().exits(0);
    }
}

#[test]
fn subscriptions_choose_and_show() {
    let (sub, endpoint) =
        receiver("sub", &["--subscribe", "b", "--subscribe", "c", "--count", "2"]);
    send("pub", &endpoint, &["a1", "b1", "d1", "c1"]).exits(0);
    assert_eq!(sub.ends().exits(0).out, "b1\nc1\n");

    let (xpub, endpoint) = receiver("xpub", &["--count", "1"]);
    let _sub =
        Background::start(&["recv", "--type", "sub", "--subscribe", "x", "--connect", &endpoint]);
    assert_eq!(xpub.ends().exits(0).out, "\\x01x\n");

    // An XSUB subscribes with what it sends.
    let (xpub, endpoint) = receiver("xpub", &["--count", "1", "--json"]);
    send("xsub", &endpoint, &["\u{1}news"]).exits(0);
    assert_eq!(xpub.ends().exits(0).json()["parts"][0]["text"], "\u{1}news");
}

#[test]
fn a_slow_subscriber_loses_nothing() {
    let (sub, endpoint) = receiver("sub", &["--count", "20000"]);
    let lines: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    run_with_input(&["send", "--type", "pub", "--connect", &endpoint], &lines).exits(0);
    assert_eq!(sub.ends().exits(0).out, lines);
}

#[test]
fn json_carries_every_octet_both_ways() {
    let (receiver, endpoint) = receiver("pull", &["--json", "--count", "3"]);
    let lines = concat!(
        "{\"parts\": [{\"hex\": \"00ff80\"}, {\"text\": \"\"}]}\n",
        "{\"user\": null, \"parts\": [{\"text\": \"tab\\there\"}]}\n",
        "{\"parts\": [{\"hex\": \"\"}]}\n",
    );
    let ask = ["send", "--json", "--type", "push", "--connect", &endpoint];
    run_with_input(&ask, lines).exits(0);
    let printed = receiver.ends().exits(0).out;
    let parts: Vec<_> = printed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["parts"].clone())
        .collect();
    assert_eq!(parts[0], serde_json::json!([{ "hex": "00ff80" }, { "text": "" }]));
    assert_eq!(parts[1], serde_json::json!([{ "text": "tab\there" }]));
    assert_eq!(parts[2], serde_json::json!([{ "text": "" }]));

    // What recv prints, send takes.
    let (receiver, endpoint) = self::receiver("pull", &["--count", "3"]);
    let ask = ["send", "--json", "--type", "push", "--connect", &endpoint];
    run_with_input(&ask, &printed).exits(0);
    assert_eq!(receiver.ends().exits(0).out, "\\x00\\xff\\x80\t\ntab\\there\n\n");

    for bad in ["{", "[]", "{\"parts\": []}", "{\"parts\": [{\"hex\": \"0\"}]}", "{\"parts\": [1]}"]
    {
        let refused = ["send", "--json", "--type", "push", "--connect", "tcp://127.0.0.1:1", bad];
        run(&refused).exits(2).says("message 1");
    }
}

#[test]
fn lines_of_standard_input_are_messages() {
    let (receiver, endpoint) = receiver("pull", &["--count", "3"]);
    let ask = ["send", "--type", "push", "--multipart", "--connect", &endpoint];
    run_with_input(&ask, "a\tb\n\nlast").exits(0);
    assert_eq!(receiver.ends().exits(0).out, "a\tb\n\nlast\n");

    // Each line leaves when it is there, not at the end of all.
    let (receiver, endpoint) = self::receiver("pull", &[]);
    let mut sender = Background::start(&["send", "--type", "push", "--connect", &endpoint]);
    sender.write("first\n");
    receiver.prints(&["first"]);
    sender.write("second\n");
    receiver.prints(&["second"]);
    sender.ends().exits(0);
}

#[test]
fn each_failure_has_its_exit_code() {
    let limit = |command: &'static str, kind, endpoint: &str| {
        let begin = [command, "--type", kind, "--connect", endpoint, "--timeout", "1"];
        let message = if command == "send" { &["x"][..] } else { &[] };
        run(&[&begin[..], message].concat())
    };
    for (command, kind) in [("recv", "pull"), ("send", "push")] {
        let closed = limit(command, kind, "tcp://127.0.0.1:1").exits(4);
        closed.says("nobody listens").says("trying again");
        limit(command, kind, "tcp://no-such-host.invalid:1").exits(4);
        limit(command, kind, &stub(b"", false)).exits(7);
    }
    let (_receiver, endpoint) = receiver("pull", &[]);
    send("pub", &endpoint, &["x"]).exits(5).says("PUSH");
    let json = send("pub", &endpoint, &["--json", "{\"parts\": [{\"text\": \"x\"}]}"]).exits(5);
    assert_eq!(json.json()["failed"]["exit_code"], 5);
    run(&["recv", "--type", "pull", "--bind", ANY, "--timeout", "1"]).exits(7).says("no message");
    run(&["send", "--type", "push", "--bind", ANY, "--timeout", "1", "x"]).exits(7).says("no peer");
    run(&["recv", "--type", "pull", "--bind", &endpoint]).exits(2).says("in use");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let place = Place::new("exchange-usage");
    let (public, secret) = place.keys("server");
    let with = |command: &'static str, kind, flags: &[&str]| {
        let begin = [command, "--type", kind, "--bind", ANY];
        run(&[&begin[..], flags].concat()).exits(2)
    };
    with("recv", "push", &[]).says("cannot receive");
    with("send", "sub", &["x"]).says("cannot send");
    with("recv", "pull", &["--subscribe", "x"]).says("--subscribe");
    with("recv", "pull", &["--routing-id", "x"]).says("routing_id");
    with("recv", "dealer", &["--routing-id", ""]).says("1 to 255");
    with("recv", "pull", &["--connect", ANY]).says("cannot be used with");
    run(&["recv", "--type", "pull"]).exits(2).says("--bind");
    run(&["recv", "--type", "pull", "--connect", ANY]).exits(2);
    run(&["recv", "--type", "pull", "--bind", "inproc://x"]).exits(2).says("one process");
    let (allow, key, own) = ("--allow-any-client", "--server-key", "--curve-secret");
    with("recv", "pull", &[allow]).says("needs --curve-secret");
    with("recv", "pull", &[own, &secret]).says("--authorized-keys, --allow-any-client or --policy");
    with("recv", "pull", &[allow, own, &secret, key, &public]).says("give one");
    with("recv", "pull", &[allow, own, &secret, "--plain-passwords", &public]).says("exclude");
    with("recv", "pull", &[own, &secret, "--plain-passwords", &public]).says("exclude");
    with("recv", "pull", &[own, &secret, "--plain-user", "u"]).says("exclude");
    with("recv", "pull", &[key, &public, "--allow", "loopback"]).says("for servers");
    with("recv", "pull", &["--plain-password-file", &public]).says("needs --plain-user");
}

#[cfg(unix)]
#[test]
fn recv_ends_well_when_told_to() {
    let (receiver, _) = receiver("pull", &[]);
    receiver.interrupt();
    receiver.ends().exits(0);
}

#[cfg(unix)]
#[test]
fn ipc_works_as_well() {
    let place = Place::new("exchange-ipc");
    let at = format!("ipc://{}", place.path("here"));
    let receiver = Background::start(&["recv", "--type", "pull", "--bind", &at, "--count", "1"]);
    receiver.endpoint();
    send("push", &at, &["hello"]).exits(0);
    assert_eq!(receiver.ends().exits(0).out, "hello\n");
}
