//! Devices: proxy_single_socket, and the proxy by hand of xpub_manual.

use std::sync::Arc;

use ironhouse::error::RecvError;
use ironhouse::peer::Peer;
use ironhouse::{Dealer, Options, Proxy, Pub, Router, Sub, XPub, XSub};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

/// A proxy whose two sides are one socket gives back what it gets.
#[test]
fn a_proxy_of_one_socket_is_an_echo() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let endpoint = router.bind(ANYWHERE).await?;
        let talk = async {
            for name in ["a", "b"] {
                let dealer = Dealer::new(Options::new().routing_id(name)?)?;
                dealer.connect(&endpoint)?;
                for number in 0..100 {
                    let message = format!("{name}{number}");
                    dealer.send(message.clone()).await?;
                    let back = rt::in_time("an echo", dealer.recv()).await?;
                    assert_eq!(*back.first(), *message);
                }
            }
            Fallible::Ok(())
        };
        let mut echo = Proxy::new(&router, &router)?;
        tokio::select! {
            ended = echo.run() => panic!("{ended:?}"),
            talked = talk => talked,
        }
    })
}

async fn asked(xpub: &XPub) -> Fallible<(Vec<u8>, Arc<Peer>)> {
    let message = rt::in_time("a request", xpub.recv()).await?;
    let peer = message.peer().cloned().ok_or("a request of nobody")?;
    Ok((message.first().to_vec(), peer))
}

/// A device that passes subscriptions on by hand: two subscribers to one topic, each granted for itself;
/// the publisher sends until the last one has left.
#[test]
fn a_device_by_hand_passes_subscriptions_until_the_last_one_has_left() -> Done {
    rt::run(async {
        let (front, back) =
            (XSub::new(Options::new())?, XPub::new(Options::new().xpub_manual(true))?);
        let (upstream, downstream) = (front.bind(ANYWHERE).await?, back.bind(ANYWHERE).await?);
        let publisher = Pub::new(Options::new())?;
        publisher.connect(&upstream)?;
        let mut subs = Vec::new();
        for _ in 0..2 {
            let sub = Sub::new(Options::new())?;
            sub.subscribe("1");
            sub.connect(&downstream)?;
            let (request, peer) = asked(&back).await?;
            assert_eq!(request, b"\x011");
            assert!(back.grant(&peer, "1")?);
            front.send(&request[..]).await?;
            subs.push(sub);
        }
        rt::until("the subscription", || publisher.subscriptions() == 1).await;
        publisher.send(("1", "payload")).await?;
        back.send(rt::in_time("the message", front.recv()).await?).await?;
        for sub in &subs {
            assert_eq!(rt::in_time("the message", sub.recv()).await?, ("1", "payload").into());
        }
        for (sub, left) in subs.into_iter().zip([1, 0]) {
            sub.close().await;
            let (request, _) = asked(&back).await?;
            assert_eq!(request, b"\x001");
            front.send(&request[..]).await?;
            rt::until("the count", || publisher.subscriptions() == left).await;
        }
        publisher.send(("1", "nobody wants this")).await?;
        assert_eq!(front.try_recv(), Err(RecvError::WouldBlock));
        Ok(())
    })
}
