//! `demo`: the whole story in one process, on loopback.

use std::time::Duration;

use clap::Args;
use ironhouse::error::ConnectFailure;
use ironhouse::{
    Authenticator, Endpoint, Event, KeyPair, KeySet, Monitor, Options, PublicKey, Rep, Req,
    Security, ServerSecurity, curve_keypair,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::exit::{Class, Failure, class_of, status_of};
use crate::output::{BAD, DIM, GOOD, HEAD, line, styled};

/// Longest time for one scene.
const PATIENCE: Duration = Duration::from_secs(5);

/// Show the whole story in one process: a client served, and four refused with their reasons.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// What each side had to say.
struct Scene {
    title: &'static str,
    served: bool,
    client: String,
    server: String,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let stage = Stage::set().await?;
    let stranger = || curve_keypair().map_err(Failure::broken);
    if !arguments.json {
        line(format_args!("{} {}", styled(HEAD, "A CURVE server listens on"), stage.endpoint));
        line(format_args!("  its public key is      {}", stage.server_key));
        line(format_args!("  it knows one client    {}", stage.known.public()));
        line("");
    }
    let refused = Class::Refused;
    let mut scenes = vec![stage.known_client().await?];
    show(&scenes, arguments.json);
    let trials = [
        (
            "a client whose key the server does not know",
            Security::curve_client(stranger()?, stage.server_key),
            refused,
        ),
        (
            "a client that expects another server key",
            Security::curve_client(stage.known.clone(), *stranger()?.public()),
            refused,
        ),
        ("a client without security", Ok(Security::null()), Class::Mismatch),
    ];
    for (title, security, class) in trials {
        let security = security.map_err(Failure::broken)?;
        scenes.push(stage.refused_client(title, security, class).await?);
        show(&scenes, arguments.json);
    }
    let plain = Security::plain_client("admin", "secret").map_err(Failure::broken)?;
    let title = "a client that would send a password in clear";
    scenes.push(stage.refused_client(title, plain, Class::Mismatch).await?);
    show(&scenes, arguments.json);
    scenes.push(stage.known_client_again().await?);
    show(&scenes, arguments.json);
    if arguments.json {
        let scenes: Vec<Value> = scenes.iter().map(Scene::to_json).collect();
        line(json!({ "endpoint": stage.endpoint.to_string(), "scenes": scenes }));
    } else {
        line(styled(GOOD, "As told: the known client was served, everybody else knows why not."));
    }
    stage.server.abort();
    Ok(())
}

/// Shows the last scene.
fn show(scenes: &[Scene], json: bool) {
    let Some(scene) = scenes.last().filter(|_| !json) else { return };
    let verdict = if scene.served { styled(GOOD, "served ") } else { styled(BAD, "refused") };
    line(format_args!("{verdict}  {}", styled(HEAD, scene.title)));
    line(format_args!("  {}  {}", styled(DIM, "the client says"), scene.client));
    line(format_args!("  {}  {}", styled(DIM, "the server says"), scene.server));
    line("");
}

impl Scene {
    fn to_json(&self) -> Value {
        json!({
            "title": self.title,
            "served": self.served,
            "client": self.client,
            "server": self.server,
        })
    }
}

/// The server and what its clients have to know.
struct Stage {
    endpoint: Endpoint,
    server_key: PublicKey,
    known: KeyPair,
    events: tokio::sync::Mutex<Monitor>,
    server: tokio::task::JoinHandle<()>,
}

impl Stage {
    async fn set() -> Result<Self, Failure> {
        let keys = curve_keypair().map_err(Failure::broken)?;
        let known = curve_keypair().map_err(Failure::broken)?;
        let server_key = *keys.public();
        let mut clients = KeySet::new();
        clients.insert(*known.public().as_bytes());
        let judge = Authenticator::new().configure_curve("*", clients).map_err(Failure::broken)?;
        let security = ServerSecurity::curve(keys).with_authenticator(judge);
        let rep = Rep::new(Options::new().security(security)).map_err(Failure::broken)?;
        let events = rep.monitor();
        let endpoint = rep.bind("tcp://127.0.0.1:*").await.map_err(Failure::broken)?;
        let server = tokio::spawn(async move {
            while let Ok(request) = rep.recv().await {
                // A client that leaves early is no concern of the server.
                let _ = rep.send(request).await;
            }
        });
        Ok(Self { endpoint, server_key, known, events: tokio::sync::Mutex::new(events), server })
    }

    async fn known_client(&self) -> Result<Scene, Failure> {
        self.serve("the client that the server knows").await
    }

    async fn known_client_again(&self) -> Result<Scene, Failure> {
        self.serve("the known client once more: the refusals cost it nothing").await
    }

    async fn serve(&self, title: &'static str) -> Result<Scene, Failure> {
        let security = Security::curve_client(self.known.clone(), self.server_key);
        let req = client(security.map_err(Failure::broken)?)?;
        let mut connecting = req.connect(&self.endpoint).map_err(Failure::broken)?;
        within(connecting.ready()).await?.map_err(Failure::from)?;
        within(req.send("hello")).await?.map_err(Failure::broken)?;
        let reply = within(req.recv()).await?.map_err(Failure::broken)?;
        let server = within(self.verdict()).await?;
        Ok(Scene { title, served: true, client: format!("the reply is {reply:?}"), server })
    }

    async fn refused_client(
        &self,
        title: &'static str,
        security: Security,
        class: Class,
    ) -> Result<Scene, Failure> {
        let req = client(security)?;
        let mut connecting = req.connect(&self.endpoint).map_err(Failure::broken)?;
        let failure = match within(connecting.ready()).await? {
            Err(failure) if class_of(&failure.cause) == class => failure,
            Err(failure) => return Err(off_script(title, &failure.to_string())),
            Ok(_) => return Err(off_script(title, "it was let in")),
        };
        let server = within(self.verdict()).await?;
        Ok(Scene { title, served: false, client: reason(&failure), server })
    }

    /// What the server reports of the last client.
    async fn verdict(&self) -> String {
        let mut events = self.events.lock().await;
        loop {
            match events.next_event().await {
                Some(Event::HandshakeSucceeded { peer, .. }) => {
                    let user = peer.user_id().map_or("nobody", |user| user.as_str());
                    return format!("authenticated as {user}");
                }
                Some(Event::HandshakeFailed { error, .. }) => {
                    let status = status_of(&error)
                        .map_or_else(String::new, |status| format!("status {status}, "));
                    return format!("{status}{}", wrap(&error.to_string()));
                }
                Some(_) => {}
                None => return "the server is gone".to_owned(),
            }
        }
    }
}

fn client(security: Security) -> Result<Req, Failure> {
    let options = Options::new().security(security).linger(Duration::ZERO);
    Req::new(options).map_err(Failure::broken)
}

fn reason(failure: &ConnectFailure) -> String {
    wrap(&failure.cause.to_string())
}

/// Puts the brackets with stage and rule on a line of their own.
fn wrap(text: &str) -> String {
    text.replacen(" [", "\n                   [", 1)
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(PATIENCE, work).await.map_err(|_| off_script("a scene", "it took too long"))
}

fn off_script(title: &str, what: &str) -> Failure {
    Failure::broken(format!("the story did not go as told: {title}: {what}"))
}
