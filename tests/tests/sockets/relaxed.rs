//! REQ that gives a request up, and numbers its requests (`ZMQ_REQ_RELAXED`, `ZMQ_REQ_CORRELATE`).

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Hub, Message, Options, Rep, Req, Router};
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::{ANYWHERE, TempDir};
use ironhouse_tests::{Done, Fallible, rt, theirs};
use libzmq_reference as zmq;

fn numbered() -> Options {
    Options::new().req_relaxed(true).req_correlate(true)
}

/// The next request: routing id, number, delimiter, body.
async fn request(router: &Router, body: &str) -> Fallible<Message> {
    let message = rt::in_time(body, router.recv()).await?;
    let [_, number, delimiter, text] = &frames(&message)[..] else { panic!("{message:?}") };
    assert_eq!((number.len(), delimiter.len()), (4, 0), "{message:?}");
    assert_eq!(text, body.as_bytes());
    Ok(message)
}

/// An answer in the envelope of `request`.
fn answer(request: &Message, body: &str) -> Message {
    let mut frames = frames(request);
    frames.pop();
    frames.push(body.into());
    parts(frames)
}

/// As `test_req_correlate` and `test_req_relaxed` of libzmq.
#[test]
fn only_the_answer_with_the_number_of_the_last_request_is_one() -> Done {
    rt::run(async {
        for at in [ANYWHERE, "ipc://*", "inproc://numbers"] {
            let hub = Hub::new();
            let router = Router::new(Options::new().hub(hub.clone()))?;
            let endpoint = router.bind(at).await?;
            let req = Req::new(numbered().hub(hub))?;
            req.connect(&endpoint)?.ready().await?;
            req.send("first").await?;
            let first = request(&router, "first").await?;
            req.send("second").await?;
            let second = request(&router, "second").await?;
            assert_ne!(first.get(1), second.get(1), "{at}");

            router.send(answer(&first, "too late")).await?;
            let id = first.first().to_vec();
            router.send(parts([&id[..], b"", b"no number"])).await?;
            router.send(parts([&id[..], b"abcd", b"", b"wrong number"])).await?;
            router
                .send(parts([&id[..], &second.get(1).expect("a number")[..], b"x", b"y"]))
                .await?;
            router.send(answer(&second, "in time")).await?;
            assert_eq!(rt::in_time(at, req.recv()).await?.first(), "in time", "{at}");
            assert!(matches!(req.try_recv(), Err(RecvError::State { .. })), "{at}");
        }
        Ok(())
    })
}

/// What has arrived is passed over when the request is given up. What is still under way is not told
/// apart from the answer without numbers, as in libzmq.
#[test]
fn a_new_request_gives_the_former_one_up() -> Done {
    rt::run(async {
        let router = Router::new(Options::new())?;
        let req = Req::new(Options::new().req_relaxed(true))?;
        req.connect(router.bind(ANYWHERE).await?)?.ready().await?;
        req.send("first").await?;
        let first = rt::in_time("first", router.recv()).await?;
        router.send(answer(&first, "to the first")).await?;
        rt::in_time("an answer", ironhouse::poll(&[&req], None)).await;
        req.send("second").await?;
        let second = rt::in_time("second", router.recv()).await?;
        router.send(answer(&second, "to the second")).await?;
        assert_eq!(rt::in_time("the answer", req.recv()).await?.first(), "to the second");
        Ok(())
    })
}

/// Although the new request was not sent: there is no answer to wait for any more.
#[test]
fn an_answer_that_was_passed_over_is_not_waited_for() -> Done {
    rt::run(async {
        let hub = Hub::new();
        let options = || Options::new().hub(hub.clone());
        let router = Router::new(options().receive_high_water_mark(1))?;
        router.bind("inproc://full").await?;
        let req = Req::new(options().req_relaxed(true).send_high_water_mark(1))?;
        req.connect("inproc://full")?.ready().await?;
        req.send("first").await?;
        let first = rt::in_time("first", router.recv()).await?;
        while req.try_send("one too many, some time").is_ok() {}
        router.send(answer(&first, "never seen")).await?;
        rt::in_time("an answer", ironhouse::poll(&[&req], None)).await;
        assert_eq!(req.try_send("no room"), Err(SendError::WouldBlock));
        assert_eq!(rt::in_time("the end", req.recv()).await, Err(RecvError::RequestLost));
        Ok(())
    })
}

#[test]
fn requests_with_numbers_are_understood_by_libzmq_and_its_own_by_us() -> Done {
    rt::run(async {
        let directory = TempDir::new();
        for at in [ANYWHERE.to_owned(), directory.ipc("socket")] {
            let context = theirs::context();
            let their_rep = context.socket(zmq::SocketType::Rep)?;
            let req = Req::new(numbered())?;
            req.connect(their_rep.bind(&at)?)?;
            req.send("given up").await?;
            assert_eq!(their_rep.recv()?, b"given up");
            req.send("question").await?;
            their_rep.send("too late", 0)?;
            assert_eq!(their_rep.recv()?, b"question");
            their_rep.send("answer", 0)?;
            assert_eq!(rt::in_time(&at, req.recv()).await?.first(), "answer");

            let rep = Rep::new(Options::new())?;
            let endpoint = rep.bind(ANYWHERE).await?;
            let their_req = context.socket(zmq::SocketType::Req)?;
            their_req.req_correlate(true)?.req_relaxed(true)?;
            their_req.connect(&endpoint.to_string())?;
            their_req.send("given up", 0)?;
            assert_eq!(rt::in_time(&at, rep.recv()).await?.first(), "given up");
            their_req.send("question", 0)?;
            rep.send("too late").await?;
            assert_eq!(rt::in_time(&at, rep.recv()).await?.first(), "question");
            rep.send("answer").await?;
            assert_eq!(their_req.recv()?, b"answer");
        }
        Ok(())
    })
}
