//! Certificates of theirs are read here, and ours there.

use std::ffi::OsStr;

use ironhouse::{
    CertificateFault, certificate_keys, create_certificates, curve_keypair, load_certificate,
    load_certificates,
};
use ironhouse_tests::Done;
use ironhouse_tests::files::Directory;

use crate::program::{PARTIES, Party, SAID, to_the_owner_alone};

#[test]
#[ignore = "needs pyzmq and CZMQ"]
fn theirs_load_here() -> Done {
    for party in PARTIES {
        let place = Directory::new();
        let at = place.path();
        let told = party.run([OsStr::new("create"), at.as_ref(), "jo".as_ref()])?;
        let told: Vec<&str> = told.split_whitespace().collect();

        let public = load_certificate(at.join("jo.key"))?;
        assert_eq!(z85(public.public_key()), told[0], "{party:?}");
        assert!(public.secret_key().is_none());
        let secret = at.join("jo.key_secret");
        if party == Party::Pyzmq {
            // Whoever it lets read its secret: that is not to be relied on.
            std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
            let error = load_certificate(&secret).unwrap_err();
            assert_eq!(error.what, CertificateFault::Exposed(0o644));
            to_the_owner_alone(&secret)?;
        }
        let both = load_certificate(&secret)?;
        assert_eq!(certificate_keys(&both)?.secret().to_z85().as_str(), told[1], "{party:?}");

        let mut said: Vec<_> = both.metadata().collect();
        said.sort_unstable();
        assert_eq!(said, SAID, "{party:?}");
        // pyzmq writes it into the secret half only.
        let passed_on = if party == Party::Czmq { SAID.len() } else { 0 };
        assert_eq!(public.metadata().len(), passed_on, "{party:?}");

        let store = load_certificates(at)?;
        assert!(store.keys().contains(public.public_key()) && store.problems().is_empty());
        assert_eq!(store.keys().len(), 1);
    }
    Ok(())
}

#[test]
#[ignore = "needs pyzmq and CZMQ"]
fn ours_load_there() -> Done {
    for party in PARTIES {
        let place = Directory::new();
        let said = [("email", "jo@example.org"), ("name", "Jo \"Iron\" O Doe")];
        let files = create_certificates(place.path(), "jo", said)?;
        let keys = certificate_keys(&load_certificate(files.secret.as_ref().ok_or("none")?)?)?;
        let (public, secret) = (keys.public().to_string(), keys.secret().to_z85());

        let shown = party.run([OsStr::new("show"), party.both(&files)?.as_ref()])?;
        let metadata = if party == Party::Czmq { " jo@example.org Jo \"Iron\" O Doe" } else { "" };
        assert_eq!(shown, format!("{public} {}{metadata}", secret.as_str()), "{party:?}");

        std::fs::remove_file(files.secret.ok_or("none")?)?;
        let shown = party.run([OsStr::new("show"), files.public.as_ref()])?;
        assert_eq!(shown, format!("{public} -{metadata}"), "{party:?}");

        let store = [OsStr::new("store"), place.path().as_ref()];
        let stranger = curve_keypair()?.public().to_string();
        let keys = [public.as_ref(), stranger.as_ref()];
        assert_eq!(party.run(store.into_iter().chain(keys))?, public, "{party:?}");
    }
    Ok(())
}

fn z85(key: &[u8; 32]) -> String {
    libzmq_reference::z85_encode(key).expect("a key has a text")
}
