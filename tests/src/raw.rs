//! Peers that speak octets, over TCP, in either role.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ironhouse::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::octets;
use crate::rt;

/// One end of a TCP connection, and what came through it.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// All that was read so far.
    pub seen: Vec<u8>,
}

impl Raw {
    /// Connects to where a socket of ours listens.
    ///
    /// # Panics
    /// If nobody does.
    pub async fn connect(to: &Endpoint) -> Self {
        let address = to.to_string();
        let address = address.strip_prefix("tcp://").expect("a TCP endpoint");
        Self::new(TcpStream::connect(address).await.expect("a listener"))
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP stream");
        Self { stream, seen: Vec::new() }
    }

    /// Where this end is, as the other one sees it.
    ///
    /// # Panics
    /// If the system does not know.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("an address")
    }

    /// Writes all of it. Whether the other side has closed meanwhile, the reader finds out.
    pub async fn write(&mut self, octets: &[u8]) {
        _ = self.try_write(octets).await;
    }

    /// Writes all of it, unless the other side has closed.
    ///
    /// # Errors
    /// What the system says.
    pub async fn try_write(&mut self, octets: &[u8]) -> io::Result<()> {
        rt::in_time("room to write", self.stream.write_all(octets)).await
    }

    /// Reads what comes next; `false` if the other side has closed.
    pub async fn read_some(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.seen).await, Ok(1..))
    }

    /// Says that nothing more will be written.
    pub async fn finish(&mut self) {
        _ = self.stream.shutdown().await;
    }

    /// Reads until `count` octets are there in all.
    ///
    /// # Panics
    /// If the other side closes before.
    pub async fn read_to(&mut self, count: usize) -> &[u8] {
        rt::in_time("octets", async {
            while self.seen.len() < count {
                let read = self.stream.read_buf(&mut self.seen).await;
                if !matches!(read, Ok(1..)) {
                    panic!("expected {count} octets, closed after {:?}", self.seen.escape_ascii());
                }
            }
        })
        .await;
        &self.seen
    }

    /// Reads until what was read in all is what the test wants.
    ///
    /// # Panics
    /// If the other side closes before.
    pub async fn read_until(&mut self, what: &str, wanted: impl Fn(&[u8]) -> bool) {
        rt::in_time(what, async {
            while !wanted(&self.seen) {
                let more = self.read_some().await;
                assert!(more, "{what}: closed after {:?}", self.seen.escape_ascii());
            }
        })
        .await;
    }

    /// Reads until a command of this name is there.
    ///
    /// # Panics
    /// If the other side closes before.
    pub async fn read_command(&mut self, name: &str) {
        let there = |seen: &[u8]| octets::command_names(seen).iter().any(|it| it == name);
        self.read_until(name, there).await;
    }

    /// Reads until the other side closes, and gives all that was read.
    ///
    /// # Panics
    /// If it does not close.
    pub async fn read_to_end(&mut self) -> &[u8] {
        rt::in_time("the other side to close", async {
            while matches!(self.stream.read_buf(&mut self.seen).await, Ok(1..)) {}
        })
        .await;
        &self.seen
    }

    /// The same, and it must happen in less than `most`.
    ///
    /// # Panics
    /// If it does not close in time.
    pub async fn closes_within(&mut self, what: &str, most: Duration) -> &[u8] {
        let begin = tokio::time::Instant::now();
        self.read_to_end().await;
        let took = begin.elapsed();
        assert!(took < most, "{what}: closed after {took:?}, not within {most:?}");
        &self.seen
    }

    /// Exchanges greetings and READYs of NULL.
    ///
    /// # Panics
    /// If the other side does not.
    pub async fn shake_hands_null(&mut self, socket_type: &str) {
        self.write(&octets::greeting("NULL")).await;
        self.write(&octets::ready(socket_type)).await;
        self.read_command("READY").await;
    }

    /// Does the client's part of PLAIN.
    ///
    /// # Panics
    /// If the other side does not let it in.
    pub async fn shake_hands_plain(&mut self, user: &str, password: &str, socket_type: &str) {
        self.write(&octets::greeting("PLAIN")).await;
        self.write(&octets::plain_hello(user, password)).await;
        self.read_command("WELCOME").await;
        self.write(&octets::plain_initiate(socket_type)).await;
        self.read_command("READY").await;
    }
}

/// A TCP listener that speaks octets.
#[derive(Debug)]
pub struct RawListener {
    listener: TcpListener,
}

impl RawListener {
    /// Listens on a port that the system chooses.
    ///
    /// # Panics
    /// If it has none.
    pub async fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    /// Where to connect to.
    ///
    /// # Panics
    /// If the system does not know.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.listener.local_addr().expect("an address"))
    }

    /// The next one who connects.
    ///
    /// # Panics
    /// If nobody does.
    pub async fn accept(&self) -> Raw {
        let (stream, _) =
            rt::in_time("a connection", self.listener.accept()).await.expect("a connection");
        Raw::new(stream)
    }
}
