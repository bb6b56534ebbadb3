//! A server whose clients a handler at `inproc://zeromq.zap.01` judges.

use std::sync::Arc;

use ironhouse::auth::{Authenticator, Refusal};
use ironhouse::error::ConnectFailure;
use ironhouse::peer::Peer;
use ironhouse::{
    Dealer, Endpoint, Hub, Message, Monitor, Options, Rep, Router, Security, ServerSecurity,
};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::watch::{self, Fault};
use ironhouse_tests::{Fallible, rt};
use zap::codec::{ENDPOINT, Reply, Request};
use zmtp_core::error::{Kind as Cause, ProtocolError, Stage};

/// A server that speaks PLAIN.
pub(crate) struct House {
    pub(crate) hub: Hub,
    pub(crate) server: Dealer,
    pub(crate) endpoint: Endpoint,
    pub(crate) events: Monitor,
}

impl House {
    /// Judged by `direct`, unless there is a handler in `hub`.
    pub(crate) async fn new(hub: Hub, direct: impl Authenticator + 'static) -> Fallible<Self> {
        let security = ServerSecurity::plain().with_authenticator(direct);
        Self::with(Options::new().security(security).hub(hub.clone()), hub).await
    }

    /// Judged by the handler only.
    pub(crate) async fn handled(hub: Hub) -> Fallible<Self> {
        let security = ServerSecurity::plain().with_zap_handler();
        Self::with(Options::new().security(security).hub(hub.clone()), hub).await
    }

    /// With these options.
    pub(crate) async fn with(options: Options, hub: Hub) -> Fallible<Self> {
        let server = Dealer::new(options)?;
        let events = server.monitor();
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        Ok(Self { hub, server, endpoint, events })
    }

    /// A client that tries to come in.
    pub(crate) fn client(&self, user: &str) -> Fallible<(Dealer, ironhouse::Connecting)> {
        let security = Security::plain_client(user, "password")?;
        let client = Dealer::new(Options::new().security(security))?;
        let connecting = client.connect(&self.endpoint)?;
        Ok((client, connecting))
    }

    /// Lets a client in, and gives what the server knows of it.
    pub(crate) async fn admit(&mut self, user: &str) -> Fallible<(Dealer, Arc<Peer>)> {
        let (client, mut connecting) = self.client(user)?;
        rt::in_time(user, connecting.ready()).await?;
        Ok((client, watch::success(user, &mut self.events).await))
    }

    /// How a client is refused, as the server and the client see it.
    pub(crate) async fn refuse(&mut self, user: &str) -> Fallible<(ProtocolError, ConnectFailure)> {
        let (_client, mut connecting) = self.client(user)?;
        let failure = watch::refusal(user, &mut connecting).await;
        Ok((watch::failure(user, &mut self.events).await, failure))
    }

    /// Checks that a client is refused with this status, and for a reason that has these words in it.
    pub(crate) async fn expect(
        &mut self,
        user: &str,
        status: Refusal,
        words: &str,
    ) -> Fallible<()> {
        let (error, _) = self.refuse(user).await?;
        let Cause::Denied { status: told, text } = &error.kind else {
            panic!("{user}: not a refusal of the handler: {error}");
        };
        assert!(text.contains(words), "{user}: expected {words:?}, got {text:?}");
        assert_eq!(*told, status, "{user}: {text}");
        let fault = Fault::from(&error);
        assert_eq!((fault.stage, fault.rule), (Stage::Authentication, "ZAP-25"), "{user}");
        Ok(())
    }
}

/// An authenticator that must not be asked.
pub(crate) fn not_me() -> Judge {
    Judge::accept("let in by the wrong one")
}

/// A REP at the endpoint of ZAP.
pub(crate) async fn rep(hub: &Hub) -> Fallible<Rep> {
    let rep = Rep::new(Options::new().hub(hub.clone()))?;
    rep.bind(ENDPOINT).await?;
    Ok(rep)
}

/// A ROUTER at the endpoint of ZAP.
pub(crate) async fn router(hub: &Hub) -> Fallible<Router> {
    let router = Router::new(Options::new().hub(hub.clone()))?;
    router.bind(ENDPOINT).await?;
    Ok(router)
}

/// The frames of a message.
pub(crate) fn frames(message: &Message) -> Vec<Vec<u8>> {
    message.parts().map(|part| part.as_bytes().to_vec()).collect()
}

/// A message of these frames.
pub(crate) fn message<F: AsRef<[u8]>>(frames: impl IntoIterator<Item = F>) -> Message {
    let parts = frames.into_iter().map(|frame| bytes::Bytes::copy_from_slice(frame.as_ref()));
    Message::from_parts(parts).expect("a frame at least")
}

/// The next request to a REP.
pub(crate) async fn request(rep: &Rep) -> Fallible<Request> {
    let message = rt::in_time("a request", rep.recv()).await?;
    Ok(Request::decode(&frames(&message))?)
}

/// The frames of a reply that lets somebody in.
pub(crate) fn welcome(request: &Request, user: &str) -> Vec<bytes::Bytes> {
    let user = ironhouse::auth::UserId::new(user).expect("a short name");
    let decision = ironhouse::auth::AuthDecision::accept_as(user);
    Reply::new(request.id().clone(), decision).encode()
}
