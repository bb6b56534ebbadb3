//! What the parts work with: connections that have shaken hands, and sockets on one thread.

use std::sync::Arc;

use curve::{CurveClient, CurveServer, KeyPair};
use ironhouse::{Options, Pull, Push, Rep, Req};
use tokio::runtime::{Builder, Runtime};
use zmtp_core::connection::{Connection, ConnectionConfig};
use zmtp_core::mechanism::null::Null;
use zmtp_core::traffic::Traffic;
use zmtp_core::{RandomError, SocketType};

use crate::Error;
use crate::peers::{self, Seeded};

/// The settings of both sides, and randomness for their connections.
pub(crate) struct World {
    client: Arc<ConnectionConfig>,
    server: Arc<ConnectionConfig>,
    random: Seeded,
}

impl World {
    pub(crate) fn null() -> Self {
        let config = |socket_type| Arc::new(ConnectionConfig::new(socket_type, Arc::new(Null)));
        Self {
            client: config(SocketType::PUSH),
            server: config(SocketType::PULL),
            random: Seeded(1),
        }
    }

    pub(crate) fn curve() -> Result<Self, Error> {
        let mut random = Seeded(1);
        let random_failed = |_: RandomError| "no random octets";
        let keys = KeyPair::generate(&mut random).map_err(random_failed)?;
        let own = KeyPair::generate(&mut random).map_err(random_failed)?;
        let client = CurveClient::new(own, *keys.public()).map_err(|_| "a key of low order")?;
        let server = CurveServer::new(keys);
        Ok(Self {
            client: Arc::new(ConnectionConfig::new(SocketType::PUSH, Arc::new(client))),
            server: Arc::new(ConnectionConfig::new(SocketType::PULL, Arc::new(server))),
            random,
        })
    }

    /// A whole handshake: client and server.
    pub(crate) fn handshake(&mut self) -> Result<[Connection; 2], Error> {
        let Self { client, server, random } = self;
        peers::handshake(peers::connection(client, random)?, peers::connection(server, random)?)
    }

    /// Client and server behind their handshake.
    pub(crate) fn traffic(&mut self) -> Result<[Box<Traffic>; 2], Error> {
        peers::traffic(self.handshake()?)
    }
}

/// PUSH and PULL, connected, and the runtime that serves them while it is told to.
pub(crate) struct Sockets {
    pub(crate) runtime: Runtime,
    pub(crate) push: Push,
    pub(crate) pull: Pull,
}

impl Sockets {
    pub(crate) fn connected(endpoint: &str) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (push, pull) = runtime.block_on(async {
            let pull = Pull::new(Options::new())?;
            let push = Push::new(Options::new())?;
            let endpoint = pull.bind(endpoint).await?;
            push.connect(endpoint)?.ready().await?;
            // Both sides are warm behind the first message.
            push.send("first").await?;
            pull.recv().await?;
            Ok::<_, Error>((push, pull))
        })?;
        Ok(Self { runtime, push, pull })
    }
}

/// REQ and REP over tcp, and the runtime of both.
pub(crate) struct Talk {
    runtime: Runtime,
    req: Req,
    rep: Rep,
}

impl Talk {
    pub(crate) fn begun() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (req, rep) = runtime.block_on(async {
            let (req, rep) = (Req::new(Options::new())?, Rep::new(Options::new())?);
            req.connect(rep.bind("tcp://127.0.0.1:*").await?)?.ready().await?;
            Ok::<_, Error>((req, rep))
        })?;
        let talk = Self { runtime, req, rep };
        // Until each side knows from whom to expect the next message.
        talk.ask_and_answer(&[0], 4)?;
        Ok(talk)
    }

    /// Requests of `body`, and the same as their answers.
    pub(crate) fn ask_and_answer(&self, body: &[u8], times: u64) -> Result<(), Error> {
        self.runtime.block_on(async {
            for _ in 0..times {
                self.req.send(body).await?;
                self.rep.send(self.rep.recv().await?).await?;
                self.req.recv().await?;
            }
            Ok(())
        })
    }
}
