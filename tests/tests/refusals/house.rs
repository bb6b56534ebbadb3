//! A server that answers, with a friend of its own, for strangers to knock at.

use std::sync::Arc;
use std::time::Duration;

use curve::CurveClient;
use ironhouse::{
    Endpoint, Event, Limits, Monitor, Options, Rep, Req, Security, ServerSecurity, SocketType,
};
use ironhouse_tests::driven::{Driven, Outcome};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::mechanisms::Kind;
use ironhouse_tests::raw::Raw;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Done, Fallible, rt};
use zmtp_core::mechanism::null::Null;
use zmtp_core::mechanism::plain::PlainClient;

/// From connect to READY where the deadline itself is tested; elsewhere it is too far away to matter.
pub(crate) const DEADLINE: Duration = Duration::from_millis(1500);

/// What happens at once happens in less than this, on the busiest machine.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(8);

/// The default limits with another deadline for the handshake.
pub(crate) fn deadline(time: Duration) -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.handshake_timeout = time;
    limits
}

/// A REP socket that echoes, and a REQ socket that is connected to it all along.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) kind: Kind,
    pub(crate) endpoint: Endpoint,
    pub(crate) events: Monitor,
    rep: Arc<Rep>,
    friend: Req,
    server: Keys,
    client: Keys,
}

impl House {
    pub(crate) async fn build(
        kind: Kind,
        change: impl FnOnce(Options) -> Options,
    ) -> Fallible<Self> {
        let (server, client) = (Keys::new(), Keys::new());
        let judge = Judge::accept("friend");
        let security = match kind {
            Kind::Null => Security::null(),
            Kind::Plain => ServerSecurity::plain().with_authenticator(judge),
            Kind::Curve => ServerSecurity::curve(server.pair()).with_authenticator(judge),
        };
        let options = Options::new().security(security).limits(deadline(rt::LATE));
        let rep = Rep::new(change(options))?;
        let rep = Arc::new(rep);
        let mut events = rep.monitor();
        let endpoint = rep.bind("tcp://127.0.0.1:*").await?;
        let echo = rep.clone();
        tokio::spawn(async move {
            while let Ok(message) = echo.recv().await {
                // Whoever asked may have left.
                _ = echo.send(message).await;
            }
        });
        let security = security_of_friend(kind, &server, &client)?;
        let friend = Req::new(Options::new().security(security))?;
        friend.connect(&endpoint)?;
        watch::success("the friend", &mut events).await;
        Ok(Self { kind, endpoint, events, rep, friend, server, client })
    }

    /// What happens from now on.
    pub(crate) fn monitor(&self) -> Monitor {
        self.rep.monitor()
    }

    /// The friend is served as if nothing had happened, and so is somebody new.
    pub(crate) async fn check_all_is_well(&mut self, what: &str) -> Done {
        ask(what, &self.friend).await?;
        let newcomer = Req::new(Options::new().security(self.friends_security()?))?;
        rt::in_time(what, newcomer.connect(&self.endpoint)?.ready()).await?;
        ask(what, &newcomer).await?;
        newcomer.close().await;
        Ok(())
    }

    pub(crate) fn friends_security(&self) -> Fallible<Security> {
        security_of_friend(self.kind, &self.server, &self.client)
    }

    /// A stranger that knows how to speak.
    pub(crate) async fn driven(&self) -> Driven {
        let (to, kind) = (&self.endpoint, SocketType::REQ);
        match self.kind {
            Kind::Null => Driven::connect(to, Null, kind).await,
            Kind::Plain => {
                let client = PlainClient::new(b"user", b"password").expect("short enough");
                Driven::connect(to, client, kind).await
            }
            Kind::Curve => {
                let client = CurveClient::new(self.client.pair(), self.server.public());
                Driven::connect(to, client.expect("a key"), kind).await
            }
        }
    }

    /// One that was let in.
    pub(crate) async fn established(&mut self, what: &str) -> Driven {
        let mut driven = self.driven().await;
        assert_eq!(driven.shake_hands(usize::MAX, usize::MAX).await, Outcome::Established);
        watch::success(what, &mut self.events).await;
        driven
    }

    /// A stranger that does not.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(&self.endpoint).await
    }

    /// Why the house turned away the one at this address, which it does exactly once and which is
    /// the next thing that it does.
    pub(crate) async fn turned_away(&mut self, what: &str, raw: &Raw) -> Fault {
        let (address, fault) = self.turns_away(what).await;
        assert_eq!(address, raw.address().to_string(), "{what}: somebody else was turned away");
        fault
    }

    /// Who is turned away next, and why.
    pub(crate) async fn turns_away(&mut self, what: &str) -> (String, Fault) {
        watch::event(what, &mut self.events, |event| match event {
            Event::HandshakeFailed { address, error, .. } => {
                Some((address.to_string(), Fault::from(error)))
            }
            Event::HandshakeSucceeded { peer, .. } => panic!("{what}: let in {peer:?}"),
            _ => None,
        })
        .await
    }
}

fn security_of_friend(kind: Kind, server: &Keys, client: &Keys) -> Fallible<Security> {
    Ok(match kind {
        Kind::Null => Security::null(),
        Kind::Plain => Security::plain_client("friend", "secret")?,
        Kind::Curve => Security::curve_client(client.pair(), server.public())?,
    })
}

async fn ask(what: &str, req: &Req) -> Done {
    rt::in_time(what, req.send("are you well?")).await?;
    let answer = rt::in_time(what, req.recv()).await?;
    assert_eq!(*answer.first(), "are you well?", "{what}");
    Ok(())
}
