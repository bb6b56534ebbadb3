//! A policy that changes while peers are in.

use std::time::Duration;

use ironhouse::auth::Refusal;
use ironhouse::{
    Authenticator, Certificate, Connecting, Dealer, KeySet, Monitor, Options, Reconnect, Security,
    ServerSecurity,
};
use ironhouse_tests::files::Directory;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::{Done, Fallible, rt, watch};

use crate::sessions::{fault, put_out};

/// A server whose clients are judged, and what happens to them.
struct Server {
    socket: Dealer,
    events: Monitor,
    endpoint: ironhouse::Endpoint,
}

impl Server {
    async fn new(security: Security) -> Fallible<Self> {
        let socket = Dealer::new(Options::new().security(security))?;
        let events = socket.monitor();
        let endpoint = socket.bind("tcp://127.0.0.1:*").await?;
        Ok(Self { socket, events, endpoint })
    }

    /// A client that is in, and does not come again when it is out.
    async fn client(&self, security: Security) -> Fallible<Dealer> {
        let never = Duration::from_secs(3600);
        let reconnect = Reconnect { interval: never, max_interval: never };
        let client = Dealer::new(Options::new().security(security).reconnect(reconnect))?;
        let mut connecting: Connecting = client.connect(&self.endpoint)?;
        rt::in_time("the peer", connecting.ready()).await?;
        Ok(client)
    }

    /// The next client that is put out is put out for this.
    async fn puts_out(&mut self, text: &str) {
        let cause = watch::disconnected(text, &mut self.events).await;
        assert_eq!(fault(&cause), put_out(Refusal::Failure, text));
    }

    /// This client is still in, and no one was put out meanwhile.
    async fn hears(&self, client: &Dealer) -> Done {
        client.send("still in").await?;
        let message = rt::in_time("a message", self.socket.recv()).await?;
        assert_eq!(message.first(), "still in");
        Ok(())
    }
}

// ZAP-25
#[test]
fn who_is_denied_by_address_is_put_out() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let policy = Authenticator::new()
            .configure_curve("*", KeySet::from_iter([*client.public().as_bytes()]))?;
        let security = ServerSecurity::curve(server.pair()).with_authenticator(policy.clone());
        let mut server_side = Server::new(security).await?;
        let security = Security::curve_client(client.pair(), server.public())?;
        let client = server_side.client(security).await?;
        policy.update(|_| {});
        _ = policy.clone().allow("127.0.0.0/8")?;
        server_side.hears(&client).await?;
        _ = policy.deny("127.0.0.1")?;
        server_side.puts_out("Address denied").await;
        Ok(())
    })
}

#[test]
fn whose_certificate_is_gone_is_put_out() -> Done {
    rt::run(async {
        let (server, stays, goes) = (Keys::new(), Keys::new(), Keys::new());
        let place = Directory::new();
        for (name, keys) in [("stays", &stays), ("goes", &goes)] {
            let certificate = Certificate::new(*keys.public().as_bytes());
            certificate.save(place.path(), name, zap::Existing::Keep)?;
        }
        let policy = Authenticator::new().configure_curve("*", place.path())?;
        let security = ServerSecurity::curve(server.pair()).with_authenticator(policy.clone());
        let mut server_side = Server::new(security).await?;
        let security = |keys: &Keys| Security::curve_client(keys.pair(), server.public());
        let stays = server_side.client(security(&stays)?).await?;
        let _goes = server_side.client(security(&goes)?).await?;
        std::fs::remove_file(place.path().join("goes.key"))?;
        assert!(policy.reload().is_empty());
        server_side.puts_out("Unknown key").await;
        server_side.hears(&stays).await
    })
}

/// The passwords of those who are in are not kept, and yet it is known whose is another now.
#[test]
fn whose_password_is_another_is_put_out() -> Done {
    rt::run(async {
        let place = Directory::new();
        let file = place.write("users", "jo=sesame\nsam=barley\n");
        let policy = Authenticator::new().configure_plain_file("*", &file)?;
        let mut server =
            Server::new(ServerSecurity::plain().with_authenticator(policy.clone())).await?;
        let jo = server.client(Security::plain_client("jo", "sesame")?).await?;
        let _sam = server.client(Security::plain_client("sam", "barley")?).await?;
        std::fs::write(&file, "jo=sesame\nsam=oats\n")?;
        assert!(policy.reload().is_empty());
        server.puts_out("Invalid credentials").await;
        server.hears(&jo).await
    })
}

/// A file that cannot be understood changes nothing.
#[test]
fn who_is_in_stays_when_a_file_breaks() -> Done {
    rt::run(async {
        let place = Directory::new();
        let file = place.write("users", "jo=sesame\n");
        let policy = Authenticator::new().configure_plain_file("*", &file)?;
        let server =
            Server::new(ServerSecurity::plain().with_authenticator(policy.clone())).await?;
        let jo = server.client(Security::plain_client("jo", "sesame")?).await?;
        std::fs::write(&file, "jo\n")?;
        let problems = policy.reload();
        assert!(problems[0].to_string().contains("users, line 1"), "{problems:?}");
        server.hears(&jo).await?;
        let _again = server.client(Security::plain_client("jo", "sesame")?).await?;
        Ok(())
    })
}

/// Stopping closes the door; whoever is in stays, and newcomers come in again after a new start.
#[test]
fn a_stopped_authenticator_lets_nobody_in_and_puts_nobody_out() -> Done {
    rt::run(async {
        let policy = Authenticator::new();
        let running = policy.start();
        let security = Security::null_with_authenticator("lab", policy.clone())?;
        let mut server = Server::new(security).await?;
        let client = server.client(Security::null()).await?;
        drop(running);
        assert!(policy.is_stopped());
        let late = Dealer::new(Options::new())?;
        late.connect(&server.endpoint)?;
        let error = watch::failure("a newcomer", &mut server.events).await;
        assert!(error.to_string().contains("stopped"), "{error}");
        server.hears(&client).await?;
        let _running = policy.start();
        let _again = server.client(Security::null()).await?;
        Ok(())
    })
}
