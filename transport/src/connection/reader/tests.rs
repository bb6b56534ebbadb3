use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use zmtp_core::SocketType;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::error::ProtocolError;
use zmtp_core::mechanism::null::Null;
use zmtp_core::wire::greeting::{Greeting, MechanismName, Version};

use super::Visit;
use crate::lock::lock;
use crate::{Batch, Endpoint, Engine, EngineOptions, Owner, Pipe, PipeId};

/// A socket that keeps the pipe of its peer, leaves in it what comes, and notes what it hears of that.
#[derive(Debug, Default)]
struct Keeper(Mutex<Option<Arc<Pipe>>>, Mutex<Vec<PipeId>>);

impl Owner for Keeper {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        *lock(&self.0) = Some(pipe.clone());
        Ok(())
    }

    fn lost(&self, _pipe: &Arc<Pipe>, _reconnecting: bool) {}

    fn readable(&self, pipe: &Arc<Pipe>) {
        lock(&self.1).push(pipe.id());
    }

    fn writable(&self, _pipe: &Arc<Pipe>) {}

    fn stopped(&self) {}
}

const A_WHILE: Duration = Duration::from_millis(50);

/// Has the peer say this, and what is woken by it work.
async fn say(peer: &mut TcpStream, octets: &[u8]) {
    peer.write_all(octets).expect("room");
    tokio::time::sleep(A_WHILE).await;
}

/// A peer that has sent a first message, which was taken; and its pipe.
async fn acquainted(engine: &Engine, keeper: &Keeper) -> (Endpoint, TcpStream, Arc<Pipe>) {
    let endpoint: Endpoint = "tcp://127.0.0.1:*".parse().expect("an endpoint");
    let endpoint = engine.bind(&endpoint).await.expect("a port");
    let address = endpoint.to_string().replace("tcp://", "");
    let mut peer = TcpStream::connect(address).expect("the listener");
    let mechanism = MechanismName::new(b"NULL").expect("a name");
    let greeting = Greeting { version: Version::V3_1, mechanism, as_server: false }.encode();
    let ready = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH";
    say(&mut peer, &[&greeting[..], ready, b"\x00\x05first"].concat()).await;
    let pipe = lock(&keeper.0).clone().expect("an established connection");
    let mut batch = Batch::default();
    assert!(pipe.refill(&mut batch), "the first message");
    batch.pop();
    assert!(!pipe.refill(&mut batch), "nothing more");
    (endpoint, peer, pipe)
}

fn visit_for(pipe: &Pipe, batch: &mut Batch) -> Visit {
    pipe.visit(batch, &mut Context::from_waker(Waker::noop()), |_| {})
}

fn visit(pipe: &Pipe) -> (Visit, usize) {
    let mut batch = Batch::default();
    let found = visit_for(pipe, &mut batch);
    (found, batch.len())
}

fn engine() -> (Engine, Arc<Keeper>) {
    let keeper = Arc::new(Keeper::default());
    let config = ConnectionConfig::new(SocketType::PULL, Arc::new(Null));
    (Engine::new(keeper.clone(), Arc::new(config), EngineOptions::default()), keeper)
}

#[tokio::test]
async fn a_visitor_takes_what_comes_until_it_leaves() {
    let (engine, keeper) = engine();
    let (_, mut peer, pipe) = acquainted(&engine, &keeper).await;
    assert_eq!(visit(&pipe), (Visit::Waiting, 0));
    say(&mut peer, b"\x00\x04next\x00\x00").await;
    // The driver was not woken.
    assert_eq!(visit(&pipe), (Visit::Found, 2));
    let mut batch = Batch::default();
    assert!(!pipe.refill(&mut batch), "they are in the visitor's hands");
    assert_eq!(visit(&pipe), (Visit::Waiting, 0));
    pipe.end_visit();
    say(&mut peer, b"\x00\x04last").await;
    assert!(pipe.refill(&mut batch), "the driver is at it again");
    assert_eq!(batch.len(), 1);
}

/// One message is as good as received: nothing has to be said when it was taken, and what follows is announced.
#[tokio::test]
async fn a_message_that_came_alone_is_not_counted() {
    let (engine, keeper) = engine();
    let (_, mut peer, pipe) = acquainted(&engine, &keeper).await;
    let mut alone = Batch::default();
    assert_eq!(visit_for(&pipe, &mut alone), Visit::Waiting);
    say(&mut peer, b"\x00\x04next").await;
    assert_eq!(visit_for(&pipe, &mut alone), Visit::Found);
    assert!(alone.is_alone() && alone.len() == 1);
    // Who has found something is no visitor any more.
    say(&mut peer, b"\x00\x04last").await;
    assert_eq!(lock(&keeper.1).len(), 2, "announced though the other one is still in hand");
    let mut batch = Batch::default();
    assert!(pipe.refill(&mut batch) && !batch.is_alone());
    assert_eq!((alone.pop(), batch.pop()), (Some("next".into()), Some("last".into())));
}

/// What comes behind a message is read, by whomever, only when that message has its place before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_behind_what_was_found_before_it_has_its_place() {
    let (engine, keeper) = engine();
    let (_, mut peer, pipe) = acquainted(&engine, &keeper).await;
    assert_eq!(visit(&pipe), (Visit::Waiting, 0));
    say(&mut peer, b"\x00\x04next").await;
    let mut announced = Vec::new();
    let mut batch = Batch::default();
    let found = pipe.visit(&mut batch, &mut Context::from_waker(Waker::noop()), |batch| {
        assert_eq!(batch.len(), 1);
        peer.write_all(b"\x00\x04last").expect("room");
        std::thread::sleep(A_WHILE);
        announced.push(lock(&keeper.1).len());
    });
    tokio::time::sleep(A_WHILE).await;
    announced.push(lock(&keeper.1).len());
    assert_eq!((found, announced), (Visit::Found, vec![1, 2]));
}

/// A visitor has no memory at hand for more than a little, until it has seen that more comes.
#[tokio::test]
async fn what_is_more_than_a_little_is_read_by_the_driver_once_and_then_by_visitors() {
    let (engine, keeper) = engine();
    let (_, mut peer, pipe) = acquainted(&engine, &keeper).await;
    let message = [&[0, 250][..], &[7; 250], &[0, 250], &[8; 250], &[0, 250], &[9; 250]].concat();
    let mut found = Vec::new();
    for _ in 0..3 {
        assert_eq!(visit(&pipe), (Visit::Waiting, 0));
        say(&mut peer, &message).await;
        let visited = visit(&pipe);
        tokio::time::sleep(A_WHILE).await;
        let mut batch = Batch::default();
        let rest = pipe.refill(&mut batch).then_some(batch.len());
        found.push((visited, rest));
        assert!(!pipe.refill(&mut Batch::default()));
    }
    // Of the first, what is whole in 512 octets.
    let all = ((Visit::Found, 3), None);
    assert_eq!(found, [((Visit::Found, 2), Some(1)), all, all]);
}

/// What a peer sent before it was put out, and nobody has read, stays unread: there may be a reason.
#[tokio::test]
async fn a_visitor_reads_nothing_of_a_connection_that_was_stopped() {
    let (engine, keeper) = engine();
    let (endpoint, mut peer, pipe) = acquainted(&engine, &keeper).await;
    assert_eq!(visit(&pipe), (Visit::Waiting, 0));
    say(&mut peer, b"\x00\x04next").await;
    // The driver has no turn between these two.
    engine.release(&endpoint).expect("it is bound");
    assert_eq!(visit(&pipe), (Visit::Declined, 0));
    assert_eq!(pipe.glance(&mut Batch::default(), |_| {}), Visit::Declined);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(visit(&pipe), (Visit::Declined, 0));
}

/// So many messages, each of a kilobyte.
fn kilobytes(count: usize) -> Vec<u8> {
    [&b"\x02\0\0\0\0\0\0\x03\xe8"[..], &[7; 1000]].concat().repeat(count)
}

/// A peer of which not only a little comes, and somebody who waits for that.
async fn talkative() -> (Engine, Arc<Keeper>, TcpStream, Arc<Pipe>, Batch) {
    let (engine, keeper) = engine();
    let (_, mut peer, pipe) = acquainted(&engine, &keeper).await;
    let mut batch = Batch::default();
    say(&mut peer, &kilobytes(1)).await;
    assert!(pipe.refill(&mut batch), "the driver has read it");
    use_up(&pipe, &mut batch);
    assert_eq!(visit_for(&pipe, &mut batch), Visit::Waiting);
    (engine, keeper, peer, pipe, batch)
}

/// Much has come, and a visitor has found the begin of it.
async fn much(messages: usize) -> (Engine, Arc<Keeper>, TcpStream, Arc<Pipe>, Batch) {
    let (engine, keeper, mut peer, pipe, mut batch) = talkative().await;
    say(&mut peer, &kilobytes(messages)).await;
    assert_eq!(visit_for(&pipe, &mut batch), Visit::Found);
    assert_eq!(batch.len(), 8, "a first read is small");
    (engine, keeper, peer, pipe, batch)
}

/// What the receiver holds was used up, and there is nothing behind it.
fn use_up(pipe: &Pipe, batch: &mut Batch) {
    while batch.pop().is_some() {}
    assert!(!pipe.refill(batch), "nobody else reads");
}

#[tokio::test]
async fn who_finds_much_reads_on_when_it_is_back() {
    let (_engine, _, mut peer, pipe, mut batch) = much(100).await;
    use_up(&pipe, &mut batch);
    assert_eq!((visit_for(&pipe, &mut batch), batch.len()), (Visit::Found, 92));
    use_up(&pipe, &mut batch);
    assert_eq!(visit_for(&pipe, &mut batch), Visit::Waiting);
    // Who waits for longer is not waited for: the driver reads, and tells.
    tokio::time::sleep(A_WHILE).await;
    say(&mut peer, &kilobytes(3)).await;
    assert!(pipe.refill(&mut batch) && batch.len() == 3);
}

/// Who looks again and again is not waited for in vain.
#[tokio::test]
async fn who_finds_much_reads_on_without_waiting() {
    let (_engine, _, mut peer, pipe, mut batch) = much(100).await;
    use_up(&pipe, &mut batch);
    assert_eq!((pipe.glance(&mut batch, |_| {}), batch.len()), (Visit::Found, 92));
    use_up(&pipe, &mut batch);
    assert_eq!(pipe.glance(&mut batch, |_| {}), Visit::Waiting);
    say(&mut peer, &kilobytes(3)).await;
    assert!(pipe.refill(&mut batch) && batch.len() == 3, "the driver has, after a while");
}

#[tokio::test]
async fn the_driver_reads_on_when_who_found_much_stays_away() {
    let (_engine, _, _peer, pipe, mut batch) = much(100).await;
    tokio::time::sleep(A_WHILE).await;
    while batch.pop().is_some() {}
    assert!(pipe.refill(&mut batch), "the driver was there");
    assert_eq!(batch.len(), 92);
}

/// The mark is a thousand messages, and a receiver takes half of that at a time.
#[tokio::test]
async fn a_share_of_what_was_read_waits_for_the_next_visit() {
    let (_engine, _, mut peer, pipe, mut batch) = talkative().await;
    let mut found = Vec::new();
    say(&mut peer, &b"\0\x0asmall body".repeat(4000)).await;
    for _ in 0..3 {
        assert_eq!(visit_for(&pipe, &mut batch), Visit::Found);
        found.push(batch.len());
        use_up(&pipe, &mut batch);
    }
    // Of 8 KiB and of the rest.
    assert_eq!(found, [500, 182, 500]);
    // Well within the term.
    pipe.end_visit();
    tokio::task::yield_now().await;
    assert!(pipe.refill(&mut batch), "the driver has the rest");
}

#[tokio::test]
async fn a_visitor_reads_long_messages_to_where_they_stay() {
    let (_engine, _, mut peer, pipe, mut batch) = talkative().await;
    let long = [&b"\x02\0\0\0\0\0\x03\x0d\x40"[..], &[7; 200_000]].concat();
    for _ in 0..2 {
        say(&mut peer, &long[..100_000]).await;
        assert_eq!(visit_for(&pipe, &mut batch), Visit::Waiting, "it is not whole");
        say(&mut peer, &long[100_000..]).await;
        assert_eq!(visit_for(&pipe, &mut batch), Visit::Found);
        assert_eq!(batch.pop().map(|message| message.octets()), Some(200_000));
        use_up(&pipe, &mut batch);
        assert_eq!(visit_for(&pipe, &mut batch), Visit::Waiting);
    }
}

#[tokio::test]
async fn a_command_among_much_is_for_the_driver() {
    let (_engine, _, mut peer, pipe, mut batch) = much(20).await;
    use_up(&pipe, &mut batch);
    assert_eq!((visit_for(&pipe, &mut batch), batch.len()), (Visit::Found, 12));
    use_up(&pipe, &mut batch);
    assert_eq!(visit_for(&pipe, &mut batch), Visit::Waiting);
    let ping = b"\x04\x0a\x04PING\0\0abc";
    peer.write_all(&[&kilobytes(9)[..], ping, &kilobytes(2)].concat()).expect("room");
    tokio::task::yield_now().await;
    assert_eq!((visit_for(&pipe, &mut batch), batch.len()), (Visit::Found, 9));
    use_up(&pipe, &mut batch);
    assert_eq!(visit_for(&pipe, &mut batch), Visit::Declined);
    tokio::time::sleep(A_WHILE).await;
    assert!(pipe.refill(&mut batch) && batch.len() == 2);
    let mut answer = [0; 256];
    let count = peer.read(&mut answer).expect("an answer");
    assert!(answer[..count].ends_with(b"\x04\x08\x04PONGabc"), "{:?}", &answer[..count]);
}
