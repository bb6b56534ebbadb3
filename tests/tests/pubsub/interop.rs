//! Each type of ours with each type of libzmq 4.3.5 that it may talk to: over tcp and ipc, whoever
//! binds, as they are and encrypted; all messages counted and compared.

use std::time::Duration;

use ironhouse::{Endpoint, Options, Pub, Security, ServerSecurity, Sub, XPub, XSub};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::ours::frames;
use ironhouse_tests::place::{self, ANYWHERE, Binder, Place, TempDir, Transport};
use ironhouse_tests::theirs::{self, Setup, setup};
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;

use crate::{END, knows};

const COUNT: usize = 200;

/// Number, parts and sizes vary; only those that begin with "A" are wanted.
fn messages() -> Vec<Vec<Vec<u8>>> {
    (0..COUNT)
        .map(|number| {
            let topic = ["A", "B", "AB", "", "aA"][number % 5];
            let mut message =
                vec![[topic.as_bytes(), b"/", number.to_string().as_bytes()].concat()];
            for part in 0..number % 4 {
                message.push(vec![u8::try_from(number).unwrap_or(0); part * number * 7]);
            }
            message
        })
        .collect()
}

fn wanted() -> Vec<Vec<Vec<u8>>> {
    messages().into_iter().filter(|message| message[0].starts_with(b"A")).collect()
}

/// Ours as server and as client, and libzmq as the other one.
fn mechanisms() -> Fallible<Vec<(&'static str, Security, Setup)>> {
    let (server, client) = (Keys::new(), Keys::new());
    let (a, b, key) = (client.clone(), server.clone(), server.public());
    Ok(vec![
        ("NULL", Security::null(), setup(|_| Ok(()))),
        (
            "CURVE server",
            ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u")),
            setup(move |socket| a.present(socket, &key)),
        ),
        (
            "CURVE client",
            Security::curve_client(client.pair(), server.public())?,
            setup(move |socket| b.serve(socket)),
        ),
    ])
}

fn address(place: Place) -> (TempDir, String) {
    let directory = TempDir::new();
    let at = match place.transport {
        Transport::Tcp => ANYWHERE.to_owned(),
        Transport::Ipc => directory.ipc("socket"),
    };
    (directory, at)
}

/// Brings a socket of ours and one of libzmq together.
macro_rules! meet {
    ($place:expr, $ours:expr, $theirs:expr) => {{
        let (directory, at) = address($place);
        match $place.binder {
            Binder::Ours => {
                let endpoint: Endpoint = $ours.bind(at).await?;
                $theirs.connect(&endpoint.to_string())?;
            }
            Binder::Theirs => {
                $ours.connect($theirs.bind(&at)?)?;
            }
        }
        directory
    }};
}

fn subscriber(
    context: &zmq::Context,
    kind: zmq::SocketType,
    set: &Setup,
    prefixes: &[&str],
) -> Fallible<zmq::Socket> {
    let socket = context.socket(kind)?;
    set(&socket)?;
    for prefix in prefixes {
        if kind == zmq::SocketType::Sub {
            socket.subscribe(prefix)?;
        }
    }
    Ok(socket)
}

/// XSUB can say what it wants only when there is somebody to say it to.
fn ask(socket: &zmq::Socket, kind: zmq::SocketType, change: u8, prefix: &str) -> Done {
    match (kind, change) {
        (zmq::SocketType::Sub, 0) => socket.unsubscribe(prefix).map(drop)?,
        (zmq::SocketType::Sub, _) => socket.subscribe(prefix).map(drop)?,
        _ => socket.send([&[change][..], prefix.as_bytes()].concat(), 0)?,
    }
    Ok(())
}

/// Waits while libzmq works: a socket of it does so only when it is used.
async fn working(theirs: &zmq::Socket, what: &str, mut holds: impl FnMut() -> bool) {
    rt::until(what, || {
        _ = theirs.poll_in(Duration::ZERO);
        holds()
    })
    .await;
}

/// A table of publishers of ours against all subscribers of libzmq.
macro_rules! we_publish {
    ($name:ident, $ours:ident) => {
        // PUBSUB-WIRE-04, PUBSUB-WIRE-05, PUBSUB-PUB-03, PUBSUB-WIRE-09
        #[test]
        fn $name() -> Done {
            rt::run(async {
                for place in place::ALL {
                    for (mechanism, security, set) in mechanisms()? {
                        for kind in [zmq::SocketType::Sub, zmq::SocketType::Xsub] {
                            let what = format!("{kind:?}, {place}, {mechanism}");
                            let context = theirs::context();
                            let ours = $ours::new(Options::new().security(security.clone()))?;
                            let theirs = subscriber(&context, kind, &set, &[])?;
                            let _directory = meet!(place, ours, theirs);
                            ask(&theirs, kind, 1, "A")?;
                            ask(&theirs, kind, 1, END)?;
                            working(&theirs, &what, || ours.subscriptions() == 2).await;
                            for message in messages() {
                                ours.send(ironhouse_tests::ours::parts(message)).await?;
                            }
                            for expected in wanted() {
                                assert_eq!(theirs.recv_multipart()?, expected, "{what}");
                            }
                            ask(&theirs, kind, 0, "A")?;
                            working(&theirs, &what, || ours.subscriptions() == 1).await;
                            ours.send("A").await?;
                            ours.send(END).await?;
                            assert_eq!(theirs.recv_multipart()?, [END.as_bytes()], "{what}");
                            assert_eq!(ours.dropped(), 0, "{what}");
                            drop(theirs);
                            knows(&ours, 0).await;
                            rt::in_time(&what, ours.close()).await;
                        }
                    }
                }
                Ok(())
            })
        }
    };
}

we_publish!(our_pub_serves_their_subscribers, Pub);
we_publish!(our_xpub_serves_their_subscribers, XPub);

/// A table of subscribers of ours against all publishers of libzmq.
macro_rules! we_subscribe {
    ($name:ident, $ours:ident) => {
        // PUBSUB-WIRE-01, PUBSUB-WIRE-02, PUBSUB-SUB-02
        #[test]
        fn $name() -> Done {
            rt::run(async {
                for place in place::ALL {
                    for (mechanism, security, set) in mechanisms()? {
                        for kind in [zmq::SocketType::Pub, zmq::SocketType::Xpub] {
                            let what = format!("{kind:?}, {place}, {mechanism}");
                            let context = theirs::context();
                            let ours = $ours::new(Options::new().security(security.clone()))?;
                            let theirs = context.socket(kind)?;
                            set(&theirs)?;
                            let _directory = meet!(place, ours, theirs);
                            ours.subscribe("A");
                            ours.subscribe(END);
                            let expected = wanted();
                            // A PUB does not tell when it knows: it sends until the first one comes.
                            rt::until(&what, || {
                                _ = theirs.send(END, 0);
                                ours.try_recv().is_ok()
                            })
                            .await;
                            for message in messages() {
                                theirs.send_multipart(message)?;
                            }
                            let mut got = Vec::new();
                            while got.len() < expected.len() {
                                let message = rt::in_time(&what, ours.recv()).await?;
                                if *message.first() != *END {
                                    got.push(frames(&message));
                                }
                            }
                            assert!(got == expected, "{what}");
                            if kind == zmq::SocketType::Xpub {
                                assert_eq!(theirs.recv()?, b"\x01A", "{what}");
                                assert_eq!(
                                    theirs.recv()?,
                                    [b"\x01", END.as_bytes()].concat(),
                                    "{what}"
                                );
                                assert!(ours.unsubscribe("A"));
                                assert_eq!(theirs.recv()?, b"\x00A", "{what}");
                            }
                            rt::in_time(&what, ours.close()).await;
                            // One that connects keeps its pipe, and what was subscribed to through it.
                            let told = kind == zmq::SocketType::Xpub;
                            if told && place.binder == Binder::Theirs {
                                let gone = [b"\0", END.as_bytes()].concat();
                                assert_eq!(theirs.recv()?, gone, "{what}");
                            }
                        }
                    }
                }
                Ok(())
            })
        }
    };
}

we_subscribe!(our_sub_hears_their_publishers, Sub);
we_subscribe!(our_xsub_hears_their_publishers, XSub);

// PUBSUB-XPUB-01, PUBSUB-XSUB-01
#[test]
fn messages_pass_upstream_between_ours_and_theirs() -> Done {
    rt::run(async {
        for place in place::ALL {
            let what = format!("upstream, {place}");
            let context = theirs::context();
            let xpub = XPub::new(Options::new())?;
            let theirs = context.socket(zmq::SocketType::Xsub)?;
            let _first = meet!(place, xpub, theirs);
            ask(&theirs, zmq::SocketType::Xsub, 1, "A")?;
            working(&theirs, &what, || xpub.subscriptions() == 1).await;
            assert_eq!(crate::told(&xpub).await?, b"\x01A", "{what}");
            theirs.send_multipart(["hello", "there"])?;
            theirs.send("", 0)?;
            let message = rt::in_time(&what, xpub.recv()).await?;
            assert_eq!(frames(&message), [b"hello", b"there"], "{what}");
            assert_eq!(rt::in_time(&what, xpub.recv()).await?.first(), "", "{what}");

            let xsub = XSub::new(Options::new())?;
            let theirs = context.socket(zmq::SocketType::Xpub)?;
            let _second = meet!(place, xsub, theirs);
            xsub.send("\u{1}A").await?;
            assert_eq!(theirs.recv()?, b"\x01A", "{what}");
            xsub.send(ironhouse_tests::ours::parts(["hello", "there"])).await?;
            assert_eq!(theirs.recv_multipart()?, [b"hello", b"there"], "{what}");
        }
        Ok(())
    })
}
