//! A handler in another program decides, over tcp with CURVE or over ipc.

use std::thread;
use std::time::Duration;

use ironhouse::auth::{AuthDecision, Refusal, UserId};
use ironhouse::{
    Authenticator, Endpoint, Hub, KeySet, Options, RemoteAuthenticator, RemoteError, Router,
    Security, ServerSecurity, serve_zap,
};
use ironhouse_tests::judge::{Judge, Verdict};
use ironhouse_tests::keys::Keys;
use ironhouse_tests::place::TempDir;
use ironhouse_tests::theirs::context;
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;
use zap::codec::{Reply, Request};

use crate::house::{House, message, request};

/// A minute: no limit of the test's own.
const LONG: Duration = Duration::from_secs(60);

/// A handler's keys, and those of a program that may ask it.
struct Parties {
    handler: Keys,
    program: Keys,
}

impl Parties {
    fn new() -> Self {
        Self { handler: Keys::new(), program: Keys::new() }
    }

    /// The handler's side: only the program comes in.
    fn serving(&self) -> Fallible<Security> {
        let known = KeySet::from_iter([*self.program.public().as_bytes()]);
        let programs = Authenticator::new().configure_curve("*", known)?;
        Ok(ServerSecurity::curve(self.handler.pair()).with_authenticator(programs))
    }

    /// The program's side.
    fn asking(&self) -> Fallible<Security> {
        Ok(Security::curve_client(self.program.pair(), self.handler.public())?)
    }

    async fn router(&self, at: &str) -> Fallible<(Router, Endpoint)> {
        let router = Router::new(Options::new().security(self.serving()?))?;
        let endpoint = router.bind(at).await?;
        Ok((router, endpoint))
    }
}

/// A server judged by `remote`, for as long as the handler says.
async fn house(remote: &RemoteAuthenticator) -> Fallible<House> {
    let security = ServerSecurity::plain().with_authenticator(remote.clone());
    let options = Options::new().security(security).authentication_limit(LONG);
    House::with(options, Hub::new()).await
}

/// What our own handler decides, holds, over tcp and ipc.
#[test]
fn a_remote_handler_decides() -> Done {
    rt::run(async {
        for at in ["tcp://127.0.0.1:*", "ipc://*"] {
            let parties = Parties::new();
            let (router, endpoint) = parties.router(at).await?;
            let users = zap::Passwords::from_pairs([("known", "password")])?;
            let policy = Authenticator::new().configure_plain("*", users)?;
            let serving = serve_zap(&router, policy, Default::default());
            let remote = RemoteAuthenticator::new(&endpoint, parties.asking()?)?.time_limit(LONG);
            let mut house = house(&remote).await?;
            tokio::select! {
                ended = serving => panic!("{at}: {ended:?}"),
                done = async {
                    let (_client, peer) = house.admit("known").await?;
                    assert_eq!(peer.user_id().map(UserId::as_str), Some("known"));
                    house.expect("unknown", Refusal::Failure, "").await
                } => done?,
            }
        }
        Ok(())
    })
}

/// libzmq's REP behind CURVE is asked as its own servers ask it.
#[test]
fn a_rep_of_libzmq_decides() -> Done {
    rt::run(async {
        let parties = Parties::new();
        let theirs = context();
        let rep = theirs.socket(zmq::SocketType::Rep)?;
        parties.handler.serve(&rep)?;
        let endpoint = rep.rcvtimeo(-1)?.bind("tcp://127.0.0.1:*")?;
        let handler = thread::spawn(move || {
            while let Ok(frames) = rep.recv_multipart() {
                let request = zmq::ZapRequest { frames };
                let user = String::from_utf8_lossy(&request.credentials()[0]).into_owned();
                let reply = match user.as_str() {
                    "known" => request.reply("200", "OK", "a friend", &[("Level", "9")]),
                    _ => request.deny(),
                };
                rep.send_multipart(reply).expect("a way back");
            }
        });
        let remote = RemoteAuthenticator::new(&endpoint, parties.asking()?)?.time_limit(LONG);
        let mut house = house(&remote).await?;
        let (_client, peer) = house.admit("known").await?;
        assert_eq!(peer.user_id().map(UserId::as_str), Some("a friend"));
        assert_eq!(peer.verified.metadata.get("Level").map(|it| &it[..]), Some(&b"9"[..]));
        house.expect("unknown", Refusal::Failure, "denied").await?;
        theirs.shutdown()?;
        handler.join().expect("said why already");
        Ok(())
    })
}

/// Without CURVE there is no asking over tcp, except by a call whose name says what it does.
#[test]
fn tcp_without_curve_is_refused() -> Done {
    let plain = RemoteAuthenticator::new("tcp://127.0.0.1:9", Security::null());
    assert!(matches!(plain, Err(RemoteError::Unprotected(..))), "{plain:?}");
    let password = RemoteAuthenticator::new("tcp://[::1]:9", Security::plain_client("a", "b")?);
    assert!(matches!(password, Err(RemoteError::Unprotected(..))), "{password:?}");
    let other =
        RemoteAuthenticator::new("ipc:///tmp/handler", Security::null())?.or("tcp://[::1]:9");
    assert!(matches!(other, Err(RemoteError::Unprotected(..))), "{other:?}");
    assert!(matches!(
        RemoteAuthenticator::new("tcp://127.0.0.1:*", Security::null()),
        Err(RemoteError::Endpoint(_))
    ));
    RemoteAuthenticator::dangerous_unprotected("tcp://127.0.0.1:9", Security::null())?;
    Ok(())
}

/// A handler that is not there refuses at once; after a few times it is not even asked. When it comes, it is
/// found.
// ZAP-28
#[test]
fn a_handler_that_is_not_there_lets_nobody_in_until_it_comes() -> Done {
    rt::run(async {
        let parties = Parties::new();
        let directory = TempDir::new();
        let endpoint = directory.ipc("handler");
        let pause = Duration::from_millis(10);
        let remote = RemoteAuthenticator::new(&endpoint, parties.asking()?)?
            .connections(1)
            .patience(2, LONG, LONG)
            .time_limit(LONG);
        let mut unlucky = house(&remote).await?;
        unlucky.expect("first", Refusal::Temporary, "cannot be reached").await?;
        // The first one may have come again meanwhile, and have been the second one.
        loop {
            let (error, _) = unlucky.refuse("next").await?;
            if error.to_string().contains("is not asked for a while") {
                break;
            }
            assert!(error.to_string().contains("cannot be reached"), "{error}");
        }

        let remote = remote.patience(2, pause, pause);
        let mut house = house(&remote).await?;
        house.expect("early", Refusal::Temporary, "").await?;
        let (router, _) = parties.router(&endpoint).await?;
        let serving = serve_zap(&router, Judge::accept("late"), Default::default());
        tokio::select! {
            ended = serving => panic!("{ended:?}"),
            admitted = house.admit("late") => admitted?,
        };
        Ok(())
    })
}

/// Of two handlers the one that lives is asked.
#[test]
fn another_handler_takes_over() -> Done {
    rt::run(async {
        let parties = Parties::new();
        let directory = TempDir::new();
        let nowhere = directory.ipc("nobody");
        let (router, endpoint) = parties.router("ipc://*").await?;
        let remote = RemoteAuthenticator::new(&nowhere, parties.asking()?)?
            .or(&endpoint)?
            .connections(1)
            .patience(1, LONG, LONG)
            .time_limit(LONG);
        let mut house = house(&remote).await?;
        let serving = serve_zap(&router, Judge::accept("user"), Default::default());
        tokio::select! {
            ended = serving => panic!("{ended:?}"),
            done = async {
                for user in ["first", "second", "third"] {
                    // Whoever meets the dead one is refused for now, and comes again by itself.
                    let (_client, mut connecting) = house.client(user)?;
                    while connecting.ready().await.is_err() {}
                }
                house.events.next_event().await.expect("an event");
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            } => done?,
        }
        Ok(())
    })
}

/// A handler that takes requests and never answers is waited for so long; one that goes away is not.
// ZAP-29
#[test]
fn a_handler_that_hangs_or_dies_refuses() -> Done {
    rt::run(async {
        let parties = Parties::new();
        let (router, endpoint) = parties.router("tcp://127.0.0.1:*").await?;
        let remote = RemoteAuthenticator::new(&endpoint, parties.asking()?)?
            .time_limit(Duration::from_millis(300));
        let mut slow = house(&remote).await?;
        slow.expect("waits", Refusal::Temporary, "took too long").await?;

        let remote = remote.time_limit(LONG).max_pending(1);
        let mut house = house(&remote).await?;
        let (_client, mut waiting) = house.client("in the middle")?;
        let asked = async {
            // Others may have been asked about in vain before.
            while !ends_with(&router.recv().await?, "in the middle") {}
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        rt::in_time("the request", asked).await?;
        house.expect("one too many", Refusal::Temporary, "Too many requests").await?;
        router.close().await;
        let failure = rt::in_time("the end", waiting.ready()).await;
        assert!(failure.is_err(), "{failure:?}");
        Ok(())
    })
}

fn ends_with(message: &ironhouse::Message, user: &str) -> bool {
    message.parts().rev().nth(1).is_some_and(|part| part.as_bytes() == user.as_bytes())
}

/// A handler with other keys than those that were expected is none, and one that does not know us does not
/// decide for us.
#[test]
fn only_the_handler_with_the_right_key_is_asked() -> Done {
    rt::run(async {
        let (parties, others) = (Parties::new(), Parties::new());
        let (router, endpoint) = parties.router("tcp://127.0.0.1:*").await?;
        let judge = Judge::new(Verdict::Accept("anybody"));
        let wrong_key = Security::curve_client(parties.program.pair(), others.handler.public())?;
        let stranger = Security::curve_client(others.program.pair(), parties.handler.public())?;
        for security in [wrong_key, stranger] {
            let remote = RemoteAuthenticator::new(&endpoint, security)?.time_limit(LONG);
            let mut house = house(&remote).await?;
            tokio::select! {
                ended = serve_zap(&router, judge.clone(), Default::default()) => panic!("{ended:?}"),
                done = house.expect("client", Refusal::Temporary, "cannot be reached") => done?,
            }
        }
        assert!(judge.asked().is_empty());
        Ok(())
    })
}

/// A handler that answers nonsense refuses with 500.
// ZAP-27
#[test]
fn nonsense_from_afar_lets_nobody_in() -> Done {
    rt::run(async {
        let parties = Parties::new();
        let rep = ironhouse::Rep::new(Options::new().security(parties.serving()?))?;
        let endpoint = rep.bind("tcp://127.0.0.1:*").await?;
        let remote = RemoteAuthenticator::new(&endpoint, parties.asking()?)?.time_limit(LONG);
        let mut house = house(&remote).await?;
        let nonsense = async {
            let request: Request = request(&rep).await?;
            let mut reply = Reply::new(request.id().clone(), AuthDecision::accept()).encode();
            reply[2] = "999".into();
            rep.send(message(reply)).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        let (refused, sent) =
            tokio::join!(house.expect("client", Refusal::Internal, "status code"), nonsense);
        sent?;
        refused
    })
}
