//! What scripts rely on: JSON, streams, colours, and secrets that stay secret.

mod support;

use std::process::Stdio;
use std::time::Duration;

use support::{Echo, Place, Run, command, run, run_with_input, run_with_variable, stub};

#[test]
fn failures_are_json_as_well() {
    let place = Place::new("json");
    let (server, secret) = place.keys("server");
    let (_, stranger) = place.keys("stranger");
    let authorized = place.authorized("authorized", &[]);
    let server_flags = ["--json", "--curve-secret", &secret, "--authorized-keys", &authorized];
    let echo = Echo::start(&server_flags);
    let as_stranger = ["--curve-secret", &stranger, "--server-key", &server];
    let begin = ["request", "--json", "--connect", &echo.endpoint, "hello"];
    let arguments: Vec<_> = begin.into_iter().chain(as_stranger).collect();
    let failed = &run(&arguments).exits(3).json()["failed"];
    assert_eq!(failed["exit_code"], 3);
    assert_eq!(failed["error"]["status"], "400");
    assert_eq!(failed["error"]["stage"], "READY");
    let logged: serde_json::Value = serde_json::from_str(&echo.logs(&["refused"])).unwrap();
    assert_eq!(logged["event"], "refused");
    assert_eq!((&logged["stage"], &logged["status"]), (&"authentication".into(), &"400".into()));
    assert!(logged["address"].as_str().unwrap().starts_with("127.0.0.1:"));

    let failed = &run(&["request", "--json", "--connect", &stub(b"", true), "x"]).exits(5).json();
    assert_eq!(failed["failed"]["error"]["stage"], "greeting");
    let key = run(&["public-key", "--json", &secret]).exits(0).json();
    assert_eq!(key["public-key"].as_str().unwrap().len(), 40);
}

#[test]
fn passwords_come_from_a_file_standard_input_or_the_environment() {
    let place = Place::new("passwords");
    let blank = place.write("blank", "admin= -open-\n");
    let serve = ["echo", "--bind", "tcp://127.0.0.1:*", "--plain-passwords", &blank];
    run(&serve).exits(2).says("blank, line 1");
    let echo = Echo::start(&["--plain-passwords", &place.write("users", "admin=-open-\n")]);
    let ask = ["request", "--connect", &echo.endpoint, "--plain-user", "admin", "hello"];
    run_with_variable(&ask, "IRONHOUSE_PLAIN_PASSWORD", "-open-").exits(0);
    run_with_variable(&ask, "IRONHOUSE_PLAIN_PASSWORD", "-shut-").exits(3).hides("-shut-");
    let none = place.path("none");
    let file = place.write("password", "-open-");
    let from = |file| ask.into_iter().chain(["--plain-password-file", file]).collect::<Vec<_>>();
    run_with_input(&from("-"), "-open-\r\n").exits(0);
    // One end of a line is no part of the password, a second one is.
    run_with_input(&from("-"), "-open-\n\n").exits(3);
    run(&from(&none)).exits(2).says("none");
    assert_eq!(run(&from(&file)).exits(0).err, "");
    #[cfg(unix)]
    {
        support::set_mode(&file, 0o644);
        run(&from(&file)).exits(0).says("mode 644").hides("-open-");
    }
}

#[test]
fn no_secret_is_shown_however_much_is_logged() {
    let place = Place::new("secrets");
    let (server, secret) = place.keys("server");
    let text = std::fs::read_to_string(&secret).unwrap();
    let key = text.lines().find_map(|line| line.trim().strip_prefix("secret-key = ")).unwrap();
    let key = key.trim_matches('"');
    let open = Echo::start(&["-vv", "--curve-secret", &secret, "--allow-any-client"]);
    let begin = ["-vv", "request", "--connect", &open.endpoint, "hello"];
    let as_self = ["--curve-secret", &secret, "--server-key", &server];
    run(&begin.into_iter().chain(as_self).collect::<Vec<_>>()).exits(0).hides(key);
    let begin = ["-vv", "doctor", &open.endpoint];
    run(&begin.into_iter().chain(as_self).collect::<Vec<_>>()).exits(0).hides(key);
    let demo = run(&["-vv", "demo"]).exits(0).hides("open sesame");
    demo.says("connection established").says("refused by the authenticator").hides("\u{1b}");
    let password = place.write("password", "swordfish");
    let plain = Echo::start(&["-vv", "--plain-passwords", &place.write("users", "u=tunny\n")]);
    let as_user = ["--plain-user", "u", "--plain-password-file", &password];
    let begin = ["-vv", "request", "--connect", &plain.endpoint, "hello"];
    run(&begin.into_iter().chain(as_user).collect::<Vec<_>>()).exits(3).hides("swordfish");
    open.logs(&["serving"]);
    plain.logs(&["refused"]);
    let all = [open, plain].map(|echo| echo.ends().exits(0).err).concat();
    assert!(all.contains("refused") && all.contains("serving"), "{all}");
    for hidden in [key, "swordfish", "tunny"] {
        assert!(!all.contains(hidden), "{hidden} was logged");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_command() {
    let echo = Echo::start(&[]);
    let ask = ["request", "--connect", &echo.endpoint, "--count", "1000000000", "x"];
    let mut child = command(&ask).spawn().unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let mut keygen = command(&["keygen", "--json"]);
    let run = Run::of(keygen.stdout(full()).output().unwrap());
    run.exits(1).says("cannot write the output").hides("panicked");
    let mut unheard = command(&["public-key", "/none"]);
    Run::of(unheard.stderr(full()).output().unwrap()).exits(2);
}

#[test]
fn waiting_for_long_is_said_once_where_nobody_counts() {
    let silent = stub(b"", false);
    let waited = run(&["request", "--connect", &silent, "--timeout", "2.5", "x"]).exits(7);
    assert_eq!(waited.err.matches("waiting for tcp://").count(), 1, "{}", waited.err);
    let waited = run(&["doctor", &silent, "--timeout", "2.5"]).exits(7);
    assert_eq!(waited.err.matches("waiting for an answer").count(), 1, "{}", waited.err);
}

/// The system answers nobody while too many wait to be accepted.
#[cfg(target_os = "linux")]
#[test]
fn an_endpoint_that_does_not_answer_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(one) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(one);
    }
    let endpoint = format!("tcp://{address}");
    let ask = ["request", "--connect", &endpoint, "--timeout", "1", "x"];
    run(&ask).exits(4).says("no answer in time");
    run(&["doctor", &endpoint, "--timeout", "1"]).exits(4).says("firewalls");
}

#[test]
fn colours_are_for_those_who_see_them() {
    let closed = ["doctor", "tcp://127.0.0.1:1"];
    let coloured = |run: Run| run.out.contains('\u{1b}');
    assert!(!coloured(run(&closed).exits(4)));
    assert!(coloured(run_with_variable(&closed, "CLICOLOR_FORCE", "1").exits(4)));
}
