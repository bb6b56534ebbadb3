//! Mistakes of our own side: an error at the call, which names the place and what was expected.

use ironhouse::auth::{AuthRequest, Domain, UserId};
use ironhouse::error::{ConfigError, StartError};
use ironhouse::{
    Authenticator, Dealer, DepartedLimits, Endpoint, Hub, Limits, Options, Passwords, PublicKey,
    Security, ServerSecurity, from_sync_fn,
};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::place::TempDir;
use ironhouse_tests::{Done, Fallible, rt, watch};
use transport::net::BindErrorKind;
use zmtp_core::wire::metadata::MetadataError;

/// An error whose text holds all of these.
fn says(what: &str, error: impl std::error::Error, texts: &[&str]) {
    let said = error.to_string();
    for text in texts {
        assert!(said.contains(text), "{what}: {said:?} does not say {text:?}");
    }
    assert!(!said.contains('\n'), "{what}: more than a line: {said}");
}

#[test]
fn a_malformed_endpoint_is_an_error_at_bind_and_connect() -> Done {
    rt::run(async {
        let dealer = Dealer::new(Options::new())?;
        for (endpoint, texts) in [
            ("", &["expected a transport"][..]),
            ("127.0.0.1:5555", &["127.0.0.1:5555", "expected a transport", "tcp://"]),
            ("http://127.0.0.1:80", &["http", "tcp, ipc or inproc"]),
            ("udp://127.0.0.1:80", &["udp", "not supported", "tcp, ipc or inproc"]),
            ("tcp://127.0.0.1", &["expected \":\" and a port"]),
            ("tcp://127.0.0.1:99999", &["99999", "octet 16", "65535"]),
            ("tcp://127.0.0.1:http", &["http", "expected a port"]),
            ("tcp://300.0.0.1:5555", &["300.0.0.1", "IPv4"]),
            ("tcp://::1:5555", &["brackets", "tcp://[::1]:5555"]),
            ("tcp://[::g]:5555", &["IPv6"]),
            ("tcp://:5555", &["expected an address"]),
            ("ipc://", &["expected a path"]),
            ("inproc://", &["expected a name"]),
            ("tcp://127.0.0.1:55\r\n55", &["\\r\\n"]),
        ] {
            let error = dealer.bind(endpoint).await.expect_err(endpoint);
            assert!(matches!(error, StartError::Endpoint(_)), "{endpoint}: {error:?}");
            says(endpoint, &error, texts);
            let error = dealer.connect(endpoint).expect_err(endpoint);
            assert!(matches!(error, StartError::Endpoint(_)), "{endpoint}: {error:?}");
            says(endpoint, &error, texts);
        }
        for endpoint in ["tcp://*:5555", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "ipc://*"] {
            let error = dealer.connect(endpoint).expect_err(endpoint);
            says(endpoint, &error, &["a connect needs"]);
        }
        let long = format!("ipc://{}", "x".repeat(200));
        says("a long path", dealer.bind(&long).await.expect_err("too long"), &["107 octets"]);
        Ok(())
    })
}

#[test]
fn an_endpoint_in_use_is_an_error_at_bind() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        let options = Options::new().hub(Hub::new());
        let (first, second) = (Dealer::new(options.clone())?, Dealer::new(options)?);
        for endpoint in ["tcp://127.0.0.1:*".to_owned(), directory.ipc("socket")] {
            let bound = first.bind(&endpoint).await?;
            let error = second.bind(&bound).await.expect_err("in use");
            let StartError::Bind(cause) = &error else { panic!("{error:?}") };
            assert_eq!(*cause.kind(), BindErrorKind::AddressInUse, "{endpoint}");
            says(&endpoint, &error, &[&bound.to_string(), "somebody else listens there"]);
        }
        let name = first.bind("inproc://taken").await?;
        let error = second.bind(&name).await.expect_err("in use");
        assert_eq!(error, StartError::NameTaken(name));
        says("inproc", &error, &["inproc://taken"]);
        Ok(())
    })
}

#[test]
fn a_path_that_cannot_be_bound_is_an_error_at_bind_and_is_left_alone() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        std::fs::write(directory.join("file"), "precious")?;
        let dealer = Dealer::new(Options::new())?;
        let error = dealer.bind(directory.ipc("file")).await.expect_err("a file");
        says("a file", &error, &["is not a socket"]);
        assert_eq!(std::fs::read(directory.join("file"))?, b"precious");
        let error = dealer.bind(directory.ipc("no/such")).await.expect_err("no directory");
        says("no directory", &error, &["does not exist"]);
        Ok(())
    })
}

#[test]
fn an_address_of_another_machine_is_an_error_at_bind() -> Done {
    rt::run(async {
        let dealer = Dealer::new(Options::new())?;
        let error = dealer.bind("tcp://192.0.2.1:*").await.expect_err("not ours");
        let StartError::Bind(cause) = &error else { panic!("{error:?}") };
        assert_eq!(*cause.kind(), BindErrorKind::NotAvailable);
        Ok(())
    })
}

// CURVEZMQ-02, CURVEZMQ-53
// hostile: C2
#[test]
fn keys_that_protect_nothing_are_an_error_at_the_call() -> Done {
    // 32 zeros, one, and the other points of small order with their signs.
    let mut order_8 = [0; 32];
    order_8.copy_from_slice(&[
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ]);
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one, order_8] {
        let server = PublicKey::from_bytes(key);
        let error = Security::curve_client(Keys::new().pair(), server).expect_err("a bad key");
        says("a server key", error, &["server key", "anybody could claim"]);
    }
    for text in ["", "0000", &"0".repeat(39), &"0".repeat(41), &"\u{e9}".repeat(20)] {
        let error = text.parse::<PublicKey>().expect_err("no key");
        assert!(!error.to_string().is_empty(), "{text}");
    }
    let text = Keys::new().public().to_string();
    let error = format!("{}\"", &text[..39]).parse::<PublicKey>().expect_err("no Z85");
    says("a quote", error, &["\"", "40"]);
    Ok(())
}

// PLAIN-04, ZAP-07, ZAP-20, ZMTP-IDENTITY-03, ZMTP-IDENTITY-04, ZMTP-META-03, ZMTP-META-10
#[test]
fn credentials_and_names_that_cannot_be_sent_are_an_error_at_the_call() -> Done {
    let long = "x".repeat(256);
    says("user", Security::plain_client(&long, "p").expect_err("too long"), &["255"]);
    says("password", Security::plain_client("u", &long).expect_err("too long"), &["255"]);
    for domain in ["", &long] {
        let error = ServerSecurity::plain().domain(domain).expect_err("no domain");
        says("domain", error, &["1 to 255"]);
        let judge = from_sync_fn(|_: &AuthRequest| ironhouse::auth::AuthDecision::accept());
        let error = Security::null_with_authenticator(domain, judge).expect_err("no domain");
        says("domain", error, &["1 to 255"]);
    }
    for id in [&b""[..], b"\0id", &[7; 256]] {
        let error = Options::new().routing_id(id).expect_err("no routing id");
        assert_eq!(error, ConfigError::RoutingId);
    }
    let error = Options::new().property("Team", "red").expect_err("no X-");
    says("a property", error, &["Team", "X-"]);
    for name in ["X-with space", &format!("X-{long}")] {
        let error = Options::new().property(name, "red").expect_err("no name");
        assert_eq!(error, ConfigError::Metadata(MetadataError::Name), "{name}");
    }
    Ok(())
}

/// Whatever is said first, the socket is the same.
// hostile: C13
#[test]
fn options_in_any_order_make_the_same_socket() -> Done {
    type Setting = Box<dyn Fn(Options) -> Options>;
    let (server, client) = (Keys::new(), Keys::new());
    let judge = Judge::accept("client");
    let bound =
        ServerSecurity::curve(server.pair()).domain("lab")?.with_authenticator(judge.clone());
    let connected = Security::curve_client(client.pair(), server.public())?;
    rt::run(async {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 1, 2]] {
            let set = |security: &Security, name: &'static str| {
                let security = security.clone();
                let settings: [Setting; 4] = [
                    Box::new(move |options| options.security(security.clone())),
                    Box::new(|options| options.limits(crate::house::deadline(rt::LATE))),
                    Box::new(move |options| options.routing_id(name).expect("a routing id")),
                    Box::new(|options| options.heartbeat_interval(rt::LATE).max_half_open(3)),
                ];
                order.iter().fold(Options::new(), |options, at| settings[*at](options))
            };
            let what = format!("order {order:?}");
            let dealer = Dealer::new(set(&bound, "server"))?;
            let mut events = dealer.monitor();
            let endpoint = dealer.bind("tcp://127.0.0.1:*").await?;
            let other = Dealer::new(set(&connected, "client"))?;
            let theirs = rt::in_time(&what, other.connect(&endpoint)?.ready()).await?;
            let ours = watch::success(&what, &mut events).await;
            assert_eq!(ours.user_id().map(UserId::as_str), Some("client"), "{what}");
            assert_eq!(ours.verified.public_key, Some(*client.public().as_bytes()), "{what}");
            assert_eq!(ours.claimed.routing_id.as_bytes(), b"client", "{what}");
            assert_eq!(theirs.claimed.routing_id.as_bytes(), b"server", "{what}");
            let domains: Vec<_> = judge.asked().iter().map(|it| it.domain.clone()).collect();
            assert_eq!(domains.last().map(Domain::as_str), Some("lab"), "{what}");
        }
        Ok(())
    })
}

// hostile: C12
#[test]
fn rules_that_cannot_be_understood_are_an_error_at_the_call() -> Done {
    for rule in
        ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0", "host.example", "::1/129", "10.0.0.1/8/8"]
    {
        for (what, error) in [
            ("allow", Authenticator::new().allow(rule).err()),
            ("deny", Authenticator::new().deny(rule).err()),
        ] {
            let error = error.unwrap_or_else(|| panic!("{what} {rule:?} is taken"));
            assert!(error.to_string().contains(rule), "{what} {rule:?}: {error}");
        }
    }
    let long = "x".repeat(256);
    let passwords = || Passwords::from_pairs([("u", "p")]);
    let error = Authenticator::new().configure_plain(&long, passwords()?).expect_err("too long");
    says("a domain", error, &["255"]);
    Ok(())
}

#[test]
fn a_password_file_is_an_error_with_its_name_and_line() -> Done {
    let directory = TempDir::new();
    let path = directory.join("passwords");
    std::fs::write(&path, "admin=secret-one\n\n# a comment\nno equals sign\n")?;
    let error = Passwords::load(&path).expect_err("a bad line");
    says("line 4", &error, &["passwords", "4"]);
    assert!(!error.to_string().contains("secret-one"), "{error}");
    let error = Passwords::load(directory.join("absent")).expect_err("no file");
    says("no file", &error, &["absent"]);
    Ok(())
}

#[test]
fn what_does_not_exist_cannot_be_released() -> Done {
    rt::run(async {
        let dealer = Dealer::new(Options::new())?;
        let bound = dealer.bind("tcp://127.0.0.1:*").await?;
        let other: Endpoint = "tcp://127.0.0.1:1".parse()?;
        let error = dealer.unbind(&other).expect_err("not bound");
        assert_eq!(error, StartError::NoSuchEndpoint(other.clone()));
        assert_eq!(dealer.disconnect(&other), Err(StartError::NoSuchEndpoint(other)));
        dealer.unbind(&bound)?;
        assert_eq!(dealer.unbind(&bound), Err(StartError::NoSuchEndpoint(bound.clone())));
        // And is free again, as soon as the listener is gone.
        rt::in_time("the port", async {
            while dealer.bind(&bound).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        Ok(())
    })
}

#[test]
fn there_is_nothing_to_start_without_a_runtime() -> Done {
    let dealer = Dealer::new(Options::new())?;
    let error = dealer.connect("tcp://127.0.0.1:1").expect_err("no runtime");
    assert_eq!(error, StartError::NoRuntime);
    Ok(())
}

#[test]
fn limits_are_finite_by_default() -> Fallible<()> {
    let Limits { max_message, max_parts, max_metadata, max_properties, .. } = Limits::DEFAULT;
    assert_eq!((max_message, max_parts), (64 << 20, 1024));
    assert_eq!((max_metadata, max_properties), (64 << 10, 64));
    let Limits { max_command, max_subscriptions, max_subscription_octets, .. } = Limits::DEFAULT;
    assert_eq!((max_command, max_subscriptions), (1 << 20, 100_000));
    assert_eq!(
        (max_subscription_octets, Limits::DEFAULT.handshake_timeout.as_secs()),
        (16 << 20, 10)
    );
    let departed = DepartedLimits::default();
    assert_eq!((departed.messages, departed.octets), (10_000, 64 << 20));
    Ok(())
}
