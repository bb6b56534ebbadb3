//! The house of iron with a directory of keys that is watched: whoever's key is put there comes in, and
//! whoever's key is taken away is put out, while the house goes on.
//!
//! `cargo run --example ironhouse_reload`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use ironhouse::error::{Disconnect, Kind};
use ironhouse::zap::Existing;
use ironhouse::{
    Authenticator, Certificate, Event, KeyPair, Options, PublicKey, Pull, Push, Reconnect,
    Security, ServerSecurity, Watch, curve_keypair,
};
use tokio::time::{sleep, timeout};

/// A change counts within a second; this is for machines that are very busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory for the public keys of clients, gone at the end.
struct Keys(PathBuf);

impl Keys {
    fn new() -> Result<Self, Box<dyn Error>> {
        let path = env::temp_dir().join(format!("ironhouse-reload-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// As `ironhouse keygen` does it. The file takes its place in one step: nobody reads half of it.
    fn add(&self, name: &str, keys: &KeyPair) -> Result<PathBuf, Box<dyn Error>> {
        let mut certificate = Certificate::new(*keys.public().as_bytes());
        certificate.set("user-id", name)?;
        Ok(certificate.save(&self.0, name, Existing::Keep)?.public)
    }
}

impl AsRef<Path> for Keys {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client that connects once, and its connection or why there is none.
async fn come(
    keys: &KeyPair,
    house: PublicKey,
    endpoint: &ironhouse::Endpoint,
) -> Result<Result<Push, Disconnect>, Box<dyn Error>> {
    let never = Duration::from_secs(3600);
    let options = Options::new()
        .security(Security::curve_client(keys.clone(), house)?)
        .reconnect(Reconnect { interval: never, max_interval: never });
    let push = Push::new(options)?;
    let outcome = timeout(PATIENCE, push.connect(endpoint)?.ready()).await?;
    Ok(outcome.map(|_| push).map_err(|failure| failure.cause))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (house, alice, bob) = (curve_keypair()?, curve_keypair()?, curve_keypair()?);
    let server_key = *house.public();
    let keys = Keys::new()?;
    keys.add("alice", &alice)?;

    let keeper = Authenticator::new().configure_curve("*", keys.as_ref())?;
    // Until this is dropped, the keeper knows who is in the directory.
    let _watching = keeper.watch(Watch::new().tell(|reload| {
        let (changed, problems) = (reload.changed.len(), reload.problems.len());
        println!("  (read again: {changed} changed, {problems} with problems)");
    }))?;
    let server = Pull::new(
        Options::new().security(ServerSecurity::curve(house).with_authenticator(keeper)),
    )?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    let from_alice = match come(&alice, server_key, &endpoint).await? {
        Ok(push) => push,
        Err(cause) => return Err(format!("alice is in the directory, and yet: {cause}").into()),
    };
    from_alice.send("hello").await?;
    let message = timeout(PATIENCE, server.recv()).await??;
    println!("{} says {:?}", message.user_id().ok_or("nobody?")?, message.first());

    match come(&bob, server_key, &endpoint).await? {
        Err(cause) => println!("bob is not known yet: {cause}"),
        Ok(_) => return Err("bob came in before anybody knew his key".into()),
    }

    let file = keys.add("bob", &bob)?;
    let begun = Instant::now();
    let from_bob = loop {
        match come(&bob, server_key, &endpoint).await? {
            Ok(push) => break push,
            Err(cause) if begun.elapsed() > PATIENCE => return Err(cause.into()),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    };
    println!("bob is in {} ms after his key was added", begun.elapsed().as_millis());
    from_bob.send("hello").await?;
    let message = timeout(PATIENCE, server.recv()).await??;
    println!("{} says {:?}", message.user_id().ok_or("nobody?")?, message.first());

    fs::remove_file(file)?;
    let begun = Instant::now();
    let cause = loop {
        let event = timeout(PATIENCE, events.next_event()).await?.ok_or("the server ended")?;
        // Bob was refused before he came in; now he is put out.
        if let Event::Disconnected { cause: Disconnect::Protocol(error), .. } = event {
            break error;
        }
    };
    if !matches!(cause.kind, Kind::Revoked { .. }) {
        return Err(format!("somebody was put out for another reason: {cause}").into());
    }
    let took = begun.elapsed().as_millis();
    println!("bob is put out {took} ms after his key was removed: {}", cause.kind);

    match come(&bob, server_key, &endpoint).await? {
        Err(cause) => println!("bob stays outside: {cause}"),
        Ok(_) => return Err("bob came in though nobody knows his key any more".into()),
    }
    from_alice.send("still here").await?;
    let message = timeout(PATIENCE, server.recv()).await??;
    println!("{} says {:?}", message.user_id().ok_or("nobody?")?, message.first());
    Ok(())
}
