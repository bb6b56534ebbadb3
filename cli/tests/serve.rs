//! `echo` and `request` under every mechanism, served and refused.

mod support;

use support::{Echo, Place, run, stub};

fn request(endpoint: &str, flags: &[&str]) -> support::Run {
    let begin = ["request", "--connect", endpoint, "--timeout", "60"];
    let arguments: Vec<_> = begin.iter().chain(flags).copied().chain(["hello"]).collect();
    run(&arguments)
}

#[test]
fn null_serves_everybody() {
    let echo = Echo::start(&[]);
    let all = run(&["request", "--connect", &echo.endpoint, "one", "two", "--count", "2"]).exits(0);
    assert_eq!(all.out, "one\ntwo\none\ntwo\n");
    let json = request(&echo.endpoint, &["--json"]).exits(0).json();
    assert_eq!(json["parts"][0]["text"], "hello");
    let hyphen = run(&["request", "--connect", &echo.endpoint, "--", "-x", ""]).exits(0);
    assert_eq!(hyphen.out, "-x\n\n");
    echo.logs(&["serving  127.0.0.1:", "NULL"]);
}

#[cfg(unix)]
#[test]
fn echo_ends_well_when_told_to() {
    Echo::start(&[]).ends().exits(0);
}

#[cfg(unix)]
#[test]
fn ipc_works_as_well() {
    let place = Place::new("ipc");
    let echo = Echo::at(&format!("ipc://{}", place.path("echo")), &[]);
    assert_eq!(request(&echo.endpoint, &[]).exits(0).out, "hello\n");
}

#[test]
fn addresses_are_judged_under_null() {
    let echo = Echo::start(&["--deny", "127.0.0.0/8"]);
    request(&echo.endpoint, &[]).exits(3).says("400");
    echo.logs(&["refused  127.0.0.1:", "authentication", "400"]);
    let echo = Echo::start(&["--allow", "loopback", "--domain", "lab"]);
    request(&echo.endpoint, &[]).exits(0);
}

#[test]
fn plain_serves_who_knows_the_password() {
    let place = Place::new("plain");
    let users = place.write("users", "# who may come in\nadmin=open sesame\n");
    let good = place.write("good", "open sesame\n");
    let bad = place.write("bad", "open barley\n");
    let echo = Echo::start(&["--plain-passwords", &users]);
    let flags = |user, file| ["--plain-user", user, "--plain-password-file", file];
    assert_eq!(request(&echo.endpoint, &flags("admin", &good)).exits(0).out, "hello\n");
    for (user, file) in [("admin", &bad), ("nobody", &good)] {
        let refused =
            request(&echo.endpoint, &flags(user, file)).exits(3).says("400").says("stage");
        assert!(!refused.err.contains("open"), "no password is shown: {}", refused.err);
        echo.logs(&["refused", "authentication", "400"]);
    }
    request(&echo.endpoint, &[]).exits(6).says("PLAIN");
}

#[test]
fn curve_serves_known_keys_and_says_why_not() {
    let place = Place::new("curve");
    let (server, server_secret) = place.keys("server");
    let (alice, alice_secret) = place.keys("alice");
    let (_, mallory_secret) = place.keys("mallory");
    let authorized = place.authorized("authorized", &["alice"]);
    let echo = Echo::start(&["--curve-secret", &server_secret, "--authorized-keys", &authorized]);
    let as_whom = |secret, server| ["--curve-secret", secret, "--server-key", server];

    assert_eq!(request(&echo.endpoint, &as_whom(&alice_secret, &server)).exits(0).out, "hello\n");
    let key = run(&["public-key", &server_secret]).exits(0).out;
    request(&echo.endpoint, &as_whom(&alice_secret, key.trim())).exits(0);
    request(&echo.endpoint, &as_whom(&mallory_secret, &server)).exits(3).says("400").says("READY");
    echo.logs(&["refused  127.0.0.1:", "authentication", "400", "Unknown key"]);
    request(&echo.endpoint, &as_whom(&alice_secret, &alice)).exits(3).says("WELCOME");
    echo.logs(&["refused", "HELLO"]);
    request(&echo.endpoint, &[]).exits(6).says("CURVE");
    echo.logs(&["refused", "mechanism", "NULL"]);
    request(&echo.endpoint, &["--server-key", &server]).exits(3);

    let open = Echo::start(&["--curve-secret", &server_secret, "--allow-any-client"]);
    request(&open.endpoint, &["--server-key", &server]).exits(0);
}

#[test]
fn what_cannot_serve_has_an_exit_code_of_its_own() {
    let quick = |endpoint: &str| request(endpoint, &[]);
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("tcp://{}", listener.local_addr().unwrap())
    };
    quick(&closed).exits(4).says("nobody listens");
    quick("tcp://no-such-host.invalid:1").exits(4);
    quick(&stub(b"HTTP/1.1 400 Bad Request\r\n\r\n", true)).exits(5);
    quick(&stub([0x15, 3, 1, 0, 2, 2, 22], true)).exits(5);
    quick(&stub(b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05", false)).exits(5).says("ZMTP 1");
    quick(&stub(b"", true)).exits(5);
    let silent = stub(b"", false);
    run(&["request", "--connect", &silent, "--timeout", "1", "hello"]).exits(7);
    // As libzmq leaves when the mechanisms differ.
    quick(&stub(b"\xFF\0\0\0\0\0\0\0\x01\x7F", true)).exits(6);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let place = Place::new("usage");
    let (_, secret) = place.keys("server");
    let bad_users = place.write("users", "admin=x\nnonsense\n");
    let exit_2 = |arguments: &[&str], what: &str| {
        run(arguments).exits(2).says(what);
    };
    let bind = "tcp://127.0.0.1:*";
    exit_2(&["echo", "--bind", "127.0.0.1:5555"], "://");
    exit_2(&["echo", "--bind", bind, "--plain-passwords", &bad_users], "line 2");
    exit_2(&["echo", "--bind", bind, "--curve-secret", &secret], "--authorized-keys");
    exit_2(&["echo", "--bind", bind, "--deny", "10.0.0.0/40"], "10.0.0.0/40");
    exit_2(
        &["echo", "--bind", bind, "--curve-secret", &secret, "--authorized-keys", "/none"],
        "/none",
    );
    let to = "tcp://127.0.0.1:1";
    exit_2(&["request", "--connect", to, "--server-key", "tooshort", "x"], "40");
    let zero = "0".repeat(40);
    exit_2(&["request", "--connect", to, "--server-key", &zero, "x"], "--server-key");
    exit_2(&["request", "--connect", "tcp://*:5", "x"], "* stands for every address");
    exit_2(&["request", "--connect", "inproc://here", "x"], "one process");
    exit_2(&["echo", "--bind", "inproc://here"], "one process");
    exit_2(&["doctor", "inproc://here"], "one process");
    exit_2(&["request", "--connect", to, "x", "--count", "0"], "--count");
    exit_2(&["request", "--connect", to, "x", "--timeout", "-1"], "seconds above 0");
    exit_2(&["doctor", to, "--type", "SPINNER"], "REQ, REP");
    let long = place.write("long", &"x".repeat(256));
    let flags = ["--plain-user", "admin", "--plain-password-file", &long, "x"];
    let arguments: Vec<_> = ["request", "--connect", to].into_iter().chain(flags).collect();
    exit_2(&arguments, "255 octets");
    exit_2(&["request", "--connect", to, "--plain-user", "admin", "x"], "IRONHOUSE_PLAIN_PASSWORD");
}
