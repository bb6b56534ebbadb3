//! Does the reference itself do what the tests that lean on it take for granted?

use libzmq_reference::consts::*;
use libzmq_reference::{
    Context, CurveKeys, Error, Monitor, Socket, SocketType, ZapHandler, curve_public, has, proxy,
    version, z85_decode, z85_encode,
};
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

const ANYWHERE: &str = "tcp://127.0.0.1:*";
const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(10);

type Done = Result<(), Error>;

#[test]
fn is_the_release_that_it_says() {
    assert_eq!(version(), (4, 3, 5));
    assert!(has("curve"));
    assert!(has("ipc"));
    assert!(!has("draft"));
    assert!(!has("no\0such"));
}

#[test]
fn z85_is_that_of_the_specification() -> Done {
    let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
    assert_eq!(z85_encode(&bytes)?, "HelloWorld");
    assert_eq!(z85_decode("HelloWorld")?, bytes);

    assert_eq!(z85_encode(&bytes[1..]).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(z85_decode("Hello World").is_err());
    assert!(z85_decode("").is_err());
    Ok(())
}

#[test]
fn public_keys_follow_from_secret_ones() -> Done {
    let keys = CurveKeys::new();
    assert_eq!(keys.public.len(), 40);
    assert_ne!(keys, CurveKeys::new());
    assert_eq!(curve_public(&keys.secret)?, keys.public);

    // libzmq itself would write past the end of its buffer.
    assert!(curve_public(&keys.secret.repeat(2)).is_err());
    Ok(())
}

#[test]
fn request_and_reply_over_tcp() -> Done {
    let context = Context::new();
    let server = context.socket(SocketType::Rep)?;
    let client = context.socket(SocketType::Req)?;
    let endpoint = server.bind(ANYWHERE)?;
    assert!(endpoint.starts_with("tcp://127.0.0.1:"));
    assert!(!endpoint.ends_with('*'));
    client.routing_id("me")?.connect(&endpoint)?;

    client.send("question", 0)?;
    let question = server.recv_message(0)?;
    assert_eq!(&*question, b"question");
    assert_eq!(format!("{question:?}"), format!("{:?}", b"question"));
    assert!(!question.more());
    assert_eq!(question.property("Socket-Type").as_deref(), Some("REQ"));
    assert_eq!(question.property("Identity").as_deref(), Some("me"));
    assert_eq!(question.property("Peer-Address").as_deref(), Some("127.0.0.1"));
    assert_eq!(question.property("X-Unknown"), None);

    server.send("answer", 0)?;
    assert_eq!(client.recv()?, b"answer");

    assert_eq!(client.recv().unwrap_err().errno, EFSM);
    server.unbind(&endpoint)?;
    client.disconnect(&endpoint)?;
    assert!(client.disconnect(&endpoint).is_err());
    Ok(())
}

#[test]
fn messages_of_many_frames() -> Done {
    let context = Context::new();
    let router = context.socket(SocketType::Router)?;
    let dealer = context.socket(SocketType::Dealer)?;
    router.router_mandatory(true)?;
    dealer.routing_id("dealer")?;
    dealer.connect(&router.bind(ANYWHERE)?)?;

    let large = vec![7; 100_000];
    dealer.send_multipart([&b""[..], b"body", &large])?;
    let message = router.recv_multipart()?;
    assert_eq!(message, [&b"dealer"[..], b"", b"body", &large]);

    router.send_multipart(&message)?;
    assert_eq!(dealer.recv_multipart()?, message[1..]);

    let refused = router.send_multipart(["nobody", "body"]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::HostUnreachable);

    dealer.send_multipart([""; 0])?;
    assert!(!router.poll_in(SOON)?);
    Ok(())
}

#[test]
fn subscriptions_arrive_and_select() -> Done {
    let context = Context::new();
    let publisher = context.socket(SocketType::Xpub)?;
    let subscriber = context.socket(SocketType::Sub)?;
    publisher.xpub_verboser(true)?.xpub_welcome_msg("a welcome")?;
    subscriber.connect(&publisher.bind(ANYWHERE)?)?;

    subscriber.subscribe("a")?.subscribe("b")?.unsubscribe("b")?;
    for change in ["\u{1}a", "\u{1}b", "\u{0}b"] {
        assert_eq!(publisher.recv()?, change.as_bytes());
    }
    publisher.send("b2", 0)?;
    publisher.send("a1", 0)?;
    assert_eq!(subscriber.recv()?, b"a welcome");
    assert_eq!(subscriber.recv()?, b"a1");
    Ok(())
}

#[test]
fn nothing_to_receive_is_a_timeout() -> Done {
    let context = Context::new();
    let socket = context.socket(SocketType::Pull)?;
    assert_eq!(socket.get_i32(ZMQ_RCVTIMEO)?, 10_000);
    assert_eq!(socket.get_i32(ZMQ_SNDTIMEO)?, 10_000);
    assert_eq!(socket.get_i32(ZMQ_LINGER)?, 0);

    let error = socket.rcvtimeo(10)?.recv().unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(socket.recv_message(ZMQ_DONTWAIT).unwrap_err().is_timeout());
    assert!(!socket.poll_in(Duration::from_nanos(1))?);
    Ok(())
}

#[test]
fn options_read_back() -> Done {
    let context = Context::new();
    context.set_i32(ZMQ_IO_THREADS, 2)?;
    assert_eq!(context.get_i32(ZMQ_IO_THREADS)?, 2);

    let keys = CurveKeys::new();
    let socket = context.socket(SocketType::Dealer)?;
    socket
        .maxmsgsize(1000)?
        .sndhwm(5)?
        .immediate(true)?
        .routing_id([0, 1, 2])?
        .zap_domain("domain")?
        .curve_publickey(&keys.public)?
        .curve_secretkey(z85_decode(&keys.secret)?)?;
    assert_eq!(socket.get_i64(ZMQ_MAXMSGSIZE)?, 1000);
    assert_eq!(socket.get_i32(ZMQ_SNDHWM)?, 5);
    assert_eq!(socket.get_i32(ZMQ_IMMEDIATE)?, 1);
    assert_eq!(socket.get_bytes(ZMQ_ROUTING_ID)?, [0, 1, 2]);
    assert_eq!(socket.get_str(ZMQ_ZAP_DOMAIN)?, "domain");
    let public = socket.get_bytes(ZMQ_CURVE_PUBLICKEY)?;
    assert_eq!(z85_encode(&public)?, keys.public);
    let secret = socket.get_bytes(ZMQ_CURVE_SECRETKEY)?;
    assert_eq!(z85_encode(&secret)?, keys.secret);

    assert!(socket.set_i32(-1, 0).is_err());
    assert!(socket.get_i32(-1).is_err());
    assert!(socket.bind("no endpoint").is_err());
    assert!(socket.connect("inproc://zero\0byte").is_err());
    Ok(())
}

/// Every setter with a value that it allows, on a socket that knows the option.
#[test]
fn every_setter_reaches_its_option() -> Done {
    let context = Context::new();
    let key = CurveKeys::new().public;
    context
        .socket(SocketType::Router)?
        .curve_server(true)?
        .plain_server(true)?
        .immediate(true)?
        .router_mandatory(true)?
        .router_handover(true)?
        .probe_router(true)?
        .ipv6(true)?
        .curve_serverkey(key)?
        .connect_routing_id("peer")?
        .plain_username("user")?
        .plain_password("password")?
        .heartbeat_ivl(1000)?
        .heartbeat_timeout(1000)?
        .heartbeat_ttl(1000)?
        .handshake_ivl(1000)?
        .connect_timeout(1000)?
        .rcvhwm(10)?
        .reconnect_ivl(10)?
        .reconnect_ivl_max(100)?
        .backlog(10)?
        .invert_matching(true)?
        .conflate(true)?;
    context.socket(SocketType::Xpub)?.xpub_verbose(true)?.xpub_manual(true)?.xpub_nodrop(true)?;
    context.socket(SocketType::Req)?.req_relaxed(true)?.req_correlate(true)?;
    context.socket(SocketType::Stream)?.stream_notify(false)?;
    Ok(())
}

/// A CURVE server and a client of it, each with a monitor, not yet connected.
fn curve_pair(context: &Context, client_keys: &CurveKeys) -> Result<[(Socket, Monitor); 2], Error> {
    let server_keys = CurveKeys::new();
    let server = context.socket(SocketType::Rep)?;
    server.curve_server(true)?.curve_secretkey(&server_keys.secret)?.zap_domain("test")?;
    let client = context.socket(SocketType::Req)?;
    client
        .curve_serverkey(&server_keys.public)?
        .curve_publickey(&client_keys.public)?
        .curve_secretkey(&client_keys.secret)?;
    let (server_events, client_events) = (server.monitor()?, client.monitor()?);
    Ok([(server, server_events), (client, client_events)])
}

#[test]
fn curve_lets_in_whom_zap_accepts() -> Done {
    let context = Context::new();
    let keys = CurveKeys::new();
    let expected = z85_decode(&keys.public)?;
    let _zap = ZapHandler::start(&context, move |request| {
        assert_eq!(request.domain(), "test");
        assert_eq!(request.address(), "127.0.0.1");
        assert_eq!(request.routing_id(), b"server");
        assert_eq!(request.mechanism(), "CURVE");
        assert_eq!(request.credentials(), [&expected[..]]);
        request.reply("200", "OK", "alice", &[("X-Role", "admin")])
    })?;
    let [(server, server_events), (client, client_events)] = curve_pair(&context, &keys)?;
    server.routing_id("server")?;
    client.connect(&server.bind(ANYWHERE)?)?;

    for events in [server_events, client_events] {
        let event = events.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, LATE);
        assert_eq!(event.expect("a handshake").name(), "HANDSHAKE_SUCCEEDED");
    }
    client.send("question", 0)?;
    let question = server.recv_message(0)?;
    assert_eq!(question.property("User-Id").as_deref(), Some("alice"));
    assert_eq!(question.property("X-Role").as_deref(), Some("admin"));
    server.send("answer", 0)?;
    assert_eq!(client.recv()?, b"answer");
    Ok(())
}

#[test]
fn curve_keeps_out_whom_zap_denies() -> Done {
    let context = Context::new();
    let _zap = ZapHandler::start(&context, |request| request.deny())?;
    let [(server, server_events), (client, client_events)] =
        curve_pair(&context, &CurveKeys::new())?;
    client.connect(&server.bind(ANYWHERE)?)?;

    for events in [server_events, client_events] {
        let event = events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, LATE);
        assert_eq!(event.expect("a failed handshake").value, 400);
    }
    // It may still have a queue for the server, or none any more.
    let _ = client.send("question", ZMQ_DONTWAIT);
    assert!(!server.poll_in(SOON)?);
    Ok(())
}

#[test]
fn curve_keeps_out_whoever_knows_another_server() -> Done {
    let context = Context::new();
    let [(server, server_events), (client, _)] = curve_pair(&context, &CurveKeys::new())?;
    client.curve_serverkey(CurveKeys::new().public)?;
    client.connect(&server.bind(ANYWHERE)?)?;

    let event = server_events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, LATE);
    let event = event.expect("a failed handshake");
    assert_eq!(event.value, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    Ok(())
}

#[test]
fn plain_lets_in_whom_zap_accepts() -> Done {
    let context = Context::new();
    let _zap = ZapHandler::start(&context, |request| {
        assert_eq!(request.mechanism(), "PLAIN");
        assert_eq!(request.credentials(), [&b"user"[..], b"password"]);
        request.accept("user")
    })?;
    let server = context.socket(SocketType::Pull)?;
    let client = context.socket(SocketType::Push)?;
    server.plain_server(true)?.zap_domain("test")?;
    client.plain_username("user")?.plain_password("password")?;
    client.connect(&server.bind(ANYWHERE)?)?;

    client.send("hello", 0)?;
    let hello = server.recv_message(0)?;
    assert_eq!(hello.property("User-Id").as_deref(), Some("user"));
    Ok(())
}

#[test]
fn a_context_takes_one_zap_handler_at_a_time() -> Done {
    let context = Context::new();
    for _ in 0..20 {
        let _first = ZapHandler::start(&context, |request| request.deny())?;
        let second = ZapHandler::start(&context, |request| request.deny());
        assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
    }
    let _left_over = ZapHandler::start(&context, |request| request.deny())?;
    context.shutdown()
}

#[test]
fn a_monitor_tells_what_happens_in_order() -> Done {
    let context = Context::new();
    let server = context.socket(SocketType::Pair)?;
    let events = server.monitor()?;
    let endpoint = server.bind(ANYWHERE)?;
    let client = context.socket(SocketType::Pair)?;
    client.connect(&endpoint)?;

    for expected in [ZMQ_EVENT_LISTENING, ZMQ_EVENT_ACCEPTED, ZMQ_EVENT_HANDSHAKE_SUCCEEDED] {
        let event = events.next(LATE).expect("an event");
        assert_eq!(event.event, expected, "{event:?}");
        assert_eq!(event.endpoint, endpoint);
    }
    assert_eq!(events.next(SOON), None);

    drop(client);
    assert!(events.wait_for(ZMQ_EVENT_DISCONNECTED, LATE).is_some());
    drop(server);
    assert!(events.wait_for(ZMQ_EVENT_MONITOR_STOPPED, LATE).is_some());
    assert_eq!(events.next(SOON), None);
    Ok(())
}

#[test]
fn a_monitor_may_be_slow_replaced_or_gone() -> Done {
    let context = Context::new();
    let socket = context.socket(SocketType::Pull)?;
    let endpoint = socket.bind(ANYWHERE)?;

    let first = socket.monitor()?;
    let second = socket.monitor()?;
    assert_eq!(first.next(LATE).expect("its end").name(), "MONITOR_STOPPED");
    drop(first);

    // More events than a queue of libzmq holds by default.
    let started = Instant::now();
    for _ in 0..1500 {
        let endpoint = socket.bind(ANYWHERE)?;
        socket.unbind(&endpoint)?;
    }
    for _ in 0..1500 {
        assert!(second.wait_for(ZMQ_EVENT_LISTENING, LATE).is_some());
    }
    drop(second);
    socket.unbind(&endpoint)?;
    assert!(started.elapsed() < LATE);
    Ok(())
}

#[test]
fn sockets_and_monitors_move_between_threads() -> Done {
    let context = Context::new();
    let server = context.socket(SocketType::Rep)?;
    let events = server.monitor()?;
    let endpoint = server.bind(ANYWHERE)?;
    let server = thread::spawn(move || server.send(server.recv()?, 0).map(|()| server));

    let client = context.socket(SocketType::Req)?;
    client.connect(&endpoint)?;
    client.send("echo", 0)?;
    assert_eq!(client.recv()?, b"echo");
    assert!(events.wait_for(ZMQ_EVENT_ACCEPTED, LATE).is_some());
    thread::spawn(move || drop(events)).join().expect("no panic");
    drop(server.join().expect("no panic")?);
    Ok(())
}

#[test]
fn a_proxy_runs_until_the_context_is_shut_down() -> Done {
    let context = Context::new();
    let (frontend, backend, capture) = (
        context.socket(SocketType::Pull)?,
        context.socket(SocketType::Push)?,
        context.socket(SocketType::Pub)?,
    );
    let (inlet, outlet, tap) = (
        context.socket(SocketType::Push)?,
        context.socket(SocketType::Pull)?,
        context.socket(SocketType::Sub)?,
    );
    inlet.connect(&frontend.bind("inproc://frontend")?)?;
    outlet.connect(&backend.bind("inproc://backend")?)?;
    tap.subscribe("")?.connect(&capture.bind("inproc://capture")?)?;
    let runner = thread::spawn(move || proxy(&frontend, &backend, Some(&capture)));

    inlet.send("through", 0)?;
    assert_eq!(outlet.recv()?, b"through");
    assert_eq!(tap.recv()?, b"through");
    context.shutdown()?;
    runner.join().expect("no panic")?;
    assert_eq!(outlet.recv().unwrap_err().errno, ETERM);
    Ok(())
}
