use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Endpoint, EndpointErrorKind> {
    text.parse::<Endpoint>().map_err(|error| error.kind())
}

#[test]
fn prints_what_it_reads() {
    let longest_path = format!("ipc:///{}", "p".repeat(106));
    let longest_name = format!("inproc://{}", "n".repeat(256));
    let longest_host = format!("tcp://{}:1", "h".repeat(253));
    for text in [
        "tcp://127.0.0.1:5555",
        "tcp://127.0.0.1:0",
        "tcp://0.0.0.0:65535",
        "tcp://[::1]:5555",
        "tcp://[::]:5555",
        "tcp://[fe80::1%eth0]:5555",
        "tcp://[fe80::1%3]:5555",
        "tcp://[::ffff:192.0.2.1]:5555",
        "tcp://*:5555",
        "tcp://host.example:5555",
        "tcp://host.example.:5555",
        "tcp://1.example:5555",
        "tcp://_service.example:5555",
        "tcp://eth0:5555",
        "tcp://wlan0.100:5555",
        "tcp://192.0.2.1:0;192.0.2.9:5555",
        "tcp://eth0:7000;host.example:5555",
        "tcp://[fe80::1%eth0]:0;[fe80::2%eth0]:5555",
        "tcp://*:7000;192.0.2.9:5555",
        "ipc:///tmp/app.sock",
        "ipc://app.sock",
        "ipc://@name",
        "ipc://@@",
        "ipc://*",
        "ipc://./*",
        "ipc://a path; with [anything]:0",
        "inproc://zeromq.zap.01",
        "inproc://tcp://*:0",
        "inproc://ä",
        &longest_path,
        &longest_name,
        &longest_host,
    ] {
        assert_eq!(parse(text).map(|endpoint| endpoint.to_string()).as_deref(), Ok(text));
    }
}

#[test]
fn reads_several_forms_as_one() {
    assert_eq!(parse("tcp://127.0.0.1:*"), parse("tcp://127.0.0.1:0"));
    assert_eq!(parse("tcp://*:*"), parse("tcp://*:0"));
    assert_eq!(parse("tcp://127.0.0.1:05555"), parse("tcp://127.0.0.1:5555"));
    assert_eq!(parse("tcp://[0:0:0:0:0:0:0:1]:1"), parse("tcp://[::1]:1"));
}

#[test]
fn names_what_is_wrong_and_where() {
    use EndpointErrorKind as Kind;
    let long_path = format!("ipc:///{}", "p".repeat(107));
    let long_name = format!("inproc://{}", "n".repeat(257));
    let long_host = format!("tcp://{}:1", "h".repeat(254));
    for (text, kind, part) in [
        ("", Kind::MissingTransport, ""),
        ("tcp:/127.0.0.1:5555", Kind::MissingTransport, "tcp:/127.0.0.1:5555"),
        ("://x", Kind::UnknownTransport, ""),
        ("TCP://127.0.0.1:5555", Kind::UnknownTransport, "TCP"),
        (" tcp://127.0.0.1:5555", Kind::UnknownTransport, " tcp"),
        ("http://example.org/", Kind::UnknownTransport, "http"),
        ("pgm://eth0;239.192.1.1:5555", Kind::UnsupportedTransport, "pgm"),
        ("udp://127.0.0.1:5555", Kind::UnsupportedTransport, "udp"),
        ("ws://127.0.0.1:5555", Kind::UnsupportedTransport, "ws"),
        ("tcp://", Kind::EmptyHost, ""),
        ("tcp://:5555", Kind::EmptyHost, ""),
        ("tcp://127.0.0.1", Kind::MissingPort, ""),
        ("tcp://[::1]", Kind::MissingPort, ""),
        ("tcp://[::1]5555", Kind::MissingPort, "5555"),
        ("tcp://127.0.0.1:", Kind::InvalidPort, ""),
        ("tcp://127.0.0.1:65536", Kind::InvalidPort, "65536"),
        ("tcp://127.0.0.1:+1", Kind::InvalidPort, "+1"),
        ("tcp://127.0.0.1:-1", Kind::InvalidPort, "-1"),
        ("tcp://127.0.0.1:5555x", Kind::InvalidPort, "5555x"),
        ("tcp://127.0.0.1:5555/path", Kind::InvalidPort, "5555/path"),
        ("tcp://127.0.0.1: 5555", Kind::InvalidPort, " 5555"),
        ("tcp://::1:5555", Kind::Brackets, "::1"),
        ("tcp://fe80::1%eth0:5555", Kind::Brackets, "fe80::1%eth0"),
        ("tcp://[::1:5555", Kind::Brackets, "[::1:5555"),
        ("tcp://::1]:5555", Kind::Brackets, "::1]"),
        ("tcp://[]:5555", Kind::InvalidIpv6, ""),
        ("tcp://[127.0.0.1]:5555", Kind::InvalidIpv6, "127.0.0.1"),
        ("tcp://[::1::]:5555", Kind::InvalidIpv6, "::1::"),
        ("tcp://[fe80::1%]:5555", Kind::InvalidZone, ""),
        ("tcp://[fe80::1%a%b]:5555", Kind::InvalidZone, "a%b"),
        ("tcp://300.0.0.1:5555", Kind::InvalidIpv4, "300.0.0.1"),
        ("tcp://127.1:5555", Kind::InvalidIpv4, "127.1"),
        ("tcp://2130706433:5555", Kind::InvalidIpv4, "2130706433"),
        ("tcp://0x7f.0x1:5555", Kind::InvalidIpv4, "0x7f.0x1"),
        ("tcp://0177.0.0.1:5555", Kind::InvalidIpv4, "0177.0.0.1"),
        ("tcp://127.0.0.1.:5555", Kind::InvalidIpv4, "127.0.0.1."),
        ("tcp://.:5555", Kind::InvalidHost, "."),
        ("tcp://a..b:5555", Kind::InvalidHost, "a..b"),
        ("tcp://a b:5555", Kind::InvalidHost, "a b"),
        ("tcp://user@host:5555", Kind::InvalidHost, "user@host"),
        ("tcp://hôte.example:5555", Kind::InvalidHost, "hôte.example"),
        ("tcp://eth0;192.0.2.9:5555", Kind::MissingPort, ""),
        (";", Kind::MissingTransport, ";"),
        ("tcp://;192.0.2.9:5555", Kind::EmptyHost, ""),
        ("tcp://127.0.0.1:0;", Kind::EmptyHost, ""),
        ("tcp://1.1.1.1:0;2.2.2.2:0;3.3.3.3:1", Kind::InvalidHost, "1.1.1.1:0;2.2.2.2"),
        ("tcp://host\0.example:5555", Kind::Nul, "\0"),
        ("ipc://", Kind::EmptyPath, ""),
        ("ipc://@", Kind::EmptyAbstractName, "@"),
        ("ipc:///tmp/a\0b", Kind::Nul, "\0"),
        ("inproc://", Kind::EmptyName, ""),
        ("inproc://a\0b", Kind::Nul, "\0"),
        (&long_path, Kind::PathTooLong, &long_path["ipc://".len()..]),
        (&long_name, Kind::NameTooLong, &long_name["inproc://".len()..]),
        (&long_host, Kind::InvalidHost, &long_host["tcp://".len()..long_host.len() - 2]),
    ] {
        let error = text.parse::<Endpoint>().expect_err(text);
        assert_eq!(error.kind(), kind, "{text}");
        assert_eq!(error.text(), text);
        assert_eq!(error.text().get(error.part()), Some(part), "{text}");
    }
}

#[test]
fn errors_read_well() {
    let message = |text: &str| text.parse::<Endpoint>().expect_err(text).to_string();
    assert_eq!(
        message("tcp://[::1]:http"),
        "endpoint \"tcp://[::1]:http\": \"http\" at octet 12: expected a port from 1 to 65535, or * \
         (or 0) for any free port"
    );
    assert_eq!(
        message("tcp://127.0.0.1"),
        "endpoint \"tcp://127.0.0.1\": at octet 15: expected \":\" and a port after the host"
    );
    assert_eq!(
        message("udp://127.0.0.1:1"),
        "endpoint \"udp://127.0.0.1:1\": \"udp\" at octet 0: this transport of libzmq is not \
         supported here; use tcp, ipc or inproc"
    );
    assert_eq!(
        message("127.0.0.1:\x1b[31m"),
        "endpoint \"127.0.0.1:\\u{1b}[31m\": expected a transport, \"://\" and an address, as in \
         tcp://127.0.0.1:5555"
    );
    assert!(message(&"ä".repeat(100_000)).len() < 500, "a long text is cut");
}

#[test]
fn some_endpoints_serve_one_side_only() {
    use EndpointErrorKind as Kind;
    let connect = |text: &str| parse(text).expect(text).check_connect().map_err(|e| e.kind());
    let bind = |text: &str| parse(text).expect(text).check_bind().map_err(|e| e.kind());
    for (text, kind) in [
        ("tcp://*:5555", Kind::ConnectAnyHost),
        ("tcp://*:*", Kind::ConnectAnyHost),
        ("tcp://127.0.0.1:0", Kind::ConnectAnyPort),
        ("tcp://192.0.2.1:7000;host.example:*", Kind::ConnectAnyPort),
        ("ipc://*", Kind::ConnectAnyPath),
    ] {
        assert_eq!(connect(text), Err(kind), "{text}");
    }
    assert_eq!(connect("tcp://192.0.2.1:0;192.0.2.9:5555"), Ok(()));
    assert_eq!(bind("tcp://192.0.2.1:0;192.0.2.9:5555"), Err(Kind::BindSource));
    for text in ["tcp://*:*", "tcp://eth0:0", "ipc://*", "ipc://@name", "inproc://name"] {
        assert_eq!(bind(text), Ok(()), "{text}");
    }
    for text in ["tcp://0.0.0.0:5555", "ipc://@name", "ipc://x", "inproc://name"] {
        assert_eq!(connect(text), Ok(()), "{text}");
    }
    let message = parse("tcp://*:5555").expect("valid").check_connect().expect_err("wildcard");
    assert_eq!(
        message.to_string(),
        "endpoint \"tcp://*:5555\": \"*:5555\" at octet 6: * stands for every address in a bind; a \
         connect needs a host"
    );
}

#[test]
fn what_is_built_is_what_would_be_read() {
    let zoned = "[fe80::1%7]:80".parse::<std::net::SocketAddrV6>().expect("an address");
    assert_eq!(Endpoint::from(SocketAddr::V6(zoned)).to_string(), "tcp://[fe80::1%7]:80");
    let odd = IpcEndpoint::from_path(std::path::Path::new("@x")).expect("a path");
    assert_eq!((odd.path(), odd.abstract_name()), (Some(std::path::Path::new("./@x")), None));
    let odd = IpcEndpoint::from_path(std::path::Path::new("*")).expect("a path");
    assert!(!odd.is_any());
    let odd = IpcEndpoint::from_abstract_name("*").expect("a name");
    assert_eq!((odd.path(), odd.abstract_name(), odd.is_any()), (None, Some("*"), false));
    assert_eq!(HostName::new("127.1"), None);
    assert_eq!(Zone::new(""), None);
    assert_eq!(InprocName::new(""), None);
}

/// Pieces from which texts are made that come close to endpoints.
fn near_endpoint() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("tcp"),
        Just("ipc"),
        Just("inproc"),
        Just("://"),
        Just(":"),
        Just("*"),
        Just("@"),
        Just("["),
        Just("]"),
        Just("%"),
        Just(";"),
        Just("."),
        Just("/"),
        Just("::1"),
        Just("fe80::"),
        Just("127.0.0.1"),
        Just("eth0"),
        Just("0"),
        Just("65535"),
        Just("0x"),
        Just("\0"),
        Just("ä"),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn valid_host() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| format!("[{ip}]")),
        (any::<std::net::Ipv6Addr>(), "[a-z][a-z0-9.:-]{0,14}")
            .prop_map(|(ip, zone)| format!("[{ip}%{zone}]")),
        "([a-z0-9_-]{1,10}\\.){0,4}[a-z][a-z0-9-]{0,10}",
        Just("*".to_owned()),
    ]
}

fn total(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Endpoint>() {
        Ok(endpoint) => {
            prop_assert_eq!(endpoint.to_string().parse::<Endpoint>(), Ok(endpoint.clone()));
            let _ = (endpoint.check_bind(), endpoint.check_connect());
        }
        Err(error) => {
            prop_assert_eq!(error.text(), text);
            prop_assert!(text.get(error.part()).is_some());
            prop_assert!(!error.to_string().is_empty());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        total(&text)?;
        total(&format!("tcp://{text}"))?;
        total(&format!("ipc://{text}"))?;
        total(&format!("inproc://{text}"))?;
    }

    #[test]
    fn nearly_endpoints_are_read_or_refused(text in near_endpoint()) {
        total(&text)?;
        total(&format!("tcp://{text}"))?;
    }

    #[test]
    fn valid_tcp_endpoints_are_read(
        host in valid_host(), port: u16, source in proptest::option::of((valid_host(), any::<u16>()))
    ) {
        let source = source.map(|(host, port)| format!("{host}:{port};")).unwrap_or_default();
        let text = format!("tcp://{source}{host}:{port}");
        prop_assert_eq!(parse(&text).map(|endpoint| endpoint.to_string()), Ok(text));
    }
}
