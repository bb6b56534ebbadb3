//! What the self tests of CZMQ's zauth, zcert and zcertstore assert beyond what is in `pyzmq.rs`, and what
//! pyzmq's own tests assert about peers that do not get as far as the authenticator.

use ironhouse::auth::Domain;
use ironhouse::{
    Authenticator, CURVE_ALLOW_ANY, Certificate, KeySet, Security, ServerSecurity,
    certificate_keys, curve_keypair, load_certificate, load_certificates, save_certificate,
};
use ironhouse_tests::files::Directory;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::visits::{guest, holder, nobody, refused, user, visit};
use ironhouse_tests::{Done, Fallible, rt};
use zmtp_core::error::{Kind, ProtocolError, Stage};

use crate::{curve, null, plain};

/// Neither with an authenticator beside it nor after one is gone.
#[test]
fn without_a_domain_nobody_is_asked() -> Done {
    rt::run(async {
        assert_eq!(visit(&Security::null(), &nobody()).await?, guest(""));
        let judge = Authenticator::new().deny("127.0.0.1")?;
        assert_eq!(visit(&null(&judge)?, &nobody()).await?, refused("Address denied"));
        assert_eq!(visit(&Security::null(), &nobody()).await?, guest(""));
        drop(judge.start());
        drop(judge);
        assert_eq!(visit(&Security::null(), &nobody()).await?, guest(""));
        Ok(())
    })
}

/// The later call for one address counts. An address on CZMQ's list of allowed ones is always let through.
#[test]
fn who_was_denied_can_be_allowed() -> Done {
    rt::run(async {
        let judge = Authenticator::new().deny("127.0.0.1")?;
        let security = null(&judge)?;
        assert_eq!(visit(&security, &nobody()).await?, refused("Address denied"));
        let judge = judge.allow("127.0.0.1")?;
        assert_eq!(visit(&security, &nobody()).await?, guest("anonymous"));
        // It must still show its password.
        let admin = user("admin", "Password");
        assert_eq!(visit(&plain(&judge), &admin).await?, refused("No passwords defined"));
        Ok(())
    })
}

/// What a client presents that does not get as far as its key.
#[test]
fn a_client_of_another_server_or_of_none_does_not_get_as_far_as_the_authenticator() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let judge = Authenticator::new().configure_curve("*", CURVE_ALLOW_ANY)?;
        let security = curve(&server, &judge);
        let elsewhere = holder(&client, &Keys::new());
        let fault = fault(visit(&security, &elsewhere).await)?;
        assert!(matches!(fault, (Stage::Hello, Kind::Unopenable(_))), "{fault:?}");
        let fault = self::fault(visit(&security, &nobody()).await)?;
        // Which of the two sides sees first that they do not fit together, is open.
        assert!(matches!(fault.0, Stage::Greeting | Stage::Mechanism), "{fault:?}");
        assert!(matches!(fault.1, Kind::Incompatible(_) | Kind::PeerClosed), "{fault:?}");
        assert_eq!(visit(&security, &holder(&client, &server)).await?, guest(client.public()));
        Ok(())
    })
}

fn fault<T>(outcome: Fallible<T>) -> Fallible<(Stage, Kind)> {
    let Err(error) = outcome else { return Err("it was judged".into()) };
    let error = error.downcast::<ProtocolError>()?;
    Ok((error.stage, error.kind))
}

/// The public half of a certificate with metadata, under a name of CZMQ, in a domain.
#[test]
fn a_certificate_passes_on_its_metadata() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let mut certificate = Certificate::new(*client.public().as_bytes());
        certificate.set("Hello", "World!")?;
        let place = Directory::new();
        place.write("mycert.txt", certificate.public_text()?);
        let judge = Authenticator::new().configure_curve("*", place.path())?;
        let global = ServerSecurity::curve(server.pair()).domain("global")?;
        let security = global.with_authenticator(judge);
        let guest = visit(&security, &holder(&client, &server)).await?.expect("it is known");
        assert_eq!(guest.user_id, client.public().to_string());
        assert_eq!(guest.properties, [("Hello".to_owned(), b"World!".to_vec())]);
        Ok(())
    })
}

/// A store of one's own in place of a directory, and one key for both sides.
#[test]
fn a_store_of_ones_own_decides() -> Done {
    rt::run(async {
        let (shared, other) = (Keys::new(), Keys::new());
        let known = *shared.public().as_bytes();
        let store = move |_: Domain, key: [u8; 32]| key == known;
        let judge = Authenticator::new().configure_curve_callback("*", store)?;
        let security = curve(&shared, &judge);
        assert_eq!(visit(&security, &holder(&shared, &shared)).await?, guest(shared.public()));
        assert_eq!(visit(&security, &holder(&other, &shared)).await?, refused("Unknown key"));
        Ok(())
    })
}

#[test]
fn metadata_is_said_and_taken_back() -> Done {
    let keys = curve_keypair()?;
    let mut certificate =
        Certificate::new(*keys.public().as_bytes()).with_secret_key(keys.secret().as_bytes());
    let said = [
        ("email", "jo@example.org"),
        ("name", "Jo Doe"),
        ("organization", "Example & Daughters"),
        ("version", "1"),
    ];
    for (name, value) in said.into_iter().chain([("later", "never")]) {
        certificate.set(name, value)?;
    }
    assert!(certificate.unset("later") && !certificate.unset("later"));
    assert_eq!(
        (certificate.get("email"), certificate.get("later")),
        (Some("jo@example.org"), None)
    );
    assert!(certificate.metadata().eq(said));
    assert_eq!(certificate.clone(), certificate);

    let place = Directory::new();
    let files = save_certificate(&certificate, place.path(), "mycert")?;
    let secret = files.secret.ok_or("a secret half")?;
    assert_eq!(load_certificate(&secret)?, certificate);
    assert_eq!(certificate_keys(&certificate)?.public(), keys.public());
    std::fs::remove_file(secret)?;
    // CZMQ gives a secret key of zeros here.
    assert!(load_certificate(&files.public)?.secret_key().is_none());
    Ok(())
}

/// CZMQ looks at the directory at each request; ours is read again when told to, or watched.
#[test]
fn a_store_knows_what_was_saved_since_when_it_is_read_again() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let place = Directory::new();
        let judge = Authenticator::new().configure_curve("*", place.path())?;
        let (security, visitor) = (curve(&server, &judge), holder(&client, &server));
        assert_eq!(visit(&security, &visitor).await?, refused("Unknown key"));

        let mut certificate = Certificate::new(*client.public().as_bytes());
        certificate.set("name", "Jo Doe")?;
        save_certificate(&certificate, place.path(), "mycert")?;
        assert!(judge.reload().is_empty());
        let known = visit(&security, &visitor).await?.expect("it is known");
        assert_eq!(known.properties, [("name".to_owned(), b"Jo Doe".to_vec())]);
        assert_eq!(load_certificates(place.path())?.keys().len(), 1);

        // CZMQ waits for a directory that is not there, pyzmq logs it.
        let nowhere = place.path().join("nowhere");
        assert!(judge.clone().configure_curve("*", nowhere).is_err());

        // Another store in its place.
        let judge = judge.configure_curve("*", KeySet::from_iter([*server.public().as_bytes()]))?;
        assert_eq!(visit(&security, &visitor).await?, refused("Unknown key"));
        assert_eq!(
            visit(&curve(&server, &judge), &holder(&server, &server)).await?,
            guest(server.public())
        );
        Ok(())
    })
}
