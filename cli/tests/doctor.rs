//! `doctor` and `demo`.

mod support;

use libzmq_reference::{Context, CurveKeys, SocketType, ZapHandler};
use support::{Echo, Place, greeting, ready, run, stub};

const COMMANDS: [&str; 12] = [
    "demo",
    "keygen",
    "public-key",
    "echo",
    "request",
    "recv",
    "send",
    "proxy",
    "doctor",
    "policy",
    "explain",
    "zap",
];

#[test]
fn a_healthy_server_passes_every_stage() {
    let echo = Echo::start(&[]);
    let healthy = run(&["doctor", &echo.endpoint]).exits(0);
    for stage in ["resolve", "connect", "greeting", "handshake", "authentication", "READY", "PING"]
    {
        assert!(
            healthy.out.lines().any(|line| line.starts_with(stage)),
            "{stage}: {}",
            healthy.out
        );
    }
    assert!(!healthy.out.contains('\u{1b}'), "no colours in a pipe");
    let json = run(&["doctor", &echo.endpoint, "--json"]).exits(0).json();
    assert_eq!((json["ok"].as_bool(), json["stages"].as_array().unwrap().len()), (Some(true), 7));
}

#[test]
fn each_failure_is_explained() {
    let quick = |endpoint: &str| run(&["doctor", endpoint, "--timeout", "60"]);
    quick(&stub(b"HTTP/1.1 400 Bad Request\r\n\r\n", true)).exits(5).says("an HTTP server");
    quick(&stub(b"SSH-2.0-OpenSSH_9.9\r\n", false)).exits(5).says("an SSH server");
    quick(&stub(b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05", false)).exits(5).says("update the peer");
    let silent = stub(b"", false);
    run(&["doctor", &silent, "--timeout", "1"]).exits(7).says("says nothing");
    quick(&stub(b"", true)).exits(5).says("before it greeted");
    quick("tcp://no-such-host.invalid:1").exits(4).says("resolve");
    quick("tcp://127.0.0.1:1").exits(4).says("start the server");
    quick("tcp://*:1").exits(2);
    quick(&stub([0x15, 3, 1, 0, 2, 2, 22], true)).exits(5).says("a TLS server");
    quick(&stub([1, 0], false)).exits(5).says("ZMTP 1.0");
    let json = run(&["doctor", "tcp://127.0.0.1:1", "--json"]).exits(4).json();
    assert_eq!(json["exit_code"], 4);
}

#[test]
fn a_failure_is_explained_by_its_stage() {
    let place = Place::new("stages");
    let (server, _) = place.keys("server");
    let password = place.write("password", "x");
    let examine = |octets: &[&[u8]], closes, limit, flags: &[&str]| {
        let endpoint = stub(octets.concat(), closes);
        let begin = ["doctor", &endpoint, "--timeout", limit];
        run(&begin.into_iter().chain(flags.iter().copied()).collect::<Vec<_>>())
    };
    let closing = |octets: &[&[u8]], flags: &[&str]| examine(octets, true, "60", flags);
    let saying = |octets: &[&[u8]], flags: &[&str]| examine(octets, false, "60", flags);
    let silent = |octets: &[&[u8]], flags: &[&str]| examine(octets, false, "2", flags);
    let [null, plain, curve] = ["NULL", "PLAIN", "CURVE"].map(greeting);
    let as_plain = ["--plain-user", "u", "--plain-password-file", &password];
    let as_curve = ["--server-key", &server];

    closing(&[&null[..10]], &[]).exits(6).says("when the mechanisms differ");
    silent(&[&null[..30]], &[]).exits(7).says("did not end it");
    silent(&[&null], &[]).exits(7).says("ZAP handler");
    silent(&[&plain], &as_plain).exits(7).says("(300)");
    closing(&[&plain], &as_plain).exits(3).says("without a reason");
    closing(&[&curve], &as_curve).exits(3).says("the server key is wrong");
    silent(&[&curve], &as_curve).exits(7).says("(libzmq says so in either role)");
    // The HELLO of another client.
    let hello = b"\x04\x0A\x05HELLO\x01u\x01x";
    saying(&[&plain, hello], &as_plain).exits(5).says("acts as client of PLAIN");
    saying(&[&null, &ready("PUB")], &[]).exits(5).says("SUB or XSUB");
    closing(&[&null, &ready("REP")], &[]).exits(5).says("sent a PING");
    silent(&[&null, &ready("REP")], &[]).exits(7).says("PING stays without an answer");
    saying(&[&null, b"\x04\x0A\x05ERROR\x03500"], &[]).exits(3).says("500");

    let endpoint = stub([&null[..], &ready("PUB")].concat(), false);
    let json = run(&["doctor", &endpoint, "--json"]).exits(5).json();
    let error = &json["error"];
    assert_eq!((&error["stage"], &error["rule"]), (&"READY".into(), &"ZMTP-SOCKTYPE-05".into()));
    assert_eq!(json["stages"][4]["ok"], false);
}

#[test]
fn refusals_are_explained() {
    let place = Place::new("doctor");
    let (server, secret) = place.keys("server");
    let authorized = place.authorized("authorized", &[]);
    let echo = Echo::start(&["--curve-secret", &secret, "--authorized-keys", &authorized]);
    run(&["doctor", &echo.endpoint]).exits(6).says("--server-key");
    run(&["doctor", &echo.endpoint, "--server-key", &server]).exits(3).says("authorized keys");
    let (other, _) = place.keys("other");
    let wrong = run(&["doctor", &echo.endpoint, "--server-key", &other]).exits(3);
    wrong.says("the server key is wrong");
    let plain = Echo::start(&["--plain-passwords", &place.write("users", "a=b\n")]);
    let password = place.write("password", "c");
    let flags = ["--plain-user", "a", "--plain-password-file", &password];
    let arguments: Vec<_> = ["doctor", &plain.endpoint].into_iter().chain(flags).collect();
    run(&arguments).exits(3).says("user name and password");
    run(&["doctor", &plain.endpoint]).exits(6).says("--plain-user");
}

#[test]
fn libzmq_is_examined_under_every_mechanism() {
    let place = Place::new("libzmq");
    let context = Context::new();
    let _zap = ZapHandler::start(&context, |request| match request.mechanism().as_str() {
        "PLAIN" if request.credentials()[1] != b"right" => request.deny(),
        "CURVE" if request.domain() == "closed" => request.deny(),
        _ => request.accept("somebody"),
    })
    .unwrap();
    let rep = |domain: &str| {
        let socket = context.socket(SocketType::Rep).unwrap();
        socket.zap_domain(domain).unwrap();
        socket
    };
    let examine = |endpoint: &str, flags: &[&str]| {
        let arguments: Vec<_> = ["doctor", endpoint].iter().chain(flags).copied().collect();
        run(&arguments)
    };

    let null = context.socket(SocketType::Rep).unwrap();
    let at = null.bind("tcp://127.0.0.1:*").unwrap();
    examine(&at, &[]).exits(0).says("as-server 0");
    examine(&at, &["--type", "PUB"]).exits(5).says("REP socket");

    let plain = rep("global");
    plain.plain_server(true).unwrap();
    let at = plain.bind("tcp://127.0.0.1:*").unwrap();
    let (right, wrong) = (place.write("right", "right"), place.write("wrong", "wrong"));
    examine(&at, &["--plain-user", "u", "--plain-password-file", &right]).exits(0);
    examine(&at, &["--plain-user", "u", "--plain-password-file", &wrong]).exits(3).says("400");
    // libzmq may close before a single octet of its greeting leaves: then nobody can tell.
    let mismatch = examine(&at, &[]);
    assert!([5, 6].contains(&mismatch.code), "{mismatch:?}");

    let keys = CurveKeys::new();
    for (domain, code) in [("open", 0), ("closed", 3)] {
        let curve = rep(domain);
        curve.curve_server(true).unwrap().curve_secretkey(&keys.secret).unwrap();
        let at = curve.bind("tcp://127.0.0.1:*").unwrap();
        examine(&at, &["--server-key", &keys.public]).exits(code);
        let other = CurveKeys::new();
        examine(&at, &["--server-key", &other.public]).exits(3).says("the server key is wrong");
    }
}

#[test]
fn the_demo_goes_as_told() {
    let demo = run(&["demo"]).exits(0).says("As told").says("status 400").says("ZMTP-MECH-01");
    assert!(demo.out.lines().all(|line| line.chars().count() <= 100), "{}", demo.out);
    let told = run(&["demo", "--json"]).exits(0).json();
    let served: Vec<_> =
        told["scenes"].as_array().unwrap().iter().map(|scene| scene["served"].as_bool()).collect();
    assert_eq!(served, [true, false, false, false, false, true].map(Some));
}

#[test]
fn the_help_fits_the_terminal() {
    for command in COMMANDS {
        let help = run(&[command, "--help"]).exits(0).out;
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

#[test]
fn the_help_tells_the_exit_codes() {
    for command in COMMANDS {
        run(&[command, "--help"]).exits(0).says("xit code");
    }
}
