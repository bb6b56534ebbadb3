//! Who gets what: ours with ours, over every transport, whoever binds.

use std::fmt;

use ironhouse::{Endpoint, Hub, Options, Pub, Sub, XPub, XSub};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::{Done, Fallible, rt};

use crate::{END, QUIET, knows, pair, topics, until_end};

#[derive(Debug, Clone, Copy)]
enum Transport {
    Tcp,
    Ipc,
    Inproc,
}

#[derive(Debug, Clone, Copy)]
struct Way {
    transport: Transport,
    publisher_binds: bool,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.publisher_binds { "publisher" } else { "subscriber" };
        write!(f, "{:?}, {who} binds", self.transport)
    }
}

fn ways() -> impl Iterator<Item = Way> {
    [Transport::Tcp, Transport::Ipc, Transport::Inproc].into_iter().flat_map(|transport| {
        [true, false].map(|publisher_binds| Way { transport, publisher_binds })
    })
}

/// Brings two sockets together.
macro_rules! meet {
    ($way:expr, $publisher:expr, $subscriber:expr) => {{
        let directory = TempDir::new();
        let at = match $way.transport {
            Transport::Tcp => ANYWHERE.to_owned(),
            Transport::Ipc => directory.ipc("socket"),
            Transport::Inproc => "inproc://meeting".to_owned(),
        };
        let mut connecting = if $way.publisher_binds {
            let endpoint: Endpoint = $publisher.bind(at).await?;
            $subscriber.connect(endpoint)?
        } else {
            let endpoint: Endpoint = $subscriber.bind(at).await?;
            $publisher.connect(endpoint)?
        };
        rt::in_time("READY", connecting.ready()).await?;
        directory
    }};
}

/// Topics that meet each other in all ways, binary ones too.
const TOPICS: [&[u8]; 14] = [
    b"",
    b"A",
    b"AB",
    b"ABC",
    b"a",
    b"B",
    b"BA",
    b"\x00",
    b"\x00\xff",
    b"\x00\xffmore",
    b"\xff\xfe",
    b"\x01A",
    b"sensor/1",
    b"sensor/12",
];

const WANTED: [&[&[u8]]; 8] = [
    &[],
    &[b""],
    &[b"A"],
    &[b"AB", b"A", b""],
    &[b"\x00\xff"],
    &[b"sensor/1", b"B"],
    &[b"ABCD", b"sensor/"],
    &[b"\x01", b"\xff\xfe", b"a"],
];

// PUBSUB-WIRE-04, PUBSUB-WIRE-05, PUBSUB-WIRE-06, PUBSUB-WIRE-09, PUBSUB-PUB-03, PUBSUB-SUB-02
#[test]
fn a_subscriber_gets_what_begins_with_a_prefix_of_its_own() -> Done {
    rt::run(async {
        for way in ways() {
            let hub = Hub::new();
            let publisher = Pub::new(Options::new().hub(hub.clone()))?;
            let sub = Sub::new(Options::new().hub(hub))?;
            let _directory = meet!(way, publisher, sub);
            sub.subscribe(END);
            for wanted in WANTED {
                wanted.iter().for_each(|prefix| sub.subscribe(prefix));
                knows(&publisher, wanted.len() + 1).await;
                for topic in TOPICS {
                    publisher.send(topic).await?;
                    publisher.send(parts([topic, b"A", b""])).await?;
                }
                publisher.send(END).await?;
                let matches = |topic: &&[u8]| wanted.iter().any(|it| topic.starts_with(it));
                let expected: Vec<_> = TOPICS
                    .into_iter()
                    .filter(matches)
                    .flat_map(|topic| [parts([topic]), parts([topic, b"A", b""])])
                    .collect();
                assert_eq!(until_end(&sub).await?, expected, "{way}: {wanted:?}");
                wanted.iter().for_each(|prefix| assert!(sub.unsubscribe(prefix)));
                // Or the next count could be made up of subscriptions that are on their way out.
                knows(&publisher, 1).await;
            }
            assert_eq!(publisher.dropped(), 0, "{way}");
        }
        Ok(())
    })
}

// PUBSUB-XSUB-02, PUBSUB-XPUB-01
#[test]
fn raw_sockets_go_with_each_other_and_with_the_others() -> Done {
    rt::run(async {
        for way in ways() {
            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let xpub = XPub::new(options())?;
            let xsub = XSub::new(options())?;
            let _first = meet!(way, xpub, xsub);
            xsub.send("\u{1}raw").await?;
            assert_eq!(crate::told(&xpub).await?, b"\x01raw", "{way}");
            xpub.send(parts(["raw", "and cooked"])).await?;
            let message = rt::in_time("raw", xsub.recv()).await?;
            assert_eq!(frames(&message), [&b"raw"[..], b"and cooked"], "{way}");

            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let publisher = Pub::new(options())?;
            let xsub = XSub::new(options())?;
            let _second = meet!(way, publisher, xsub);
            xsub.send("\u{1}").await?;
            knows(&publisher, 1).await;
            publisher.send("").await?;
            assert_eq!(rt::in_time("an empty one", xsub.recv()).await?.first(), "", "{way}");
            xsub.send("\0").await?;
            knows(&publisher, 0).await;

            let hub = Hub::new();
            let options = || Options::new().hub(hub.clone());
            let xpub = XPub::new(options())?;
            let sub = Sub::new(options())?;
            sub.subscribe("early");
            let _third = meet!(way, xpub, sub);
            assert_eq!(crate::told(&xpub).await?, b"\x01early", "{way}");
            xpub.send("early bird").await?;
            assert_eq!(rt::in_time("bird", sub.recv()).await?.first(), "early bird", "{way}");
        }
        Ok(())
    })
}

// PUBSUB-WIRE-08
#[test]
fn subscriptions_are_counted_on_the_side_that_makes_them() -> Done {
    rt::run(async {
        let (publisher, sub) = pair(Options::new()).await?;
        sub.subscribe(END);
        for _ in 0..3 {
            sub.subscribe("A");
        }
        assert_eq!(sub.subscriptions(), 2);
        knows(&publisher, 2).await;
        for left in (0..3).rev() {
            assert!(sub.unsubscribe("A"));
            knows(&publisher, 1 + usize::from(left > 0)).await;
            publisher.send("A").await?;
            publisher.send(END).await?;
            let expected: &[&[u8]] = if left > 0 { &[b"A"] } else { &[] };
            assert_eq!(topics(&until_end(&sub).await?), expected);
        }
        assert!(!sub.unsubscribe("A"), "there is none left");
        assert!(!sub.unsubscribe("never"), "there was none");
        assert_eq!(sub.subscriptions(), 1);
        Ok(())
    })
}

// PUBSUB-SUB-03: what was sent before the publisher heard of a cancellation is passed over.
#[test]
fn a_cancelled_subscription_gives_nothing_any_more() -> Done {
    rt::run(async {
        let (publisher, sub) = pair(Options::new()).await?;
        sub.subscribe("A");
        sub.subscribe("B");
        knows(&publisher, 2).await;
        for topic in ["A1", "B1", "A2", "B2"] {
            publisher.send(topic).await?;
        }
        assert_eq!(rt::in_time("A1", sub.recv()).await?.first(), "A1");
        sub.unsubscribe("A");
        for expected in ["B1", "B2"] {
            assert_eq!(rt::in_time(expected, sub.recv()).await?.first(), expected);
        }
        Ok(())
    })
}

#[test]
fn without_a_subscription_nothing_comes() -> Done {
    rt::run(async {
        let (publisher, sub) = pair(Options::new()).await?;
        publisher.send("into the void").await?;
        rt::never("a message nobody asked for", QUIET, sub.recv()).await;
        Ok(())
    })
}

// PUBSUB-WIRE-12, PUBSUB-XPUB-03: for every publisher, and again for each that comes back.
#[test]
fn every_publisher_hears_all_subscriptions_and_so_does_one_that_comes_back() -> Done {
    rt::run(async {
        let sub = Sub::new(Options::new())?;
        let mut publishers = Vec::new();
        for prefix in ["a", "b", "gone"] {
            sub.subscribe(prefix);
        }
        for _ in 0..3 {
            let publisher = Pub::new(Options::new())?;
            let endpoint = publisher.bind(ANYWHERE).await?;
            sub.connect(&endpoint)?;
            knows(&publisher, 3).await;
            publishers.push((publisher, endpoint));
        }
        sub.unsubscribe("gone");
        sub.subscribe("c");
        for (publisher, _) in &publishers {
            knows(publisher, 3).await;
        }
        let (publisher, endpoint) = publishers.remove(0);
        publisher.unbind(&endpoint)?;
        knows(&publisher, 0).await;
        rt::in_time("the port to be free", async {
            while publisher.bind(&endpoint).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        knows(&publisher, 3).await;
        for topic in ["a", "gone", "b", "c"] {
            publisher.send(topic).await?;
        }
        for expected in ["a", "b", "c"] {
            assert_eq!(rt::in_time(expected, sub.recv()).await?.first(), expected);
        }
        Ok(())
    })
}

// PUBSUB-PUB-04: what was sent meanwhile does not come.
#[test]
fn a_subscriber_that_comes_back_gets_nothing_old() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        for round in ["first", "second"] {
            let sub = Sub::new(Options::new())?;
            sub.subscribe(round);
            sub.connect(&endpoint)?;
            knows(&publisher, 1).await;
            publisher.send(round).await?;
            assert_eq!(rt::in_time(round, sub.recv()).await?.first(), round);
            sub.close().await;
            knows(&publisher, 0).await;
            publisher.send("first and second").await?;
        }
        Ok(())
    })
}

// PUBSUB-SUB-02
#[test]
fn publishers_take_turns() -> Done {
    rt::run(async {
        let sub = Sub::new(Options::new())?;
        sub.subscribe("");
        let mut publishers = Vec::new();
        for _ in 0..2 {
            let publisher = Pub::new(Options::new())?;
            sub.connect(publisher.bind(ANYWHERE).await?)?;
            knows(&publisher, 1).await;
            publishers.push(publisher);
        }
        for _ in 0..500 {
            publishers[0].send("flood").await?;
        }
        publishers[1].send("drop").await?;
        let mut before = 0;
        while *rt::in_time("the drop", sub.recv()).await?.first() != *"drop" {
            before += 1;
        }
        // It may have come later than all of the flood, but never behind what came after it.
        assert!(before <= 500);
        Ok(())
    })
}

#[test]
fn inverted_matching_is_for_everybody_else() -> Done {
    rt::run(async {
        let options = || Options::new().invert_matching(true);
        let publisher = Pub::new(options())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut subs = Vec::new();
        for prefix in ["one", "two"] {
            let sub = Sub::new(options())?;
            sub.connect(&endpoint)?.ready().await?;
            sub.subscribe(prefix);
            subs.push(sub);
        }
        knows(&publisher, 2).await;
        for topic in ["one", "two", "three"] {
            publisher.send(topic).await?;
        }
        for (sub, expected) in subs.iter().zip([["two", "three"], ["one", "three"]]) {
            for topic in expected {
                assert_eq!(rt::in_time(topic, sub.recv()).await?.first(), topic);
            }
        }
        Ok(())
    })
}

/// A body is shared by all who get it, and arrives whole.
#[test]
fn a_large_message_reaches_many() -> Done {
    rt::run(async {
        let publisher = Pub::new(Options::new())?;
        let endpoint = publisher.bind(ANYWHERE).await?;
        let mut subs = Vec::new();
        for _ in 0..8 {
            let sub = Sub::new(Options::new())?;
            sub.subscribe("big");
            sub.connect(&endpoint)?.ready().await?;
            subs.push(sub);
        }
        rt::until("all eight", || {
            publisher.try_send("big?").is_ok() && publisher.subscriptions() == 1
        })
        .await;
        let body = vec![0x5a_u8; 3 << 20];
        // Everybody is there only when everybody has heard something.
        for sub in &subs {
            rt::in_time("a first message", async {
                loop {
                    publisher.send("big hello").await?;
                    if tokio::time::timeout(QUIET, sub.recv()).await.is_ok() {
                        return Fallible::Ok(());
                    }
                }
            })
            .await?;
        }
        publisher.send(parts([&b"big"[..], &body])).await?;
        for sub in &subs {
            let message = rt::in_time("the big one", async {
                loop {
                    let message = sub.recv().await?;
                    if message.len() == 2 {
                        return Fallible::Ok(message);
                    }
                }
            })
            .await?;
            assert!(message.get(1).is_some_and(|part| *part == body));
        }
        Ok(())
    })
}
