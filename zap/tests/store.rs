//! Directories of certificates and what else may lie in them.

use std::path::PathBuf;

use zap::{
    Authenticator, Certificate, CertificateFault, CertificateStore, Existing, FileFault, decide,
};
use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, Domain};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

/// A directory of its own, gone when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("ironhouse-zap-{}-store-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// What was wrong with each file, by its name.
    fn faults(&self) -> Vec<(String, CertificateFault)> {
        let store = CertificateStore::load(&self.0).unwrap();
        let name = |file: &Option<PathBuf>| {
            let name = file.as_ref().and_then(|file| file.file_name()).unwrap();
            name.to_string_lossy().into_owned()
        };
        store.problems().iter().map(|error| (name(&error.file), error.what.clone())).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn certificate(key: u8) -> String {
    Certificate::new([key; 32]).public_text().unwrap()
}

#[test]
fn four_endings_are_read_and_nothing_else() {
    let place = Place::new("endings");
    for (key, name) in [(1, "a.key"), (2, "b.pub"), (3, "c.txt"), (4, "d.cert")] {
        place.write(name, certificate(key));
    }
    for (key, name) in [(5, "e.key_secret"), (6, ".f.key"), (7, "g.key.tmp"), (8, "key")] {
        place.write(name, certificate(key));
    }
    std::fs::create_dir(place.0.join("h.key")).unwrap();
    let store = CertificateStore::load(&place.0).unwrap();
    assert!((1..=4).all(|key| store.keys().contains(&[key; 32])));
    assert_eq!((store.keys().len(), store.problems()), (4, &[][..]));
}

#[test]
fn a_bad_file_is_named_and_the_rest_counts() {
    let place = Place::new("bad");
    place.write("good.key", certificate(1));
    place.write("empty.key", "");
    place.write("latin.key", b"metadata\n    name = \xE9\n");
    place.write("large.key", vec![b'#'; 64 * 1024 + 1]);
    place.write("same.key", certificate(1));
    let expected = [
        ("empty.key", CertificateFault::NoPublicKey),
        ("large.key", CertificateFault::File(FileFault::TooLarge(64 * 1024))),
        ("latin.key", CertificateFault::File(FileFault::NotText)),
        ("same.key", CertificateFault::SameKey(place.0.join("good.key"))),
    ];
    assert_eq!(place.faults(), expected.map(|(name, fault)| (name.to_owned(), fault)));
    assert_eq!(CertificateStore::load(&place.0).unwrap().keys().len(), 1);
}

#[cfg(unix)]
#[test]
fn links_lead_to_public_halves_of_the_same_directory() {
    use std::os::unix::fs::symlink;

    let (place, other) = (Place::new("links"), Place::new("elsewhere"));
    let real = place.write("real", certificate(1));
    let secret = place.write("mine.key_secret", "not to be opened");
    let outside = other.write("outside.key", certificate(2));
    symlink(real, place.0.join("link.key")).unwrap();
    symlink(secret, place.0.join("mine.key")).unwrap();
    symlink(outside, place.0.join("outside.key")).unwrap();
    symlink("nowhere", place.0.join("torn.key")).unwrap();
    let store = CertificateStore::load(&place.0).unwrap();
    assert!(store.keys().contains(&[1; 32]) && store.keys().len() == 1);
    let expected = [
        ("mine.key", CertificateFault::NotPublic),
        ("outside.key", CertificateFault::NotPublic),
        ("torn.key", CertificateFault::File(FileFault::Io(std::io::ErrorKind::NotFound))),
    ];
    assert_eq!(place.faults(), expected.map(|(name, fault)| (name.to_owned(), fault)));
}

#[test]
fn a_certificate_names_the_user_and_adds_what_may_be_said_of_it() {
    let place = Place::new("metadata");
    let mut text = certificate(1);
    let said = "metadata\n    user-id = \"jo\"\n    email = \"jo@example.org\"\n    \
                Routing-Id = \"forged\"\n    web/site = \"example.org\"\n";
    text = text.replace("metadata\n", said);
    place.write("jo.key", text);
    let unusable = |name: &str| ("jo.key".to_owned(), CertificateFault::Unusable(name.to_owned()));
    assert_eq!(place.faults(), [unusable("Routing-Id"), unusable("web/site")]);

    let store = CertificateStore::load(&place.0).unwrap();
    let judge = Authenticator::new().configure_curve("*", store).unwrap();
    let request = AuthRequest {
        domain: Domain::default(),
        address: PeerAddress::Unknown,
        listener: "".into(),
        routing_id: RoutingId::default(),
        mechanism: MechanismName::CURVE,
        credentials: Credentials::Curve { public_key: [1; 32] },
        metadata: Metadata::new(),
    };
    let AuthDecision::Accept { user_id, metadata } = decide(&judge.policy(), &request).verdict
    else {
        panic!("the key is in the store")
    };
    assert_eq!(user_id.unwrap().as_str(), "jo");
    let said: Vec<_> = metadata.iter().map(|(name, value)| (name, &value[..])).collect();
    assert_eq!(said, [("email", &b"jo@example.org"[..])]);
}

#[test]
fn saving_is_all_or_nothing() {
    let place = Place::new("save");
    let names = || {
        let entries = std::fs::read_dir(&place.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let pair = Certificate::new([1; 32]).with_secret_key(&[2; 32]);
    place.write("jo.key", "precious");
    let error = pair.save(&place.0, "jo", Existing::Keep).unwrap_err();
    assert_eq!(error.file, Some(place.0.join("jo.key")));
    let exists = FileFault::Io(std::io::ErrorKind::AlreadyExists);
    assert_eq!(error.what, CertificateFault::File(exists));
    assert_eq!(names(), ["jo.key"], "no secret half, no temporary file");
    assert_eq!(std::fs::read(place.0.join("jo.key")).unwrap(), b"precious");

    pair.save(&place.0, "jo", Existing::Replace).unwrap();
    assert_eq!(names(), ["jo.key", "jo.key_secret"]);
    let error = pair.save(place.0.join("nowhere"), "jo", Existing::Replace).unwrap_err();
    assert_eq!(error.file, Some(place.0.join("nowhere").join("jo.key_secret")));
    Certificate::new([3; 32]).save(&place.0, "public only", Existing::Keep).unwrap();
    assert_eq!(names(), ["jo.key", "jo.key_secret", "public only.key"]);
}
