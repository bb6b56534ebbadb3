//! What the monitor of a publisher tells of subscriptions.

use ironhouse::{Event, Limits, Monitor, Observation, Options, Pub, Sub, XPub};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt, watch};

/// The next change: `+` or `-`, and the prefix.
async fn change(monitor: &mut Monitor) -> String {
    watch::event("a change", monitor, |event| {
        let (sign, prefix) = match event {
            Event::Subscribed { prefix, .. } => ('+', prefix),
            Event::Unsubscribed { prefix, .. } => ('-', prefix),
            _ => return None,
        };
        Some(format!("{sign}{}", prefix.escape_ascii()))
    })
    .await
}

#[test]
fn the_first_subscription_to_a_prefix_and_the_end_of_the_last_are_told() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://watched subscriptions"] {
            let publisher = Pub::new(Options::new())?;
            let mut monitor = publisher.monitor();
            let endpoint = publisher.bind(at).await?;
            let (one, two) = (Sub::new(Options::new())?, Sub::new(Options::new())?);
            one.subscribe("a");
            one.connect(&endpoint)?.ready().await?;
            assert_eq!(change(&mut monitor).await, "+a", "{at}");
            two.subscribe("a");
            two.subscribe("b");
            two.connect(&endpoint)?.ready().await?;
            assert_eq!(change(&mut monitor).await, "+b", "{at}: and not a again");
            one.unsubscribe("a");
            one.subscribe("c");
            assert_eq!(change(&mut monitor).await, "+c", "{at}: somebody still wants a");
            // Who leaves takes all of it away.
            rt::in_time("closing", two.close()).await;
            let mut gone = [change(&mut monitor).await, change(&mut monitor).await];
            gone.sort();
            assert_eq!(gone, ["-a", "-b"], "{at}");
            one.unsubscribe("c");
            assert_eq!(change(&mut monitor).await, "-c", "{at}");
        }
        Ok(())
    })
}

#[test]
fn who_subscribed_is_told() -> Done {
    rt::run(async {
        let publisher = XPub::new(Options::new())?;
        let mut monitor = publisher.monitor();
        let sub = Sub::new(Options::new().property("X-Name", "me")?)?;
        sub.subscribe("a");
        sub.connect(publisher.bind(ANYWHERE).await?)?;
        let peer = watch::event("a subscription", &mut monitor, |event| match event {
            Event::Subscribed { peer, .. } => peer.clone(),
            _ => None,
        });
        let peer = peer.await;
        assert_eq!(peer.claimed.metadata.get("X-Name").map(|it| &it[..]), Some(&b"me"[..]));
        Ok(())
    })
}

/// What counts is what is given, not what is asked for.
#[test]
fn with_manual_subscriptions_it_tells_what_the_application_gives() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_manual(true))?;
        let mut monitor = xpub.monitor();
        let sub = Sub::new(Options::new())?;
        sub.subscribe("asked");
        sub.connect(xpub.bind(ANYWHERE).await?)?;
        let request = rt::in_time("a request", xpub.recv()).await?;
        let peer = request.peer().expect("somebody asked").clone();
        xpub.grant(&peer, "given")?;
        assert_eq!(change(&mut monitor).await, "+given");
        xpub.grant(&peer, "given as well")?;
        assert_eq!(change(&mut monitor).await, "+given as well");
        xpub.revoke(&peer, "given")?;
        assert_eq!(change(&mut monitor).await, "-given");
        sub.close().await;
        assert_eq!(change(&mut monitor).await, "-given as well");
        Ok(())
    })
}

/// The peer can drive out what is told of subscriptions, and is found out, but nothing else.
#[test]
fn a_flood_of_subscriptions_drives_no_other_event_out() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new().limits(Limits::default()))?;
        let mut monitor = publisher.monitor();
        let sub = Sub::new(Options::new())?;
        for number in 0..20_000 {
            sub.subscribe(format!("{number}"));
        }
        let endpoint = publisher.bind(ANYWHERE).await?;
        sub.connect(&endpoint)?;
        rt::until("all subscriptions", || publisher.subscriptions() == 20_000).await;
        let mut seen = Vec::new();
        let missed = loop {
            match rt::in_time("an observation", monitor.next()).await {
                Some(Observation::Missed(count)) => break count,
                Some(Observation::Event(event)) => seen.push(event),
                None => panic!("the monitor ended"),
            }
        };
        assert!(missed >= 18_000, "{missed}");
        let [listening, connected, succeeded] = &seen[..] else { panic!("{seen:?}") };
        assert!(matches!(listening, Event::Listening { .. }), "{listening:?}");
        assert!(matches!(connected, Event::Connected { .. }), "{connected:?}");
        assert!(matches!(succeeded, Event::HandshakeSucceeded { .. }), "{succeeded:?}");
        Ok(())
    })
}
