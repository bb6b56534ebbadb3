//! `demo`: the whole story in one process, on loopback.

use std::time::Duration;

use clap::Args;
use ironhouse::error::ConnectFailure;
use ironhouse::{
    Authenticator, Disconnect, Endpoint, Event, KeyPair, KeySet, Monitor, Options, PublicKey,
    Reconnect, Rep, Req, Security, ServerSecurity, auth, curve_keypair,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use zmtp_core::error::{ProtocolError, Stage};

use crate::exit::{Class, Failure, class_of_error, error_json};
use crate::output::{BAD, DIM, GOOD, HEAD, line, styled};

/// Longest time for one step of a scene.
const PATIENCE: Duration = Duration::from_secs(5);
/// The user who holds the one key that the server knows.
const USER: &str = "alice";

/// Show the whole story in one process: a client served, and four refused with their reasons.
///
/// Ends with exit code 1 if the story does not go as it is told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// What each side had to say.
struct Scene {
    title: &'static str,
    client: Account,
    server: Account,
}

/// The view of one side.
enum Account {
    /// All went well.
    Good(String),
    /// A reason.
    Bad(ProtocolError),
}

/// How a client must fail: with which class and stage on its side, and by which stage and rule on the
/// server's.
struct Plot {
    class: Class,
    client: Stage,
    server: Stage,
    rule: &'static str,
}

const UNKNOWN_KEY: Plot = Plot {
    class: Class::Refused,
    client: Stage::Ready,
    server: Stage::Authentication,
    rule: "ZAP-25",
};
const WRONG_SERVER_KEY: Plot = Plot {
    class: Class::Refused,
    client: Stage::Welcome,
    server: Stage::Hello,
    rule: "CURVEZMQ-09",
};
const WRONG_MECHANISM: Plot = Plot {
    class: Class::Mismatch,
    client: Stage::Mechanism,
    server: Stage::Mechanism,
    rule: "ZMTP-MECH-01",
};

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let begin = Instant::now();
    let theatre = Theatre::open().await?;
    let server_key = theatre.server_key;
    if !arguments.json {
        line(format_args!("{}  {}", styled(HEAD, "A CURVE server"), theatre.endpoint));
        line(format_args!("  its public key      {server_key}"));
        line(format_args!("  it knows one client {}  as {USER}", theatre.known.public()));
        line("");
    }
    let mut scenes = Vec::new();
    let mut play = |scene: Scene| {
        if !arguments.json {
            scene.show();
        }
        scenes.push(scene);
    };
    let known = || theatre.known.clone();
    let stranger = || curve_keypair().map_err(Failure::broken);
    play(theatre.serve("the client that the server knows").await?);
    let trials = [
        (
            "a client whose key the server does not know",
            Security::curve_client(stranger()?, server_key).map_err(Failure::broken)?,
            UNKNOWN_KEY,
        ),
        (
            "a client that expects another server key",
            Security::curve_client(known(), *stranger()?.public()).map_err(Failure::broken)?,
            WRONG_SERVER_KEY,
        ),
        ("a client without security", Security::null(), WRONG_MECHANISM),
        (
            "a client that would send a password in clear",
            Security::plain_client("admin", "open sesame").map_err(Failure::broken)?,
            WRONG_MECHANISM,
        ),
    ];
    for (title, security, plot) in trials {
        play(theatre.refuse(title, security, &plot).await?);
    }
    play(theatre.serve("the known client once more: the refusals cost it nothing").await?);
    if arguments.json {
        let scenes: Vec<Value> = scenes.iter().map(Scene::to_json).collect();
        line(json!({ "endpoint": theatre.endpoint.to_string(), "scenes": scenes }));
    } else {
        let took = begin.elapsed().as_millis();
        let moral = "As told: the known client was served, everybody else knows why not.";
        line(format_args!("{}  {}", styled(GOOD, moral), styled(DIM, format_args!("{took} ms"))));
    }
    theatre.server.abort();
    Ok(())
}

impl Scene {
    const fn served(&self) -> bool {
        matches!(self.server, Account::Good(_))
    }

    fn show(&self) {
        let verdict = if self.served() { styled(GOOD, "served ") } else { styled(BAD, "refused") };
        line(format_args!("{verdict}  {}", styled(HEAD, self.title)));
        for (side, account) in [("client", &self.client), ("server", &self.server)] {
            let side = styled(DIM, format_args!("  {side}   "));
            match account {
                Account::Good(text) => line(format_args!("{side}{text}")),
                Account::Bad(error) => {
                    line(format_args!("{side}{}", error.kind));
                    let place = format!("stage {}, rule {}", error.stage, error.rule());
                    line(styled(DIM, format_args!("           {place}")));
                }
            }
        }
        line("");
    }

    fn to_json(&self) -> Value {
        json!({
            "title": self.title,
            "served": self.served(),
            "client": self.client.to_json(),
            "server": self.server.to_json(),
        })
    }
}

impl Account {
    fn to_json(&self) -> Value {
        match self {
            Self::Good(text) => json!({ "says": text, "error": null }),
            Self::Bad(error) => {
                json!({ "says": error.kind.to_string(), "error": error_json(error) })
            }
        }
    }
}

/// The server and what its clients have to know.
struct Theatre {
    endpoint: Endpoint,
    server_key: PublicKey,
    known: KeyPair,
    events: Mutex<Monitor>,
    server: tokio::task::JoinHandle<()>,
}

impl Theatre {
    async fn open() -> Result<Self, Failure> {
        let keys = curve_keypair().map_err(Failure::broken)?;
        let known = curve_keypair().map_err(Failure::broken)?;
        let server_key = *keys.public();
        let mut clients = KeySet::new();
        let user = auth::UserId::new(USER)
            .ok_or_else(|| Failure::broken("the name of the user is too long"))?;
        clients.insert_as(*known.public().as_bytes(), user);
        let judge = Authenticator::new().configure_curve("*", clients).map_err(Failure::broken)?;
        let security = ServerSecurity::curve(keys).with_authenticator(judge);
        let rep = Rep::new(Options::new().security(security)).map_err(Failure::broken)?;
        let events = Mutex::new(rep.monitor());
        let endpoint = rep.bind("tcp://127.0.0.1:*").await.map_err(Failure::broken)?;
        let server = tokio::spawn(async move {
            while let Ok(request) = rep.recv().await {
                // A client that leaves early is no concern of the server.
                let _ = rep.send(request).await;
            }
        });
        Ok(Self { endpoint, server_key, known, events, server })
    }

    /// The known client, who must be let in as the user that it is and get its answer.
    async fn serve(&self, title: &'static str) -> Result<Scene, Failure> {
        let security = Security::curve_client(self.known.clone(), self.server_key);
        let req = client(security.map_err(Failure::broken)?)?;
        let mut connecting = req.connect(&self.endpoint).map_err(Failure::broken)?;
        let ready = within(title, connecting.ready()).await?;
        ready.map_err(|failure| off_script(title, &failure.to_string()))?;
        within(title, req.send("hello")).await?.map_err(Failure::broken)?;
        let reply = within(title, req.recv()).await?.map_err(Failure::broken)?;
        match within(title, self.verdict()).await? {
            Ok(user) if user == USER && reply.first() == "hello" => Ok(Scene {
                title,
                client: Account::Good("sent \"hello\", and got it back".to_owned()),
                server: Account::Good(format!("knows the peer as {user}")),
            }),
            Ok(user) => Err(off_script(title, &format!("{user} got {reply:?}"))),
            Err(error) => Err(off_script(title, &error.to_string())),
        }
    }

    /// A client who must be refused, for the same reason on both sides.
    async fn refuse(
        &self,
        title: &'static str,
        security: Security,
        plot: &Plot,
    ) -> Result<Scene, Failure> {
        let req = client(security)?;
        let mut connecting = req.connect(&self.endpoint).map_err(Failure::broken)?;
        let client = match within(title, connecting.ready()).await? {
            Err(ConnectFailure { cause: Disconnect::Protocol(error), .. })
                if class_of_error(&error) == plot.class && error.stage == plot.client =>
            {
                Account::Bad(error)
            }
            Err(failure) => return Err(off_script(title, &failure.to_string())),
            Ok(_) => return Err(off_script(title, "it was let in")),
        };
        match within(title, self.verdict()).await? {
            Err(error) if error.stage == plot.server && error.rule().id == plot.rule => {
                Ok(Scene { title, client, server: Account::Bad(error) })
            }
            Err(error) => Err(off_script(title, &error.to_string())),
            Ok(user) => Err(off_script(title, &format!("the server took it for {user}"))),
        }
    }

    /// What the server reports of the last client: who it is, or why it was refused.
    async fn verdict(&self) -> Result<String, ProtocolError> {
        let mut events = self.events.lock().await;
        loop {
            match events.next_event().await {
                Some(Event::HandshakeSucceeded { peer, .. }) => {
                    return Ok(peer.user_id().map_or_else(String::new, ToString::to_string));
                }
                Some(Event::HandshakeFailed { error, .. }) => return Err(error),
                Some(_) => {}
                // The server is gone. Whoever waits for it loses patience.
                None => std::future::pending().await,
            }
        }
    }
}

/// A client that does not try again while the story goes on: the server would report that as well.
fn client(security: Security) -> Result<Req, Failure> {
    let once = Reconnect { interval: 20 * PATIENCE, max_interval: 20 * PATIENCE };
    let options = Options::new().security(security).reconnect(once).linger(Duration::ZERO);
    Req::new(options).map_err(Failure::broken)
}

async fn within<T>(title: &str, work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(PATIENCE, work).await.map_err(|_| off_script(title, "it took too long"))
}

fn off_script(title: &str, what: &str) -> Failure {
    Failure::broken(format!("the story did not go as told: {title}: {what}"))
}
