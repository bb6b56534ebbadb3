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
fn a_line_is_read_by_the_rules_of_zpl() {
    let said = |line: &str| {
        let text = format!("metadata\n    {line}\n\ncurve # keys\n    public-key='{PUBLIC}'");
        let certificate = Certificate::parse(&text)?;
        let said: Vec<_> = certificate.metadata().map(|(_, value)| value.to_owned()).collect();
        Ok::<_, zap::CertificateError>(said.join("|"))
    };
    let value = |line| said(line).unwrap();
    assert_eq!(value("name = Jo"), "Jo");
    assert_eq!(value("name =Jo Doe\t# a comment"), "Jo Doe");
    assert_eq!(value("name = \"Jo # Doe\" # a comment"), "Jo # Doe");
    assert_eq!(value("name = 'say \"hello\"'\r"), "say \"hello\"");
    assert_eq!(value("name = \" Jo \""), " Jo ");
    assert_eq!(value("name"), "");
    assert_eq!(value("name ="), "");
    assert_eq!(value("name = \"Jo"), "\"Jo", "a quote that is not closed is part of the value");
    assert_eq!(value("name = \"Jo\" Doe"), "\"Jo\" Doe", "as is one that closes too early");
    assert_eq!(value("$a-_@.&+/9 = José"), "José");
    assert_eq!(value("# name = Jo"), "");

    let fault = |line| said(line).map_err(|error| (error.line, error.what));
    assert_eq!(fault("full name = Jo"), Err((Some(2), CertificateFault::Property)));
    assert_eq!(fault("= Jo"), Err((Some(2), CertificateFault::Property)));
    assert_eq!(fault("name: Jo"), Err((Some(2), CertificateFault::Property)));
    assert_eq!(fault("\tname = Jo"), Err((Some(2), CertificateFault::Indent)));
    assert_eq!(fault("    name = Jo"), Err((Some(2), CertificateFault::Depth)));
    assert_eq!(fault("name = J\x07o"), Err((Some(2), CertificateFault::Control)));
    assert_eq!(fault("a = 1\n    a = 2"), Err((Some(3), CertificateFault::Twice)));
}

#[test]
fn keys_stand_once_and_in_their_section() {
    let fault = |text: String| Certificate::parse(&text).unwrap_err();
    let key = format!("public-key = \"{PUBLIC}\"\n");
    assert_eq!(fault(format!("    {key}")).what, CertificateFault::Depth, "no section yet");
    assert_eq!(fault(format!("other\n    {key}")).what, CertificateFault::NoPublicKey);
    assert_eq!(fault(format!("curve\n    {key}    {key}")).what, CertificateFault::Twice);
    assert_eq!(fault(format!("curve\n        {key}")).what, CertificateFault::Depth);
    let mark = format!("\u{FEFF}other\n    a\n        b = c\ncurve\r\n    {key}");
    assert!(Certificate::parse(&mark).is_ok(), "what is unknown does not matter");
    let many: String = (0..65).map(|count| format!("    name{count} = x\n")).collect();
    let error = fault(format!("metadata\n{many}curve\n    {key}"));
    assert_eq!((error.line, error.what), (Some(66), CertificateFault::TooMany(64)));
}

// Z85-02, Z85-08, Z85-09
#[test]
fn a_key_is_forty_characters_of_z85() {
    let parse = |key: &str| Certificate::parse(&format!("curve\n    public-key = \"{key}\"\n"));
    let wrong = |key: &str| parse(key).unwrap_err().what == CertificateFault::Key("public-key");
    assert!(parse(PUBLIC).is_ok() && wrong("") && wrong(&PUBLIC[..35]) && wrong(&PUBLIC[1..]));
    assert!(wrong(&format!("{PUBLIC}00000")));
    for at in 0..PUBLIC.len() {
        for foreign in [" ", ",", ";", "_", "`", "~", "|", "\\", "é", "\u{1F512}"] {
            let mut key = PUBLIC.to_owned();
            key.replace_range(at..=at, foreign);
            assert!(wrong(&key), "{key}");
        }
    }
    for group in 0..8 {
        for overflow in ["%nSc1", "#####", "####0", "#0000", "##000"] {
            let mut key = PUBLIC.to_owned();
            key.replace_range(5 * group..5 * group + 5, overflow);
            assert!(wrong(&key), "{key}");
        }
    }
    assert!(parse(&PUBLIC.replace("Yne@$", "%nSc0")).is_ok(), "the largest group");
}

#[test]
fn what_is_written_is_what_pyzmq_and_czmq_look_for() {
    let mut made = Certificate::new([7; 32]).with_secret_key(&[9; 32]);
    made.set("email", "first").unwrap();
    made.set("email", "jo@example.org").unwrap();
    let (public, secret) = (z85::encode([7; 32]), z85::encode([9; 32]));
    let body = format!(
        "\n\nmetadata\n    email = \"jo@example.org\"\ncurve\n    public-key = \"{public}\"\n"
    );
    let text = made.public_text().unwrap();
    assert!(text.ends_with(&body) && !text.contains(&secret), "{text}");
    let text = made.secret_text().unwrap();
    assert!(text.ends_with(&format!("{body}    secret-key = \"{secret}\"\n")));
    assert!(text.lines().take_while(|line| !line.is_empty()).all(|line| line.starts_with('#')));

    // pyzmq takes every line that begins so for a key.
    for name in ["public-key-of", "secret-key", "", "a b", "web/site", "Köln"] {
        assert_eq!(made.set(name, "x"), Err(CertificateFault::MetadataName), "{name}");
    }
    for value in ["'\"", "two\nlines", "\0"] {
        assert_eq!(made.set("name", value), Err(CertificateFault::MetadataValue), "{value}");
    }
    let lone = Certificate::new([7; 32]);
    assert_eq!(lone.secret_text().unwrap_err(), CertificateFault::NoSecretKey);
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
