//! The blocking face: the same sockets for threads that have no runtime.

mod types;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ironhouse::blocking::{
    self, Dealer, Pair, Pull, Push, ReadyError, Rep, Req, Router, Sub, XPub,
};
use ironhouse::error::{RecvError, SendError};
use ironhouse::{Event, Message, Observation, Options, SocketType};
use ironhouse_tests::ours::frames;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt, theirs};
use libzmq_reference as zmq;

/// More than anything takes that works.
const LATE: Duration = rt::LATE;
/// What is waited for in vain.
const SHORT: Duration = Duration::from_millis(60);

fn pipeline() -> Fallible<(Push, Pull)> {
    let pull = Pull::new(Options::new())?;
    let endpoint = pull.bind(ANYWHERE)?;
    let push = Push::new(Options::new())?;
    push.connect(&endpoint)?.ready_timeout(LATE)?;
    Ok((push, pull))
}

// ZMTP-MSG-06
#[test]
fn a_pipeline_between_two_threads() -> Done {
    const COUNT: u32 = 20_000;
    let (push, pull) = pipeline()?;
    let sender = thread::spawn(move || {
        (0..COUNT).try_for_each(|at| push.send((at.to_be_bytes().to_vec(), "")))
    });
    for (at, message) in (0..COUNT).zip(pull.messages()) {
        let message = message?;
        assert_eq!(message.first(), &at.to_be_bytes());
        assert_eq!(message.len(), 2);
        assert!(message.peer_address().is_some());
    }
    sender.join().expect("the sender")?;
    assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
    assert_eq!(pull.close(), 0);
    Ok(())
}

/// Who has waited does the input and output no longer when it works on something else: somebody else does.
#[test]
fn what_was_sent_leaves_while_the_thread_works_on_something_else() -> Done {
    let (rep, req) = (Rep::new(Options::new())?, ironhouse::Req::new(Options::new())?);
    let endpoint = rep.bind(ANYWHERE)?;
    let (answered, answers) = std::sync::mpsc::channel();
    // A runtime of its own, which brings nothing forward here.
    let asking = thread::spawn(move || -> Done {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            req.connect(&endpoint)?;
            for _ in 0..5 {
                req.send("question").await?;
                answered.send(req.recv().await?)?;
            }
            Ok(())
        })
    });
    for _ in 0..5 {
        assert_eq!(rep.recv_timeout(LATE)?.first(), "question");
        rep.send("answer")?;
        // No call of a blocking socket waits meanwhile.
        assert_eq!(answers.recv_timeout(LATE)?.first(), "answer");
    }
    asking.join().expect("the one that asks")
}

/// Behind much traffic another thread does the input and output, while this one waits in whatever call.
#[test]
fn all_calls_work_behind_much_traffic() -> Done {
    const BODY: [u8; 1000] = [7; 1000];
    let (push, pull) = pipeline()?;
    // No call waits: the mark is higher.
    let fill = |push: &Push| (0..200).try_for_each(|_| push.send(&BODY));
    let drain = || -> Done {
        for _ in 0..200 {
            assert_eq!(pull.recv_timeout(LATE)?.first(), &BODY);
        }
        Ok(())
    };
    fill(&push)?;
    let endpoint = pull.bind(ANYWHERE)?;
    drain()?;
    fill(&push)?;
    push.connect(&endpoint)?.ready_timeout(LATE)?;
    drain()?;
    assert_eq!(pull.recv_timeout(SHORT), Err(RecvError::TimedOut));
    fill(&push)?;
    assert_eq!(blocking::poll(&[&pull], Some(LATE)), [0]);
    drain()?;
    fill(&push)?;
    assert_eq!(push.close(), 0);
    drain()?;
    let push = Push::new(Options::new())?;
    push.connect(&endpoint)?;
    fill(&push)?;
    // Dropped at once, it waits until all of it has left.
    drop(push);
    drain()?;
    assert_eq!(pull.close(), 0);
    Ok(())
}

/// Whichever thread does the input and output, and leaves with its message, the others get theirs.
#[test]
fn many_threads_wait_and_each_is_served() -> Done {
    let (router, port) = (Router::new(Options::new())?, ANYWHERE);
    let endpoint = router.bind(port)?;
    let clients: Vec<_> = (0..8_u32)
        .map(|client| {
            let endpoint = endpoint.clone();
            thread::spawn(move || -> Result<(), String> {
                let dealer = Dealer::new(Options::new()).map_err(|error| error.to_string())?;
                dealer.connect(&endpoint).map_err(|error| error.to_string())?;
                for round in 0..50_u32 {
                    let asked = (client * 1000 + round).to_be_bytes();
                    dealer.send(&asked).map_err(|error| error.to_string())?;
                    // Sometimes it looks away for as long as whoever drives in between takes to notice.
                    if round % 10 == client {
                        thread::sleep(Duration::from_millis(1));
                    }
                    let answer = dealer.recv_timeout(LATE).map_err(|error| error.to_string())?;
                    assert_eq!(answer.first(), &asked);
                }
                Ok(())
            })
        })
        .collect();
    for _ in 0..8 * 50 {
        let question = router.recv_timeout(LATE)?;
        router.send(question)?;
    }
    for client in clients {
        client.join().expect("a client")?;
    }
    Ok(())
}

// REQREP-REQ-01, REQREP-REP-01, REQREP-ROUTER-01, REQREP-ROUTER-02
#[test]
fn questions_and_answers() -> Done {
    let (rep, router) = (Rep::new(Options::new())?, Router::new(Options::new())?);
    let (req, dealer) = (Req::new(Options::new())?, Dealer::new(Options::new())?);
    req.connect(rep.bind("inproc://blocking-questions")?)?.ready()?;
    dealer.connect(router.bind(ANYWHERE)?)?.ready()?;

    assert!(matches!(req.recv(), Err(RecvError::State { .. })));
    req.send("question")?;
    assert_eq!(rep.recv_timeout(LATE)?.first(), "question");
    rep.send("answer")?;
    assert_eq!(req.recv()?.first(), "answer");

    dealer.send("out")?;
    let message = router.recv()?;
    let id = message.first().clone();
    router.send((id, "back"))?;
    assert_eq!(dealer.recv()?.first(), "back");
    Ok(())
}

// PUBSUB-WIRE-01, PUBSUB-WIRE-09, PUBSUB-XPUB-01, EXPAIR-02
#[test]
fn the_other_types() -> Done {
    let (publisher, sub) = (XPub::new(Options::new())?, Sub::new(Options::new())?);
    sub.subscribe("a");
    sub.connect(publisher.bind(ANYWHERE)?)?.ready()?;
    assert_eq!(publisher.recv_timeout(LATE)?.first(), b"\x01a");
    publisher.send("b is not asked for")?;
    publisher.send("a is")?;
    assert_eq!(sub.recv_timeout(LATE)?.first(), "a is");
    assert!(sub.unsubscribe("a"));
    assert!(!sub.unsubscribe("a"));

    let (one, two) = (Pair::new(Options::new())?, Pair::new(Options::new())?);
    two.connect(one.bind("inproc://blocking-pair")?)?.ready()?;
    one.send("to two")?;
    two.send("to one")?;
    assert_eq!(one.recv_timeout(LATE)?.first(), "to one");
    assert_eq!(two.recv_timeout(LATE)?.first(), "to two");
    Ok(())
}

#[test]
fn with_libzmq_on_the_other_side() -> Done {
    let context = theirs::context();
    let theirs = context.socket(zmq::SocketType::Dealer)?;
    let ours = Dealer::new(Options::new())?;
    ours.connect(theirs.bind(ANYWHERE)?)?.ready_timeout(LATE)?;
    for at in 0..1000 {
        ours.send((format!("{at}"), "ours"))?;
        assert_eq!(theirs.recv_multipart()?, [format!("{at}").as_bytes(), b"ours"]);
        theirs.send_multipart([format!("{at}").as_bytes(), b"theirs"])?;
        assert_eq!(frames(&ours.recv_timeout(LATE)?), [format!("{at}").as_bytes(), b"theirs"]);
    }
    Ok(())
}

// REQREP-DEALER-07, PIPELINE-PUSH-04
#[test]
fn waiting_has_an_end() -> Done {
    let begin = Instant::now();
    let pull = Pull::new(Options::new().recv_timeout(SHORT))?;
    assert_eq!(pull.recv(), Err(RecvError::TimedOut));
    assert_eq!(pull.recv_timeout(SHORT), Err(RecvError::TimedOut));
    assert_eq!(pull.recv_timeout(Duration::ZERO), Err(RecvError::TimedOut));
    assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));

    let options = Options::new().send_timeout(SHORT).linger(Duration::ZERO);
    let push = Push::new(options.send_high_water_mark(2))?;
    assert_eq!(push.send("nobody is there"), Err(SendError::TimedOut));
    let mut connecting = push.connect("inproc://blocking-nobody")?;
    assert_eq!(connecting.ready_timeout(SHORT), Err(ReadyError::TimedOut));
    push.send("one waits")?;
    push.send("two wait")?;
    assert_eq!(push.send("three do not"), Err(SendError::TimedOut));
    assert_eq!(push.send_timeout("nor four", SHORT), Err(SendError::TimedOut));
    assert_eq!(push.try_send("nor five"), Err(SendError::WouldBlock));
    assert!(begin.elapsed() >= 6 * SHORT);

    let server = Pull::new(Options::new())?;
    server.bind("inproc://blocking-nobody")?;
    connecting.ready_timeout(LATE)?;
    assert_eq!(server.recv_timeout(LATE)?.first(), "one waits");
    assert_eq!(server.recv_timeout(LATE)?.first(), "two wait");
    assert_eq!(server.recv_timeout(SHORT), Err(RecvError::TimedOut), "what timed out was not sent");
    Ok(())
}

#[test]
fn a_sleeping_receiver_is_woken() -> Done {
    let (push, pull) = pipeline()?;
    let receiver = thread::spawn(move || pull.recv());
    thread::sleep(SHORT);
    push.send("good morning")?;
    assert_eq!(receiver.join().expect("the receiver")?.first(), "good morning");
    Ok(())
}

// ZMTP-MSG-05: each message once, and nobody sleeps while there is one.
#[test]
fn threads_share_a_socket() -> Done {
    const EACH: usize = 3_000;
    let (push, pull) = pipeline()?;
    let (push, pull) = (Arc::new(push), Arc::new(pull));
    let senders: Vec<_> = (0..3)
        .map(|who| {
            let push = push.clone();
            thread::spawn(move || (0..EACH).try_for_each(|at| push.send(format!("{who} {at}"))))
        })
        .collect();
    let receivers: Vec<_> = (0..3)
        .map(|_| {
            let pull = pull.clone();
            thread::spawn(move || {
                let next = || pull.recv_timeout(LATE).map(|message| message.first().to_vec());
                (0..EACH).map(|_| next()).collect::<Result<Vec<_>, _>>()
            })
        })
        .collect();
    for sender in senders {
        sender.join().expect("a sender")?;
    }
    let mut all = Vec::new();
    for receiver in receivers {
        all.extend(receiver.join().expect("a receiver")?);
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3 * EACH);
    Ok(())
}

/// Two receivers sleep, two messages come one after the other from one peer, and nobody calls again.
#[test]
fn each_message_wakes_a_receiver() -> Done {
    let (push, pull) = pipeline()?;
    let pull = Arc::new(pull);
    for _ in 0..20 {
        let receivers: Vec<_> = (0..2)
            .map(|_| {
                let pull = pull.clone();
                thread::spawn(move || pull.recv_timeout(LATE))
            })
            .collect();
        push.send("one")?;
        thread::sleep(Duration::from_millis(2));
        push.send("two")?;
        for receiver in receivers {
            receiver.join().expect("a receiver")?;
        }
    }
    Ok(())
}

#[test]
fn dropping_waits_for_what_is_to_be_sent() -> Done {
    const COUNT: usize = 500;
    let context = theirs::context();
    let pull = context.socket(zmq::SocketType::Pull)?;
    let endpoint = pull.bind(ANYWHERE)?;
    {
        let push = Push::new(Options::new())?;
        push.connect(&endpoint)?;
        (0..COUNT).try_for_each(|_| push.send(vec![1; 10_000]))?;
    }
    for _ in 0..COUNT {
        assert_eq!(pull.recv()?.len(), 10_000);
    }
    Ok(())
}

/// The thread that would send in the background may end with the process.
#[test]
fn dropping_lasts_as_long_as_it_lingers() -> Done {
    let unsent = || {
        let push = Push::new(Options::new().linger(SHORT))?;
        push.connect("inproc://blocking-lingers")?;
        push.send("never")?;
        Fallible::Ok((push, Instant::now()))
    };
    let (push, begin) = unsent()?;
    drop(push);
    assert!(begin.elapsed() >= SHORT, "it waited {:?}", begin.elapsed());

    rt::run_on_one_thread(async {
        let (push, begin) = unsent()?;
        let mut monitor = push.as_async().monitor();
        drop(push);
        assert!(begin.elapsed() < SHORT, "tasks wait for this thread");
        rt::in_time("the end", async { while monitor.next().await.is_some() {} }).await;
        Ok(())
    })
}

#[test]
fn closing_counts_what_was_given_up() -> Done {
    let push = Push::new(Options::new().linger(SHORT))?;
    push.connect("inproc://blocking-given-up")?;
    push.send("one")?;
    push.send("two")?;
    assert_eq!(push.close(), 2);
    Ok(())
}

#[test]
fn a_monitor_is_an_iterator() -> Done {
    let (push, pull) = (Push::new(Options::new())?, Pull::new(Options::new())?);
    let mut monitor = pull.monitor();
    assert_eq!(monitor.next_timeout(SHORT), None);
    let endpoint = pull.bind("inproc://blocking-monitor")?;
    push.connect(&endpoint)?.ready()?;
    assert_eq!(monitor.next(), Some(Observation::Event(Event::Listening { endpoint })));
    drop((push, pull));
    let rest: Vec<_> = monitor.collect();
    let up = |it: &&Observation| matches!(it, Observation::Event(Event::HandshakeSucceeded { .. }));
    assert_eq!(rest.iter().filter(up).count(), 1, "{rest:?}");
    Ok(())
}

#[test]
fn errors_name_the_endpoint() -> Done {
    let (one, two) = (Pull::new(Options::new())?, Pull::new(Options::new())?);
    let endpoint = one.bind(ANYWHERE)?;
    let error = two.bind(&endpoint).expect_err("it is taken").to_string();
    assert!(error.contains("127.0.0.1"), "{error}");
    assert!(two.bind("nonsense").is_err());
    one.unbind(&endpoint)?;
    assert!(one.unbind(&endpoint).is_err());
    Ok(())
}

#[test]
fn any_type_at_run_time() -> Done {
    let push = blocking::AnySocket::of_type(SocketType::PUSH, Options::new())?;
    let pull = blocking::AnySocket::of_type(SocketType::PULL, Options::new())?;
    push.connect(pull.bind(ANYWHERE)?)?.ready()?;
    push.send("hello")?;
    assert_eq!(pull.recv()?.first(), "hello");
    assert!(matches!(pull.send("no"), Err(SendError::Unsupported(_))));
    assert!(matches!(push.recv(), Err(RecvError::Unsupported(_))));
    Ok(())
}

#[test]
fn poll_tells_which_socket_is_readable() -> Done {
    let (push, pull) = pipeline()?;
    let (push_2, pull_2) = pipeline()?;
    let begin = Instant::now();
    assert!(blocking::poll(&[&pull, &pull_2], Some(SHORT)).is_empty());
    assert!(begin.elapsed() >= SHORT);

    let late = thread::spawn(move || {
        thread::sleep(SHORT);
        push_2.send("late").map(|()| push_2)
    });
    assert_eq!(blocking::poll(&[&pull, &pull_2], None), [1]);
    assert_eq!(blocking::poll(&[&pull, &pull_2], Some(Duration::ZERO)), [1], "it was not taken");
    let _push_2 = late.join().expect("the sender")?;
    push.send("both")?;
    while blocking::poll(&[&pull, &pull_2], None) != [0, 1] {}
    assert_eq!(pull.try_recv()?.first(), "both");
    assert_eq!(pull_2.try_recv()?.first(), "late");
    assert!(blocking::poll(&[&pull, &pull_2], Some(Duration::ZERO)).is_empty());
    Ok(())
}

#[test]
fn both_faces_of_one_socket() -> Done {
    let (push, pull) = pipeline()?;
    rt::run(async {
        let (push, pull) = (push.into_async(), pull.into_async());
        push.send("asynchronous").await?;
        assert_eq!(rt::in_time("a message", pull.recv()).await?.first(), "asynchronous");
        let pull = blocking::Socket::from_async(pull)?;
        push.send("blocking").await?;
        assert_eq!(pull.recv_timeout(LATE)?.first(), "blocking");
        drop(pull);
        assert_eq!(rt::in_time("the end", push.close()).await, 0);
        Ok(())
    })
}

/// Each call, on the only thread of another runtime.
#[test]
fn within_a_runtime_nothing_panics_or_hangs() -> Done {
    rt::run_on_one_thread(async {
        let (push, pull) = pipeline()?;
        for at in 0..1000 {
            push.send(format!("{at}"))?;
            assert_eq!(pull.recv()?.first(), format!("{at}").as_bytes());
        }
        assert_eq!(blocking::poll(&[&pull], Some(SHORT)), [0; 0]);
        assert_eq!(pull.recv_timeout(SHORT), Err(RecvError::TimedOut));
        let monitor = pull.monitor();
        drop(pull);
        assert_eq!(push.close(), 0);
        drop(monitor);
        Ok(())
    })
}

#[test]
fn asynchronous_sockets_need_no_runtime_to_wait() -> Done {
    let (push, pull) = pipeline()?;
    // Driven by an executor that knows nothing of tokio; the limit needs a clock nevertheless.
    let recv = pull.as_async().recv_timeout(SHORT);
    assert_eq!(futures_util::FutureExt::now_or_never(recv), None);
    push.send("soon")?;
    let message: Message = pull.recv_timeout(LATE)?;
    assert_eq!(message.first(), "soon");
    Ok(())
}
