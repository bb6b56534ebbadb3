//! pyzmq's Authenticator decides for our servers, behind a forwarder of a few lines.

use std::time::Duration;

use ironhouse::auth::Refusal;
use ironhouse::{
    CertificateFiles, RemoteAuthenticator, Security, ServerSecurity, certificate_keys,
    load_certificate,
};
use ironhouse_tests::files::Directory;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::place::TempDir;
use ironhouse_tests::visits::{guest, holder, refused, user, visit};
use ironhouse_tests::{Done, Fallible, rt};

use crate::program::{Party, Program, make, store_of};

/// Who takes part.
struct Parties {
    _place: Directory,
    client: Keys,
    clients: Directory,
    handler: CertificateFiles,
    program: CertificateFiles,
    programs: Directory,
}

fn keys(files: &CertificateFiles) -> Fallible<Keys> {
    let secret = files.secret.as_ref().ok_or("a secret half")?;
    Ok(Keys(certificate_keys(&load_certificate(secret)?)?))
}

impl Parties {
    fn new() -> Fallible<Self> {
        let place = Directory::new();
        let [client, handler, program] =
            ["client", "handler", "program"].map(|name| make(None, place.path(), name));
        let (client, program) = (client?, program?);
        let (clients, programs) = (store_of(&client)?, store_of(&program)?);
        let client = keys(&client)?;
        Ok(Self { _place: place, client, clients, handler: handler?, program, programs })
    }

    /// The handler, and where it is.
    fn handler(&self, kind: &str, at: &str) -> Fallible<(Program, String)> {
        let own = Party::Pyzmq.both(&self.handler)?;
        let clients = self.clients.path();
        let mut arguments =
            vec!["handle".as_ref(), kind.as_ref(), at.as_ref(), clients.as_os_str()];
        if at.starts_with("tcp") {
            arguments.extend([own.as_os_str(), self.programs.path().as_os_str()]);
        }
        let mut program = Party::Pyzmq.start(arguments)?;
        let endpoint = program.line()?;
        Ok((program, endpoint))
    }

    /// Asks it.
    fn remote(&self, at: &str) -> Fallible<RemoteAuthenticator> {
        let security = if at.starts_with("tcp") {
            let handler = keys(&self.handler)?.public();
            Security::curve_client(keys(&self.program)?.pair(), handler)?
        } else {
            Security::null()
        };
        let (soon, limit) = (Duration::from_millis(10), Duration::from_secs(10));
        Ok(RemoteAuthenticator::new(at, security)?.patience(1, soon, soon).time_limit(limit))
    }
}

/// What pyzmq's Authenticator says of passwords and keys, holds here.
async fn decides(parties: &Parties, remote: &RemoteAuthenticator) -> Done {
    let plain = ServerSecurity::plain().with_authenticator(remote.clone());
    assert_eq!(visit(&plain, &user("admin", "correct")).await?, guest("admin"));
    assert_eq!(visit(&plain, &user("admin", "wrong")).await?, refused("Invalid password"));
    assert_eq!(visit(&plain, &user("root", "correct")).await?, refused("Invalid username"));

    let server = Keys::new();
    let curve = ServerSecurity::curve(server.pair()).with_authenticator(remote.clone());
    let known = holder(&parties.client, &server);
    assert_eq!(visit(&curve, &known).await?, guest(parties.client.public()));
    let stranger = holder(&Keys::new(), &server);
    assert_eq!(visit(&curve, &stranger).await?, refused("Unknown key"));
    Ok(())
}

#[test]
#[ignore = "needs pyzmq"]
fn an_authenticator_of_pyzmq_decides() -> Done {
    rt::run(async {
        let parties = Parties::new()?;
        for (kind, at) in [("thread", "tcp://127.0.0.1:*"), ("asyncio", "ipc")] {
            let directory = TempDir::new();
            let at = if at == "ipc" { directory.ipc("handler") } else { at.to_owned() };
            let (_handler, endpoint) = parties.handler(kind, &at)?;
            decides(&parties, &parties.remote(&endpoint)?).await?;
        }
        Ok(())
    })
}

/// A handler that is killed refuses, for now and by name, until it is back.
#[test]
#[ignore = "needs pyzmq"]
fn a_killed_authenticator_of_pyzmq_lets_nobody_in() -> Done {
    rt::run(async {
        let parties = Parties::new()?;
        let directory = TempDir::new();
        let at = directory.ipc("handler");
        let (handler, _) = parties.handler("asyncio", &at)?;
        let remote = parties.remote(&at)?;
        let plain = ServerSecurity::plain().with_authenticator(remote);
        let admin = user("admin", "correct");
        assert_eq!(visit(&plain, &admin).await?, guest("admin"));

        drop(handler);
        for _ in 0..2 {
            let (status, text) = visit(&plain, &admin).await?.expect_err("nobody decides");
            assert_eq!(status, Refusal::Temporary, "{text}");
            assert!(text.contains("handler"), "{text}");
        }

        std::fs::remove_file(at.trim_start_matches("ipc://")).ok();
        let (_handler, _) = parties.handler("thread", &at)?;
        let mut outcome = visit(&plain, &admin).await?;
        while outcome.is_err() {
            outcome = visit(&plain, &admin).await?;
        }
        assert_eq!(outcome, guest("admin"));
        Ok(())
    })
}
