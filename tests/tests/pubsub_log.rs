//! What the log says of subscribers that are too slow. A program of its own, because it collects the
//! records of the whole process.

use ironhouse::{Hub, Options, Pub, Sub};
use ironhouse_tests::{Done, capture, rt};

// PUBSUB-PUB-02: dropped silently towards the peers, but not towards the operator.
#[test]
fn a_slow_subscriber_is_a_warning_and_no_flood_of_them() -> Done {
    capture::start();
    rt::run(async {
        let hub = Hub::new();
        let publisher = Pub::new(Options::new().hub(hub.clone()).send_high_water_mark(2))?;
        publisher.bind("inproc://log").await?;
        let sub = Sub::new(Options::new().hub(hub).receive_high_water_mark(2))?;
        sub.subscribe("");
        sub.connect("inproc://log")?.ready().await?;
        rt::until("the subscription", || publisher.subscriptions() == 1).await;
        for round in 1..=1_000 {
            for _ in 0..5 {
                publisher.send("news").await?;
            }
            assert_eq!(publisher.dropped(), round, "the fifth one finds the queue full");
            while sub.try_recv().is_ok() {}
        }
        let warnings = capture::warnings("too slow");
        assert_eq!(warnings.len(), 10, "at 1, 2, 4, .. 512: {warnings:?}");
        assert!(warnings[9].text.contains("dropped=512"), "{:?}", warnings[9]);
        assert!(warnings[0].text.contains("this process"), "{:?}", warnings[0]);
        Ok(())
    })
}
