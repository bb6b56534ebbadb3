//! Only the last message (`ZMQ_CONFLATE`).

use ironhouse::{Dealer, Hub, Message, Options, Pub, Pull, Push, Sub};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::{self, ANYWHERE, Binder};
use ironhouse_tests::raw::Raw;
use ironhouse_tests::{Done, Fallible, octets, rt, theirs};
use libzmq_reference as zmq;

use crate::{QUIET, knows};

fn conflating() -> Options {
    Options::new().conflate(true)
}

#[test]
fn a_receiver_sees_the_last_message_only() -> Done {
    rt::run(async {
        let push = Push::new(Options::new())?;
        let pull = Pull::new(conflating())?;
        push.connect(pull.bind(ANYWHERE).await?)?.ready().await?;
        for round in 0..3 {
            for number in 0..2_000 {
                push.send(format!("{round}.{number}")).await?;
            }
            tokio::time::sleep(QUIET).await;
            assert_eq!(pull.try_recv()?.first(), format!("{round}.1999").as_str());
            rt::never("one that was replaced", QUIET, pull.recv()).await;
        }
        Ok(())
    })
}

/// What is newest when it is asked for, not what was newest when the one before was taken.
#[test]
fn a_receiver_never_sees_an_old_message() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let push = Push::new(Options::new().hub(hub.clone()))?;
        let pull = Pull::new(conflating().hub(hub))?;
        pull.bind("inproc://latest").await?;
        push.connect("inproc://latest")?.ready().await?;
        for number in 0..100 {
            push.send(format!("{number} a")).await?;
            push.send(format!("{number} b")).await?;
            assert_eq!(
                rt::in_time("b", pull.recv()).await?.first(),
                format!("{number} b").as_str()
            );
            push.send(format!("{number} c")).await?;
            push.send(format!("{number} d")).await?;
            push.send(format!("{number} e")).await?;
            assert_eq!(
                rt::in_time("e", pull.recv()).await?.first(),
                format!("{number} e").as_str()
            );
        }
        Ok(())
    })
}

/// A peer that does not read gets the one that was under way, and then the last.
#[test]
fn a_sender_keeps_the_last_message_only() -> Done {
    rt::run(async {
        let publisher = Pub::new(conflating())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut raw = Raw::connect(&endpoint).await;
        raw.shake_hands_null("SUB").await;
        raw.write(&octets::command("SUBSCRIBE", b"")).await;
        knows(&publisher, 1).await;
        let before = raw.seen.len();
        let body = vec![0; 1 << 20];
        for number in 0..200_u32 {
            publisher.send(parts([&number.to_be_bytes()[..], &body])).await?;
            tokio::task::yield_now().await;
        }
        assert_eq!(publisher.dropped(), 0, "to be replaced is not to be dropped");
        let numbers = rt::in_time("the last", async {
            loop {
                raw.read_to(raw.seen.len() + 1).await;
                let numbers: Vec<_> = octets::frames(&raw.seen[before..])
                    .into_iter()
                    .filter(|(_, body)| body.len() == 4)
                    .map(|(_, body)| body)
                    .collect();
                if numbers.last().is_some_and(|last| *last == 199_u32.to_be_bytes()) {
                    return numbers;
                }
            }
        })
        .await;
        assert!(numbers.is_sorted());
        assert!(numbers.len() < 150, "{} of 200 were kept", numbers.len());
        Ok(())
    })
}

/// Before there is a connection, too.
#[test]
fn what_waits_for_a_connection_is_the_last_message() -> Done {
    rt::run(async {
        let directory = place::TempDir::new();
        let at = directory.ipc("late");
        let dealer = Dealer::new(conflating())?;
        dealer.connect(&at)?;
        for number in 0..10 {
            dealer.send(number.to_string()).await?;
        }
        let other = Dealer::new(Options::new())?;
        other.bind(&at).await?;
        assert_eq!(rt::in_time("the last", other.recv()).await?.first(), "9");
        rt::never("another", QUIET, other.recv()).await;
        Ok(())
    })
}

#[test]
fn a_message_is_whole_or_replaced() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new())?;
        let sub = Sub::new(conflating())?;
        sub.subscribe("");
        sub.connect(publisher.bind(ANYWHERE).await?)?;
        knows(&publisher, 1).await;
        let last: Message = parts(["last", "with", "parts"]);
        for _ in 0..100 {
            publisher.send(parts(["one", "more"])).await?;
        }
        publisher.send(last.clone()).await?;
        let got = rt::in_time("the last", async {
            loop {
                let message = sub.recv().await?;
                if message == last {
                    return Fallible::Ok(message);
                }
                assert_eq!(message, parts(["one", "more"]));
            }
        });
        assert_eq!(got.await?.len(), 3);
        Ok(())
    })
}

/// Either side of libzmq on the other end.
#[test]
fn it_works_with_libzmq() -> Done {
    rt::run(async {
        for place in place::ALL.into_iter().filter(|it| it.binder == Binder::Ours) {
            let directory = place::TempDir::new();
            let at = match place.transport {
                place::Transport::Tcp => ANYWHERE.to_owned(),
                place::Transport::Ipc => directory.ipc("socket"),
            };
            let context = theirs::context();
            let pull = Pull::new(conflating())?;
            let endpoint = pull.bind(&at).await?;
            let push = context.socket(zmq::SocketType::Push)?;
            push.connect(&endpoint.to_string())?;
            for number in 0..20 {
                push.send(number.to_string(), 0)?;
            }
            tokio::time::sleep(QUIET).await;
            assert_eq!(rt::in_time("the last", pull.recv()).await?.first(), "19", "{place}");
        }
        Ok(())
    })
}
