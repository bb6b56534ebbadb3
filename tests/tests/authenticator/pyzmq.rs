//! What users of pyzmq's Authenticator and of CZMQ's zauth rely on, under the names that they know.
//! Where ours differs, the test says so.

use ironhouse::auth::{Domain, UserId};
use ironhouse::{
    Authenticator, CURVE_ALLOW_ANY, Passwords, create_certificates, load_certificates,
};
use ironhouse_tests::files::Directory;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::visits::{guest, holder, nobody, refused, user, visit};
use ironhouse_tests::{Done, Fallible, rt};

use crate::{curve, keys_in, null, plain};

/// A domain makes NULL ask; without policies everybody comes in, as `anonymous`.
#[test]
fn null_with_a_domain_is_asked_about_and_let_in() -> Done {
    rt::run(async {
        let judge = Authenticator::new();
        assert_eq!(visit(&null(&judge)?, &nobody()).await?, guest("anonymous"));
        Ok(())
    })
}

/// Unlike pyzmq, which raises an error, `allow` goes together with `deny`.
#[test]
fn allow_and_deny_decide_by_address() -> Done {
    rt::run(async {
        let denying = Authenticator::new().deny("127.0.0.1")?;
        assert_eq!(visit(&null(&denying)?, &nobody()).await?, refused("Address denied"));
        let allowing = Authenticator::new().allow("127.0.0.1")?;
        assert_eq!(visit(&null(&allowing)?, &nobody()).await?, guest("anonymous"));
        let others = Authenticator::new().allow("127.0.0.2")?;
        assert_eq!(visit(&null(&others)?, &nobody()).await?, refused("Address not allowed"));
        let both = Authenticator::new().allow("127.0.0.0/8")?.deny("127.0.0.1")?;
        assert_eq!(visit(&null(&both)?, &nobody()).await?, refused("Address denied"));
        let both = both.allow("127.0.0.1")?;
        assert_eq!(visit(&null(&both)?, &nobody()).await?, guest("anonymous"));
        Ok(())
    })
}

#[test]
fn plain_needs_the_right_password() -> Done {
    rt::run(async {
        let judge = Authenticator::new();
        let visitor = user("admin", "correct");
        assert_eq!(visit(&plain(&judge), &visitor).await?, refused("No passwords defined"));
        let judge = judge.configure_plain("*", Passwords::from_pairs([("admin", "correct")])?)?;
        assert_eq!(visit(&plain(&judge), &visitor).await?, guest("admin"));
        for (name, password) in [("admin", "incorrect"), ("Admin", "correct"), ("admin", "x")] {
            let outcome = visit(&plain(&judge), &user(name, password)).await?;
            assert_eq!(outcome, refused("Invalid credentials"), "{name}");
        }
        Ok(())
    })
}

/// The file of CZMQ's zauth.
#[test]
fn passwords_come_from_a_file() -> Done {
    rt::run(async {
        let place = Directory::new();
        let file = place.write("passwords", "# for the test\nadmin=Password\n");
        let judge = Authenticator::new().configure_plain_file("*", &file)?;
        assert_eq!(visit(&plain(&judge), &user("admin", "Password")).await?, guest("admin"));
        let outcome = visit(&plain(&judge), &user("admin", "Bogus")).await?;
        assert_eq!(outcome, refused("Invalid credentials"));
        Ok(())
    })
}

/// `client.key` and its secret half, and the server's beside it.
fn house() -> Fallible<(Directory, Keys, Keys)> {
    let place = Directory::new();
    let public = place.path().join("public_keys");
    std::fs::create_dir(&public)?;
    let files = create_certificates(place.path(), "client", [("email", "jo@example.org")])?;
    std::fs::rename(&files.public, public.join("client.key"))?;
    let client = keys_in(files.secret.ok_or("a secret half")?)?;
    let files = create_certificates(place.path(), "server", [("", ""); 0])?;
    let server = keys_in(files.secret.ok_or("a secret half")?)?;
    Ok((place, server, client))
}

#[test]
fn curve_lets_in_any_key_or_those_of_a_directory() -> Done {
    rt::run(async {
        let (place, server, client) = house()?;
        let (known, stranger) = (holder(&client, &server), holder(&Keys::new(), &server));
        let judge = Authenticator::new().allow("127.0.0.1")?;
        assert_eq!(visit(&curve(&server, &judge), &known).await?, refused("No keys defined"));
        let any = judge.clone().configure_curve("*", CURVE_ALLOW_ANY)?;
        assert_eq!(visit(&curve(&server, &any), &known).await?, guest(client.public()));
        let judge = any.configure_curve("*", place.path().join("public_keys"))?;
        let guest = visit(&curve(&server, &judge), &known).await?.expect("it is known");
        assert_eq!(guest.user_id, client.public().to_string());
        let email = ("email".to_owned(), b"jo@example.org".to_vec());
        assert_eq!(guest.properties, [email], "what CZMQ passes on of the certificate");
        assert_eq!(visit(&curve(&server, &judge), &stranger).await?, refused("Unknown key"));
        let store = load_certificates(place.path().join("public_keys"))?;
        assert!(store.keys().contains(client.public().as_bytes()) && store.problems().is_empty());
        Ok(())
    })
}

/// A function gets domain and key, whether it answers at once or takes a while; so does an object.
#[test]
fn curve_callbacks_judge_domain_and_key() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let known = *client.public().as_bytes();
        let function = move |domain: Domain, key: [u8; 32]| domain.is_empty() && key == known;
        let slow = move |_: Domain, key: [u8; 32]| async move {
            tokio::task::yield_now().await;
            (key == known).then(|| UserId::new("jo").unwrap_or_default())
        };
        let object = ironhouse::KeySet::from_iter([known]);
        let judges = [
            (Authenticator::new().configure_curve_callback("*", function)?, ""),
            (Authenticator::new().configure_curve_callback("*", slow)?, "jo"),
            (Authenticator::new().configure_curve_callback("*", object)?, ""),
        ];
        for (judge, name) in judges {
            let name = if name.is_empty() { client.public().to_string() } else { name.into() };
            let security = curve(&server, &judge);
            assert_eq!(visit(&security, &holder(&client, &server)).await?, guest(name));
            let stranger = holder(&Keys::new(), &server);
            assert_eq!(visit(&security, &stranger).await?, refused("Unknown key"));
        }
        Ok(())
    })
}

#[test]
fn curve_user_ids_are_keys_or_what_a_function_says() -> Done {
    rt::run(async {
        let (server, client) = (Keys::new(), Keys::new());
        let judge = Authenticator::new().configure_curve("*", CURVE_ALLOW_ANY)?;
        let visitor = holder(&client, &server);
        let security = curve(&server, &judge);
        assert_eq!(visit(&security, &visitor).await?, guest(client.public()));
        // The sockets that use it are not made anew.
        _ = judge.curve_user_id(|_| UserId::new("custom"));
        assert_eq!(visit(&security, &visitor).await?, guest("custom"));
        Ok(())
    })
}

/// Where pyzmq and CZMQ answer for every domain, or for none but the one that they were told, a domain
/// here has its own entry, else that of `*`.
#[test]
fn domains_stand_side_by_side() -> Done {
    rt::run(async {
        let users = |name| Passwords::from_pairs([(name, "secret")]);
        let judge = Authenticator::new()
            .configure_plain("lab", users("lab")?)?
            .configure_plain("*", users("other")?)?;
        let server = |domain: &str| -> Fallible<ironhouse::Security> {
            let security = ironhouse::ServerSecurity::plain().domain(domain)?;
            Ok(security.with_authenticator(judge.clone()))
        };
        for (domain, name, comes_in) in [
            ("lab", "lab", true),
            ("lab", "other", false),
            ("office", "other", true),
            ("office", "lab", false),
        ] {
            let outcome = visit(&server(domain)?, &user(name, "secret")).await?;
            assert_eq!(outcome.is_ok(), comes_in, "{name} in {domain}: {outcome:?}");
        }
        Ok(())
    })
}

/// Unlike theirs, which opens the door, a stopped authenticator refuses.
#[test]
fn a_stopped_authenticator_refuses() -> Done {
    rt::run(async {
        let judge = Authenticator::new();
        let running = judge.start();
        assert_eq!(visit(&null(&judge)?, &nobody()).await?, guest("anonymous"));
        drop(running);
        let stopped =
            Err((ironhouse::auth::Refusal::Internal, "The authenticator is stopped".into()));
        assert_eq!(visit(&null(&judge)?, &nobody()).await?, stopped);
        Ok(())
    })
}
