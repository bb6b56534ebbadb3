//! Our connecting side, with a stranger where the server should be: it gives nothing away, says what
//! was wrong, and tries again.

use std::time::Duration;

use ironhouse::error::Disconnect;
use ironhouse::{Connecting, Dealer, Event, Monitor, Options, Reconnect, Security, ServerSecurity};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::mechanisms::Kind;
use ironhouse_tests::octets::{
    command, error, frame, greeting, long_header, ready, server_greeting,
};
use ironhouse_tests::raw::{Raw, RawListener};
use ironhouse_tests::watch::{self, Fault, fault_of};
use ironhouse_tests::{Done, Fallible, rt};
use zmtp_core::error::{Incompatible, Kind as Cause, Malformed, Misbehaved, Stage};
use zmtp_core::wire::greeting::MechanismName;

use crate::house::{AT_ONCE, DEADLINE, deadline};

const PASSWORD: &str = "never to be seen by strangers";

/// A client with something to lose, on its way to a stranger.
struct Visitor {
    dealer: Dealer,
    connecting: Connecting,
    events: Monitor,
    stranger: RawListener,
}

impl Visitor {
    async fn send(security: Security) -> Fallible<Self> {
        Self::send_with(security, rt::LATE).await
    }

    async fn send_with(security: Security, time: Duration) -> Fallible<Self> {
        let stranger = RawListener::bind().await;
        let limits = deadline(time);
        let soon = Duration::from_millis(10);
        let reconnect = Reconnect { interval: soon, max_interval: soon };
        let options = Options::new().security(security).limits(limits).reconnect(reconnect);
        let dealer = Dealer::new(options.linger(Duration::ZERO))?;
        let events = dealer.monitor();
        let connecting = dealer.connect(stranger.endpoint())?;
        dealer.send("application data").await?;
        Ok(Self { dealer, connecting, events, stranger })
    }

    /// Accepts a connection and answers with `octets`. Gives what the visitor said until it left,
    /// and how it sees the matter.
    async fn meet(&mut self, what: &str, octets: &[u8]) -> (Raw, watch::Fault, bool) {
        let Self { connecting, stranger, .. } = self;
        let visit = async {
            let mut raw = stranger.accept().await;
            raw.write(octets).await;
            raw.closes_within(what, AT_ONCE).await;
            raw.finish().await;
            raw
        };
        let (raw, failure) = tokio::join!(visit, watch::refusal(what, connecting));
        let error = watch::failure(what, &mut self.events).await;
        assert_eq!(fault_of(&failure), Fault::from(&error), "{what}: ready and monitor differ");
        (raw, Fault::from(&error), failure.is_final)
    }
}

/// What a client of ours connects with.
fn clients() -> Fallible<[(Kind, Security); 3]> {
    Ok([
        (Kind::Null, Security::null()),
        (Kind::Plain, Security::plain_client("user", PASSWORD)?),
        (Kind::Curve, Security::curve_client(Keys::new().pair(), Keys::new().public())?),
    ])
}

fn fault(stage: Stage, kind: impl Into<Cause>, rule: &'static str) -> Fault {
    Fault::peer(stage, kind, rule)
}

/// The command that a client of this kind waits for after the greetings.
fn first_stage(kind: Kind) -> Stage {
    match kind {
        Kind::Null => Stage::Ready,
        Kind::Plain | Kind::Curve => Stage::Welcome,
    }
}

/// Answers in place of a greeting: after them the client has sent its own greeting and nothing else.
fn bad_greetings(kind: Kind) -> Vec<(String, Vec<u8>, Fault)> {
    let ours = MechanismName::new(kind.name().as_bytes()).expect("a name");
    let signature = || fault(Stage::Greeting, Malformed::Signature, "ZMTP-GREETING-02");
    let version =
        |major| fault(Stage::Greeting, Incompatible::Version { major }, "ZMTP-VERSION-05");
    let mut cases = vec![
        ("garbage".to_owned(), vec![b'?'; 100], signature()),
        ("HTTP".to_owned(), b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), signature()),
        ("ZMTP 1.0".to_owned(), b"\x01\x00".to_vec(), signature()),
        // hostile: G2
        ("ZMTP 2.0".to_owned(), b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x06\x00\x00".to_vec(), version(1)),
    ];
    // hostile: G10
    for other in ["NULL", "PLAIN", "CURVE", "GSSAPI", "null", "plain"] {
        if other == kind.name() {
            continue;
        }
        let mut octets = [0; 20];
        octets[..other.len()].copy_from_slice(other.as_bytes());
        let theirs = MechanismName::from_octets(octets);
        let mismatch = Incompatible::Mechanism { ours, theirs };
        cases.push((
            format!("mechanism {other}"),
            server_greeting(other),
            fault(Stage::Mechanism, mismatch, "ZMTP-MECH-01"),
        ));
    }
    cases
}

// ZMTP-GREETING-12, ZMTP-GREETING-17, ZMTP-VERSION-05, ZMTP-VERSION-11, ZMTP-MECH-01, ZMTP-SEC-01,
// ZMTP-SEC-02, ZMTP-SOCKET-03
// hostile: G2, G10
#[test]
fn nothing_but_a_greeting_is_given_to_who_speaks_otherwise() -> Done {
    rt::all_at_once(&clients()?, |(kind, security)| {
        rt::run(async {
            let mut visitor = Visitor::send(security.clone()).await?;
            for (name, octets, expected) in bad_greetings(*kind) {
                let what = format!("{name} to a {} client", kind.name());
                let (raw, fault, is_final) = visitor.meet(&what, &octets).await;
                assert_eq!(fault, expected, "{what}");
                assert!(!is_final, "{what}: tries again");
                assert_eq!(raw.seen.len(), 64, "{what}: {}", raw.seen.escape_ascii());
            }
            // After all that, one who speaks properly.
            if *kind == Kind::Null {
                let mut raw = visitor.stranger.accept().await;
                raw.shake_hands_null("DEALER").await;
                rt::in_time("success", visitor.connecting.ready()).await?;
                raw.read_until("the data", |seen| seen.ends_with(b"\0\x10application data")).await;
            }
            Ok(())
        })
    })
}

// ZMTP-CMD-08, ZMTP-CMD-10, ZMTP-SEC-07, ZMTP-ERROR-08, PLAIN-10, PLAIN-18, CURVEZMQ-18,
// CURVEZMQ-40
// hostile: F1, F3, P4
#[test]
fn a_broken_rule_after_the_greeting_ends_the_attempt_and_not_the_endpoint() -> Done {
    rt::all_at_once(&clients()?, |(kind, security)| {
        let stage = first_stage(*kind);
        let after = |octets: Vec<u8>| [server_greeting(kind.name()), octets].concat();
        let mut cases = vec![
            (
                "a message",
                after(frame(0, b"data")),
                fault(stage, Misbehaved::MessageInHandshake, "ZMTP-CMD-10"),
            ),
            (
                "a command of 2^40 octets",
                after(long_header(4, 1 << 40)),
                fault(stage, Misbehaved::OversizedCommand, "ZMTP-SEC-07"),
            ),
            (
                "a command that nobody knows",
                after(command("SURPRISE", b"")),
                fault(stage, Misbehaved::UnexpectedCommand, "ZMTP-CMD-08"),
            ),
            (
                "another client",
                [greeting(kind.name()), command("HELLO", b"")].concat(),
                fault(stage, Misbehaved::UnexpectedCommand, "ZMTP-CMD-08"),
            ),
            (
                "ERROR that does not parse",
                after(command("ERROR", b"\x09400")),
                fault(stage, Malformed::ErrorReason, "ZMTP-ERROR-08"),
            ),
        ];
        if *kind == Kind::Plain {
            cases.push((
                "WELCOME with a body",
                after(command("WELCOME", b"!")),
                fault(stage, Malformed::WelcomeBody, "PLAIN-18"),
            ));
            cases.push((
                "READY before WELCOME",
                after(ready("DEALER")),
                fault(stage, Misbehaved::UnexpectedCommand, "ZMTP-CMD-08"),
            ));
        }
        if *kind == Kind::Curve {
            cases.push((
                "WELCOME that is too short",
                after(command("WELCOME", &[7; 10])),
                fault(stage, Malformed::CommandSize("WELCOME"), "CURVEZMQ-18"),
            ));
            cases.push((
                "WELCOME whose box does not open",
                after(command("WELCOME", &[7; 160])),
                fault(stage, Cause::Unopenable(zmtp_core::error::BoxName::Welcome), "CURVEZMQ-18"),
            ));
        }
        rt::run(async {
            let mut visitor = Visitor::send(security.clone()).await?;
            for (name, octets, expected) in cases {
                let what = format!("{name} to a {} client", kind.name());
                let (raw, fault, is_final) = visitor.meet(&what, &octets).await;
                assert_eq!(fault, expected, "{what}");
                assert!(!is_final, "{what}: tries again");
                let told = raw.seen.windows(16).any(|it| it == b"application data");
                assert!(!told, "{what}: data left before the handshake was complete");
            }
            Ok(())
        })
    })
}

// ZMTP-SEC-05
#[test]
fn a_silent_server_is_left_when_the_deadline_is_over() -> Done {
    rt::all_at_once(&clients()?, |(kind, security)| {
        rt::run(async {
            for (name, octets, stage) in [
                ("nothing", Vec::new(), Stage::Greeting),
                ("half a greeting", greeting(kind.name())[..20].to_vec(), Stage::Mechanism),
                ("a greeting", server_greeting(kind.name()), first_stage(*kind)),
            ] {
                let what = format!("{name}, then silence, to a {} client", kind.name());
                let mut visitor = Visitor::send_with(security.clone(), DEADLINE).await?;
                let (_, seen, is_final) = visitor.meet(&what, &octets).await;
                assert_eq!(seen, fault(stage, Cause::TimedOut, "ZMTP-SEC-05"), "{what}");
                assert!(!is_final, "{what}: tries again");
                visitor.stranger.accept().await;
            }
            Ok(())
        })
    })
}

// ZMTP-ERROR-02, ZMTP-ERROR-07, PLAIN-19
// hostile: C11, R8
#[test]
fn an_error_is_believed_only_where_it_may_be() -> Done {
    let reason = "\r\n\u{1b}[31mforged line";
    rt::all_at_once(&clients()?, |(kind, security)| {
        let what = format!("ERROR to a {} client", kind.name());
        rt::run(async {
            let mut visitor = Visitor::send(security.clone()).await?;
            let octets = [server_greeting(kind.name()), error(reason)].concat();
            let (_, seen, is_final) = visitor.meet(&what, &octets).await;
            assert_eq!(seen.rule, "ZMTP-ERROR-02", "{what}");
            let Cause::ReportedByPeer(told) = &seen.kind else { panic!("{what}: {seen:?}") };
            assert_eq!(told.as_bytes(), reason.as_bytes(), "{what}");
            let text = format!("{} {told:?}", seen.kind);
            assert!(text.chars().all(|it| !it.is_control()), "{what}: {text:?}");
            // A CURVE client has seen no proof yet that this is its server.
            assert_eq!(is_final, *kind != Kind::Curve, "{what}");
            if is_final {
                let event = watch::event(&what, &mut visitor.events, |event| match event {
                    Event::Stopped { cause, .. } => Some(Ok(cause.clone())),
                    Event::Retrying { .. } => Some(Err(event.clone())),
                    _ => None,
                });
                match event.await {
                    Ok(Disconnect::Protocol(error)) => assert_eq!(Fault::from(&error), seen),
                    other => panic!("{what}: {other:?}"),
                }
            } else {
                visitor.stranger.accept().await;
            }
            visitor.dealer.close().await;
            Ok(())
        })
    })
}

// ZMTP-ERROR-05, ZMTP-SOCKET-03
// hostile: F8
#[test]
fn a_server_that_closes_at_any_octet_is_met_again() -> Done {
    rt::all_at_once(&clients()?, |(kind, security)| {
        rt::run(async {
            let mut visitor = Visitor::send(security.clone()).await?;
            let whole = [server_greeting(kind.name()), ready("DEALER")].concat();
            for cut in 0..whole.len() {
                let what = format!("an end after {cut} octets to a {} client", kind.name());
                let mut raw = visitor.stranger.accept().await;
                raw.read_to(64).await;
                raw.write(&whole[..cut]).await;
                raw.finish().await;
                raw.read_to_end().await;
                let error = watch::failure(&what, &mut visitor.events).await;
                let stage = match cut {
                    0..10 => Stage::Greeting,
                    10..64 => Stage::Mechanism,
                    _ => first_stage(*kind),
                };
                assert_eq!(Fault::from(&error), Fault::closed(stage), "{what}");
            }
            Ok(())
        })
    })
}

/// Connecting as the server: whoever listens there has to prove itself, and gets no secret.
// ZMTP-MECH-05, ZMTP-MECH-07, PLAIN-14, CURVE-02
// hostile: P5
#[test]
fn a_connecting_server_gives_nothing_away() -> Done {
    let plain = ServerSecurity::plain().with_authenticator(Judge::accept("u"));
    let curve = ServerSecurity::curve(Keys::new().pair()).with_authenticator(Judge::accept("u"));
    rt::all_at_once(&[(Kind::Plain, plain), (Kind::Curve, curve)], |(kind, security)| {
        let what = format!("a {} server that connects", kind.name());
        rt::run(async {
            let mut visitor = Visitor::send(security.clone()).await?;
            let both = fault(Stage::Mechanism, Incompatible::BothServers, "ZMTP-MECH-07");
            let (raw, seen, _) = visitor.meet(&what, &server_greeting(kind.name())).await;
            assert_eq!(seen, both, "{what}");
            assert_eq!(raw.seen.len(), 64, "{what}");
            let octets = [greeting(kind.name()), command("WELCOME", b"")].concat();
            let (raw, seen, _) = visitor.meet(&what, &octets).await;
            let unexpected = fault(Stage::Hello, Misbehaved::UnexpectedCommand, "ZMTP-CMD-08");
            assert_eq!(seen, unexpected, "{what}");
            assert_eq!(raw.seen.len(), 64, "{what}");
            Ok(())
        })
    })
}

// ZMTP-ERROR-05, ZMTP-ERROR-06
#[test]
fn attempts_come_ever_more_slowly_and_go_on() -> Done {
    rt::run(async {
        let stranger = RawListener::bind().await;
        let reconnect = Reconnect {
            interval: Duration::from_millis(8),
            max_interval: Duration::from_millis(64),
        };
        let dealer = Dealer::new(Options::new().reconnect(reconnect))?;
        let mut events = dealer.monitor();
        dealer.connect(stranger.endpoint())?;
        let hangs_up = async {
            loop {
                let mut raw = stranger.accept().await;
                raw.write(b"go away").await;
            }
        };
        let watches = async {
            for full in [8, 16, 32, 64, 64, 64] {
                let delay = watch::event("a retry", &mut events, |event| match event {
                    Event::Retrying { delay, .. } => Some(*delay),
                    _ => None,
                });
                let delay = delay.await;
                let full = Duration::from_millis(full);
                assert!(delay >= full / 2 && delay <= full, "{delay:?} of {full:?}");
            }
        };
        tokio::select! { () = hangs_up => {}, () = watches => {} }
        Ok(())
    })
}

/// Nobody there at all.
// ZMTP-SOCKET-02
#[test]
fn an_unreachable_endpoint_is_said_to_be_so_and_tried_again() -> Done {
    rt::run(async {
        // A port that was free a moment ago.
        let endpoint = RawListener::bind().await.endpoint();
        let dealer = Dealer::new(Options::new())?;
        let mut connecting = dealer.connect(&endpoint)?;
        let failure = watch::refusal("nobody", &mut connecting).await;
        let Disconnect::Unreachable(error) = &failure.cause else { panic!("{failure:?}") };
        assert_eq!(*error.kind(), transport::net::DialErrorKind::Refused);
        assert!(!failure.is_final);
        assert!(failure.to_string().contains(&endpoint), "{failure}");

        let missing = dealer.connect("ipc:///nonexistent/ironhouse")?;
        let failure = watch::refusal("no path", &mut { missing }).await;
        let Disconnect::Unreachable(error) = &failure.cause else { panic!("{failure:?}") };
        assert_eq!(*error.kind(), transport::net::DialErrorKind::NoSuchPath);
        rt::takes_less("closing", AT_ONCE, dealer.close()).await;
        Ok(())
    })
}
