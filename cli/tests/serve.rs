//! `echo` and `request` under every mechanism, served and refused.

mod support;

use support::{Background, Echo, Place, run, stub};

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

const POLICY: &str = r#"
[listeners."tcp://127.0.0.1:*"]
deny = ["192.0.2.7"]
[listeners."ipc://*"]
deny = ["unix"]
[stores.team]
certificates = "team"
[stores.staff]
passwords = "staff"
clear_text = true
[domains."*"]
curve = ["team"]
[domains.lab]
plain = ["staff"]
"#;

/// A policy file says who comes in under the mechanism that the other flags choose.
#[test]
fn a_policy_file_says_who_comes_in() {
    let place = Place::new("serve-policy");
    let (server, server_secret) = place.keys("server");
    let (_, alice_secret) = place.keys("alice");
    let (_, mallory_secret) = place.keys("mallory");
    place.authorized("team", &["alice"]);
    place.write("staff", "admin=sesame\n");
    let policy = place.write("policy.toml", POLICY);

    let curve = ["--policy", &policy, "--curve-secret", &server_secret];
    let echo = Echo::start(&curve);
    let as_whom = |secret| ["--curve-secret", secret, "--server-key", &server];
    assert_eq!(request(&echo.endpoint, &as_whom(&alice_secret)).exits(0).out, "hello\n");
    request(&echo.endpoint, &as_whom(&mallory_secret)).exits(3).says("400");
    echo.logs(&["refused", "Unknown key"]);
    #[cfg(unix)]
    {
        let echo = Echo::at("ipc://*", &curve);
        request(&echo.endpoint, &as_whom(&alice_secret)).exits(3).says("400");
        echo.logs(&["refused", "Address denied"]);
    }

    let password = place.write("password", "sesame");
    let as_admin = ["--plain-user", "admin", "--plain-password-file", &password];
    let plain = ["--policy", &policy, "--plain", "--domain"];
    for (domain, code) in [("lab", 0), ("office", 3)] {
        let echo = Echo::start(&[&plain[..], &[domain]].concat());
        request(&echo.endpoint, &as_admin).exits(code);
    }

    // The same where either side may be the server, and in front of a proxy.
    let pull = ["recv", "--type", "pull", "--count", "1", "--bind", "tcp://127.0.0.1:*"];
    let pull = Background::start(&[&pull[..], &curve].concat());
    let at = pull.endpoint();
    let push = |secret| {
        [&["send", "--type", "push", "--connect", &at, "x"][..], &as_whom(secret)].concat()
    };
    run(&push(&mallory_secret)).exits(3).says("400");
    run(&push(&alice_secret)).exits(0);
    assert_eq!(pull.ends().exits(0).out, "x\n");
    let send = ["send", "--type", "push", "--bind", "tcp://127.0.0.1:*", "x"];
    let send = Background::start(&[&send[..], &curve].concat());
    let at = send.endpoint();
    let pull = ["recv", "--type", "pull", "--count", "1", "--connect", &at];
    assert_eq!(run(&[&pull[..], &as_whom(&alice_secret)].concat()).exits(0).out, "x\n");
    send.ends().exits(0);

    let ends = ["--frontend", "pull=tcp://127.0.0.1:*", "--backend", "push=tcp://127.0.0.1:*"];
    let front = ["--frontend-policy", &policy, "--frontend-curve-secret", &server_secret];
    let proxy = Background::start(&[&["proxy"][..], &ends, &front].concat());
    let at = support::endpoint_in(&proxy.prints(&["frontend", "listening"]));
    let push = |secret| {
        [&["send", "--type", "push", "--connect", &at, "x"][..], &as_whom(secret)].concat()
    };
    run(&push(&mallory_secret)).exits(3).says("400");
    run(&push(&alice_secret)).exits(0);
}

/// A client comes in as soon as its certificate lies there, and no longer than that.
#[test]
fn certificates_that_come_and_go_count_at_once() {
    let place = Place::new("serve-reload");
    let (server, server_secret) = place.keys("server");
    let (alice, alice_secret) = place.keys("alice");
    let authorized = place.authorized("authorized", &[]);
    let echo = Echo::start(&["--curve-secret", &server_secret, "--authorized-keys", &authorized]);
    let as_alice = ["--curve-secret", &alice_secret, "--server-key", &server];
    request(&echo.endpoint, &as_alice).exits(3).says("400");
    let certificate = format!("{authorized}/alice.key");
    std::fs::copy(&alice, &certificate).unwrap();
    echo.logs(&["read again: ", "authorized"]);
    request(&echo.endpoint, &as_alice).exits(0);
    std::fs::remove_file(&certificate).unwrap();
    echo.logs(&["read again: ", "authorized"]);
    request(&echo.endpoint, &as_alice).exits(3).says("400");
}

/// Without a mechanism of its own, a side speaks NULL: a policy that never heard of that lets nobody in.
#[test]
fn a_policy_file_goes_with_its_mechanism_alone() {
    let place = Place::new("serve-policy-usage");
    let (_, secret) = place.keys("server");
    place.authorized("team", &[]);
    place.write("staff", "admin=sesame\n");
    let policy = place.write("policy.toml", POLICY);
    let null = place.write("null.toml", "[addresses]\ndeny = [\"loopback\"]\n");
    let exit_2 = |flags: &[&str], what: &str| {
        let bind = ["--bind", "tcp://127.0.0.1:*"];
        for command in [&["echo"][..], &["recv", "--type", "pull"]] {
            run(&[command, &bind, flags].concat()).exits(2).says(what);
        }
    };
    exit_2(&["--policy", &policy], "lets nobody in under NULL");
    exit_2(&["--policy", &null, "--plain"], "lets nobody in under PLAIN");
    exit_2(&["--policy", &null, "--curve-secret", &secret], "lets nobody in under CURVE");
    exit_2(&["--policy", &policy, "--plain", "--curve-secret", &secret], "--curve-secret");
    exit_2(&["--plain"], "--policy");
    exit_2(&["--policy", &policy, "--allow", "loopback"], "--allow");
    exit_2(&["--policy", &policy, "--deny", "loopback"], "--deny");
    let team = place.path("team");
    let with_key = ["--policy", &policy, "--curve-secret", &secret, "--authorized-keys", &team];
    exit_2(&with_key, "--authorized-keys");
    let (policy, users) = (["--policy", &policy], ["--plain-passwords", &place.path("staff")]);
    exit_2(&[policy, users].concat(), "--plain-passwords");
    let echo = Echo::start(&["--policy", &null]);
    request(&echo.endpoint, &[]).exits(3).says("400");
    echo.logs(&["refused", "Address denied"]);
}

/// What came of reading files again is told to scripts as well; a broken file changes nothing.
#[test]
fn scripts_learn_of_files_that_are_read_again() {
    let place = Place::new("watched");
    let users = place.write("users", "admin=sesame\n");
    let password = place.write("password", "sesame\n");
    let echo = Echo::start(&["--plain-passwords", &users, "--json"]);
    let as_admin = ["--plain-user", "admin", "--plain-password-file", &password];
    let told = || -> serde_json::Value {
        serde_json::from_str(&echo.logs(&["\"reloaded\""])).expect("JSON")
    };
    place.write("users", "admin=barley\nsam\n");
    let broken = told();
    assert_eq!(broken["changed"][0], users);
    let problem = broken["problems"][0].as_str().expect("a problem");
    assert!(problem.contains("users, line 2: ") && !problem.contains("barley"), "{problem}");
    request(&echo.endpoint, &as_admin).exits(0);
    place.write("users", "admin=barley\n");
    assert_eq!(told()["problems"], serde_json::json!([]));
    request(&echo.endpoint, &as_admin).exits(3).says("400");
}
