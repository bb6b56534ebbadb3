//! Whose turn it is, and what counts as an answer: spec_dealer, spec_pushpull, spec_rep, spec_req and
//! spec_router.

use std::time::Duration;

use ironhouse::error::{RecvError, SendError};
use ironhouse::{AnySocket, Message, Options, Pull, Push, Rep, Req, SocketType};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::{Raw, RawListener};
use ironhouse_tests::{Done, octets, rt, watch};

use crate::{QUIET, everywhere, marks, successes};

fn last(message: &Message) -> Vec<u8> {
    message.parts().last().map(|part| part.to_vec()).unwrap_or_default()
}

/// Who has no peer cannot send, and what waits to be sent arrives once when there is one.
// REQREP-REQ-05, REQREP-DEALER-03, PIPELINE-PUSH-02
#[test]
fn without_a_peer_sending_waits_and_nothing_is_lost() -> Done {
    use SocketType::{DEALER, PAIR, PULL, PUSH, REP, REQ};
    rt::run(async {
        for (ours, theirs) in [(REQ, REP), (DEALER, DEALER), (PUSH, PULL), (PAIR, PAIR)] {
            for at in everywhere(&format!("alone {ours}")) {
                let what = format!("{ours} at {at}");
                let socket = AnySocket::new(ours, Options::new())?;
                let endpoint = socket.bind(&at).await?;
                assert_eq!(socket.try_send("hello"), Err(SendError::WouldBlock), "{what}");
                let limit = socket.send_timeout("hello", Duration::from_millis(10));
                assert_eq!(limit.await, Err(SendError::TimedOut), "{what}");
                let peer = AnySocket::new(theirs, Options::new())?;
                let sending = async { socket.send("hello").await };
                let coming = async { peer.connect(&endpoint).map(drop) };
                let (sent, connected) = tokio::join!(rt::in_time(&what, sending), coming);
                sent?;
                connected?;
                assert_eq!(rt::in_time(&what, peer.recv()).await?.first(), "hello", "{what}");
                if theirs == REP {
                    peer.send("answer").await?;
                    assert_eq!(rt::in_time(&what, socket.recv()).await?.first(), "answer");
                }
                rt::never("more than was sent", QUIET / 10, peer.recv()).await;
            }
        }
        Ok(())
    })
}

/// One message to each peer in turn; who is full is passed over and its share goes to the others.
// REQREP-DEALER-02, PIPELINE-PUSH-01
#[test]
fn messages_go_to_each_peer_in_turn() -> Done {
    use SocketType::{DEALER, PULL, PUSH, REP, ROUTER};
    rt::run(async {
        for (ours, theirs) in [(PUSH, PULL), (DEALER, DEALER), (DEALER, ROUTER), (DEALER, REP)] {
            for at in everywhere(&format!("in turn {ours} {theirs}")) {
                let what = format!("{ours} to {theirs} at {at}");
                let socket = AnySocket::new(ours, marks(2, 2))?;
                let mut events = socket.monitor();
                let endpoint = socket.bind(&at).await?;
                let mut peers = Vec::new();
                for _ in 0..3 {
                    let peer = AnySocket::new(theirs, marks(2, 2))?;
                    peer.connect(&endpoint)?;
                    peers.push(peer);
                }
                successes(&what, &mut events, 3).await;
                for number in 0..6_u8 {
                    let message = parts([&b""[..], &[number]]);
                    rt::in_time(&what, socket.send(message)).await?;
                }
                // Each has two of them, three numbers apart.
                let mut firsts = Vec::new();
                for peer in &peers {
                    let one = last(&rt::in_time(&what, peer.recv()).await?);
                    if theirs == REP {
                        peer.send("answer").await?;
                    }
                    let other = last(&rt::in_time(&what, peer.recv()).await?);
                    assert_eq!(other[0], one[0] + 3, "{what}");
                    if theirs == REP {
                        peer.send("answer").await?;
                    }
                    firsts.push(one[0]);
                }
                firsts.sort_unstable();
                assert_eq!(firsts, [0, 1, 2], "{what}");
                if theirs == REP || !at.starts_with("inproc") {
                    // There the buffers of the system have room, too.
                    continue;
                }
                // The first one reads no more: it gets four, and the others share all the rest.
                let mut taken = 0;
                for _ in 0..100 {
                    rt::in_time(&what, socket.send("x")).await?;
                    for peer in &peers[1..] {
                        while peer.try_recv().is_ok() {
                            taken += 1;
                        }
                    }
                }
                assert_eq!(taken, 100 - 4, "{what}");
            }
        }
        Ok(())
    })
}

/// One message of each peer in turn, however many the others have sent.
// REQREP-REP-04, REQREP-DEALER-04, REQREP-ROUTER-05, PIPELINE-PULL-01
#[test]
fn messages_are_taken_of_each_peer_in_turn() -> Done {
    use SocketType::{DEALER, PULL, PUSH, REP, ROUTER};
    rt::run(async {
        for (ours, theirs) in [(PULL, PUSH), (DEALER, DEALER), (ROUTER, DEALER), (REP, DEALER)] {
            let name = format!("inproc://taken in turn {ours}");
            let socket = AnySocket::new(ours, Options::new())?;
            socket.bind(&name).await?;
            let mut peers = Vec::new();
            for (peer, count) in [("a", 200), ("b", 10), ("c", 10)] {
                let one = AnySocket::new(theirs, Options::new())?;
                rt::in_time(&name, one.connect(&name)?.ready()).await?;
                for number in 0..count {
                    let body = format!("{peer}{number}");
                    rt::in_time(&name, one.send(parts(["", &body]))).await?;
                }
                peers.push(one);
            }
            let mut seen = [0; 3];
            for round in 0..10 {
                for _ in 0..3 {
                    let body = last(&rt::in_time(&name, socket.recv()).await?);
                    let peer = usize::from(body[0] - b'a');
                    assert_eq!(body[1..], *seen[peer].to_string().as_bytes(), "{ours}: in order");
                    seen[peer] += 1;
                    if ours == REP {
                        socket.send("answer").await?;
                    }
                }
                assert_eq!(seen, [round + 1; 3], "{ours}: each once in round {round}");
            }
            for number in 10..200 {
                let body = last(&rt::in_time(&name, socket.recv()).await?);
                assert_eq!(body, format!("a{number}").into_bytes(), "{ours}");
                if ours == REP {
                    socket.send("answer").await?;
                }
            }
            assert!(matches!(socket.try_recv(), Err(RecvError::WouldBlock)), "{ours}");
        }
        Ok(())
    })
}

/// An answer that nobody asked for, or that comes a second time, is not the one to the next question.
// REQREP-REQ-02, REQREP-REQ-03, REQREP-REQ-07
#[test]
fn a_stray_answer_is_never_taken_for_one_to_a_later_question() -> Done {
    let message = |body: &str| [octets::frame(1, b""), octets::frame(0, body.as_bytes())].concat();
    rt::run(async {
        let listener = RawListener::bind().await;
        let req = Req::new(Options::new())?;
        req.connect(listener.endpoint())?;
        let mut raw = listener.accept().await;
        raw.shake_hands_null("REP").await;
        for round in 0..50 {
            // What stands before a PING has been dealt with when the PONG is here.
            raw.write(&message("nobody asked for this")).await;
            let ping = octets::command("PING", &[0, 0, round]);
            raw.write(&ping).await;
            let pong = octets::command("PONG", &[round]);
            raw.read_until("a PONG", |seen| seen.ends_with(&pong)).await;

            let question = format!("question {round}");
            rt::in_time("the question", req.send(question.clone())).await?;
            let asked = message(&question);
            raw.read_until("the question", |seen| seen.ends_with(&asked)).await;
            let answer = format!("answer {round}");
            raw.write(&message(&answer)).await;
            raw.write(&message("and a second time")).await;
            assert_eq!(*rt::in_time("the answer", req.recv()).await?.first(), *answer);
        }
        Ok(())
    })
}

/// A PUSH does not receive: what a PULL sends to it goes nowhere, costs nothing and changes nothing.
// PIPELINE-PUSH-05
#[test]
fn what_a_pull_sends_is_not_delivered() -> Done {
    rt::run(async {
        let push = Push::new(marks(10, 1))?;
        let endpoint = push.bind(ANYWHERE).await?;
        let mut raw = Raw::connect(&endpoint).await;
        raw.shake_hands_null("PULL").await;
        for _ in 0..100 {
            raw.write(&octets::frame(1, b"I am")).await;
            raw.write(&octets::frame(0, &[b'x'; 10_000])).await;
        }
        raw.write(&octets::command("PING", &[0, 0])).await;
        raw.read_command("PONG").await;
        rt::in_time("room", push.send("work")).await?;
        raw.read_until("the work", |seen| seen.ends_with(&octets::frame(0, b"work"))).await;
        let names = octets::command_names(&raw.seen);
        assert_eq!(names, ["READY", "PONG", "-"]);
        Ok(())
    })
}

/// A PULL writes no message, and what has arrived is received, although the peer has left.
// PIPELINE-PULL-02
#[test]
fn a_pull_sends_no_message_and_keeps_what_has_arrived_whole() -> Done {
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let mut events = pull.monitor();
        let endpoint = pull.bind(ANYWHERE).await?;
        let mut raw = Raw::connect(&endpoint).await;
        raw.shake_hands_null("PUSH").await;
        for number in 0..5 {
            raw.write(&octets::frame(1, &[number])).await;
            raw.write(&octets::frame(0, &[number; 300])).await;
        }
        // And half of another one.
        raw.write(&octets::frame(1, b"never seen")).await;
        raw.finish().await;
        raw.read_to_end().await;
        assert_eq!(octets::command_names(&raw.seen), ["READY"]);
        watch::disconnected("the pusher", &mut events).await;
        for number in 0..5 {
            let message = rt::in_time("a message", pull.recv()).await?;
            assert_eq!(message, parts([vec![number], vec![number; 300]]));
        }
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        Ok(())
    })
}

/// With several peers and several questions, who was asked last is the one that is heard.
// REQREP-REQ-06
#[test]
fn only_the_peer_that_was_asked_is_heard() -> Done {
    rt::run(async {
        for at in everywhere("the one that was asked") {
            let req = Req::new(Options::new())?;
            let mut events = req.monitor();
            let endpoint = req.bind(&at).await?;
            let mut routers = Vec::new();
            for number in 0..3 {
                let options = Options::new().routing_id(format!("router {number}"))?;
                let router = AnySocket::new(SocketType::ROUTER, options)?;
                router.connect(&endpoint)?;
                routers.push(router);
            }
            successes(&at, &mut events, 3).await;
            // Everybody learns who asks.
            let mut id = Vec::new();
            for _ in 0..3 {
                req.send("who?").await?;
                let asked = rt::until_some(&at, || {
                    routers.iter().find_map(|it| it.try_recv().ok().map(|got| (it, got)))
                });
                let (router, question) = asked.await;
                id = question.first().to_vec();
                router.send(parts([&id[..], b"", b"me"])).await?;
                assert_eq!(rt::in_time(&at, req.recv()).await?.first(), "me", "{at}");
            }
            req.send("to one of you").await?;
            let asked =
                rt::until_some(&at, || routers.iter().position(|router| router.try_recv().is_ok()));
            let asked = asked.await;
            // All of them have made up the same id for their only peer.
            for (at, router) in routers.iter().enumerate() {
                if at != asked {
                    router.send(parts([&id[..], b"", b"wrong"])).await?;
                }
            }
            routers[asked].send(parts([&id[..], b"", b"right"])).await?;
            assert_eq!(rt::in_time(&at, req.recv()).await?.first(), "right", "{at}");
        }
        Ok(())
    })
}

/// Both sides take their turns over every transport.
// REQREP-REQ-01, REQREP-REP-01
#[test]
fn questions_and_answers_pass_everywhere() -> Done {
    rt::run(async {
        for at in everywhere("everywhere") {
            let (req, rep) = (Req::new(Options::new())?, Rep::new(Options::new())?);
            req.connect(rep.bind(&at).await?)?;
            for number in 0..100 {
                let question = parts([vec![number; usize::from(number)], Vec::new()]);
                rt::in_time(&at, req.send(question.clone())).await?;
                assert_eq!(rt::in_time(&at, rep.recv()).await?, question, "{at}");
                rt::in_time(&at, rep.send(question.clone())).await?;
                assert_eq!(rt::in_time(&at, req.recv()).await?, question, "{at}");
            }
        }
        Ok(())
    })
}
