use std::io::Write;
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
use crate::{Batch, Endpoint, Engine, EngineOptions, Owner, Pipe};

/// A socket that keeps the pipe of its peer, and leaves in it what comes.
#[derive(Debug, Default)]
struct Keeper(Mutex<Option<Arc<Pipe>>>);

impl Owner for Keeper {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn established(&self, pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        *lock(&self.0) = Some(pipe.clone());
        Ok(())
    }

    fn lost(&self, _pipe: &Arc<Pipe>, _reconnecting: bool) {}

    fn readable(&self, _pipe: &Arc<Pipe>) {}

    fn writable(&self, _pipe: &Arc<Pipe>) {}

    fn stopped(&self) {}
}

const A_WHILE: Duration = Duration::from_millis(50);

/// A peer that has sent a first message, which was taken; and its pipe.
async fn acquainted(engine: &Engine, keeper: &Keeper) -> (Endpoint, TcpStream, Arc<Pipe>) {
    let endpoint: Endpoint = "tcp://127.0.0.1:*".parse().expect("an endpoint");
    let endpoint = engine.bind(&endpoint).await.expect("a port");
    let address = endpoint.to_string().replace("tcp://", "");
    let mut peer = TcpStream::connect(address).expect("the listener");
    let mechanism = MechanismName::new(b"NULL").expect("a name");
    let greeting = Greeting { version: Version::V3_1, mechanism, as_server: false }.encode();
    let ready = b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH";
    peer.write_all(&[&greeting[..], ready, b"\x00\x05first"].concat()).expect("room");
    tokio::time::sleep(A_WHILE).await;
    let pipe = lock(&keeper.0).clone().expect("an established connection");
    let mut batch = Batch::default();
    assert!(pipe.refill(&mut batch), "the first message");
    batch.pop();
    assert!(!pipe.refill(&mut batch), "nothing more");
    (endpoint, peer, pipe)
}

fn visit(pipe: &Pipe) -> (Visit, usize) {
    let mut batch = Batch::default();
    let found = pipe.visit(&mut batch, &mut Context::from_waker(Waker::noop()));
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
    peer.write_all(b"\x00\x04next\x00\x00").expect("room");
    tokio::time::sleep(A_WHILE).await;
    // The driver was not woken.
    assert_eq!(visit(&pipe), (Visit::Found, 2));
    let mut batch = Batch::default();
    assert!(!pipe.refill(&mut batch), "they are in the visitor's hands");
    assert_eq!(visit(&pipe), (Visit::Waiting, 0));
    pipe.end_visit();
    peer.write_all(b"\x00\x04last").expect("room");
    tokio::time::sleep(A_WHILE).await;
    assert!(pipe.refill(&mut batch), "the driver is at it again");
    assert_eq!(batch.len(), 1);
}

/// What a peer sent before it was put out, and nobody has read, stays unread: there may be a reason.
#[tokio::test]
async fn a_visitor_reads_nothing_of_a_connection_that_was_stopped() {
    let (engine, keeper) = engine();
    let (endpoint, mut peer, pipe) = acquainted(&engine, &keeper).await;
    assert_eq!(visit(&pipe), (Visit::Waiting, 0));
    peer.write_all(b"\x00\x04next").expect("room");
    tokio::time::sleep(A_WHILE).await;
    // The driver has no turn between these two.
    engine.release(&endpoint).expect("it is bound");
    assert_eq!(visit(&pipe), (Visit::Declined, 0));
    assert_eq!(pipe.glance(&mut Batch::default()), Visit::Declined);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(visit(&pipe), (Visit::Declined, 0));
}
