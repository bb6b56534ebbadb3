//! Keys and certificates by the names that users of pyzmq know, and what no peer of a socket speaks.

use ironhouse::auth::{AuthRequest, Authenticator as _, Credentials, Domain, Secret};
use ironhouse::peer::{PeerAddress, RoutingId};
use ironhouse::{
    Authenticator, Certificate, CertificateFault, Principals, certificate_keys,
    create_certificates, curve_keypair, curve_public, load_certificate, save_certificate,
};
use ironhouse_tests::Done;
use ironhouse_tests::files::Directory;
use libzmq_reference as zmq;
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

use std::sync::Arc;

/// libzmq derives the same public key.
#[test]
fn a_public_key_is_derived_from_the_secret_one() -> Done {
    let keys = curve_keypair()?;
    assert_eq!(curve_public(keys.secret()), *keys.public());
    assert_eq!(zmq::curve_public(&keys.secret().to_z85())?, keys.public().to_string());
    Ok(())
}

#[test]
fn certificates_are_made_saved_and_loaded() -> Done {
    let place = Directory::new();
    let said = [("user-id", "jo"), ("email", "jo@example.org")];
    let files = create_certificates(place.path(), "jo", said)?;
    let secret = files.secret.ok_or("a secret half")?;
    let (public, both) = (load_certificate(&files.public)?, load_certificate(&secret)?);
    assert!(public.secret_key().is_none());
    assert!(said.into_iter().eq(both.metadata()) && said.into_iter().eq(public.metadata()));
    assert_eq!(certificate_keys(&both)?.public().as_bytes(), public.public_key());

    // Nothing is overwritten.
    assert!(create_certificates(place.path(), "jo", said).is_err());
    assert_eq!(load_certificate(&files.public)?, public);
    let copy = save_certificate(&both, place.path(), "copy")?;
    assert_eq!(load_certificate(copy.secret.ok_or("a secret half")?)?, both);
    Ok(())
}

#[cfg(unix)]
#[test]
fn secrets_that_others_can_read_or_of_another_pair_are_not_loaded() -> Done {
    use std::os::unix::fs::PermissionsExt;

    let place = Directory::new();
    let files = create_certificates(place.path(), "jo", [("", ""); 0])?;
    let secret = files.secret.ok_or("a secret half")?;
    assert_eq!(std::fs::metadata(&secret)?.permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640))?;
    let error = load_certificate(&secret).unwrap_err();
    assert_eq!((error.file, error.what), (Some(secret), CertificateFault::Exposed(0o640)));

    let keys = curve_keypair()?;
    let mixed = Certificate::new([7; 32]).with_secret_key(keys.secret().as_bytes());
    let mixed = save_certificate(&mixed, place.path(), "mixed")?.secret.ok_or("a secret half")?;
    let error = load_certificate(&mixed).unwrap_err();
    assert_eq!((error.file, error.what), (Some(mixed), CertificateFault::Halves));
    Ok(())
}

/// Nobody here speaks GSSAPI; its principals are judged for ZAP handlers.
#[test]
fn gssapi_principals_are_judged_by_rule() -> Done {
    let principals = Principals::new().allow("*@EXAMPLE.ORG")?.deny("evil@*")?;
    let judge = Authenticator::new().configure_gssapi("*", principals)?;
    let ask = |principal: &str| {
        let request = AuthRequest {
            domain: Domain::default(),
            address: PeerAddress::Unknown,
            listener: Arc::from(""),
            routing_id: RoutingId::default(),
            mechanism: MechanismName::GSSAPI,
            credentials: Credentials::Other(vec![Secret::new(principal.into())]),
            metadata: Metadata::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(judge.authenticate(Arc::new(request))).status().code()
    };
    for (principal, status) in [
        ("jo@EXAMPLE.ORG", "200"),
        ("evil@EXAMPLE.ORG", "400"),
        ("jo@EXAMPLE.COM", "400"),
        ("jo@example.org", "400"),
        ("", "400"),
    ] {
        assert_eq!(ask(principal), status, "{principal}");
    }
    Ok(())
}
