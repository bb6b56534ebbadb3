//! What is logged of peers: one line for each that is refused, with what an operator needs and nothing
//! that must not be seen.
//!
//! One test, in a process of its own: the budget of lines per second is one for the whole process.

use std::sync::Arc;
use std::time::Duration;

use curve::CurveClient;
use ironhouse::auth::Refusal;
use ironhouse::{
    Authenticator, Dealer, Endpoint, KeySet, Limits, Options, Passwords, Policy, Security,
    ServerSecurity, SocketType,
};
use ironhouse_tests::capture::{self, Record};
use ironhouse_tests::driven::{Driven, Outcome};
use ironhouse_tests::judge::{Judge, REASON};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::octets::{greeting, long_header, server_greeting};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, rt, watch};
use tracing::Level;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::Security as Mechanism;
use zmtp_core::mechanism::plain::PlainClient;

const PASSWORD: &str = "correct horse battery staple";

/// Everything that was logged at WARN or worse about this listener since `before` records.
fn warnings_since(endpoint: &Endpoint, before: usize) -> Vec<Record> {
    capture::warnings(&endpoint.to_string()).split_off(before)
}

// ZMTP-SEC-03
// hostile: R8, R9
#[test]
fn each_refusal_is_one_warning_without_secrets() -> Done {
    capture::start();
    rt::run(async {
        strangers().await?;
        refused_clients().await?;
        judged_by_a_policy().await?;
        established_peers().await?;
        flood().await
    })
}

async fn strangers() -> Done {
    let judge = Judge::accept("friend");
    let security = ServerSecurity::plain().with_authenticator(judge);
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = Duration::from_millis(300);
    let server = Dealer::new(Options::new().security(security).limits(limits))?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    for (what, octets, parts) in [
        ("garbage", b"\x55\r\n\x1b[31m".to_vec(), ["greeting", "ZMTP-GREETING-02"]),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), ["greeting", "ZMTP-GREETING-02"]),
        ("ZMTP 1.0", vec![1, 0], ["greeting", "ZMTP-GREETING-02"]),
        ("ZMTP 2.0", b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05".to_vec(), ["ZMTP 1", "ZMTP-VERSION-05"]),
        ("another mechanism", greeting("NULL"), ["NULL", "ZMTP-MECH-01"]),
        ("a mechanism that is none", greeting("\r\n\u{1b}[31m"), ["\\r\\n", "ZMTP-MECH-01"]),
        ("another server", server_greeting("PLAIN"), ["server", "ZMTP-MECH-07"]),
        (
            "a huge frame",
            [greeting("PLAIN"), long_header(4, 1 << 60)].concat(),
            ["HELLO", "ZMTP-SEC-07"],
        ),
        ("silence", Vec::new(), ["time limit", "ZMTP-SEC-05"]),
    ] {
        let before = capture::warnings(&endpoint.to_string()).len();
        let mut raw = Raw::connect(&endpoint).await;
        raw.write(&octets).await;
        raw.read_to_end().await;
        raw.finish().await;
        watch::failure(what, &mut events).await;
        let warnings = warnings_since(&endpoint, before);
        let [warning] = &warnings[..] else { panic!("{what}: not one line: {warnings:#?}") };
        assert_eq!(warning.level, Level::WARN, "{what}");
        for part in parts {
            assert!(warning.text.contains(part), "{what}: no {part:?} in {warning:?}");
        }
        let address = raw.address().to_string();
        assert!(warning.text.contains(&address), "{what}: no address in {warning:?}");
        assert!(!warning.text.contains(['\r', '\n', '\u{1b}']), "{what}: {warning:?}");
    }
    server.close().await;
    Ok(())
}

async fn refused_clients() -> Done {
    for status in [Refusal::Temporary, Refusal::Failure, Refusal::Internal] {
        let what = format!("status {status}");
        let security = ServerSecurity::plain().with_authenticator(Judge::refuse(status));
        let server = Dealer::new(Options::new().security(security))?;
        let mut events = server.monitor();
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        let mut raw = Raw::connect(&endpoint).await;
        raw.write(&greeting("PLAIN")).await;
        raw.write(&ironhouse_tests::octets::plain_hello("user", PASSWORD)).await;
        raw.read_to_end().await;
        raw.finish().await;
        watch::failure(&what, &mut events).await;
        let warnings = warnings_since(&endpoint, 0);
        let [warning] = &warnings[..] else { panic!("{what}: not one line: {warnings:#?}") };
        for part in [status.status().code(), REASON, "authentication", "ZAP-25"] {
            assert!(warning.text.contains(part), "{what}: no {part:?} in {warning:?}");
        }
        server.close().await;
    }
    Ok(())
}

/// The policy engine has its own record of each decision, which is no second warning: what it knows stands
/// in the one.
async fn judged_by_a_policy() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let users = || Passwords::from_pairs([("alice", "her password")]);
    let passwords = Authenticator::new().configure_plain("*", users()?)?;
    let denied = Authenticator::new().configure_plain("*", users()?)?.deny("127.0.0.0/8")?;
    let keys = Authenticator::new().configure_curve("*", KeySet::new())?;
    let plain = || PlainClient::new(b"alice", PASSWORD.as_bytes());
    for (what, security, client, facts) in [
        (
            "a wrong password",
            ServerSecurity::plain().with_authenticator(passwords.clone()),
            Arc::new(plain()?) as Arc<dyn Mechanism>,
            ["PLAIN", "alice", "provider: ", "Invalid credentials"],
        ),
        (
            "an address",
            ServerSecurity::plain().with_authenticator(denied),
            Arc::new(plain()?),
            ["PLAIN", "alice", "address: ", "127.0.0.0/8"],
        ),
        (
            "an unknown key",
            ServerSecurity::curve(server.pair()).with_authenticator(keys),
            Arc::new(CurveClient::new(client.pair(), server.public())?),
            ["CURVE", &client.public().to_string(), "provider: ", "Unknown key"],
        ),
    ] {
        let socket = Dealer::new(Options::new().security(security))?;
        let mut events = socket.monitor();
        let endpoint = socket.bind("tcp://127.0.0.1:*").await?;
        let config = ConnectionConfig::new(SocketType::DEALER, client);
        let mut peer = Driven::connect_with(&endpoint, Arc::new(config)).await;
        assert!(matches!(peer.shake_hands(usize::MAX, usize::MAX).await, Outcome::Failed(_)));
        watch::failure(what, &mut events).await;
        one_warning(what, &peer.raw, &endpoint, &facts);
        socket.close().await;
    }

    let security = ServerSecurity::plain().with_authenticator(passwords.clone());
    let socket = Dealer::new(Options::new().security(security))?;
    let mut events = socket.monitor();
    let endpoint = socket.bind("tcp://127.0.0.1:*").await?;
    let mut raw = Raw::connect(&endpoint).await;
    raw.shake_hands_plain("alice", "her password", "DEALER").await;
    watch::success("alice", &mut events).await;
    passwords.set_policy(Policy::default());
    watch::disconnected("alice", &mut events).await;
    one_warning("put out", &raw, &endpoint, &["PLAIN", "alice", "domain: ", "traffic"]);
    socket.close().await;
    Ok(())
}

/// One line about this peer, with its address, the status, the rule and these facts.
fn one_warning(what: &str, peer: &Raw, endpoint: &Endpoint, facts: &[&str]) {
    let address = peer.address().to_string();
    let warnings = capture::warnings(&address);
    let [warning] = &warnings[..] else { panic!("{what}: not one line: {warnings:#?}") };
    let endpoint = endpoint.to_string();
    for part in facts.iter().copied().chain(["\"400\"", "ZAP-25", &endpoint]) {
        assert!(warning.text.contains(part), "{what}: no {part:?} in {warning:?}");
    }
    assert!(!warning.text.contains(PASSWORD), "{what}");
}

async fn established_peers() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let secrets: [Vec<u8>; 5] = [
        PASSWORD.into(),
        server.pair().secret().as_bytes().to_vec(),
        client.pair().secret().as_bytes().to_vec(),
        server.pair().secret().to_z85().as_bytes().to_vec(),
        client.pair().secret().to_z85().as_bytes().to_vec(),
    ];
    let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    for (mechanism, guarded, security) in [
        (
            "PLAIN",
            ServerSecurity::plain().with_authenticator(Judge::accept("alice")),
            Security::plain_client("user", PASSWORD)?,
        ),
        (
            "CURVE",
            ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("alice")),
            Security::curve_client(client.pair(), server.public())?,
        ),
    ] {
        let (guarded, open) = (Options::new().security(guarded), Options::new().security(security));
        for options in [&guarded, &open] {
            let text = format!("{options:?} {options:#?}");
            for secret in &secrets {
                let list = format!("{secret:?}");
                let list = list.trim_matches(['[', ']']);
                assert!(!text.contains(&*String::from_utf8_lossy(secret)), "{mechanism}: Debug");
                assert!(!text.contains(list), "{mechanism}: Debug");
            }
        }
        let (bound, connected) = (Dealer::new(guarded)?, Dealer::new(open)?);
        let endpoint = bound.bind("tcp://127.0.0.1:*").await?;
        rt::in_time(mechanism, connected.connect(&endpoint)?.ready()).await?;
        connected.send("the message is nobody's business").await?;
        rt::in_time(mechanism, bound.recv()).await?;
        connected.close().await;
        bound.close().await;

        let records = capture::records(&endpoint.to_string());
        assert_eq!(warnings_since(&endpoint, 0).len(), 0, "{mechanism}");
        let infos = records.iter().filter(|record| record.level == Level::INFO);
        let infos: Vec<_> = infos.map(|record| record.text.as_str()).collect();
        // One on each side; the server's names the user.
        assert_eq!(infos.len(), 2, "{mechanism}: {infos:?}");
        assert!(infos.iter().all(|text| text.contains(mechanism)), "{infos:?}");
        assert!(infos.iter().any(|text| text.contains("alice")), "{infos:?}");
    }
    capture::assert_free_of(&secrets);
    capture::assert_free_of(&[b"nobody's business"]);
    Ok(())
}

/// Garbage without end is counted, not written.
async fn flood() -> Done {
    const COUNT: usize = 300;
    let server = Dealer::new(Options::new())?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    let begin = std::time::Instant::now();
    for _ in 0..COUNT {
        let mut raw = Raw::connect(&endpoint).await;
        raw.write(b"garbage").await;
        raw.read_to_end().await;
    }
    for _ in 0..COUNT {
        watch::failure("the flood", &mut events).await;
    }
    let seconds = 2 + usize::try_from(begin.elapsed().as_secs())?;
    let written = warnings_since(&endpoint, 0).len();
    assert!(written <= 50 * seconds, "{written} lines in {seconds} seconds");
    // The next line that is written says how many were not.
    if written < COUNT {
        let told = rt::in_time("the number of suppressed lines", async {
            loop {
                let mut raw = Raw::connect(&endpoint).await;
                raw.write(b"garbage").await;
                raw.read_to_end().await;
                let lines = warnings_since(&endpoint, 0);
                let told: usize = lines.iter().filter_map(|line| suppressed(&line.text)).sum();
                if lines.len() > written && told > 0 {
                    return told + lines.len();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(told.await >= COUNT, "every one is counted");
    }
    server.close().await;
    Ok(())
}

fn suppressed(text: &str) -> Option<usize> {
    text.split_once("suppressed=")?.1.split_whitespace().next()?.parse().ok()
}
