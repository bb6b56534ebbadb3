//! What the application of an XPUB is told.

use ironhouse::{Endpoint, Options, Sub, XPub, XSub};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

use crate::{knows, told, told_nothing};

async fn xpub(options: Options) -> Fallible<(XPub, Endpoint)> {
    let xpub = XPub::new(options)?;
    let endpoint = xpub.bind(ANYWHERE).await?;
    Ok((xpub, endpoint))
}

async fn subs<const N: usize>(endpoint: &Endpoint) -> Fallible<[Sub; N]> {
    let mut subs = Vec::new();
    for _ in 0..N {
        let sub = Sub::new(Options::new())?;
        sub.connect(endpoint)?.ready().await?;
        subs.push(sub);
    }
    Ok(subs.try_into().expect("as many as were made"))
}

/// XSUBs that pass everything on.
async fn verbose_xsubs<const N: usize>(endpoint: &Endpoint) -> Fallible<[XSub; N]> {
    let mut subs = Vec::new();
    for _ in 0..N {
        let sub = XSub::new(Options::new().xsub_verbose(true))?;
        sub.connect(endpoint)?.ready().await?;
        subs.push(sub);
    }
    Ok(subs.try_into().expect("as many as were made"))
}

// PUBSUB-XPUB-01, PUBSUB-XPUB-02
#[test]
fn the_first_and_the_last_of_a_prefix_are_told() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new()).await?;
        let [a, b] = subs(&endpoint).await?;
        a.subscribe("A");
        assert_eq!(told(&xpub).await?, b"\x01A");
        b.subscribe("A");
        b.subscribe("B");
        assert_eq!(told(&xpub).await?, b"\x01B", "the second A is no news");
        a.unsubscribe("A");
        a.subscribe("");
        assert_eq!(told(&xpub).await?, b"\x01", "somebody still wants A");
        b.unsubscribe("A");
        assert_eq!(told(&xpub).await?, b"\x00A");
        assert_eq!(xpub.subscriptions(), 2);
        told_nothing("more", &xpub).await;
        Ok(())
    })
}

// PUBSUB-XPUB-03
#[test]
fn who_leaves_has_cancelled() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new()).await?;
        let [a, b] = subs(&endpoint).await?;
        for prefix in ["A", "B", "both"] {
            a.subscribe(prefix);
            told(&xpub).await?;
        }
        b.subscribe("both");
        b.subscribe("C");
        assert_eq!(told(&xpub).await?, b"\x01C");
        a.close().await;
        let mut gone = [told(&xpub).await?, told(&xpub).await?];
        gone.sort();
        assert_eq!(gone, [b"\x00A", b"\x00B"]);
        told_nothing("a cancellation of what is still wanted", &xpub).await;
        Ok(())
    })
}

// PUBSUB-XPUB-03: also if nobody has listened meanwhile.
#[test]
fn what_is_read_late_is_read_in_order() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new()).await?;
        let [a] = subs(&endpoint).await?;
        a.subscribe("A");
        knows(&xpub, 1).await;
        a.close().await;
        knows(&xpub, 0).await;
        assert_eq!(told(&xpub).await?, b"\x01A");
        assert_eq!(told(&xpub).await?, b"\x00A");
        Ok(())
    })
}

// PUBSUB-XPUB-02
#[test]
fn verbose_tells_every_subscription() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new().xpub_verbose(true)).await?;
        let [a, b] = verbose_xsubs(&endpoint).await?;
        for sub in [&a, &a, &b] {
            sub.send("\u{1}A").await?;
            assert_eq!(told(&xpub).await?, b"\x01A");
        }
        // A set per peer: the first cancellation of a peer ends its subscription.
        a.send("\0A").await?;
        b.send("\0A").await?;
        assert_eq!(told(&xpub).await?, b"\x00A", "the last one only");
        a.send("\0A").await?;
        told_nothing("a cancellation of nothing", &xpub).await;
        Ok(())
    })
}

#[test]
fn verboser_tells_everything() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new().xpub_verboser(true)).await?;
        let [a, b] = verbose_xsubs(&endpoint).await?;
        for sub in [&a, &b] {
            sub.send("\u{1}A").await?;
            assert_eq!(told(&xpub).await?, b"\x01A");
        }
        for sub in [&a, &b, &b] {
            sub.send("\0A").await?;
            assert_eq!(told(&xpub).await?, b"\x00A");
        }
        for sub in [&a, &b] {
            sub.send("\u{1}A").await?;
            assert_eq!(told(&xpub).await?, b"\x01A");
        }
        a.close().await;
        assert_eq!(told(&xpub).await?, b"\x00A", "of the one that left, though not the last");
        b.close().await;
        assert_eq!(told(&xpub).await?, b"\x00A");
        Ok(())
    })
}

// PUBSUB-WIRE-08
#[test]
fn an_xsub_that_is_not_verbose_counts_for_itself() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new().xpub_verboser(true)).await?;
        let xsub = XSub::new(Options::new())?;
        xsub.connect(&endpoint)?.ready().await?;
        for message in ["\0A", "\u{1}A", "\u{1}A", "\0A", "\0A", "\0A"] {
            xsub.send(message).await?;
        }
        assert_eq!(told(&xpub).await?, b"\x01A");
        assert_eq!(told(&xpub).await?, b"\x00A");
        told_nothing("a repetition", &xpub).await;
        Ok(())
    })
}

// PUBSUB-XPUB-01, PUBSUB-XSUB-01
#[test]
fn other_messages_pass_upstream_as_they_are() -> Done {
    rt::run(async {
        let xsub = XSub::new(Options::new())?;
        let mut xpubs = Vec::new();
        for _ in 0..3 {
            let (xpub, endpoint) = xpub(Options::new()).await?;
            xsub.connect(&endpoint)?.ready().await?;
            xpubs.push(xpub);
        }
        let messages = [
            parts(["hello"]),
            parts([&b"\x02A"[..]]),
            parts([&b""[..]]),
            parts([&b"\x01A"[..], b"\x00B"]),
            parts([&b"\x00"[..], b"", b"\x01"]),
        ];
        for message in &messages {
            xsub.send(message.clone()).await?;
            xsub.send("\u{1}between").await?;
            xsub.send("\0between").await?;
        }
        for xpub in &xpubs {
            for expected in &messages {
                let message = rt::in_time("a message", xpub.recv()).await?;
                assert_eq!(message, *expected);
                assert!(message.peer().is_some(), "who sent it is known");
                assert_eq!(
                    told(xpub).await?,
                    b"\x01between",
                    "in the order in which they were sent"
                );
                assert_eq!(told(xpub).await?, b"\x00between");
            }
        }
        assert_eq!(xsub.dropped(), 0);
        Ok(())
    })
}

#[test]
fn the_welcome_comes_first_for_those_who_asked_for_it() -> Done {
    rt::run(async {
        let (xpub, endpoint) = xpub(Options::new().xpub_welcome(parts(["W", "elcome"]))).await?;
        let (asked, other) = (Sub::new(Options::new())?, Sub::new(Options::new())?);
        asked.subscribe("W");
        other.subscribe("x");
        for sub in [&asked, &other] {
            sub.connect(&endpoint)?.ready().await?;
        }
        knows(&xpub, 2).await;
        xpub.send("W later").await?;
        xpub.send("x later").await?;
        let welcome = rt::in_time("the welcome", asked.recv()).await?;
        assert_eq!(frames(&welcome), [&b"W"[..], b"elcome"]);
        assert_eq!(rt::in_time("later", asked.recv()).await?.first(), "W later");
        assert_eq!(rt::in_time("later", other.recv()).await?.first(), "x later");
        Ok(())
    })
}
