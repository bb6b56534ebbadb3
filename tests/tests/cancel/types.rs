//! Every socket type: sends, receives and waiting for the connection, dropped all the time, over tcp, in
//! the process and encrypted.

use std::sync::atomic::{AtomicUsize, Ordering};

use ironhouse::error::RecvError;
use ironhouse::{
    AnySocket, HighWaterMarks, Message, Options, Security, ServerSecurity, SocketType,
};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, rt, watch};

use crate::{cut, tight};

const MESSAGES: usize = 400;

/// Parts in front of a message.
type Front = &'static [&'static str];

/// Messages in one direction: what the sender puts in front, and what the receiver finds there.
#[derive(Clone, Copy)]
struct Way {
    sent: Front,
    arrives: Front,
}

const PLAIN: Way = Way { sent: &[], arrives: &[] };

/// Who sends to whom; `us` and `them` are their routing ids.
struct Case {
    from: SocketType,
    to: SocketType,
    there: Way,
    /// Each message is answered before the next one.
    back: Option<Way>,
}

const fn stream(from: SocketType, to: SocketType, sent: Front, arrives: Front) -> Case {
    Case { from, to, there: Way { sent, arrives }, back: None }
}

fn cases() -> Vec<Case> {
    use SocketType::{DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, SUB, XPUB, XSUB};
    let answered = |case: Case, back| Case { back: Some(back), ..case };
    vec![
        stream(PUSH, PULL, &[], &[]),
        stream(DEALER, DEALER, &[], &[]),
        stream(DEALER, ROUTER, &[], &["us"]),
        stream(ROUTER, DEALER, &["them"], &[]),
        stream(ROUTER, ROUTER, &["them"], &["us"]),
        stream(PAIR, PAIR, &[], &[]),
        stream(PUB, SUB, &[], &[]),
        stream(PUB, XSUB, &[], &[]),
        stream(XPUB, SUB, &[], &[]),
        stream(XPUB, XSUB, &[], &[]),
        answered(stream(REQ, REP, &[], &[]), PLAIN),
        answered(stream(REQ, ROUTER, &[], &["us", ""]), Way { sent: &["us", ""], arrives: &[] }),
        answered(stream(DEALER, REP, &["a", ""], &[]), Way { sent: &[], arrives: &["a", ""] }),
    ]
}

fn framed(front: Front, number: usize) -> Vec<Vec<u8>> {
    let mut message: Vec<_> = front.iter().map(|part| part.as_bytes().to_vec()).collect();
    message.extend([number.to_string().into_bytes(), Vec::new(), vec![number as u8; 300]]);
    message
}

/// Makes a call again and again until it is done, and counts how often it was dropped before.
macro_rules! insist {
    ($dropped:expr, $call:expr) => {{
        let mut round = 0;
        loop {
            if let Some(output) = cut(round % 5 + 1, $call).await {
                break output;
            }
            $dropped.fetch_add(1, Ordering::Relaxed);
            round += 1;
            tokio::task::yield_now().await;
        }
    }};
}

async fn send(dropped: &AtomicUsize, socket: &AnySocket, front: Front, number: usize) -> Done {
    let message: Message = parts(framed(front, number));
    let sending = async {
        match number % 3 {
            0 => insist!(dropped, socket.send(message.clone())),
            _ => insist!(dropped, socket.send_timeout(message.clone(), rt::LATE)),
        }
    };
    rt::in_time("room", sending).await?;
    Ok(())
}

async fn recv(
    what: &str,
    dropped: &AtomicUsize,
    socket: &AnySocket,
    front: Front,
    number: usize,
) -> Done {
    let receiving = async {
        match number % 3 {
            0 => insist!(dropped, socket.recv()),
            _ => insist!(dropped, socket.recv_timeout(rt::LATE)),
        }
    };
    let message = rt::in_time(what, receiving).await?;
    assert_eq!(frames(&message), framed(front, number), "{what}");
    Ok(())
}

fn options(case: &Case, kind: SocketType, id: &str, security: &Security) -> Options {
    let mut options = tight().security(security.clone());
    if kind.announces_identity() && case.from.announces_identity() {
        options = options.routing_id(id).expect("a short id");
    }
    if kind.publishes() {
        options = options.xpub_nodrop(true);
    }
    options
}

/// Prefixes that a publisher knows of.
fn known(socket: &AnySocket) -> usize {
    match socket {
        AnySocket::Pub(socket) => socket.subscriptions(),
        AnySocket::XPub(socket) => socket.subscriptions(),
        other => panic!("not a publisher: {other:?}"),
    }
}

async fn pass(case: &Case, at: &str, security: &[Security; 2]) -> Done {
    let what = format!("{} to {} at {at}", case.from, case.to);
    let from = AnySocket::new(case.from, options(case, case.from, "us", &security[0]))?;
    let to = AnySocket::new(case.to, options(case, case.to, "them", &security[1]))?;
    if case.from.publishes() {
        to.subscribe("")?;
    }
    let mut events = to.monitor();
    let dropped = AtomicUsize::new(0);
    let endpoint = rt::in_time("a place", async { insist!(dropped, to.bind(at)) }).await?;
    let mut connecting = from.connect(&endpoint)?;
    rt::in_time("READY", async { insist!(dropped, connecting.ready()) }).await?;
    watch::success(&what, &mut events).await;
    if case.from.publishes() {
        rt::until("the subscription", || known(&from) == 1).await;
    }
    let sending = async {
        for number in 0..MESSAGES {
            send(&dropped, &from, case.there.sent, number).await?;
            if let Some(back) = case.back {
                recv(&what, &dropped, &from, back.arrives, number).await?;
            }
        }
        Done::Ok(())
    };
    let receiving = async {
        for number in 0..MESSAGES {
            recv(&what, &dropped, &to, case.there.arrives, number).await?;
            if let Some(back) = case.back {
                send(&dropped, &to, back.sent, number).await?;
            }
        }
        Done::Ok(())
    };
    let (sent, received) = tokio::join!(sending, receiving);
    sent?;
    received?;
    assert_eq!(to.try_recv(), Err(RecvError::WouldBlock), "{what}: one too many");
    assert!(dropped.into_inner() > 100, "{what}: too little was dropped");
    rt::in_time("the end", from.close()).await;
    rt::in_time("the end", to.close()).await;
    Ok(())
}

/// Parts stay together, none is lost and none comes twice; the turns of REQ and REP stay as they are.
// ZMTP-MSG-05, ZMTP-MSG-06, REQREP-REQ-01, REQREP-REP-01
#[test]
fn every_type_over_every_kind_of_connection() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let as_server = ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u"));
    let curve = [Security::curve_client(client.pair(), server.public())?, as_server];
    let null = [Security::null(), Security::null()];
    let cases = cases();
    let mut tries = Vec::new();
    for case in &cases {
        tries.push((case, ANYWHERE.to_owned(), &null));
        tries.push((case, format!("inproc://cancel {} {}", case.from, case.to), &null));
        tries.push((case, ANYWHERE.to_owned(), &curve));
    }
    rt::all_at_once(&tries, |(case, at, security)| rt::run(pass(case, at, security)))
}

/// Sends as much as its type may send without an answer, and closes.
async fn goodbye(case: &Case, polls: usize, at: &str) -> Done {
    let what = format!("{} to {} at {at}, {polls} polls", case.from, case.to);
    let wide = |kind, id| {
        options(case, kind, id, &Security::null()).high_water_marks(HighWaterMarks::default())
    };
    let from = AnySocket::new(case.from, wide(case.from, "us"))?;
    let to = AnySocket::new(case.to, wide(case.to, "them"))?;
    if case.from.publishes() {
        to.subscribe("")?;
    }
    let endpoint = to.bind(at).await?;
    let mut events = to.monitor();
    rt::in_time("READY", from.connect(&endpoint)?.ready()).await?;
    watch::success(&what, &mut events).await;
    if case.from.publishes() {
        rt::until("the subscription", || known(&from) == 1).await;
    }
    let count = if case.from == SocketType::REQ { 1 } else { 200 };
    for number in 0..count {
        rt::in_time(&what, from.send(parts(framed(case.there.sent, number)))).await?;
    }
    let mut monitor = from.monitor();
    let closed = cut(polls, from.close()).await;
    assert!(closed.is_none_or(|given_up| given_up == 0), "{what}: {closed:?}");
    for number in 0..count {
        let message = rt::in_time(&what, to.recv()).await?;
        assert_eq!(frames(&message), framed(case.there.arrives, number), "{what}");
        if case.to == SocketType::REP {
            // Nobody is there any more to take the answer, which makes it the turn of the next question.
            _ = to.send("too late").await;
        }
    }
    rt::in_time("the end", async { while monitor.next().await.is_some() {} }).await;
    rt::in_time("the end", to.close()).await;
    Ok(())
}

/// Closing goes on without whoever waited for it, and all that was sent arrives.
#[test]
fn close_of_every_type() -> Done {
    let cases = cases();
    let mut tries = Vec::new();
    for case in &cases {
        for polls in 1..5 {
            tries.push((case, polls, ANYWHERE.to_owned()));
            let name = format!("inproc://cancel close {} {} {polls}", case.from, case.to);
            tries.push((case, polls, name));
        }
    }
    rt::all_at_once(&tries, |(case, polls, at)| rt::run(goodbye(case, *polls, at)))
}
