//! Messages of every size and shape between ironhouse and libzmq 4.3.5, in both directions, as they are
//! and encrypted.

use std::time::Duration;

use ironhouse::{AnySocket, Message, Options, Security, ServerSecurity, SocketType};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::mechanisms::{self, Mechanism};
use ironhouse_tests::ours::frames;
use ironhouse_tests::place::{self, Meeting};
use ironhouse_tests::relay::Relay;
use ironhouse_tests::theirs::{self, Setup};
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;

/// Around the ends of the short form and of buffers.
const SIZES: [usize; 7] = [0, 1, 254, 255, 256, 65_536, 16 * 1024 * 1024];

/// Octets that differ from place to place, so that nothing can be swapped unnoticed.
fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8 ^ size as u8).collect()
}

async fn meet(place: place::Place, security: &Security, set: &Setup) -> Fallible<Meeting> {
    let ours = AnySocket::new(SocketType::DEALER, Options::new().security(security.clone()))?;
    let theirs = theirs::context().socket(zmq::SocketType::Dealer)?;
    Meeting::arrange(place, ours, theirs, set).await
}

/// Sends the message there and back; `what` names the try.
async fn there_and_back(what: &str, meeting: &Meeting, parts: &[Vec<u8>]) -> Done {
    let message = Message::from_parts(parts.iter().map(Vec::as_slice)).expect("parts");
    rt::in_time(what, meeting.ours.send(message)).await?;
    let there = meeting.theirs.recv_multipart()?;
    assert!(there == parts, "{what}: arrived altered at theirs");
    meeting.theirs.send_multipart(&there)?;
    let back = rt::in_time(what, meeting.ours.recv()).await?;
    assert!(frames(&back) == parts, "{what}: arrived altered at ours");
    Ok(())
}

// ZMTP-FRAME-01, ZMTP-FRAME-02, ZMTP-FRAME-05, ZMTP-FRAME-06, ZMTP-FRAME-08, CURVE-05,
// CURVEZMQ-34, CURVEZMQ-35
#[test]
fn frames_of_every_size_arrive_unaltered() -> Done {
    let mechanisms = mechanisms::all()?;
    rt::run(async {
        for Mechanism { name: mechanism, security, set } in &mechanisms {
            for place in place::ALL {
                let meeting = meet(place, security, set).await?;
                for size in SIZES {
                    let what = format!("{size} octets, {mechanism}, {place}");
                    there_and_back(&what, &meeting, &[body(size)]).await?;
                }
                meeting.end().await?;
            }
        }
        Ok(())
    })
}

// ZMTP-FRAME-02, CURVE-07, CURVEZMQ-36
#[test]
fn messages_of_many_parts_arrive_whole() -> Done {
    let shapes: [&[usize]; 6] = [
        &[0, 0],
        &[0, 1, 0],
        &[1, 0],
        &[254, 255, 256, 0],
        &[65_536, 0, 70_000, 3],
        // More parts than one write or read takes.
        &[7; 600],
    ];
    let mechanisms = mechanisms::all()?;
    rt::run(async {
        for Mechanism { name: mechanism, security, set } in &mechanisms {
            for place in place::ALL {
                let meeting = meet(place, security, set).await?;
                for shape in shapes {
                    let what = format!("{} parts, {mechanism}, {place}", shape.len());
                    let parts: Vec<_> = shape.iter().copied().map(body).collect();
                    there_and_back(&what, &meeting, &parts).await?;
                }
                meeting.end().await?;
            }
        }
        Ok(())
    })
}

// CURVEZMQ-34
// hostile: C14
#[test]
fn a_message_of_32_mib_arrives_encrypted() -> Done {
    let mechanisms = mechanisms::all()?;
    let Mechanism { name: mechanism, security, set } = &mechanisms[1];
    rt::run(async {
        let meeting = meet(place::ALL[0], security, set).await?;
        there_and_back(mechanism, &meeting, &[body(32 * 1024 * 1024)]).await?;
        meeting.end().await
    })
}

// ZMTP-FRAME-13, CURVEZMQ-41, REQREP-DEALER-01
#[test]
fn many_small_messages_arrive_in_order() -> Done {
    const COUNT: u32 = 20_000;
    let mechanisms = mechanisms::all()?;
    rt::run(async {
        for Mechanism { name: mechanism, security, set } in &mechanisms {
            let meeting = meet(place::ALL[1], security, set).await?;
            let Meeting { ours, theirs, .. } = meeting;
            let echo = std::thread::spawn(move || -> Result<(), zmq::Error> {
                for _ in 0..COUNT {
                    theirs.send_multipart(theirs.recv_multipart()?)?;
                }
                // Alive until all is sent.
                _ = theirs.recv();
                Ok(())
            });
            let send = async {
                for number in 0..COUNT {
                    ours.send(number.to_string()).await?;
                }
                Fallible::Ok(())
            };
            let receive = async {
                for number in 0..COUNT {
                    let message = ours.recv().await?;
                    assert_eq!(*message.first(), *number.to_string(), "{mechanism}");
                }
                Fallible::Ok(())
            };
            let (sent, received) = tokio::join!(send, receive);
            sent?;
            received?;
            ours.send("that is all").await?;
            echo.join().expect("no panic")?;
            assert_eq!(ours.close().await, 0, "{mechanism}");
        }
        Ok(())
    })
}

/// On the wire each frame of an encrypted connection is a MESSAGE that says so, and nothing else can be
/// read there.
// ZMTP-CMD-14, ZMTP-MSG-08, CURVE-05, CURVE-08, CURVE-12, CURVE-10
#[test]
fn an_observer_sees_that_messages_pass_and_not_what_they_say() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let security = ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u"));
    rt::run(async {
        let options = Options::new()
            .security(security)
            .routing_id("our routing id")?
            .property("X-Secret", &b"our property"[..])?
            .heartbeat_interval(Duration::from_millis(20))
            .heartbeat_timeout(rt::LATE);
        let ours = AnySocket::new(SocketType::DEALER, options)?;
        let endpoint = ours.bind(place::ANYWHERE).await?;
        let relay = Relay::to(&endpoint.to_string()).await;
        let theirs = theirs::context().socket(zmq::SocketType::Dealer)?;
        client.present(&theirs, &server.public())?;
        theirs.routing_id("their routing id")?.connect(relay.endpoint())?;
        let parts: [&[u8]; 3] = [b"what nobody may read", b"", b"nor this"];
        theirs.send_multipart(parts)?;
        assert_eq!(frames(&rt::in_time("a message", ours.recv()).await?), parts);
        ours.send(Message::from_parts(parts).expect("parts")).await?;
        assert_eq!(theirs.recv_multipart()?, parts);
        let heartbeats = || relay.answered_frames().len() > 10;
        rt::until("some heartbeats", heartbeats).await;

        let everything = relay.everything();
        let seen = |text: &[u8]| everything.windows(text.len()).any(|it| it == text);
        for secret in [
            parts[0],
            parts[2],
            b"our routing id",
            b"their routing id",
            b"our property",
            b"DEALER",
            b"PING",
            client.public().as_bytes(),
            client.pair().secret().as_bytes(),
            server.pair().secret().as_bytes(),
        ] {
            assert!(!seen(secret), "{} is there to read", secret.escape_ascii());
        }
        // Behind the handshake: three parts each way, and heartbeats.
        for (side, frames) in [("theirs", relay.sent_frames()), ("ours", relay.answered_frames())] {
            for (flags, body) in &frames[2..] {
                assert!(body.starts_with(b"\x07MESSAGE"), "{side}: {}", body.escape_ascii());
                assert_eq!(flags & !2, 0, "{side}: neither MORE nor COMMAND outside of the box");
            }
        }
        ours.close().await;
        Ok(())
    })
}
