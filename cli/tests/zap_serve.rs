//! `zap serve`: one policy for many programs.

#![cfg(unix)]

mod support;

use std::thread;
use std::time::Duration;

use ironhouse::{Dealer, Options, RemoteAuthenticator, Security, ServerSecurity, load_certificate};
use libzmq_reference::{Context, CurveKeys, SocketType};
use support::{Background, Place, endpoint_in, run};

/// A running `zap serve`.
struct Handler {
    serve: Background,
    endpoint: String,
}

impl Handler {
    fn at(endpoint: &str, flags: &[&str]) -> Self {
        let begin = ["zap", "serve", "--bind", endpoint];
        let serve = Background::start(&[&begin[..], flags].concat());
        let endpoint = endpoint_in(&serve.prints(&["listening"]));
        Self { serve, endpoint }
    }
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("a runtime").block_on(work)
}

/// A server of PLAIN in this process that asks `handler`, and what comes of a client.
async fn try_in(
    handler: &RemoteAuthenticator,
    domain: &str,
    user: &str,
    password: &str,
) -> Result<(), String> {
    let server = ServerSecurity::plain().domain(domain).unwrap();
    let server = Options::new().security(server.with_authenticator(handler.clone()));
    let server = Dealer::new(server).unwrap();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Options::new().security(Security::plain_client(user, password).unwrap());
    let client = Dealer::new(client).unwrap();
    let ready = client.connect(&endpoint).unwrap().ready().await;
    ready.map(drop).map_err(|failure| failure.to_string())
}

const POLICY: &str = r#"
[stores.staff]
passwords = "users"
clear_text = true
[stores.team]
certificates = "team"
[domains.lab]
plain = ["staff"]
curve = ["team"]
"#;

fn policy(place: &Place, users: &str) -> String {
    place.write("users", users);
    place.write("policy.toml", POLICY)
}

#[test]
fn programs_on_ironhouse_ask_over_tcp_with_curve() {
    let place = Place::new("zap-tcp");
    let (server, server_secret) = place.keys("server");
    let (_, program_secret) = place.keys("program");
    let (_, stranger_secret) = place.keys("stranger");
    place.authorized("team", &[]);
    let programs = place.authorized("programs", &["program"]);
    let file = policy(&place, "admin=hunter2\n");
    let secure = ["--curve-secret", &server_secret, "--authorized-keys", &programs];
    // However much is logged, no password is.
    let flags = [&["-vv", "--policy", &file][..], &secure].concat();
    let handler = Handler::at("tcp://127.0.0.1:*", &flags);

    let remote = |secret: &str| {
        let server = load_certificate(&server).unwrap();
        let own = ironhouse::certificate_keys(&load_certificate(secret).unwrap()).unwrap();
        let server = ironhouse::PublicKey::from_bytes(*server.public_key());
        let security = Security::curve_client(own, server).unwrap();
        let remote = RemoteAuthenticator::new(&*handler.endpoint, security).unwrap();
        remote.time_limit(Duration::from_secs(60))
    };
    on_runtime(async {
        let known = remote(&program_secret);
        try_in(&known, "lab", "admin", "hunter2").await.unwrap();
        let line = handler.serve.logs(&["accepted", "PLAIN", "domain \"lab\"", "user admin"]);
        assert!(line.contains("200 OK") && line.contains("users)"), "{line}");
        let refused = try_in(&known, "lab", "admin", "hunter3").await.unwrap_err();
        assert!(refused.contains("400"), "{refused}");
        handler.serve.logs(&["denied", "claim admin", "400 Invalid credentials"]);
        try_in(&known, "office", "admin", "hunter2").await.unwrap_err();
        handler.serve.logs(&["denied", "domain \"office\"", "Unknown domain"]);

        // The policy is another now, for every program that asks.
        place.write("policy.toml", &POLICY.replace("domains.lab", "domains.office"));
        handler.serve.logs(&["read again: ", "policy.toml"]);
        try_in(&known, "office", "admin", "hunter2").await.unwrap();

        // Rules that cannot be applied are refused later as they are at the beginning.
        let listeners = "[listeners.\"tcp://*\"]\ndeny = [\"private\"]\n";
        place.write("policy.toml", &format!("{listeners}{POLICY}"));
        handler.serve.logs(&["kept as it was: ", "does not tell the listener"]);
        try_in(&known, "office", "admin", "hunter2").await.unwrap();

        let stranger = remote(&stranger_secret);
        try_in(&stranger, "lab", "admin", "hunter2").await.unwrap_err();
        handler.serve.logs(&["refused", "authentication", "400"]);
    });
    handler.serve.interrupt();
    let ended = handler.serve.ends().exits(0);
    assert!(!ended.err.contains("hunter"), "{}", ended.err);
}

/// What a program on libzmq needs: whole requests go from its context to the command, and replies back.
#[test]
fn programs_on_libzmq_ask_through_a_forwarder() {
    let place = Place::new("zap-ipc");
    let known = CurveKeys::new();
    std::fs::create_dir(place.path("team")).unwrap();
    let certificate = format!("curve\n    public-key = \"{}\"\n", known.public);
    place.write("team/known.key", &certificate);
    let file = policy(&place, "admin=hunter2\n");
    let handler = Handler::at("ipc://*", &["--policy", &file, "--json"]);

    let context = Context::new();
    let (front, back) =
        (context.socket(SocketType::Router).unwrap(), context.socket(SocketType::Dealer).unwrap());
    front.bind("inproc://zeromq.zap.01").unwrap();
    back.connect(&handler.endpoint).unwrap();
    let forwarder = thread::spawn(move || libzmq_reference::proxy(&front, &back, None));

    let keys = CurveKeys::new();
    let curve = context.socket(SocketType::Pull).unwrap();
    curve.zap_domain("lab").unwrap();
    curve.curve_server(true).unwrap().curve_secretkey(&keys.secret).unwrap();
    let curve_at = curve.bind("tcp://127.0.0.1:*").unwrap();
    let plain = context.socket(SocketType::Pull).unwrap();
    plain.zap_domain("lab").unwrap();
    plain.plain_server(true).unwrap();
    let plain_at = plain.bind("tcp://127.0.0.1:*").unwrap();

    let from = |own: &CurveKeys| {
        let client = context.socket(SocketType::Push).unwrap();
        client.curve_serverkey(&keys.public).unwrap();
        client.curve_publickey(&own.public).unwrap().curve_secretkey(&own.secret).unwrap();
        client.linger(0).unwrap().connect(&curve_at).unwrap();
        client
    };
    let logged = |what: &[&str]| -> serde_json::Value {
        serde_json::from_str(&handler.serve.logs(what)).expect("JSON")
    };
    let (good, stranger) = (from(&known), CurveKeys::new());
    good.send("hello", 0).unwrap();
    assert_eq!(curve.recv().unwrap(), b"hello");
    let event = logged(&["\"decision\"", &known.public.replace('\\', "\\\\").replace('"', "\\\"")]);
    assert_eq!((&event["status"], &event["domain"]), (&"200".into(), &"lab".into()));
    assert_eq!(event["user"].as_str(), Some(&*known.public));
    let _bad = from(&stranger);
    let event = logged(&["\"decision\"", "Unknown key"]);
    assert_eq!(
        (&event["status"], &event["claim"]),
        (&"400".into(), &stranger.public.as_str().into())
    );

    let users = place.write("password", "hunter2");
    let send = ["send", "--type", "push", "--connect", &plain_at, "--plain-user", "admin"];
    let send = [&send[..], &["--plain-password-file", &users, "hello"]].concat();
    run(&send).exits(0);
    assert_eq!(plain.recv().unwrap(), b"hello");
    place.write("password", "hunter3");
    run(&send).exits(3).says("400");

    context.shutdown().unwrap();
    let _ = forwarder.join();
    handler.serve.interrupt();
    let ended = handler.serve.ends().exits(0);
    assert!(!ended.err.contains("hunter"), "{}", ended.err);
}

#[test]
fn keys_and_users_do_without_a_policy_file_and_are_read_again() {
    let place = Place::new("zap-stores");
    let users = place.write("users", "admin=hunter2\n");
    let bans = place.path("bans");
    let handler = Handler::at("ipc://*", &["--users", &users, "--bans", &bans]);
    let ask = |user: &'static str, password: &'static str| {
        let endpoint = handler.endpoint.clone();
        on_runtime(async move {
            let remote = RemoteAuthenticator::new(&*endpoint, Security::null()).unwrap();
            let remote = remote.time_limit(Duration::from_secs(60));
            try_in(&remote, "anywhere", user, password).await
        })
    };
    ask("admin", "hunter2").unwrap();
    ask("sam", "oats").unwrap_err();
    place.write("users", "admin=hunter2\nsam=oats\n");
    handler.serve.logs(&["read again: ", "users"]);
    ask("sam", "oats").unwrap();
    place.write("users", "admin=hunter2\nsam\n");
    handler.serve.logs(&["kept as it was: ", "users, line 2"]);
    ask("sam", "oats").unwrap();
    handler.serve.interrupt();
    handler.serve.ends().exits(0);
    assert_eq!(std::fs::read_to_string(&bans).unwrap(), "", "nobody is banned");
}

/// Bans outlive the command.
#[test]
fn bans_are_kept_across_a_restart() {
    let place = Place::new("zap-bans");
    let users = place.write("users", "admin=hunter2\n");
    let ban = "ban 192.0.2.6/32 until 2126-08-01T12:00:00Z times 3\n";
    let bans = place.write("bans", &format!("# by hand\n{ban}"));
    let handler = Handler::at("ipc://*", &["--users", &users, "--bans", &bans]);
    handler.serve.interrupt();
    handler.serve.ends().exits(0);
    assert_eq!(std::fs::read_to_string(&bans).unwrap(), ban);
    place.write("bans", "ban somebody\n");
    let flags = ["zap", "serve", "--bind", "ipc://*", "--users", &users, "--bans", &bans];
    run(&flags).exits(2).says("bans, line 1: expected \"ban SOURCE");
}

#[test]
fn what_would_open_the_door_is_refused() {
    let place = Place::new("zap-usage");
    let (_, secret) = place.keys("server");
    let users = place.write("users", "admin=hunter2\n");
    let refused = |bind: &str, flags: &[&str], says: &str| {
        run(&[&["zap", "serve", "--bind", bind][..], flags].concat()).exits(2).says(says);
    };
    let tcp = "tcp://127.0.0.1:*";
    refused(tcp, &["--users", &users], "tcp needs CURVE");
    refused(tcp, &["--users", &users, "--allow", "loopback"], "tcp needs CURVE");
    refused(tcp, &["--users", &users, "--curve-secret", &secret], "--authorized-keys");
    refused("inproc://here", &["--users", &users], "one process");
    refused("ipc://*", &[], "--policy");
    let listeners =
        place.write("listeners.toml", "[listeners.\"tcp://*\"]\ndeny = [\"private\"]\n");
    refused("ipc://*", &["--policy", &listeners], "does not tell the listener");
    refused("ipc://*", &["--policy", &listeners, "--users", &users], "cannot be used with");
}
