//! What went wrong elsewhere before, and must not here.

use std::process::Command;
use std::time::Duration;

use ironhouse::auth::{AuthDecision, AuthRequest, Credentials};
use ironhouse::{
    AnySocket, Event, Limits, Options, Pull, Push, Security, ServerSecurity, SocketType, from_fn,
};
use ironhouse_tests::mechanisms::KINDS;
use ironhouse_tests::octets::{greeting, plain_hello};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, rt, watch};
use zmtp_core::error::Side;

use crate::house::House;

/// A peer that has not shown who it is has no part in any pattern: nothing is sent to it, nothing waits
/// for it, and no turn is its own.
// CVE-2020-15166
#[test]
fn strangers_take_no_part_before_they_are_let_in() -> Done {
    rt::run(async {
        for (ours, theirs) in [
            (SocketType::PUSH, SocketType::PULL),
            (SocketType::DEALER, SocketType::DEALER),
            (SocketType::REQ, SocketType::REP),
        ] {
            let judge = from_fn(|request: std::sync::Arc<AuthRequest>| async move {
                match &request.credentials {
                    Credentials::Plain { username, .. } if username == "friend" => {
                        AuthDecision::accept()
                    }
                    _ => std::future::pending().await,
                }
            });
            let mut limits = Limits::DEFAULT;
            limits.handshake_timeout = Duration::from_secs(3600);
            let security = ServerSecurity::plain().with_authenticator(judge);
            let options = Options::new()
                .security(security)
                .limits(limits)
                .authentication_limit(Duration::from_secs(3600))
                .linger(Duration::ZERO);
            let server = AnySocket::new(ours, options)?;
            let mut events = server.monitor();
            let endpoint = server.bind("tcp://127.0.0.1:*").await?;
            let mut strangers = Vec::new();
            let hello = [greeting("PLAIN"), plain_hello("stranger", "x")].concat();
            for octets in [&[][..], &greeting("PLAIN")[..10], &greeting("PLAIN"), &hello] {
                for _ in 0..20 {
                    let mut raw = Raw::connect(&endpoint).await;
                    raw.write(octets).await;
                    raw.read_to(64).await;
                    strangers.push(raw);
                }
            }
            // Nobody is there yet.
            rt::never("sent to a stranger", Duration::from_millis(30), server.send("x")).await;
            let security = Security::plain_client("friend", "x")?;
            let friend = AnySocket::new(theirs, Options::new().security(security))?;
            friend.connect(&endpoint)?;
            watch::success("the friend", &mut events).await;
            for number in 0..1000 {
                rt::in_time("room", server.send(number.to_string())).await?;
                if ours == SocketType::REQ || number % 100 == 99 {
                    let message = rt::in_time("a message", friend.recv()).await?;
                    if ours == SocketType::REQ {
                        assert_eq!(*message.first(), *number.to_string());
                        friend.send("answer").await?;
                        rt::in_time("an answer", server.recv()).await?;
                    }
                }
            }
            if ours != SocketType::REQ {
                // Ten were taken on the way; what is left is all the rest, in order.
                for number in 10..1000 {
                    let message = rt::in_time("a message", friend.recv()).await?;
                    assert_eq!(*message.first(), *number.to_string());
                }
            }
            for mut stranger in strangers {
                assert_eq!(stranger.seen.len(), 64, "not an octet more than the greeting");
                stranger.finish().await;
            }
        }
        Ok(())
    })
}

/// Octets without any form, as a fuzzer writes them: whatever the first one is, and wherever the
/// segments end.
// OSV-2022-478
#[test]
fn raw_octets_of_any_kind_end_in_a_refusal() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            let mut state = 0x9E37_79B9_7F4A_7C15_u64;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state
            };
            for first in 0..=255_u8 {
                let what = format!("octets from {first:#04x} on at a {} listener", kind.name());
                let mut octets =
                    if first.is_multiple_of(2) { greeting(kind.name()) } else { vec![] };
                octets.push(first);
                octets.extend((0..200).map(|_| next() as u8));
                let mut raw = house.raw().await;
                let mut rest = &octets[..];
                while !rest.is_empty() {
                    let (some, later) = rest.split_at((next() as usize % 70 + 1).min(rest.len()));
                    raw.write(some).await;
                    rest = later;
                }
                raw.finish().await;
                let fault = house.turned_away(&what, &raw).await;
                assert_eq!(fault.side, Side::Peer, "{what}: {fault:?}");
            }
            house.check_all_is_well(kind.name()).await
        })
    })
}

/// Without descriptors nobody is accepted; with the first that are free again, everybody is.
// hostile: R2
#[test]
fn running_out_of_descriptors_passes() -> Done {
    const NAME: &str = "past::running_out_of_descriptors_passes";
    const AGAIN: &str = "IRONHOUSE_TEST_DESCRIPTORS";
    if std::env::var_os(AGAIN).is_none() {
        // In a process of its own, as all descriptors of this one are taken.
        let status = Command::new("sh")
            .args(["-c", "ulimit -n 80 && exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe()?)
            .arg(NAME)
            .env(AGAIN, "yes")
            .status()?;
        assert!(status.success(), "with 80 descriptors");
        return Ok(());
    }
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let mut events = pull.monitor();
        let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
        let address = endpoint.to_string();
        let address = address.strip_prefix("tcp://").expect("a TCP endpoint");
        let mut greedy = Vec::new();
        while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
            greedy.push(stream);
            assert!(greedy.len() < 100, "there is a limit");
        }
        watch::event("exhaustion", &mut events, |event| match event {
            Event::AcceptFailed { error, .. } => {
                assert!(error.is_exhaustion(), "{error}");
                Some(())
            }
            _ => None,
        })
        .await;
        drop(greedy);
        let push = Push::new(Options::new())?;
        push.connect(&endpoint)?;
        push.send("at last").await?;
        assert_eq!(rt::in_time("a message", pull.recv()).await?.first(), "at last");
        Ok(())
    })
}
