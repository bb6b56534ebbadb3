//! Handshakes with programs of theirs, in both roles, with keys from files that either side made.

use std::ffi::OsStr;
use std::path::Path;

use ironhouse::error::{ConnectFailure, Kind, Stage};
use ironhouse::{
    Authenticator, CertificateFiles, KeyPair, Options, PublicKey, Push, Security, ServerSecurity,
    certificate_keys, load_certificate,
};
use ironhouse_tests::files::Directory;
use ironhouse_tests::visits::{Door, refused};
use ironhouse_tests::{Done, Fallible, rt, watch};
use zmtp_core::error::Side;
use zmtp_core::wire::reason::ErrorReason;

use crate::program::{PARTIES, Party, make, store_of};

/// A server, a client that it knows, and one that it does not know.
struct House {
    _place: Directory,
    server: CertificateFiles,
    client: CertificateFiles,
    stranger: CertificateFiles,
    /// The public half of the client's certificate.
    clients: Directory,
}

impl House {
    /// Who makes the certificates of the server and of its clients.
    fn new(server: Option<Party>, client: Option<Party>) -> Fallible<Self> {
        let place = Directory::new();
        let server = make(server, place.path(), "server")?;
        let stranger = make(client, place.path(), "stranger")?;
        let client = make(client, place.path(), "client")?;
        let clients = store_of(&client)?;
        Ok(Self { _place: place, server, client, stranger, clients })
    }
}

/// Each side with certificates of its own, and of the other.
fn houses(party: Party) -> Fallible<[House; 2]> {
    Ok([House::new(Some(party), None)?, House::new(None, Some(party))?])
}

fn keys(files: &CertificateFiles) -> Fallible<KeyPair> {
    let secret = files.secret.as_ref().ok_or("a secret half")?;
    Ok(certificate_keys(&load_certificate(secret)?)?)
}

/// A client of ours that has tried to come in.
async fn enter(
    house: &House,
    own: &CertificateFiles,
    at: &str,
) -> Fallible<Result<Push, ConnectFailure>> {
    let server_key = load_certificate(&house.server.public)?;
    let security =
        Security::curve_client(keys(own)?, PublicKey::from_bytes(*server_key.public_key()))?;
    let push = Push::new(Options::new().security(security))?;
    let mut connecting = push.connect(at)?;
    let ready = rt::in_time("the server", connecting.ready()).await;
    Ok(ready.map(|_| push))
}

#[test]
#[ignore = "needs pyzmq and CZMQ"]
fn our_clients_are_known_at_their_servers() -> Done {
    rt::run(async {
        for party in PARTIES {
            for house in houses(party)? {
                let own = party.both(&house.server)?;
                let arguments = [OsStr::new("serve"), own.as_ref(), house.clients.path().as_ref()];
                let mut server = party.start(arguments)?;
                let endpoint = server.line()?;
                let push = enter(&house, &house.client, &endpoint).await??;
                push.send("hello").await?;
                assert_eq!(server.line()?, format!("{} hello", keys(&house.client)?.public()));

                let failure = enter(&house, &house.stranger, &endpoint).await?;
                let failure = failure.expect_err("nobody knows it");
                let fault = watch::fault_of(&failure);
                let denied = Kind::ReportedByPeer(ErrorReason::new("400"));
                assert_eq!(
                    (fault.side, fault.stage, fault.kind),
                    (Side::Peer, Stage::Ready, denied)
                );
                assert!(failure.is_final, "{party:?}");
            }
        }
        Ok(())
    })
}

#[test]
#[ignore = "needs pyzmq and CZMQ"]
fn their_clients_are_known_at_our_servers() -> Done {
    rt::run(async {
        for party in PARTIES {
            for house in houses(party)? {
                let judge = Authenticator::new().configure_curve("*", house.clients.path())?;
                let security =
                    ServerSecurity::curve(keys(&house.server)?).with_authenticator(judge);
                let mut door = Door::new(&security).await?;
                let endpoint = door.endpoint.to_string();
                let visit = |own: &CertificateFiles| -> Fallible<_> {
                    let (own, server) = (party.both(own)?, Path::new(&house.server.public));
                    party.start([
                        OsStr::new("visit"),
                        endpoint.as_ref(),
                        own.as_ref(),
                        server.as_ref(),
                    ])
                };
                let client = visit(&house.client)?;
                let guest = door.verdict().await?.map_err(|(_, text)| text)?;
                assert_eq!(guest.user_id, keys(&house.client)?.public().to_string());
                drop(client);
                let _stranger = visit(&house.stranger)?;
                assert_eq!(door.verdict().await?, refused("Unknown key"), "{party:?}");
            }
        }
        Ok(())
    })
}
