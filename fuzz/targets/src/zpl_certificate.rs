//! The text of a certificate.

use zap::Certificate;

use crate::common::heap;

/// What parses can be written unless a name or value has no form, and is read back the same; the
/// secret key is in no `Debug` and no error.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let parsed = heap::bounded(text.len(), 16 * 1024, || Certificate::parse(text));
    let certificate = match parsed {
        Ok(certificate) => certificate,
        Err(error) => {
            let shown = format!("{error} {error:?}");
            for word in text.split_whitespace().filter(|word| word.len() > 20) {
                assert!(!shown.contains(word), "an error repeats what stands there: {shown}");
            }
            return;
        }
    };
    let shown = format!("{certificate:?}");
    if let Some(secret) = certificate.secret_key() {
        let key = z85::encode(secret.expose());
        let said = certificate.metadata().any(|(_, value)| value.contains(&key));
        let public = z85::encode(certificate.public_key()) == key;
        assert!(!shown.contains(&key) || said || public, "the secret is shown: {shown}");
    }
    assert!(certificate.metadata().len() <= 64);
    let (properties, unusable) = certificate.properties();
    assert!(properties.len() + unusable.len() <= certificate.metadata().len());
    if let Ok(written) = certificate.public_text() {
        let again = Certificate::parse(&written).expect("what we wrote");
        assert_eq!(again.public_key(), certificate.public_key());
        assert!(again.secret_key().is_none(), "the public half holds the secret one");
        assert!(again.metadata().eq(certificate.metadata()), "{again:?} is not {certificate:?}");
        if let Some(secret) = certificate.secret_key() {
            let key = z85::encode(secret.expose());
            let public = z85::encode(certificate.public_key()) == key;
            assert!(!written.contains(&key) || text.matches(&key).count() > 1 || public);
        }
    }
    if let Ok(written) = certificate.secret_text() {
        let again = Certificate::parse(&written).expect("what we wrote");
        assert_eq!(again, certificate);
    }
}
