//! Programs that are not ours ask us.

use std::thread;

use ironhouse::auth::{Credentials, Refusal};
use ironhouse::{Authenticator, Dealer, Hub, Options, Router, serve_zap};
use ironhouse_tests::judge::{Judge, Verdict};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::theirs::context;
use ironhouse_tests::watch::{self, Their};
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;
use zap::codec::{ENDPOINT, Request};

use crate::house::{House, frames, message};

type Unit = Fallible<()>;

async fn router() -> Fallible<(Router, String)> {
    let router = Router::new(Options::new())?;
    let endpoint = router.bind("ipc://*").await?.to_string();
    Ok((router, endpoint))
}

/// A program on libzmq asks us through a device that forwards whole messages, and lets in whom we let in.
// ZAP-22, ZAP-24
#[test]
fn servers_of_libzmq_ask_through_a_proxy() -> Done {
    rt::run(async {
        let (router, endpoint) = router().await?;
        let known = Keys::new();
        let keys = zap::KeySet::from_iter([*known.public().as_bytes()]);
        let policy = Authenticator::new().configure_curve("libzmq", keys)?;
        let clients = async move {
            tokio::task::spawn_blocking(move || -> Unit {
                let theirs = context();
                let (front, back) = (
                    theirs.socket(zmq::SocketType::Router)?,
                    theirs.socket(zmq::SocketType::Dealer)?,
                );
                front.bind(ENDPOINT)?;
                back.connect(&endpoint)?;
                let device = thread::spawn(move || zmq::proxy(&front, &back, None));
                let keys = Keys::new();
                let server = theirs.socket(zmq::SocketType::Pull)?;
                server.zap_domain("libzmq")?;
                keys.serve(&server)?;
                let at = server.bind("tcp://127.0.0.1:*")?;
                for (client, expected) in
                    [(&known, Their::SUCCESS), (&Keys::new(), Their::auth(400))]
                {
                    let socket = theirs.socket(zmq::SocketType::Push)?;
                    client.present(&socket, &keys.public())?;
                    let monitor = socket.monitor()?;
                    socket.connect(&at)?;
                    watch::theirs("a client of libzmq", &monitor, expected);
                    if expected == Their::SUCCESS {
                        socket.send("hello", 0)?;
                        let received = server.recv_message(0)?;
                        assert_eq!(
                            received.property("User-Id"),
                            Some(known.0.public().to_string())
                        );
                    }
                }
                theirs.shutdown()?;
                device.join().expect("said why already")?;
                Ok(())
            })
            .await?
        };
        tokio::select! {
            ended = serve_zap(&router, policy, Default::default()) => panic!("{ended:?}"),
            done = clients => done,
        }
    })
}

/// A device of ours stands between the sockets of this process and a handler elsewhere.
// ZAP-23, ZAP-24
#[test]
fn our_proxy_forwards_requests_and_replies() -> Done {
    rt::run(async {
        let (router, endpoint) = router().await?;
        let hub = Hub::new();
        let front = crate::house::router(&hub).await?;
        let back = Dealer::new(Options::new())?;
        back.connect(&endpoint)?;
        let users = zap::Passwords::from_pairs([("known", "password")])?;
        let policy = Authenticator::new().configure_plain("*", users)?;
        let mut house = House::handled(hub).await?;
        tokio::select! {
            ended = serve_zap(&router, policy, Default::default()) => panic!("{ended:?}"),
            ended = ironhouse::proxy(&front, &back) => panic!("{ended:?}"),
            done = async {
                let (_client, peer) = house.admit("known").await?;
                assert_eq!(peer.user_id().map(|user| user.as_str()), Some("known"));
                house.expect("unknown", Refusal::Failure, "").await
            } => done,
        }
    })
}

/// What is no request gets a refusal or nothing; what panics or hangs hurts nobody but who asked for it.
// ZAP-30, ZAP-31, ZAP-32
#[test]
fn nonsense_hurts_nobody() -> Done {
    rt::run(async {
        let (router, endpoint) = router().await?;
        let judge = Judge::accept("user");
        let asking = async {
            let dealer = Dealer::new(Options::new())?;
            dealer.connect(&endpoint)?.ready().await?;
            let good: [&[u8]; 9] =
                [b"", b"1.0", b"id", b"", b"127.0.0.1", b"", b"PLAIN", b"user", b"password"];
            let bad: [(&[&[u8]], &[u8]); 5] = [
                (&[b"", b"1.1", b"id", b"", b"127.0.0.1", b"", b"NULL"], b"500"),
                (&[b"", b"1.0", b"id"], b"500"),
                (&[b"", b"1.0", b"id", b"", b"127.0.0.1", b"", b"PLAIN", b"user"], b"400"),
                (&[b"", b"1.0", b"id", b"", b"127.0.0.1", b"", b"CURVE", b"short"], b"400"),
                (&[b"", b"1.0", b"id", b"", b"somewhere", b"", b"NULL"], b"400"),
            ];
            for (request, status) in bad {
                // Nobody could get an answer to this one.
                dealer.send(message(["no", "delimiter"])).await?;
                dealer.send(message(request)).await?;
                let reply = frames(&rt::in_time("a reply", dealer.recv()).await?);
                assert_eq!((&reply[2][..], &reply[3][..]), (&b"id"[..], status), "{request:?}");
            }
            dealer.send(message(good)).await?;
            let reply = frames(&rt::in_time("a reply", dealer.recv()).await?);
            assert_eq!(reply[3], b"200");
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        tokio::select! {
            ended = serve_zap(&router, judge.clone(), Default::default()) => panic!("{ended:?}"),
            done = asking => done?,
        }
        assert_eq!(judge.asked().len(), 1);
        Ok(())
    })
}

/// One request that never gets its decision holds up no other, from the same program or another one.
// ZAP-29
#[test]
fn a_decision_that_hangs_holds_up_no_other() -> Done {
    rt::run(async {
        let (router, endpoint) = router().await?;
        let (passes, hangs) = (Judge::accept("passes"), Judge::new(Verdict::Hang));
        let judge =
            ironhouse::from_fn(move |request: std::sync::Arc<ironhouse::auth::AuthRequest>| {
                use ironhouse::auth::Authenticator as _;
                match &request.credentials {
                    Credentials::Plain { username, .. } if username == "hangs" => {
                        hangs.authenticate(request)
                    }
                    _ => passes.authenticate(request),
                }
            });
        let limits =
            zap::GuardLimits { time: std::time::Duration::from_secs(3600), ..Default::default() };
        let asking = async {
            let dealer = Dealer::new(Options::new())?;
            dealer.connect(&endpoint)?.ready().await?;
            for id in 0..100_u8 {
                let user: &[u8] = if id == 0 { b"hangs" } else { b"user" };
                let request: [&[u8]; 9] =
                    [b"", b"1.0", &[id], b"", b"127.0.0.1", b"", b"PLAIN", user, b"password"];
                Request::decode(&request[1..])?;
                dealer.send(message(request)).await?;
            }
            let mut answered = Vec::new();
            for _ in 1..100 {
                let reply = frames(&rt::in_time("a reply", dealer.recv()).await?);
                assert_eq!(reply[3], b"200");
                answered.push(reply[2][0]);
            }
            answered.sort_unstable();
            assert_eq!(answered, (1..100).collect::<Vec<_>>());
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        tokio::select! {
            ended = serve_zap(&router, judge, limits) => panic!("{ended:?}"),
            done = asking => done,
        }
    })
}
