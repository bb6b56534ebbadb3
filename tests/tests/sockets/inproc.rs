//! Within the process: the same promises, and more speed.

use std::time::Duration;

use ironhouse::{Dealer, Hub, Options, Pull, Push, Router, Security, ServerSecurity};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::{Done, Fallible, rt, watch};

#[test]
fn a_hundred_thousand_messages_arrive_in_order() -> Done {
    const COUNT: u32 = 100_000;
    rt::run(async {
        let pull = Pull::new(Options::new())?;
        let endpoint = pull.bind("inproc://speed").await?;
        let push = Push::new(Options::new())?;
        push.connect(&endpoint)?;
        let sender = tokio::spawn(async move {
            for number in 0..COUNT {
                push.send(&number.to_be_bytes()).await?;
            }
            Fallible::Ok(push.close().await)
        });
        for number in 0..COUNT {
            let message = rt::in_time("the next one", pull.recv()).await?;
            assert_eq!(*message.first(), number.to_be_bytes());
        }
        assert_eq!(sender.await??, 0);
        Ok(())
    })
}

/// What was sent before anybody bound the name, while it happened, and after: in this order.
// ZMTP-SOCKET-02
#[test]
fn connecting_before_binding_works_and_keeps_the_order() -> Done {
    rt::run(async {
        for _ in 0..50 {
            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let push = Push::new(options())?;
            push.connect("inproc://early")?;
            for number in 0..100 {
                push.send(number.to_string()).await?;
            }
            let sender = tokio::spawn(async move {
                for number in 100..300 {
                    push.send(number.to_string()).await?;
                }
                Fallible::Ok(push)
            });
            let pull = Pull::new(options())?;
            pull.bind("inproc://early").await?;
            for number in 0..300 {
                let message = rt::in_time("the next one", pull.recv()).await?;
                assert_eq!(*message.first(), *number.to_string());
            }
            sender.await??;
        }
        Ok(())
    })
}

/// A ROUTER knows who speaks from the first message on, however early that was sent.
#[test]
fn messages_that_waited_come_from_somebody() -> Done {
    rt::run(async {
        for round in 0..200 {
            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let dealer = Dealer::new(options().routing_id("me")?)?;
            dealer.connect("inproc://somebody")?;
            dealer.send("hello").await?;
            let router = Router::new(options())?;
            router.bind("inproc://somebody").await?;
            let message = rt::in_time("a message", router.recv()).await?;
            assert_eq!(frames(&message), [&b"me"[..], b"hello"], "round {round}");
            // The way back exists as well.
            router.send(parts(["me", "welcome"])).await?;
            assert_eq!(rt::in_time("an answer", dealer.recv()).await?.first(), "welcome");
        }
        Ok(())
    })
}

#[test]
fn a_guarded_name_asks_before_anything_passes() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let judge = Judge::accept("alice");
        let security = ServerSecurity::plain().with_authenticator(judge.clone());
        let pull = Pull::new(Options::new().hub(hub.clone()).security(security))?;
        let mut events = pull.monitor();
        pull.bind("inproc://guarded").await?;
        // Without credentials.
        let stranger = Push::new(Options::new().hub(hub.clone()).linger(Duration::ZERO))?;
        stranger.send_to("inproc://guarded").await?;
        watch::failure("the stranger", &mut events).await;
        assert!(judge.asked().is_empty(), "another mechanism is refused without asking");
        // With them.
        let security = Security::plain_client("user", "password")?;
        let friend = Push::new(Options::new().hub(hub).security(security))?;
        friend.send_to("inproc://guarded").await?;
        let message = rt::in_time("a message", pull.recv()).await?;
        assert_eq!(message.peer().and_then(|it| it.user_id()).map(|it| it.as_str()), Some("alice"));
        assert_eq!(judge.asked().len(), 1);
        assert!(pull.try_recv().is_err(), "nothing of the stranger");
        Ok(())
    })
}

trait SendTo {
    async fn send_to(&self, name: &str) -> Done;
}

impl SendTo for Push {
    async fn send_to(&self, name: &str) -> Done {
        self.connect(name)?;
        self.send("a message").await?;
        Ok(())
    }
}

/// The marks of both sides add up, however often the connection is made anew.
#[test]
fn marks_do_not_grow_with_each_connection() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let narrow =
            || Options::new().hub(hub.clone()).send_high_water_mark(3).receive_high_water_mark(4);
        // The side that connects is the one that receives: its pipe outlives each connection.
        let pull = Pull::new(narrow())?;
        pull.connect("inproc://marks")?;
        for round in 0..5 {
            let push = Push::new(narrow().linger(Duration::ZERO))?;
            let mut events = push.monitor();
            push.bind("inproc://marks").await?;
            watch::success("the pull", &mut events).await;
            let mut sent = 0;
            rt::until("a full queue", || match push.try_send("x") {
                Ok(()) => {
                    sent += 1;
                    assert!(sent <= 7, "round {round}");
                    false
                }
                Err(_) => true,
            })
            .await;
            assert_eq!(sent, 7, "round {round}");
            for _ in 0..sent {
                rt::in_time("a message", pull.recv()).await?;
            }
            push.close().await;
        }
        Ok(())
    })
}
