//! TCP.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use transport::endpoint::{EndpointErrorKind, Host};
use transport::net::{AcceptErrorKind, Keepalive};

use super::*;

fn port(endpoint: &Endpoint) -> u16 {
    match endpoint {
        Endpoint::Tcp(tcp) => tcp.port(),
        other => panic!("{other} is not tcp"),
    }
}

fn ip(endpoint: &Endpoint) -> Option<IpAddr> {
    match endpoint {
        Endpoint::Tcp(tcp) => tcp.host().ip(),
        other => panic!("{other} is not tcp"),
    }
}

/// A port that nobody listens on, and nobody is given while the socket is held.
fn closed_port() -> std::io::Result<(Socket, u16)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let port = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
    Ok((socket, port))
}

#[tokio::test]
async fn a_free_port_is_found_and_reported() -> TestResult {
    for text in ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0"] {
        let (one, two) = (bind(text).await?, bind(text).await?);
        assert_ne!(port(one.local()), 0);
        assert_ne!(one.local(), two.local());
        let both = connect(&one).await?;
        assert_eq!(both.client.ip(), Some([127, 0, 0, 1].into()));
        assert_eq!(both.server, PeerAddress::Ip(([127, 0, 0, 1], port(one.local())).into()));
        assert_eq!(both.accepted.local_addr()?.as_ref(), Some(one.local()));
        let client = both.dialled.local_addr()?.map(|local| port(&local));
        let PeerAddress::Ip(seen) = both.client else { panic!("{}", both.client) };
        assert_eq!(client, Some(seen.port()));
    }
    Ok(())
}

#[tokio::test]
async fn every_address_is_reported_as_one_to_connect_to() -> TestResult {
    let listener = bind("tcp://*:*").await?;
    assert_eq!(ip(listener.local()), Some([0, 0, 0, 0].into()));
    listener.local().check_connect()?;
    let both = connect(&listener).await?;
    assert_eq!(both.client.ip(), Some([127, 0, 0, 1].into()));
    Ok(())
}

#[tokio::test]
async fn ipv6_works_without_being_asked_for() -> TestResult {
    let listener = match bind("tcp://[::1]:*").await {
        // A machine without IPv6 has to say so.
        Err(error) if *error.kind() == BindErrorKind::NotAvailable => return Ok(()),
        other => other?,
    };
    let both = connect(&listener).await?;
    assert_eq!(both.client.ip(), Some("::1".parse()?));
    Ok(())
}

#[tokio::test]
async fn a_dual_stack_listener_sees_ipv4_as_ipv4() -> TestResult {
    let mut options = options();
    options.ipv6 = true;
    let listener = Listener::bind(&endpoint("tcp://*:*"), &options).await?;
    let port = port(listener.local());
    let v4 = connect_to(&listener, &endpoint(&format!("tcp://127.0.0.1:{port}"))).await?;
    assert_eq!(v4.client.ip(), Some([127, 0, 0, 1].into()), "canonical, not ::ffff:127.0.0.1");
    assert_eq!(
        v4.accepted.local_addr()?.map(|local| local.to_string()),
        Some(format!("tcp://127.0.0.1:{port}"))
    );
    if ip(listener.local()) == Some("::".parse()?) {
        let v6 = connect(&listener).await?;
        assert_eq!(v6.client.ip(), Some("::1".parse()?));
    } else {
        assert_eq!(ip(listener.local()), Some([0, 0, 0, 0].into()), "the fallback without IPv6");
    }
    Ok(())
}

#[tokio::test]
async fn names_are_resolved_on_both_sides() -> TestResult {
    let listener = bind("tcp://localhost:*").await?;
    assert_eq!(ip(listener.local()), Some([127, 0, 0, 1].into()), "IPv4 comes first");
    let name = endpoint(&format!("tcp://localhost:{}", port(listener.local())));
    let both = connect_to(&listener, &name).await?;
    assert_eq!(both.server.ip(), Some([127, 0, 0, 1].into()));
    Ok(())
}

#[tokio::test]
async fn unknown_names_are_told() -> TestResult {
    for text in ["tcp://no-such-host.invalid:1", "tcp://[fe80::1%nosuchif]:1"] {
        assert_eq!(bind_error(text).await, BindErrorKind::Resolve, "{text}");
        let error = dial_error(text, &options()).await;
        assert_eq!(*error.kind(), DialErrorKind::Resolve, "{text}");
        assert!(!error.is_permanent(), "a name may come to exist");
        assert!(error.to_string().contains(text), "{error}");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn interfaces_have_names() -> TestResult {
    let listener = bind("tcp://lo:*").await?;
    assert_eq!(ip(listener.local()), Some([127, 0, 0, 1].into()));
    let text = format!("tcp://lo:0;127.0.0.1:{}", port(listener.local()));
    let both = connect_to(&listener, &endpoint(&text)).await?;
    assert_eq!(both.client.ip(), Some([127, 0, 0, 1].into()));
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_source_address_is_used() -> TestResult {
    let listener = bind("tcp://127.0.0.1:*").await?;
    let port = port(listener.local());
    let text = format!("tcp://127.0.0.9:0;127.0.0.1:{port}");
    let both = connect_to(&listener, &endpoint(&text)).await?;
    assert_eq!(both.client.ip(), Some([127, 0, 0, 9].into()));

    let (held, source) = closed_port()?;
    drop(held);
    let text = format!("tcp://*:{source};127.0.0.1:{port}");
    let both = connect_to(&listener, &endpoint(&text)).await?;
    assert_eq!(both.client, PeerAddress::Ip(([127, 0, 0, 1], source).into()));
    Ok(())
}

#[tokio::test]
async fn a_source_that_cannot_be_is_refused() -> TestResult {
    let listener = bind("tcp://127.0.0.1:*").await?;
    let port = port(listener.local());
    for (source, kind) in [
        ("203.0.113.9:0", DialErrorKind::NotAvailable),
        ("[::1]:0", DialErrorKind::NotAvailable),
        ("localhost:0", DialErrorKind::Resolve),
    ] {
        let text = format!("tcp://{source};127.0.0.1:{port}");
        assert_eq!(dial_error_kind(&text).await, kind, "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn one_side_only() -> TestResult {
    let BindErrorKind::Invalid(error) = bind_error("tcp://127.0.0.1:0;127.0.0.1:1").await else {
        panic!("bound with a source")
    };
    assert_eq!(error.kind(), EndpointErrorKind::BindSource);
    for text in ["tcp://*:5555", "tcp://127.0.0.1:*"] {
        let error = dial_error(text, &options()).await;
        assert!(matches!(error.kind(), DialErrorKind::Invalid(_)), "{error}");
        assert!(error.is_permanent());
    }
    Ok(())
}

#[tokio::test]
async fn an_address_in_use_is_told() -> TestResult {
    let listener = bind("tcp://127.0.0.1:*").await?;
    let text = listener.local().to_string();
    let error = bind(&text).await.expect_err("in use");
    assert_eq!(*error.kind(), BindErrorKind::AddressInUse);
    assert_eq!(error.endpoint(), listener.local());
    assert!(error.to_string().starts_with(&format!("cannot bind {text}: ")), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_port_is_free_again_at_once() -> TestResult {
    let listener = bind("tcp://127.0.0.1:*").await?;
    let text = listener.local().to_string();
    let both = connect(&listener).await?;
    // The server closes first, which leaves the port in TIME_WAIT.
    drop(both.accepted);
    drop(listener);
    both.dialled.readable().await?;
    drop(both.dialled);
    bind(&text).await?;
    Ok(())
}

#[tokio::test]
async fn an_address_of_another_machine_is_told() {
    assert_eq!(bind_error("tcp://203.0.113.9:*").await, BindErrorKind::NotAvailable);
}

/// Asks the kernel whether this process may bind ports below 1024, and asserts that we say the same.
#[tokio::test]
async fn a_privileged_port_needs_the_privilege() -> TestResult {
    let allowed = |port: u16| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 77], port)).into())
    };
    match (allowed(1), bind("tcp://127.0.0.77:1").await) {
        (Err(system), Err(error)) if system.kind() == std::io::ErrorKind::PermissionDenied => {
            assert_eq!(*error.kind(), BindErrorKind::PermissionDenied);
            assert!(error.to_string().contains("1024"), "{error}");
        }
        (Ok(()), Ok(listener)) => assert_eq!(port(listener.local()), 1),
        (system, ours) => panic!("the system says {system:?}, we say {ours:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_comes_at_once() -> TestResult {
    let (_held, port) = closed_port()?;
    let started = Instant::now();
    let error = dial_error(&format!("tcp://127.0.0.1:{port}"), &options()).await;
    assert_eq!(*error.kind(), DialErrorKind::Refused);
    assert_eq!(error.address(), Some(([127, 0, 0, 1], port).into()));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(!error.is_permanent());
    Ok(())
}

/// A listener that never accepts and whose backlog is full drops what more comes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn silence_ends_with_the_time_limit() -> TestResult {
    let full = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    full.listen(0)?;
    let port = full.local_addr()?.as_socket().map_or(0, |address| address.port());
    let mut options = options();
    options.connect_timeout = Duration::from_millis(300);
    let text = format!("tcp://127.0.0.1:{port}");
    let mut held = Vec::new();
    let (error, took) = loop {
        let started = Instant::now();
        match dial(&endpoint(&text), &options).await {
            Ok(connected) if held.len() < 8 => held.push(connected),
            other => break (other.expect_err("the backlog is full"), started.elapsed()),
        }
    };
    assert_eq!(*error.kind(), DialErrorKind::TimedOut);
    assert!(took >= options.connect_timeout && took < Duration::from_secs(5), "{took:?}");

    options.connect_timeout = Duration::ZERO;
    assert_eq!(*dial_error(&text, &options).await.kind(), DialErrorKind::TimedOut);
    options.connect_timeout = Duration::MAX;
    let silent = endpoint(&text);
    let patient = dial(&silent, &options);
    assert!(tokio::time::timeout(Duration::from_millis(50), patient).await.is_err());
    Ok(())
}

/// Never may a connection to nobody look like one to somebody.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_never_meets_itself() -> TestResult {
    let (held, port) = closed_port()?;
    drop(held);
    // With the source port given, the meeting is certain.
    let text = format!("tcp://127.0.0.1:{port};127.0.0.1:{port}");
    assert_eq!(dial_error_kind(&text).await, DialErrorKind::SelfConnect);
    // And the port is free at once for the server that should have it.
    let listener = bind(&format!("tcp://127.0.0.1:{port}")).await?;
    connect(&listener).await?;
    Ok(())
}

#[tokio::test]
async fn options_reach_the_socket() -> TestResult {
    let mut options = options();
    options.send_buffer = Some(64 * 1024);
    options.receive_buffer = Some(96 * 1024);
    options.keepalive = Keepalive::On {
        idle: Some(Duration::from_secs(77)),
        interval: Some(Duration::from_secs(11)),
        count: Some(4),
    };
    options.type_of_service = 0x28;
    #[cfg(target_os = "linux")]
    {
        options.retransmit_timeout = Some(Duration::from_secs(33));
    }
    for text in ["tcp://127.0.0.1:*", "tcp://[::1]:*"] {
        let listener = match Listener::bind(&endpoint(text), &options).await {
            Err(error) if *error.kind() == BindErrorKind::NotAvailable => continue,
            other => other?,
        };
        let (accepted, dialled) = tokio::join!(listener.accept(), dial(listener.local(), &options));
        for stream in [accepted?.0, dialled?.0] {
            let Stream::Tcp(stream) = stream else { panic!("{stream:?}") };
            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay()?);
            assert!(socket.send_buffer_size()? >= 64 * 1024);
            assert!(socket.recv_buffer_size()? >= 96 * 1024);
            assert!(socket.keepalive()?);
            #[cfg(unix)]
            {
                assert_eq!(socket.tcp_keepalive_time()?, Duration::from_secs(77));
                assert_eq!(socket.tcp_keepalive_interval()?, Duration::from_secs(11));
                assert_eq!(socket.tcp_keepalive_retries()?, 4);
            }
            #[cfg(target_os = "linux")]
            {
                assert_eq!(socket.tcp_user_timeout()?, Some(Duration::from_secs(33)));
                if text.contains('[') {
                    assert_eq!(socket.tclass_v6()?, 0x28);
                } else {
                    assert_eq!(socket.tos_v4()?, 0x28);
                }
            }
        }
    }
    Ok(())
}

/// Who asks for a buffer gets all of it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_system_takes_little_that_it_cannot_send_unless_asked_for_a_buffer() -> TestResult {
    for (send_buffer, bounded) in [(None, true), (Some(64 * 1024), false)] {
        let mut options = options();
        options.send_buffer = send_buffer;
        let listener = Listener::bind(&endpoint("tcp://127.0.0.1:*"), &options).await?;
        let (accepted, dialled) = tokio::join!(listener.accept(), dial(listener.local(), &options));
        for stream in [accepted?.0, dialled?.0] {
            let Stream::Tcp(stream) = stream else { panic!("{stream:?}") };
            let most = SockRef::from(&stream).tcp_notsent_lowat()?;
            assert_eq!(most == 512 * 1024, bounded, "{send_buffer:?}: {most}");
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_refused_option_is_named() {
    let mut no_device = options();
    no_device.device = Some("nosuchdevice0".into());
    let mut no_probes = options();
    no_probes.keepalive = Keepalive::On { idle: Some(Duration::ZERO), interval: None, count: None };
    for (options, name) in [(no_device, "device"), (no_probes, "keepalive")] {
        let error = Listener::bind(&endpoint("tcp://127.0.0.1:*"), &options).await;
        assert_eq!(*error.expect_err(name).kind(), BindErrorKind::Option(name));
        let error = dial_error("tcp://127.0.0.1:1", &options).await;
        assert_eq!(*error.kind(), DialErrorKind::Option(name));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_device_is_bound_to() -> TestResult {
    let mut options = options();
    options.device = Some("lo".into());
    // Old kernels want a privilege for it, and then the option is named.
    let listener = match Listener::bind(&endpoint("tcp://127.0.0.1:*"), &options).await {
        Err(error) if *error.kind() == BindErrorKind::Option("device") => return Ok(()),
        other => other?,
    };
    let (accepted, dialled) = tokio::join!(listener.accept(), dial(listener.local(), &options));
    for stream in [accepted?.0, dialled?.0] {
        let Stream::Tcp(stream) = stream else { panic!("{stream:?}") };
        assert_eq!(SockRef::from(&stream).device()?.as_deref(), Some(&b"lo"[..]));
    }
    Ok(())
}

/// Connections that reset before they are accepted do no harm to the next one.
#[tokio::test]
async fn the_next_connection_is_accepted_after_a_broken_one() -> TestResult {
    let listener = bind("tcp://127.0.0.1:*").await?;
    for _ in 0..3 {
        let (stream, _) = dial(listener.local(), &options()).await?;
        let Stream::Tcp(stream) = stream else { panic!("{stream:?}") };
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    let (mine, _) = dial(listener.local(), &options()).await?;
    let mine = mine.local_addr()?.map(|local| port(&local));
    let mut seen = HashSet::new();
    while !seen.contains(&mine) {
        match listener.accept().await {
            Ok((_, PeerAddress::Ip(peer))) => drop(seen.insert(Some(peer.port()))),
            Ok((_, other)) => panic!("{other}"),
            Err(error) => assert_eq!(error.kind(), AcceptErrorKind::Connection),
        }
    }
    Ok(())
}

/// For real, in a process of its own: no other test must run out as well.
#[cfg(unix)]
#[tokio::test]
async fn descriptors_that_ran_out_come_back() -> TestResult {
    const INSIDE: &str = "NET_TEST_FEW_DESCRIPTORS";
    if std::env::var_os(INSIDE).is_none() {
        let name = "tcp::descriptors_that_ran_out_come_back";
        let few = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 40 && exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe()?)
            .arg(name)
            .env(INSIDE, "1")
            .output()?;
        assert!(few.status.success(), "{}", String::from_utf8_lossy(&few.stdout));
        assert!(String::from_utf8_lossy(&few.stdout).contains("1 passed"));
        return Ok(());
    }
    for text in ["tcp://127.0.0.1:*", "ipc://*"] {
        let listener = bind(text).await?;
        let mut dialled = Vec::new();
        let error = loop {
            match dial(listener.local(), &options()).await {
                Ok((stream, _)) => dialled.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(*error.kind(), DialErrorKind::Exhausted, "{error}");
        assert_eq!(bind_error(text).await, BindErrorKind::Exhausted);
        for _ in 0..3 {
            let error = listener.accept().await.expect_err("no descriptor is left");
            assert_eq!(error.kind(), AcceptErrorKind::Exhausted, "{error}");
        }
        let first = dialled.remove(0);
        first.try_write(b"x")?;
        drop(first);
        let (accepted, _) = listener.accept().await?;
        accepted.readable().await?;
        assert_eq!(accepted.try_read(&mut [0; 2])?, 1, "the connection had waited");
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_accept_loses_no_connection() -> TestResult {
    let listener = bind("tcp://127.0.0.1:*").await?;
    for _ in 0..20 {
        // Polled once with nobody there, so that it waits; then dropped with somebody there.
        let mut accept = Box::pin(listener.accept());
        assert!(tokio::time::timeout(Duration::ZERO, &mut accept).await.is_err());
        let (_dialled, _) = dial(listener.local(), &options()).await?;
        drop(accept);
        tokio::time::timeout(Duration::from_secs(5), listener.accept()).await??;
    }
    Ok(())
}

#[tokio::test]
async fn the_host_of_a_bound_endpoint_is_an_address() -> TestResult {
    let listener = bind("tcp://localhost:*").await?;
    let Endpoint::Tcp(local) = listener.local() else { panic!("{}", listener.local()) };
    assert!(matches!(local.host(), Host::V4(_) | Host::V6(..)));
    Ok(())
}
