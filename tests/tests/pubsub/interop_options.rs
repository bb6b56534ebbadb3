//! The options of publishers and subscribers with libzmq on the other side.

use std::time::Duration;

use ironhouse::error::SendError;
use ironhouse::{Options, Pub, Sub, XPub, XSub};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt, theirs};
use libzmq_reference as zmq;
use zmq::consts::*;

use crate::{QUIET, knows, told, told_nothing};

/// Theirs sends a SUBSCRIBE for every call, and one CANCEL; ours counts the former once (D18).
#[test]
fn a_sub_of_libzmq_may_repeat_itself() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_verbose(true))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let sub = theirs::context().socket(zmq::SocketType::Sub)?;
        sub.connect(&endpoint.to_string())?;
        for _ in 0..2 {
            sub.subscribe("A")?;
            assert_eq!(told(&xpub).await?, b"\x01A");
        }
        sub.unsubscribe("A")?;
        told_nothing("a cancellation that is not the last", &xpub).await;
        xpub.send("A").await?;
        assert_eq!(sub.recv()?, b"A");
        sub.unsubscribe("A")?;
        assert_eq!(told(&xpub).await?, b"\x00A");
        Ok(())
    })
}

/// A publisher of libzmq forgets a prefix at the first CANCEL: ours sends only one, the last.
#[test]
fn a_publisher_of_libzmq_hears_the_first_and_the_last() -> Done {
    rt::run(async {
        let xpub = theirs::context().socket(zmq::SocketType::Xpub)?;
        xpub.xpub_verboser(true)?;
        let sub = Sub::new(Options::new())?;
        sub.connect(xpub.bind(ANYWHERE)?)?.ready().await?;
        for _ in 0..3 {
            sub.subscribe("A");
        }
        for _ in 0..2 {
            sub.unsubscribe("A");
        }
        assert_eq!(xpub.recv()?, b"\x01A");
        assert!(!xpub.poll_in(QUIET)?, "a repetition");
        xpub.send("A", 0)?;
        assert_eq!(rt::in_time("A", sub.recv()).await?.first(), "A");
        sub.unsubscribe("A");
        assert_eq!(xpub.recv()?, b"\x00A");
        Ok(())
    })
}

#[test]
fn verbose_on_both_ends() -> Done {
    rt::run(async {
        let xpub = theirs::context().socket(zmq::SocketType::Xpub)?;
        xpub.xpub_verboser(true)?;
        let xsub = XSub::new(Options::new().xsub_verbose(true))?;
        xsub.connect(xpub.bind(ANYWHERE)?)?.ready().await?;
        for message in ["\u{1}A", "\u{1}A", "\0A", "\0A", "\0A"] {
            xsub.send(message).await?;
            assert_eq!(xpub.recv()?, message.as_bytes());
        }
        Ok(())
    })
}

// PUBSUB-WIRE-12
#[test]
fn subscriptions_are_replayed_to_a_publisher_of_libzmq_that_comes_back() -> Done {
    rt::run(async {
        let context = theirs::context();
        let sub = Sub::new(Options::new())?;
        let first = context.socket(zmq::SocketType::Xpub)?;
        let endpoint = first.bind(ANYWHERE)?;
        sub.connect(endpoint.as_str())?.ready().await?;
        sub.subscribe("A");
        sub.subscribe("B");
        assert_eq!(first.recv()?, b"\x01A");
        assert_eq!(first.recv()?, b"\x01B");
        first.unbind(&endpoint)?;
        drop(first);
        sub.unsubscribe("A");
        let second = context.socket(zmq::SocketType::Xpub)?;
        rt::until("the port", || second.bind(&endpoint).is_ok()).await;
        assert_eq!(second.recv()?, b"\x01B");
        assert!(!second.poll_in(QUIET)?, "what was cancelled meanwhile");
        second.send("B", 0)?;
        assert_eq!(rt::in_time("B", sub.recv()).await?.first(), "B");
        Ok(())
    })
}

#[test]
fn the_welcome_of_either_reaches_the_other() -> Done {
    rt::run(async {
        let context = theirs::context();
        let xpub = XPub::new(Options::new().xpub_welcome("W"))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let sub = context.socket(zmq::SocketType::Sub)?;
        sub.subscribe("W")?.connect(&endpoint.to_string())?;
        assert_eq!(sub.recv()?, b"W");

        let xpub = context.socket(zmq::SocketType::Xpub)?;
        xpub.xpub_welcome_msg("W")?;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("W");
        sub.connect(xpub.bind(ANYWHERE)?)?;
        rt::until("the welcome", || {
            _ = xpub.poll_in(Duration::ZERO);
            sub.try_recv().is_ok_and(|message| *message.first() == *"W")
        })
        .await;
        Ok(())
    })
}

#[test]
fn a_manual_one_decides_for_a_subscriber_of_libzmq() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_manual(true))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let xsub = theirs::context().socket(zmq::SocketType::Xsub)?;
        xsub.connect(&endpoint.to_string())?;
        xsub.send(b"\x01A", 0)?;
        let request = rt::in_time("a request", xpub.recv()).await?;
        assert!(xpub.grant(request.peer().ok_or("nobody")?, "B")?);
        xpub.send("A").await?;
        xpub.send("B").await?;
        assert_eq!(xsub.recv()?, b"B");
        drop(xsub);
        assert_eq!(told(&xpub).await?, b"\x00A");
        Ok(())
    })
}

#[test]
fn inverted_matching_agrees_with_libzmq() -> Done {
    rt::run(async {
        let context = theirs::context();
        let publisher = Pub::new(Options::new().invert_matching(true))?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let sub = context.socket(zmq::SocketType::Sub)?;
        sub.invert_matching(true)?.subscribe("A")?.connect(&endpoint.to_string())?;
        knows(&publisher, 1).await;
        publisher.send("A").await?;
        publisher.send("B").await?;
        assert_eq!(sub.recv()?, b"B");

        let publisher = context.socket(zmq::SocketType::Xpub)?;
        publisher.invert_matching(true)?;
        let sub = Sub::new(Options::new().invert_matching(true))?;
        sub.connect(publisher.bind(ANYWHERE)?)?;
        sub.subscribe("A");
        assert_eq!(publisher.recv()?, b"\x01A");
        publisher.send("A", 0)?;
        publisher.send("B", 0)?;
        assert_eq!(rt::in_time("B", sub.recv()).await?.first(), "B");
        Ok(())
    })
}

/// Blocks and goes on, as often as it takes, and nothing is lost.
#[test]
fn without_dropping_all_reaches_a_slow_subscriber_of_libzmq() -> Done {
    const COUNT: usize = 3_000;
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_nodrop(true).send_high_water_mark(50))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let sub = theirs::context().socket(zmq::SocketType::Sub)?;
        sub.rcvhwm(50)?.subscribe("")?.connect(&endpoint.to_string())?;
        assert_eq!(told(&xpub).await?, b"\x01");
        let body = vec![0; 8 * 1024];
        let (mut sent, mut received, mut blocked) = (0, 0, 0);
        while sent < COUNT {
            match xpub.try_send(&body[..]) {
                Ok(()) => sent += 1,
                Err(SendError::WouldBlock) => {
                    blocked += 1;
                    for _ in 0..100 {
                        if !sub.poll_in(Duration::from_millis(20))? {
                            break;
                        }
                        sub.recv()?;
                        received += 1;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        assert!(blocked > 0, "it was never full");
        while received < COUNT {
            sub.recv()?;
            received += 1;
        }
        assert!(!sub.poll_in(QUIET)?);
        assert_eq!(xpub.dropped(), 0);
        Ok(())
    })
}

/// What is dropped is counted; what is not arrives.
#[test]
fn all_that_is_not_dropped_reaches_a_slow_subscriber_of_libzmq() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new().send_high_water_mark(50))?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let sub = theirs::context().socket(zmq::SocketType::Sub)?;
        sub.rcvhwm(50)?.subscribe("")?.connect(&endpoint.to_string())?;
        knows(&publisher, 1).await;
        let body = vec![0; 64 * 1024];
        let mut sent = 0;
        while publisher.dropped() < 500 {
            publisher.send(&body[..]).await?;
            sent += 1;
        }
        for _ in 0..sent - publisher.dropped() {
            assert_eq!(sub.recv()?.len(), body.len());
        }
        assert!(!sub.poll_in(QUIET)?);
        Ok(())
    })
}

#[test]
fn their_upstream_verbosity_is_heard() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_verboser(true))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let xsub = theirs::context().socket(zmq::SocketType::Xsub)?;
        xsub.connect(&endpoint.to_string())?;
        for message in [b"\x01A", b"\x01A"] {
            xsub.send(message, 0)?;
            assert_eq!(told(&xpub).await?, message);
        }
        // Theirs passes on only the cancellation that is the last.
        for message in [b"\x00A", b"\x00A"] {
            xsub.send(message, ZMQ_DONTWAIT)?;
        }
        assert_eq!(told(&xpub).await?, b"\x00A");
        told_nothing("another", &xpub).await;
        Ok(())
    })
}
