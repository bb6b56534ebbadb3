//! What a message tells of where it came from: facts apart from claims.

use ironhouse::auth::{AuthDecision, UserId};
use ironhouse::peer::PeerAddress;
use ironhouse::{
    Dealer, Message, Options, Part, Pull, Push, Router, Security, SocketType, blocking,
    from_sync_fn,
};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};
use zmtp_core::INLINE_LEN;
use zmtp_core::wire::metadata::Metadata;

/// Whoever comes is alice, who reads.
fn judged() -> Fallible<Security> {
    let judge = from_sync_fn(|_| {
        let mut metadata = Metadata::new();
        metadata.push("X-Role", "reader").expect("a property");
        AuthDecision::Accept { user_id: UserId::new("alice"), metadata }
    });
    Ok(Security::null_with_authenticator("house", judge)?)
}

// ZMTP-META-04, ZMTP-META-09, ZMTP-META-10
#[test]
fn facts_and_claims_do_not_mix() -> Done {
    rt::run(async {
        let router = Router::new(Options::new().security(judged()?))?;
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

/// The same message type, with the same connection behind it, on threads.
#[test]
fn threads_see_the_same() -> Done {
    let router = blocking::Router::new(Options::new().security(judged()?))?;
    let options = Options::new().property("X-Role", "owner")?.routing_id("me")?;
    let dealer = blocking::Dealer::new(options)?;
    dealer.connect(router.bind(ANYWHERE)?)?.ready_timeout(rt::LATE)?;
    dealer.send("hello")?;
    let message = router.recv_timeout(rt::LATE)?;
    assert_eq!(message.user_id().map(ToString::to_string).as_deref(), Some("alice"));
    assert!(matches!(message.peer_address(), Some(PeerAddress::Ip(it)) if it.ip().is_loopback()));
    assert_eq!(message.verified_property("X-Role").map(|it| &**it), Some(&b"reader"[..]));
    assert_eq!(message.claimed_property("X-Role").map(|it| &**it), Some(&b"owner"[..]));
    let peer = message.peer().ok_or("of nobody")?;
    assert_eq!(peer.claimed.socket_type, SocketType::DEALER);
    // The answer comes over a connection whose other side nobody judged.
    router.send(("me", "back"))?;
    let answer = dealer.recv_timeout(rt::LATE)?;
    assert_eq!((answer.user_id(), answer.verified_property("X-Role")), (None, None));
    assert!(answer.peer_address().is_some());
    Ok(())
}

/// Small bodies are where the message is, large ones are shared by its clones; also when they came from
/// a peer.
#[test]
fn small_bodies_are_in_the_message_and_large_ones_are_shared() -> Done {
    assert_eq!(
        size_of::<Part>(),
        INLINE_LEN + size_of::<usize>(),
        "a length, which also tells which it is"
    );
    let inside = |part: &Part| {
        let offset = part.as_bytes().as_ptr().addr().wrapping_sub(std::ptr::from_ref(part).addr());
        offset < size_of::<Part>()
    };
    let (pull, push) = (blocking::Pull::new(Options::new())?, blocking::Push::new(Options::new())?);
    push.connect(pull.bind(ANYWHERE)?)?;
    for (len, small) in [(0, true), (INLINE_LEN, true), (INLINE_LEN + 1, false), (100_000, false)] {
        let made = Message::new(vec![7; len]);
        push.send(made.clone())?;
        for message in [made, pull.recv_timeout(rt::LATE)?] {
            let clone = message.clone();
            assert_eq!(inside(message.first()), small, "{len}");
            let shared = clone.first().as_bytes().as_ptr() == message.first().as_bytes().as_ptr();
            assert_eq!(shared, !small, "{len}");
        }
    }
    Ok(())
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
