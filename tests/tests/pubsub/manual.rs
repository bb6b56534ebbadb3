//! XPUBs whose application decides who gets what.

use std::sync::Arc;

use ironhouse::error::{GrantError, SendError};
use ironhouse::peer::Peer;
use ironhouse::{Message, Options, Sub, XPub, XSub};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

use crate::{QUIET, told_nothing};

async fn manual() -> Fallible<(XPub, XSub)> {
    let xpub = XPub::new(Options::new().xpub_manual(true))?;
    let xsub = XSub::new(Options::new())?;
    xsub.connect(xpub.bind(ANYWHERE).await?)?.ready().await?;
    Ok((xpub, xsub))
}

/// What was asked, and by whom.
async fn asked(xpub: &XPub) -> Fallible<(Vec<u8>, Arc<Peer>)> {
    let message = rt::in_time("a request", xpub.recv()).await?;
    let peer = message.peer().cloned().ok_or("a request of nobody")?;
    Ok((message.first().to_vec(), peer))
}

async fn got(xsub: &XSub) -> Fallible<Message> {
    Ok(rt::in_time("a message", xsub.recv()).await?)
}

#[test]
fn nothing_is_granted_unasked() -> Done {
    rt::run(async {
        let (xpub, xsub) = manual().await?;
        xsub.send("\u{1}A").await?;
        let (request, peer) = asked(&xpub).await?;
        assert_eq!(request, b"\x01A");
        assert_eq!(xpub.subscriptions(), 0);
        assert!(xpub.grant(&peer, "B")?);
        assert!(!xpub.grant(&peer, "B")?, "a second time changes nothing");
        xpub.send("A").await?;
        xpub.send("B").await?;
        assert_eq!(got(&xsub).await?.first(), "B");
        assert!(!xpub.revoke(&peer, "A")?, "it never had A");
        assert!(xpub.revoke(&peer, "B")?);
        xpub.send("B").await?;
        rt::never("a message of what was revoked", QUIET, xsub.recv()).await;
        Ok(())
    })
}

#[test]
fn a_cancellation_is_for_the_application_as_well() -> Done {
    rt::run(async {
        let (xpub, xsub) = manual().await?;
        for (request, grant) in [("\u{1}A", "XA"), ("\u{1}B", "XB")] {
            xsub.send(request).await?;
            let (told, peer) = asked(&xpub).await?;
            assert_eq!(told, request.as_bytes());
            xpub.grant(&peer, grant)?;
        }
        xsub.send("\0A").await?;
        let (request, peer) = asked(&xpub).await?;
        assert_eq!(request, b"\x00A");
        assert!(xpub.revoke(&peer, "XA")?);
        xpub.send("XA").await?;
        xpub.send("XB").await?;
        assert_eq!(got(&xsub).await?.first(), "XB");

        xsub.close().await;
        let (request, gone) = asked(&xpub).await?;
        assert_eq!(request, b"\x00B", "what it still asked for, not what it was granted");
        assert_eq!(xpub.subscriptions(), 0, "what it was granted went with it");
        assert_eq!(xpub.grant(&gone, "XB"), Err(GrantError::PeerGone));
        assert_eq!(xpub.revoke(&gone, "XB"), Err(GrantError::PeerGone));
        told_nothing("more", &xpub).await;
        Ok(())
    })
}

/// Requests that come in quick succession are answered each on its own: the peer is named, and not
/// just the last one.
#[test]
fn every_peer_is_answered_for_itself() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_manual(true))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let subs = [Sub::new(Options::new())?, Sub::new(Options::new())?];
        for (sub, prefix) in subs.iter().zip(["1", "2"]) {
            sub.subscribe(prefix);
            sub.connect(&endpoint)?.ready().await?;
        }
        let requests = [asked(&xpub).await?, asked(&xpub).await?];
        for (request, peer) in &requests {
            assert!(xpub.grant(peer, &request[1..])?);
        }
        for topic in ["1", "2"] {
            xpub.send(topic).await?;
        }
        for (sub, topic) in subs.iter().zip(["1", "2"]) {
            assert_eq!(rt::in_time(topic, sub.recv()).await?.first(), topic);
        }
        Ok(())
    })
}

/// The last value goes to the one who has just asked for it, and to nobody else.
#[test]
fn a_message_can_go_to_one_alone() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new().xpub_manual(true))?;
        let endpoint = xpub.bind(ANYWHERE).await?;
        let subs = [Sub::new(Options::new())?, Sub::new(Options::new())?];
        for sub in &subs {
            sub.connect(&endpoint)?.ready().await?;
            sub.subscribe("A");
            let (_, peer) = asked(&xpub).await?;
            xpub.grant(&peer, "A")?;
            xpub.try_send_to(&peer, "A so far")?;
            xpub.try_send_to(&peer, "B is nothing it was granted")?;
            assert_eq!(rt::in_time("the last value", sub.recv()).await?.first(), "A so far");
        }
        xpub.send("A now").await?;
        for sub in &subs {
            assert_eq!(rt::in_time("the next value", sub.recv()).await?.first(), "A now");
        }
        let [first, _second] = subs;
        first.close().await;
        rt::until("one to be gone", || {
            while let Ok(message) = xpub.try_recv() {
                if let Some(peer) = message.peer() {
                    assert_eq!(xpub.try_send_to(peer, "A"), Err(SendError::PeerGone));
                    return true;
                }
            }
            false
        })
        .await;
        Ok(())
    })
}

#[test]
fn only_a_manual_one_grants() -> Done {
    rt::run(async {
        let xpub = XPub::new(Options::new())?;
        let sub = Sub::new(Options::new())?;
        sub.subscribe("A");
        sub.connect(xpub.bind(ANYWHERE).await?)?;
        let (_, peer) = asked(&xpub).await?;
        assert_eq!(xpub.grant(&peer, "B"), Err(GrantError::NotManual));
        assert_eq!(xpub.revoke(&peer, "A"), Err(GrantError::NotManual));
        Ok(())
    })
}
