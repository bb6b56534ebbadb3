//! Where sockets are bound, and what ends with that: last_endpoint, term_endpoint, unbind_wildcard and
//! disconnect_inproc.

use ironhouse::error::{RecvError, SendError, StartError};
use ironhouse::{AnySocket, Endpoint, Options, Pull, Push, Rep, Req, SocketType, Sub, XPub};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::{Done, Fallible, rt, watch};

use crate::{QUIET, bind_again, everywhere};

/// Each bind says where it is bound, which is what it was given if that was complete.
#[test]
fn bind_says_where() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        let router = AnySocket::new(SocketType::ROUTER, Options::new())?;
        let free = router.bind(ANYWHERE).await?;
        router.unbind(&free)?;
        let [one, two] = [directory.ipc("one"), directory.ipc("two")];
        for at in [&free.to_string(), &one, &two, "inproc://says"] {
            // The port may take a moment to be free again.
            assert_eq!(bind_again(&router, &at.parse()?).await.to_string(), at);
        }
        Ok(())
    })
}

/// A PUSH and a PULL that have met; who binds is told.
async fn met(at: &str, push_binds: bool) -> Fallible<(Push, Pull, Endpoint)> {
    let (push, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
    let endpoint = if push_binds {
        let endpoint = push.bind(at).await?;
        pull.connect(&endpoint)?;
        endpoint
    } else {
        let endpoint = pull.bind(at).await?;
        push.connect(&endpoint)?;
        endpoint
    };
    rt::in_time(at, push.send("ABC")).await?;
    assert_eq!(rt::in_time(at, pull.recv()).await?.first(), "ABC", "{at}");
    Ok((push, pull, endpoint))
}

/// Where a socket is let go of, its connections end with it: there is nobody to send to.
#[test]
fn a_released_endpoint_takes_nothing_any_more() -> Done {
    rt::run(async {
        for (push_binds, name) in [(true, "released by bind"), (false, "released by connect")] {
            for at in everywhere(name) {
                let (push, pull, endpoint) = met(&at, push_binds).await?;
                if push_binds {
                    push.unbind(&endpoint)?;
                } else {
                    push.disconnect(&endpoint)?;
                }
                rt::until("the end", || push.try_send("late") == Err(SendError::WouldBlock)).await;
                while pull.try_recv().is_ok() {}
                assert_eq!(push.try_send("late"), Err(SendError::WouldBlock), "{at}");
                rt::never("it comes all the same", QUIET / 10, pull.recv()).await;
                let again = push.unbind(&endpoint);
                assert_eq!(again, Err(StartError::NoSuchEndpoint(endpoint)), "{at}");
            }
        }
        Ok(())
    })
}

/// What was bound with a wildcard is released by the endpoint that `bind` told, and not by the wildcard.
#[test]
fn wildcards_are_released_by_what_they_stand_for() -> Done {
    rt::run(async {
        let mut at = vec![ANYWHERE, "tcp://*:*", "ipc://*"];
        if std::net::TcpListener::bind("[::1]:0").is_ok() {
            at.push("tcp://[::1]:*");
        }
        for at in at {
            let (req, rep) = (Req::new(Options::new())?, Rep::new(Options::new())?);
            let mut events = rep.monitor();
            let endpoint = rep.bind(at).await?;
            assert!(!endpoint.to_string().contains('*'), "{at}: {endpoint}");
            req.connect(&endpoint)?;
            for _ in 0..3 {
                rt::in_time(at, req.send("there")).await?;
                assert_eq!(rt::in_time(at, rep.recv()).await?.first(), "there", "{at}");
                rep.send("and back").await?;
                assert_eq!(rt::in_time(at, req.recv()).await?.first(), "and back", "{at}");
            }
            let wildcard: Endpoint = at.parse()?;
            assert_eq!(rep.unbind(&wildcard), Err(StartError::NoSuchEndpoint(wildcard)), "{at}");
            req.disconnect(&endpoint)?;
            watch::disconnected(at, &mut events).await;
            rep.unbind(&endpoint)?;
            assert_eq!(rep.unbind(&endpoint), Err(StartError::NoSuchEndpoint(endpoint)), "{at}");
        }
        Ok(())
    })
}

/// A subscriber in the same process that disconnects has cancelled, and may come back.
#[test]
fn who_disconnects_within_the_process_has_cancelled() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new())?;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("foo");
        let endpoint = xpub.bind("inproc://someone").await?;
        xpub.send("foo, before anybody is there").await?;
        for round in 0..3 {
            rt::in_time("ready", sub.connect(&endpoint)?.ready()).await?;
            assert_eq!(rt::in_time("it", xpub.recv()).await?.first(), "\u{1}foo", "{round}");
            for number in 0..3 {
                xpub.send(format!("foo {number}")).await?;
                let message = rt::in_time("a message", sub.recv()).await?;
                assert_eq!(*message.first(), *format!("foo {number}"), "{round}");
            }
            sub.disconnect(&endpoint)?;
            assert_eq!(rt::in_time("it", xpub.recv()).await?.first(), "\0foo", "{round}");
            xpub.send("foo, for nobody").await?;
            assert_eq!(xpub.try_recv(), Err(RecvError::WouldBlock), "{round}: told once");
        }
        rt::never("a message", QUIET, sub.recv()).await;
        Ok(())
    })
}
