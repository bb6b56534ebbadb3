//! Publishers and subscribers: what begins with a prefix arrives, all of it and nothing else.

use std::time::Duration;

use ironhouse::{AnySocket, Socket, SocketType};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::Meeting;
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;

use crate::messages;

/// The last message; everybody subscribes to it.
const END: &str = "\u{7f}end";

/// Those that begin with `A`.
fn wanted() -> Vec<Vec<Vec<u8>>> {
    messages().into_iter().filter(|message| message[0].starts_with(b"A")).collect()
}

/// How the application is told of a subscription, and tells it.
fn change(kind: u8, prefix: &str) -> Vec<u8> {
    [&[kind][..], prefix.as_bytes()].concat()
}

/// XSUB can say what it wants only when there is somebody to say it to.
fn ask(socket: &zmq::Socket, theirs: SocketType, kind: u8, prefix: &str) -> Done {
    match (theirs, kind) {
        (SocketType::SUB, 0) => socket.unsubscribe(prefix).map(drop)?,
        (SocketType::SUB, _) => socket.subscribe(prefix).map(drop)?,
        _ => socket.send(change(kind, prefix), 0)?,
    }
    Ok(())
}

/// Prefixes that a publisher of ours knows of.
fn known(socket: &AnySocket) -> usize {
    match socket {
        AnySocket::Pub(socket) => socket.subscriptions(),
        AnySocket::XPub(socket) => socket.subscriptions(),
        other => panic!("not a publisher: {other:?}"),
    }
}

/// Waits until ours knows of so many, while libzmq works: a socket of it does so only when it is used.
async fn knows(what: &str, meeting: &Meeting, count: usize) {
    rt::until(what, || {
        _ = meeting.theirs.poll_in(Duration::ZERO);
        known(&meeting.ours) == count
    })
    .await;
}

/// What an application of ours receives next.
async fn heard(what: &str, meeting: &Meeting) -> Fallible<Vec<Vec<u8>>> {
    Ok(frames(&rt::in_time(what, meeting.ours.recv()).await?))
}

/// Ours publishes.
pub(crate) async fn ours(what: &str, theirs: SocketType, meeting: &Meeting) -> Done {
    let Meeting { ours, theirs: socket, .. } = meeting;
    ask(socket, theirs, 1, "A")?;
    ask(socket, theirs, 1, END)?;
    knows(what, meeting, 2).await;
    for message in messages() {
        rt::in_time(what, ours.send(parts(message))).await?;
    }
    for expected in wanted() {
        assert_eq!(socket.recv_multipart()?, expected, "{what}");
    }
    ask(socket, theirs, 0, "A")?;
    knows(what, meeting, 1).await;
    ours.send("A").await?;
    ours.send(END).await?;
    assert_eq!(socket.recv_multipart()?, [END.as_bytes()], "{what}");
    let dropped = match ours {
        AnySocket::Pub(ours) => ours.dropped(),
        AnySocket::XPub(ours) => ours.dropped(),
        _ => 0,
    };
    assert_eq!(dropped, 0, "{what}");
    if ours.socket_type() == SocketType::XPUB {
        for told in [change(1, "A"), change(1, END), change(0, "A")] {
            assert_eq!(heard(what, meeting).await?, [told], "{what}");
        }
        if theirs == SocketType::XSUB {
            // Not only subscriptions come up.
            for message in messages() {
                socket.send_multipart(&message)?;
                assert_eq!(heard(what, meeting).await?, message, "{what}, upstream");
            }
        }
    }
    Ok(())
}

/// Libzmq publishes.
pub(crate) async fn theirs(what: &str, theirs: SocketType, meeting: &Meeting) -> Done {
    let Meeting { ours, theirs: socket, .. } = meeting;
    ours.subscribe("A")?;
    ours.subscribe(END)?;
    // A PUB does not tell when it knows: it sends until the first one comes.
    rt::until(what, || {
        _ = socket.send(END, 0);
        ours.try_recv().is_ok()
    })
    .await;
    for message in messages() {
        socket.send_multipart(message)?;
    }
    let expected = wanted();
    let mut got = Vec::new();
    while got.len() < expected.len() {
        let message = heard(what, meeting).await?;
        if message != [END.as_bytes()] {
            got.push(message);
        }
    }
    assert_eq!(got, expected, "{what}");
    if theirs == SocketType::XPUB {
        assert!(ours.unsubscribe("A")?, "{what}");
        for told in [change(1, "A"), change(1, END), change(0, "A")] {
            assert_eq!(socket.recv()?, told, "{what}");
        }
        if ours.socket_type() == SocketType::XSUB {
            for message in messages() {
                rt::in_time(what, ours.send(parts(&message))).await?;
                assert_eq!(socket.recv_multipart()?, message, "{what}, upstream");
            }
        }
    }
    Ok(())
}
