//! The iron house with its server and its clients in processes of their own, and their keys in files, as it is
//! in earnest. This program is the server, and starts itself again as each of the clients.
//!
//! `cargo run --example ironhouse_two_process`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::{env, fs};

use ironhouse::error::{Disconnect, Kind};
use ironhouse::{
    Authenticator, CertificateFiles, Endpoint, Event, Options, PublicKey, Pull, Push, Security,
    ServerSecurity, certificate_keys, create_certificates, load_certificate,
};

type Fallible<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name, endpoint, own, server] => {
            client(name, endpoint, own.as_ref(), server.as_ref()).await
        }
        _ => {
            let place = env::temp_dir().join(format!("ironhouse-{}", std::process::id()));
            fs::create_dir(&place)?;
            let done = server(&place).await;
            fs::remove_dir_all(&place)?;
            done
        }
    }
}

async fn server(place: &Path) -> Fallible<()> {
    // Each writes NAME.key, to hand out, and NAME.key_secret, which its owner alone can read. The files of
    // pyzmq and CZMQ are as good.
    let house = create_certificates(place, "house", [("", ""); 0])?;
    let alice = create_certificates(place, "alice", [("user-id", "alice")])?;
    let mallory = create_certificates(place, "mallory", [("user-id", "alice")])?;
    // Whose public half lies here may come in.
    let known = place.join("clients");
    fs::create_dir(&known)?;
    fs::copy(&alice.public, known.join("alice.key"))?;

    let keys = certificate_keys(&load_certificate(secret(&house)?)?)?;
    let keeper = Authenticator::new().allow("loopback")?.configure_curve("*", known)?;
    let security = ServerSecurity::curve(keys).with_authenticator(keeper);
    let server = Pull::new(Options::new().security(security))?;
    let mut events = server.monitor();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;

    let child = start("alice", &endpoint, &alice, &house)?;
    let message = server.recv().await?;
    let user = message.user_id().ok_or("nobody?")?.as_str();
    println!("the server got {:?} of {user}", message.first());
    assert_eq!((message.first().as_bytes(), user), (&b"hello"[..], "alice"));
    end(child).await?;

    // The certificate says that it is alice's, but nobody has put it into the store.
    let child = start("mallory", &endpoint, &mallory, &house)?;
    let error = loop {
        match events.next_event().await.ok_or("the server has ended")? {
            Event::HandshakeFailed { error, .. } => break error,
            _ => continue,
        }
    };
    println!("the server knows why: {}", error.kind);
    assert!(matches!(error.kind, Kind::Denied { .. }));
    end(child).await
}

fn secret(files: &CertificateFiles) -> Fallible<&PathBuf> {
    Ok(files.secret.as_ref().ok_or("no secret half")?)
}

fn start(
    name: &str,
    endpoint: &Endpoint,
    own: &CertificateFiles,
    server: &CertificateFiles,
) -> Fallible<Child> {
    let mut client = Command::new(env::current_exe()?);
    client.args([name, &endpoint.to_string()]).arg(secret(own)?).arg(&server.public);
    Ok(client.spawn()?)
}

async fn end(mut child: Child) -> Fallible<()> {
    let status = tokio::task::spawn_blocking(move || child.wait()).await??;
    if status.success() { Ok(()) } else { Err(format!("the client: {status}").into()) }
}

async fn client(name: &str, endpoint: &str, own: &Path, server: &Path) -> Fallible<()> {
    let keys = certificate_keys(&load_certificate(own)?)?;
    let server_key = PublicKey::from_bytes(*load_certificate(server)?.public_key());
    let security = Security::curve_client(keys, server_key)?;
    let push = Push::new(Options::new().security(security))?;
    match push.connect(endpoint)?.ready().await {
        Ok(_) => {
            push.send("hello").await?;
            // Waits until it is sent.
            push.close().await;
            println!("{name} was let in");
            Ok(())
        }
        Err(failure) => match failure.cause {
            Disconnect::Protocol(error) if matches!(error.kind, Kind::ReportedByPeer(_)) => {
                println!("{name} is refused at stage {}: {}", error.stage, error.kind);
                // The server has proved who it is before, so that there is no use in trying again.
                assert!(failure.is_final);
                Ok(())
            }
            other => Err(format!("expected another reason than: {other}").into()),
        },
    }
}
