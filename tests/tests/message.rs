//! What a message tells of where it came from: facts apart from claims.

use ironhouse::auth::{AuthDecision, UserId};
use ironhouse::peer::PeerAddress;
use ironhouse::{Dealer, Message, Options, Pull, Push, Router, Security, from_sync_fn};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt};
use zmtp_core::wire::metadata::Metadata;

// ZMTP-META-04, ZMTP-META-09, ZMTP-META-10
#[test]
fn facts_and_claims_do_not_mix() -> Done {
    rt::run(async {
        let judge = from_sync_fn(|_| {
            let mut metadata = Metadata::new();
            metadata.push("X-Role", "reader").expect("a property");
            AuthDecision::Accept { user_id: UserId::new("alice"), metadata }
        });
        let judged = Security::null_with_authenticator("house", judge)?;
        let router = Router::new(Options::new().security(judged))?;
        let options = Options::new().property("X-Role", "owner")?.property("X-House", "stone")?;
        let dealer = Dealer::new(options.routing_id("me")?)?;
        dealer.connect(router.bind(ANYWHERE).await?)?;
        dealer.send("hello").await?;

        let message = rt::in_time("a message", router.recv()).await?;
        assert_eq!(message.user_id().map(ToString::to_string).as_deref(), Some("alice"));
        assert!(
            matches!(message.peer_address(), Some(PeerAddress::Ip(it)) if it.ip().is_loopback())
        );
        assert_eq!(message.verified_property("x-role").map(|it| &**it), Some(&b"reader"[..]));
        assert_eq!(message.claimed_property("x-role").map(|it| &**it), Some(&b"owner"[..]));
        assert_eq!(message.verified_property("X-House"), None);
        assert_eq!(message.claimed_property("X-House").map(|it| &**it), Some(&b"stone"[..]));
        assert_eq!(message.claimed_property("Socket-Type").map(|it| &**it), Some(&b"DEALER"[..]));
        assert_eq!(message.claimed_property("identity").map(|it| &**it), Some(&b"me"[..]));
        Ok(())
    })
}

#[test]
fn what_was_made_here_came_from_nowhere() {
    let message = Message::from("ours");
    assert_eq!(message.user_id(), None);
    assert_eq!(message.peer_address(), None);
    assert_eq!(message.verified_property("X-Role"), None);
    assert_eq!(message.claimed_property("Socket-Type"), None);
}

// ZMTP-MSG-09
#[test]
fn tuples_are_messages_of_many_parts() -> Done {
    rt::run(async {
        let (push, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
        push.connect(pull.bind("inproc://message-tuples").await?)?;
        push.send(("a", vec![0_u8; 100])).await?;
        push.send(("a", b"", "c")).await?;
        push.send(("a", "b", "c", "d")).await?;
        push.send(("a", "b", "c", "d", "e")).await?;
        for (len, last) in [(2, &[0_u8; 100][..]), (3, b"c"), (4, b"d"), (5, b"e")] {
            let message = rt::in_time("a message", pull.recv()).await?;
            assert_eq!(message.len(), len);
            assert_eq!(message.first(), "a");
            assert_eq!(message.parts().next_back().map(|it| &**it), Some(last));
        }
        Ok(())
    })
}
