//! Who may come in is decided in another process: one handler of ZAP for any number of servers. Here it is
//! asked over ipc; over tcp it has to be CURVE. This program is the server, and starts itself again as the
//! handler. That can be any program that speaks 27/ZAP, such as one with pyzmq's Authenticator.
//!
//! `cargo run --example external_authenticator`

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use ironhouse::auth::{AuthStatus, Refusal};
use ironhouse::error::{ConnectFailure, Kind};
use ironhouse::{
    Authenticator, Endpoint, Event, Monitor, Options, Passwords, Pull, Push, RemoteAuthenticator,
    Router, Security, ServerSecurity, serve_zap,
};

type Fallible<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    if let Some(at) = env::args().nth(1) {
        return handler(&at).await;
    }
    let place = env::temp_dir().join(format!("ironhouse-zap-{}", std::process::id()));
    fs::create_dir(&place)?;
    let at = format!("ipc://{}/zap", place.display());
    let handler = start(&at)?;
    let done = server(&at, handler).await;
    fs::remove_dir_all(&place)?;
    done
}

/// The handler's process: decides until it is killed.
async fn handler(at: &str) -> Fallible<()> {
    // Who may ask is a matter of its own. Here, the system lets this user's processes only.
    let router = Router::new(Options::new())?;
    router.bind(at).await?;
    println!("ready");
    let users = Passwords::from_pairs([("admin", "secret")])?;
    let policy = Authenticator::new().configure_plain("*", users)?;
    Ok(serve_zap(&router, policy, Default::default()).await?)
}

/// A handler that is killed when dropped.
struct Handler(Child);

impl Drop for Handler {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to do.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn start(at: &str) -> Fallible<Handler> {
    let mut command = Command::new(env::current_exe()?);
    let mut handler = Handler(command.arg(at).stdout(Stdio::piped()).spawn()?);
    let output = handler.0.stdout.take().ok_or("no output")?;
    let first = BufReader::new(output).lines().next().ok_or("the handler has ended")??;
    if first == "ready" { Ok(handler) } else { Err(first.into()) }
}

async fn server(at: &str, handler: Handler) -> Fallible<()> {
    let remote = RemoteAuthenticator::new(at, Security::null())?;
    let security = ServerSecurity::plain().with_authenticator(remote);
    let server = Pull::new(Options::new().security(security))?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    let push = client("secret", &endpoint).await??;
    push.send("hello").await?;
    let message = server.recv().await?;
    println!("the handler let {} in: {:?}", message.user_id().ok_or("nobody?")?, message.first());

    let failure = client("12345", &endpoint).await?.expect_err("the password is wrong");
    assert!(failure.is_final);
    let (status, text) = refusal(&mut events).await?;
    println!("the handler refuses a wrong password: {} {text}", status.code());
    assert_eq!(status, AuthStatus::Failure);

    // Nobody comes in unjudged: without its handler, the server refuses for the time being (300), and a client
    // may try again.
    drop(handler);
    let failure = client("secret", &endpoint).await?.expect_err("nobody decides");
    assert!(!failure.is_final);
    let (status, text) = refusal(&mut events).await?;
    println!("the handler is gone: {} {text}", status.code());
    assert_eq!(status, Refusal::Temporary.status());
    Ok(())
}

async fn client(password: &str, endpoint: &Endpoint) -> Fallible<Result<Push, ConnectFailure>> {
    let security = Security::plain_client("admin", password)?;
    let push = Push::new(Options::new().security(security))?;
    let ready = push.connect(endpoint)?.ready().await;
    Ok(ready.map(|_| push))
}

/// What the next refusal was, and why.
async fn refusal(events: &mut Monitor) -> Fallible<(AuthStatus, String)> {
    while let Some(event) = events.next_event().await {
        if let Event::HandshakeFailed { error, .. } = event {
            return match error.kind {
                Kind::Denied { status, text } => Ok((status.status(), text.to_string())),
                other => Err(format!("expected another reason than: {other}").into()),
            };
        }
    }
    Err("the server has ended".into())
}
