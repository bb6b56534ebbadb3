//! Signs of life between ironhouse and libzmq 4.3.5, in both directions, and what happens when they
//! stop.

use std::time::Duration;

use ironhouse::error::Disconnect;
use ironhouse::{AnySocket, Event, Options, Security, ServerSecurity, SocketType};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::place::{self, Meeting};
use ironhouse_tests::relay::Relay;
use ironhouse_tests::theirs::{self, setup};
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, rt};
use libzmq_reference as zmq;
use zmq::consts::*;
use zmtp_core::error::{Misbehaved, Stage};

const EVERY: Duration = Duration::from_millis(50);
/// Long enough for a busy machine to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Were any heartbeat lost or misunderstood, somebody would give up in this time.
const TIMEOUT: Duration = Duration::from_millis(1500);

fn count(commands: &[String], name: &str) -> usize {
    commands.iter().filter(|command| *command == name).count()
}

/// The fault for which an established connection of ours ended.
async fn broken(what: &str, monitor: &mut ironhouse::Monitor) -> Fault {
    match watch::disconnected(what, monitor).await {
        Disconnect::Protocol(error) => Fault::from(&error),
        other => panic!("{what}: ended for another reason: {other}"),
    }
}

// HEARTBEAT-01, HEARTBEAT-03, HEARTBEAT-12, HEARTBEAT-14, ZMTP-CMD-06, ZMTP-CMD-11
#[test]
fn libzmq_answers_every_ping_of_ours() -> Done {
    rt::run(async {
        let theirs = theirs::context().socket(zmq::SocketType::Dealer)?;
        let their_events = theirs.monitor()?;
        let relay = Relay::to(&theirs.bind(place::ANYWHERE)?).await;
        let options = Options::new().heartbeat_interval(EVERY).heartbeat_timeout(PATIENCE);
        let ours = AnySocket::new(SocketType::DEALER, options)?;
        let mut events = ours.monitor();
        ours.connect(relay.endpoint())?.ready().await?;
        rt::until("ten PINGs of ours, each with its PONG", || {
            count(&relay.sent(), "PING") >= 10 && count(&relay.answered(), "PONG") >= 10
        })
        .await;
        // Everything else still works.
        ours.send("still here").await?;
        assert_eq!(theirs.recv()?, b"still here");

        // Then it is gone without a word.
        relay.freeze();
        let expected = Fault::peer(Stage::Traffic, Misbehaved::HeartbeatTimeout, "HEARTBEAT-12");
        assert_eq!(broken("nobody answers", &mut events).await, expected);
        assert!(their_events.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, rt::LATE).is_some());
        ours.close().await;
        Ok(())
    })
}

// HEARTBEAT-02, HEARTBEAT-04, HEARTBEAT-05, HEARTBEAT-08
#[test]
fn ours_answers_every_ping_of_libzmq_and_minds_its_ttl() -> Done {
    rt::run(async {
        let ours = AnySocket::new(SocketType::DEALER, Options::new())?;
        let mut events = ours.monitor();
        let endpoint = ours.bind(place::ANYWHERE).await?;
        let relay = Relay::to(&endpoint.to_string()).await;
        let theirs = theirs::context().socket(zmq::SocketType::Dealer)?;
        theirs.heartbeat_ivl(50)?.heartbeat_timeout(2000)?.heartbeat_ttl(2000)?;
        let their_events = theirs.monitor()?;
        theirs.connect(relay.endpoint())?;
        rt::until("ten PINGs of theirs, each with its PONG", || {
            count(&relay.sent(), "PING") >= 10 && count(&relay.answered(), "PONG") >= 10
        })
        .await;
        theirs.send("still here", 0)?;
        assert_eq!(ours.recv().await?.first(), "still here");
        assert!(their_events.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, rt::LATE).is_some());

        // The TTL runs from a PING to whatever comes next.
        rt::until("a PING behind the message", || {
            relay.sent().last().is_some_and(|last| last == "PING")
        })
        .await;
        relay.freeze();
        let expected = Fault::peer(Stage::Traffic, Misbehaved::TtlExpired, "HEARTBEAT-08");
        assert_eq!(broken("their TTL", &mut events).await, expected);
        // And libzmq, which hears nothing either, gives up as well.
        let gone = their_events.wait_for(ZMQ_EVENT_DISCONNECTED, rt::LATE);
        assert!(gone.is_some(), "libzmq notices");
        ours.close().await;
        Ok(())
    })
}

// HEARTBEAT-09, HEARTBEAT-13, HEARTBEAT-18, CURVE-10
// hostile: C10
#[test]
fn heartbeats_in_both_directions_keep_every_kind_of_connection() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let (a, key) = (client.clone(), server.public());
    let judge = Judge::accept("u");
    let mechanisms = [
        ("NULL", Security::null(), setup(|_| Ok(()))),
        (
            "CURVE",
            ServerSecurity::curve(server.pair()).with_authenticator(judge),
            setup(move |socket| a.present(socket, &key)),
        ),
    ];
    let tries: Vec<_> =
        mechanisms.iter().flat_map(|it| place::ALL.map(|place| (it, place))).collect();
    rt::all_at_once(&tries, |((mechanism, security, set), place)| {
        let what = format!("{mechanism}, {place}");
        rt::run(async {
            let options = Options::new()
                .security(security.clone())
                .heartbeat_interval(EVERY)
                .heartbeat_timeout(TIMEOUT)
                .heartbeat_ttl(TIMEOUT);
            let theirs = theirs::context().socket(zmq::SocketType::Dealer)?;
            theirs.heartbeat_ivl(50)?.heartbeat_timeout(1500)?.heartbeat_ttl(1500)?;
            let ours = AnySocket::new(SocketType::DEALER, options)?;
            let mut meeting = Meeting::arrange(*place, ours, theirs, set).await?;
            watch::success(&what, &mut meeting.our_events).await;
            let lost = watch::event(&what, &mut meeting.our_events, |event| match event {
                Event::Disconnected { .. } => Some(event.clone()),
                _ => None,
            });
            rt::never(&what, TIMEOUT + TIMEOUT / 2, lost).await;
            meeting.ours.send("still here").await?;
            assert_eq!(meeting.theirs.recv()?, b"still here", "{what}");
            meeting.end().await
        })
    })
}

// HEARTBEAT-12, ZMTP-SOCKET-03
#[test]
fn a_peer_that_dies_is_noticed_and_met_again() -> Done {
    rt::run(async {
        let theirs = theirs::context().socket(zmq::SocketType::Dealer)?;
        let relay = Relay::to(&theirs.bind(place::ANYWHERE)?).await;
        let options =
            Options::new().heartbeat_interval(EVERY).heartbeat_timeout(Duration::from_millis(300));
        let ours = AnySocket::new(SocketType::DEALER, options)?;
        let mut events = ours.monitor();
        let mut connecting = ours.connect(relay.endpoint())?;
        connecting.ready().await?;
        relay.freeze();
        let what = "a silent peer";
        let fault = broken(what, &mut events).await;
        assert_eq!(fault.kind, Misbehaved::HeartbeatTimeout.into());
        relay.thaw();
        watch::success("the next connection", &mut events).await;
        ours.send("again").await?;
        assert_eq!(theirs.recv()?, b"again");
        ours.close().await;
        Ok(())
    })
}
