//! Blocking sockets whose input and output have threads of their own. That is said once for a process, so this test
//! has one to itself.

use std::time::Duration;

use ironhouse::blocking::{self, Pull, Push, Rep, Req};
use ironhouse::error::RecvError;
use ironhouse::{Authenticator, Options, Passwords, Security, ServerSecurity};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt};

const SHORT: Duration = Duration::from_millis(60);

#[test]
fn threads_that_were_asked_for_serve_all_blocking_sockets() -> Done {
    blocking::io_threads(2)?;
    let users = Passwords::from_pairs([("bob", "builds")])?;
    let authenticator = Authenticator::new().configure_plain("*", users)?;
    let server = ServerSecurity::plain().with_authenticator(authenticator);
    let rep = Rep::new(Options::new().security(server))?;
    let req = Req::new(Options::new().security(Security::plain_client("bob", "builds")?))?;
    req.connect(rep.bind(ANYWHERE)?)?.ready_timeout(rt::LATE)?;
    for _ in 0..100 {
        req.send("question")?;
        assert_eq!(rep.recv_timeout(rt::LATE)?.first(), "question");
        rep.send("answer")?;
        assert_eq!(req.recv_timeout(rt::LATE)?.first(), "answer");
    }
    // With and without a spin, much and little, until it is closed.
    let pull = Pull::new(Options::new().spin(SHORT))?;
    let push = Push::new(Options::new())?;
    push.connect(pull.bind(ANYWHERE)?)?;
    for body in [&[7; 1000][..], &[7; 10]] {
        (0..200).try_for_each(|_| push.send(body))?;
        for _ in 0..200 {
            assert_eq!(pull.recv_timeout(rt::LATE)?.first(), body);
        }
    }
    assert_eq!(pull.recv_timeout(SHORT), Err(RecvError::TimedOut));
    push.send("the last one")?;
    drop(push);
    assert_eq!(pull.recv_timeout(rt::LATE)?.first(), "the last one");
    assert_eq!(pull.close(), 0);
    assert_eq!(blocking::io_threads(1), Err(blocking::AlreadyRunning));
    Ok(())
}
