//! Replies that are none.

use ironhouse::Hub;
use ironhouse::auth::Refusal;
use ironhouse_tests::{Done, rt, watch};
use zap::codec::{Envelope, Request};

use crate::house::{House, frames, message, rep, request, router, welcome};

/// Makes something bad of a good reply.
type Spoil = fn(&mut Vec<Vec<u8>>);

const BAD: [(&str, Spoil, &str); 17] = [
    ("no version", |it| it[0] = b"".to_vec(), "version"),
    ("version 1.1", |it| it[0] = b"1.1".to_vec(), "version"),
    ("another id", |it| it[1] = b"somebody else".to_vec(), "id of the request"),
    ("an id that was never given", |it| it[1] = vec![0xff; 8], "id of the request"),
    ("no id", |it| it[1] = Vec::new(), "id of the request"),
    ("status 999", |it| it[2] = b"999".to_vec(), "status code"),
    ("status 201", |it| it[2] = b"201".to_vec(), "status code"),
    ("status 2000", |it| it[2] = b"2000".to_vec(), "status code"),
    ("no status", |it| it[2] = Vec::new(), "status code"),
    ("a status text that is too long", |it| it[3] = vec![b'a'; 256], "status text"),
    ("a user id that is too long", |it| it[4] = vec![b'a'; 256], "user id"),
    ("a user id that is no text", |it| it[4] = vec![0xff, 0xfe], "user id"),
    ("metadata that is cut", |it| it[5] = b"\x05Level\x00\x00\x00\x09".to_vec(), "metadata"),
    ("metadata that is too much", |it| it[5] = property("Level", &[0; 1 << 20]), "metadata"),
    ("a reserved property", |it| it[5] = property("User-Id", b"root"), "reserved"),
    ("no metadata frame", |it| it.truncate(5), "6 frames"),
    ("a frame too many", |it| it.push(Vec::new()), "6 frames"),
];

fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let mut block = vec![u8::try_from(name.len()).expect("short")];
    block.extend(name.as_bytes());
    block.extend(u32::try_from(value.len()).expect("short").to_be_bytes());
    block.extend(value);
    block
}

/// Each bad reply of a REP refuses the one that it was for, says which rule it breaks, and hurts nobody
/// else.
// ZAP-16, ZAP-18, ZAP-19, ZAP-20, ZAP-25, ZAP-27
#[test]
fn a_reply_that_breaks_a_rule_lets_nobody_in() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let rep = rep(&hub).await?;
        let mut house = House::handled(hub).await?;
        for (what, spoil, words) in BAD {
            let handler = async {
                let request = request(&rep).await?;
                let mut reply: Vec<Vec<u8>> =
                    welcome(&request, "user").iter().map(|frame| frame.to_vec()).collect();
                spoil(&mut reply);
                rep.send(message(reply)).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            };
            let (refused, handled) =
                tokio::join!(house.expect(what, Refusal::Internal, words), handler);
            handled?;
            refused?;
        }
        let (_client, mut connecting) = house.client("good")?;
        let request = request(&rep).await?;
        rep.send(message(welcome(&request, "good"))).await?;
        rt::in_time("READY", connecting.ready()).await?;
        Ok(())
    })
}

/// A ROUTER can do more harm: leave out the delimiter or put something there, send less than a reply,
/// answer twice, talk unasked.
// ZAP-03, ZAP-05, ZAP-27
#[test]
fn a_router_that_breaks_the_envelope_lets_nobody_in() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let router = router(&hub).await?;
        let mut house = House::handled(hub).await?;
        for what in ["no delimiter", "a full delimiter", "only the delimiter", "nothing"] {
            let (_client, mut connecting) = house.client(what)?;
            let received = frames(&rt::in_time("a request", router.recv()).await?);
            let (envelope, body) = Envelope::split(&received)?;
            let request = Request::decode(body)?;
            let mut reply = envelope.wrap(welcome(&request, "user"));
            match what {
                "no delimiter" => drop(reply.remove(1)),
                "a full delimiter" => reply[1] = "full".into(),
                "only the delimiter" => reply.truncate(2),
                _ => {
                    reply.truncate(1);
                    reply.push("?".into());
                }
            }
            router.send(message(reply)).await?;
            watch::refusal(what, &mut connecting).await;
            let error = watch::failure(what, &mut house.events).await;
            assert!(error.to_string().contains("breaks a rule"), "{what}: {error}");
        }
        for user in ["first", "second"] {
            let (_client, mut connecting) = house.client(user)?;
            let received = frames(&rt::in_time("a request", router.recv()).await?);
            let (envelope, body) = Envelope::split(&received)?;
            let request = Request::decode(body)?;
            let reply = message(envelope.clone().wrap(welcome(&request, user)));
            for _ in 0..3 {
                router.send(reply.clone()).await?;
            }
            rt::in_time(user, connecting.ready()).await?;
            let peer = watch::success(user, &mut house.events).await;
            assert_eq!(peer.user_id().map(|user| user.as_str()), Some(user));
        }
        Ok(())
    })
}
