//! `proxy`: devices, copies, and security per side.

mod support;

use std::time::Duration;

use libzmq_reference::{Context, SocketType};
use support::{Background, Place, endpoint_in, run};

const ANY: &str = "tcp://127.0.0.1:*";

/// A proxy, and where its sides listen.
struct Device {
    proxy: Background,
    front: String,
    back: String,
}

impl Device {
    fn start(front: &str, back: &str, flags: &[&str]) -> Self {
        let (front, back) = (format!("{front}={ANY}"), format!("{back}={ANY}"));
        let begin = ["proxy", "--frontend", &front, "--backend", &back];
        let proxy = Background::start(&[&begin[..], flags].concat());
        let front = endpoint_in(&proxy.prints(&["frontend", "listening"]));
        let back = endpoint_in(&proxy.prints(&["backend", "listening"]));
        Self { proxy, front, back }
    }
}

#[test]
fn requests_reach_a_worker_and_answers_come_back() {
    let device = Device::start("router", "dealer", &["--json"]);
    let context = Context::new();
    let worker = context.socket(SocketType::Rep).unwrap();
    worker.linger(0).unwrap().connect(&device.back).unwrap();
    let worker = std::thread::spawn(move || {
        for _ in 0..2 {
            let question = worker.recv().unwrap();
            worker.send([b"re: ", &question[..]].concat(), 0).unwrap();
        }
        // Answers are on their way when the socket is closed: not before somebody has them.
        worker
    });
    let asked = run(&["request", "--connect", &device.front, "one", "two"]).exits(0);
    assert_eq!(asked.out, "re: one\nre: two\n");
    drop(worker.join().unwrap());
    #[cfg(unix)]
    {
        device.proxy.interrupt();
        let told = device.proxy.ends().exits(0);
        let told: serde_json::Value =
            serde_json::from_str(told.out.lines().last().unwrap()).unwrap();
        let received = |side: &str| told[side]["received"].as_u64();
        assert_eq!((received("frontend"), received("backend")), (Some(2), Some(2)));
    }
}

#[test]
fn publications_go_on_and_subscriptions_go_back() {
    let device = Device::start("xsub", "xpub", &[]);
    let subscribe = ["recv", "--type", "sub", "--subscribe", "b", "--count", "1"];
    let subscriber = Background::start(&[&subscribe[..], &["--connect", &device.back]].concat());
    // It sends as soon as the subscription has come through.
    run(&["send", "--type", "pub", "--connect", &device.front, "a", "b"]).exits(0);
    assert_eq!(subscriber.ends().exits(0).out, "b\n");
}

#[test]
fn work_goes_on_and_copies_are_to_be_had() {
    let device = Device::start("pull", "push", &["--capture", ANY]);
    let capture = endpoint_in(&device.proxy.prints(&["capture", "listening"]));
    let context = Context::new();
    let watcher = context.socket(SocketType::Sub).unwrap();
    watcher.subscribe("").unwrap().connect(&capture).unwrap();
    device.proxy.logs(&["capture", "serving"]);
    let worker = Background::start(&["recv", "--type", "pull", "--connect", &device.back]);
    // Nobody tells when the subscription has arrived: work is sent until a copy of it comes.
    loop {
        run(&["send", "--type", "push", "--connect", &device.front, "work"]).exits(0);
        worker.prints(&["work"]);
        if watcher.poll_in(Duration::from_millis(100)).unwrap() {
            assert_eq!(watcher.recv().unwrap(), b"work");
            return;
        }
    }
}

#[test]
fn a_side_may_connect_and_wait_for_its_peer() {
    let place = Place::new("proxy-connects");
    let at = format!("ipc://{}", place.path("later"));
    let front = format!("pull={ANY}");
    let back = format!("push={at}");
    let proxy = ["proxy", "--frontend", &front, "--backend", &back, "--backend-connect"];
    let proxy = Background::start(&proxy);
    let front = endpoint_in(&proxy.prints(&["frontend", "listening"]));
    proxy.logs(&["backend", "trying again"]);
    let worker = Background::start(&["recv", "--type", "pull", "--bind", &at, "--count", "1"]);
    run(&["send", "--type", "push", "--connect", &front, "work"]).exits(0);
    assert_eq!(worker.ends().exits(0).out, "work\n");
}

/// Clients in front must have a key that the proxy knows; behind, the proxy shows its own.
#[test]
fn each_side_has_its_security() {
    let place = Place::new("proxy-curve");
    let (front_key, front_secret) = place.keys("front");
    let (back_key, back_secret) = place.keys("back");
    let (_, alice_secret) = place.keys("alice");
    let (_, mallory_secret) = place.keys("mallory");
    let clients = place.authorized("clients", &["alice"]);
    let workers = place.authorized("workers", &["back"]);
    let (worker_key, worker_secret) = place.keys("worker");
    let worker = ["recv", "--type", "pull", "--bind", ANY, "--curve-secret", &worker_secret];
    let worker = Background::start(&[&worker[..], &["--authorized-keys", &workers]].concat());
    let (front, back) = (format!("pull={ANY}"), format!("push={}", worker.endpoint()));
    let sides = ["proxy", "--frontend", &front, "--backend", &back, "--backend-connect"];
    let front_flags =
        ["--frontend-curve-secret", &front_secret, "--frontend-authorized-keys", &clients];
    let back_flags = ["--backend-curve-secret", &back_secret, "--backend-server-key", &worker_key];
    let proxy = Background::start(&[&sides[..], &front_flags, &back_flags].concat());
    let front = endpoint_in(&proxy.prints(&["frontend", "listening"]));

    let push = |secret: &str| {
        let push = ["send", "--type", "push", "--connect", &front, "work"];
        run(&[&push[..], &["--server-key", &front_key, "--curve-secret", secret]].concat())
    };
    push(&mallory_secret).exits(3).says("400");
    proxy.logs(&["frontend", "refused", "400"]);
    push(&alice_secret).exits(0);
    worker.prints(&["work"]);

    // Behind, a worker that does not know the proxy ends it: it has no other.
    let back_flags = ["--backend-curve-secret", &back_secret, "--backend-server-key", &back_key];
    let misled = Background::start(&[&sides[..], &back_flags].concat());
    misled.logs(&["backend", "refused", "WELCOME"]);
    let back_flags =
        ["--backend-curve-secret", &mallory_secret, "--backend-server-key", &worker_key];
    let stranger = Background::start(&[&sides[..], &back_flags].concat());
    let front = endpoint_in(&stranger.prints(&["frontend", "listening"]));
    let push = ["send", "--type", "push", "--connect", &front, "work", "--timeout", "60"];
    // What it takes for the proxy to find out is one message, which it cannot pass on.
    let _push = Background::start(&push);
    stranger.ends().exits(3).says("status 400");
}

#[test]
fn what_cannot_be_proxied_is_refused() {
    let place = Place::new("proxy-usage");
    let (_, secret) = place.keys("server");
    let refused = |front: &str, back: &str, flags: &[&str]| {
        let begin = ["proxy", "--frontend", front, "--backend", back];
        run(&[&begin[..], flags].concat()).exits(2)
    };
    let pull = &format!("pull={ANY}");
    let push = &format!("push={ANY}");
    refused(&format!("rep={ANY}"), pull, &[]).says("use router");
    refused(&format!("req={ANY}"), pull, &[]).says("use dealer");
    refused(pull, pull, &[]).says("nothing can pass");
    refused("pull", push, &[]).says("TYPE=ENDPOINT");
    refused("pull=nowhere", push, &[]).says("://");
    refused(pull, "spinner=tcp://*:1", &[]).says("REQ, REP");
    refused(pull, push, &["--frontend-connect"]).says("needs the port");
    refused(pull, push, &["--backend-allow-any-client"]).says("--backend-curve-secret");
    refused(pull, push, &["--capture-allow", "loopback"]).says("no --capture");
    // Copies of what is secret are not for everybody.
    let flags = ["--frontend-curve-secret", &secret, "--frontend-allow-any-client"];
    let open = [&flags[..], &["--capture", "tcp://*:*"]].concat();
    refused(pull, push, &open).says("open to everybody").says("--capture-authorized-keys");
}
