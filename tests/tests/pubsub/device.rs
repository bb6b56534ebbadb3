//! An XPUB and an XSUB between publishers and subscribers, ours and those of libzmq.

use ironhouse::{Endpoint, Message, Options, Pub, Sub, XPub, XSub};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt, theirs};
use libzmq_reference as zmq;

use crate::knows;

struct Device {
    for_publishers: Endpoint,
    for_subscribers: Endpoint,
}

/// Passes messages one way and subscriptions the other way until the test ends.
async fn device() -> Fallible<Device> {
    let xsub = XSub::new(Options::new())?;
    let xpub = XPub::new(Options::new())?;
    let for_publishers = xsub.bind(ANYWHERE).await?;
    let for_subscribers = xpub.bind(ANYWHERE).await?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Ok(message) = xsub.recv() => { xpub.send(message).await.expect("sending never fails"); }
                Ok(message) = xpub.recv() => { xsub.send(message).await.expect("sending never fails"); }
                else => break,
            }
        }
    });
    Ok(Device { for_publishers, for_subscribers })
}

// PUBSUB-XPUB-01, PUBSUB-XSUB-02
#[test]
fn subscriptions_and_messages_pass_through_a_device() -> Done {
    rt::run(async {
        let device = device().await?;
        let publisher = Pub::new(Options::new())?;
        publisher.connect(&device.for_publishers)?.ready().await?;
        let subs = [Sub::new(Options::new())?, Sub::new(Options::new())?];
        for sub in &subs {
            sub.connect(&device.for_subscribers)?.ready().await?;
            sub.subscribe("news");
        }
        subs[1].subscribe("");
        knows(&publisher, 2).await;
        let messages: [Message; 3] = [parts(["news", "of the day"]), parts([""]), parts(["news"])];
        for message in &messages {
            publisher.send(message.clone()).await?;
        }
        for at in [0, 2] {
            assert_eq!(rt::in_time("news", subs[0].recv()).await?, messages[at]);
        }
        for message in &messages {
            assert_eq!(rt::in_time("everything", subs[1].recv()).await?, *message);
        }
        let [first, second] = subs;
        second.unsubscribe("");
        knows(&publisher, 1).await;
        first.close().await;
        second.unsubscribe("news");
        knows(&publisher, 0).await;
        Ok(())
    })
}

#[test]
fn a_device_of_ours_serves_publishers_and_subscribers_of_libzmq() -> Done {
    rt::run(async {
        let device = device().await?;
        let context = theirs::context();
        let publisher = context.socket(zmq::SocketType::Xpub)?;
        publisher.connect(&device.for_publishers.to_string())?;
        let subscriber = context.socket(zmq::SocketType::Sub)?;
        subscriber.subscribe("A")?.connect(&device.for_subscribers.to_string())?;
        assert_eq!(publisher.recv()?, b"\x01A");
        for number in 0..100 {
            publisher.send_multipart([format!("A{number}"), "body".to_owned()])?;
            publisher.send("B", 0)?;
        }
        for number in 0..100 {
            let expected = [format!("A{number}").into_bytes(), b"body".to_vec()];
            assert_eq!(subscriber.recv_multipart()?, expected);
        }
        subscriber.unsubscribe("A")?;
        assert_eq!(publisher.recv()?, b"\x00A");
        Ok(())
    })
}
