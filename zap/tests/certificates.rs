//! Certificate files: of others and our own.

use proptest::prelude::*;
use zap::{Certificate, CertificateFault, CertificateStore, Existing, Exposure};

const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

fn pyzmq() -> String {
    format!(
        "#   ****  Generated on 2026-11-22 10:37:58.780491 by pyzmq  ****\n\
         #   A comment\n\nmetadata\n    name = Jo\ncurve\n    public-key = \"{PUBLIC}\"\n    secret-key = \"{SECRET}\"\n"
    )
}

fn czmq() -> String {
    format!(
        "#   ****  Generated on 2026-11-22 10:37:58 by CZMQ  ****\n\nmetadata\n    \
         email = \"jo@example.org\"\n    name = \"Jo Doe\"\ncurve\n    public-key = \"{PUBLIC}\"\n"
    )
}

fn jeromq() -> String {
    format!(
        "# ** Generated on 2026-11-22T10:37:58+0000 by ZCert **\n#    A comment\n\nmetadata\n    \
         name = \"Jo\"\ncurve\n    secret-key = \"{SECRET}\"\n    public-key = \"{PUBLIC}\"\n"
    )
}

/// A directory of its own, gone when dropped.
struct Place(std::path::PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("ironhouse-zap-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_files_of_pyzmq_czmq_and_jeromq_are_read() {
    for (text, secret) in [(pyzmq(), true), (czmq(), false), (jeromq(), true)] {
        let certificate = Certificate::parse(&text).unwrap();
        assert_eq!(z85::encode(certificate.public_key()), PUBLIC);
        assert_eq!(certificate.secret_key().is_some(), secret);
        assert!(
            certificate.metadata().any(|(name, value)| name == "name" && value.starts_with("Jo"))
        );
        assert!(!format!("{certificate:?}").contains(SECRET));
    }
}

#[test]
fn errors_name_the_line_and_no_key() {
    let broken = [
        (pyzmq().replace(PUBLIC, "tooshort"), CertificateFault::Key("public-key"), Some(7)),
        (
            pyzmq().replace(SECRET, &SECRET.replace('!', "~")),
            CertificateFault::Key("secret-key"),
            Some(8),
        ),
        (czmq().replace(PUBLIC, &"0".repeat(40)), CertificateFault::ZeroKey("public-key"), Some(7)),
        (czmq().replace(PUBLIC, &"#".repeat(40)), CertificateFault::Key("public-key"), Some(7)),
        ("metadata\ncurve\n".to_owned(), CertificateFault::NoPublicKey, None),
        (czmq().replace("    email", "   email"), CertificateFault::Indent, Some(4)),
    ];
    for (text, what, line) in broken {
        let error = Certificate::parse(&text).unwrap_err();
        assert_eq!((&error.what, error.line), (&what, line), "{text}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET) && !shown.contains("tooshort"), "{shown}");
    }
}

#[test]
fn what_is_saved_is_what_is_loaded_and_nothing_is_replaced_unasked() {
    let place = Place::new("save");
    let mut made = Certificate::new([7; 32]).with_secret_key(&[9; 32]);
    made.set("email", "jo@example.org").unwrap();
    made.set("motto", "say \"hello\"").unwrap();
    assert!(made.set("both", "' and \"").is_err() && made.set("bad name", "x").is_err());
    let files = made.save(&place.0, "jo", Existing::Keep).unwrap();
    let secret = files.secret.unwrap();
    assert_eq!(Certificate::load_secret(&secret, Exposure::Refuse).unwrap(), made);
    let public = Certificate::load_public(&files.public).unwrap();
    assert_eq!((public.public_key(), public.secret_key()), (&[7; 32], None));
    assert!(made.save(&place.0, "jo", Existing::Keep).is_err());
    made.save(&place.0, "jo", Existing::Replace).unwrap();
    for name in ["", "../jo", "a/b", ".hidden"] {
        assert!(made.save(&place.0, name, Existing::Keep).is_err(), "{name}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&secret), 0o600);
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = Certificate::load_secret(&secret, Exposure::Refuse).unwrap_err();
        assert_eq!(error.what, CertificateFault::Exposed(0o640));
        assert!(Certificate::load_secret(&secret, Exposure::Allow).is_ok());
    }
}

#[test]
fn a_store_reads_what_is_good_and_names_the_rest() {
    let place = Place::new("store");
    let write = |name: &str, text: &str| std::fs::write(place.0.join(name), text).unwrap();
    write("jo.key", &czmq());
    write("jo.key_secret", "must not even be opened");
    write("bad.key", "curve\n    public-key = \"nothing\"\n");
    write("secret.key", &pyzmq().replace("Yne@$w", "Yne@$x"));
    write("notes.md", "not a certificate");
    let store = CertificateStore::load(&place.0).unwrap();
    let known = Certificate::parse(&czmq()).unwrap();
    assert!(store.keys().contains(known.public_key()));
    assert_eq!(store.keys().len(), 1);
    let problems: Vec<_> = store.problems().iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains("bad.key, line 2")), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("secret.key")), "{problems:?}");
    assert!(!problems.iter().any(|problem| problem.contains(SECRET)), "{problems:?}");
    assert!(CertificateStore::load(place.0.join("nowhere")).is_err());
}

proptest! {
    #[test]
    fn any_text_has_a_verdict(text in "(curve|metadata| {4}|public-key|=|\"|#|\n|\\PC){0,60}") {
        if let Ok(certificate) = Certificate::parse(&text) {
            prop_assert!(certificate.public_key() != &[0; 32]);
        }
    }

    #[test]
    fn what_is_written_reads_the_same(
        key in any::<[u8; 32]>().prop_filter("zero", |key| *key != [0; 32]),
        name in "[a-z][a-z0-9._-]{0,20}",
        value in "[ -!#-&(-~]{0,40}",
    ) {
        prop_assume!(!name.starts_with("public-key") && !name.starts_with("secret-key"));
        let mut certificate = Certificate::new(key);
        certificate.set(&name, &value).unwrap();
        let text = certificate.public_text().unwrap();
        prop_assert_eq!(Certificate::parse(&text).unwrap(), certificate);
    }
}
