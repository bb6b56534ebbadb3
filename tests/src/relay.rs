//! A wire between two peers that shows what passes and can be cut without either noticing.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::octets;

/// What passed in one direction.
pub type Tape = Arc<Mutex<Vec<u8>>>;

/// Stands between the one that connects to it and the one that it connects to.
#[derive(Debug)]
pub struct Relay {
    endpoint: String,
    frozen: watch::Sender<bool>,
    forward: Tape,
    backward: Tape,
}

impl Relay {
    /// Listens on a port of its own, and passes each connection on to `to`.
    ///
    /// # Panics
    /// If the system has no port left.
    pub async fn to(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        let to = to.strip_prefix("tcp://").expect("a TCP endpoint").to_owned();
        let (frozen, ice) = watch::channel(false);
        let (forward, backward) = (Tape::default(), Tape::default());
        let tapes = (forward.clone(), backward.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&to).await else { continue };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(pass(near_in, far_out, tapes.0.clone(), ice.clone()));
                tokio::spawn(pass(far_in, near_out, tapes.1.clone(), ice.clone()));
            }
        });
        Self { endpoint, frozen, forward, backward }
    }

    /// Where to connect to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From now on nothing passes in either direction, and nothing is closed either.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Connections from now on pass again; those that were frozen stay so.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// The commands and messages from the one that connected, in order; messages are `"-"`.
    #[must_use]
    pub fn sent(&self) -> Vec<String> {
        names(&self.forward)
    }

    /// The commands and messages to the one that connected, in order; messages are `"-"`.
    #[must_use]
    pub fn answered(&self) -> Vec<String> {
        names(&self.backward)
    }

    /// The frames from the one that connected, behind its greeting, as flags and body.
    #[must_use]
    pub fn sent_frames(&self) -> Vec<(u8, Vec<u8>)> {
        octets::frames(read(&self.forward).get(64..).unwrap_or_default())
    }

    /// The frames to the one that connected, behind the greeting, as flags and body.
    #[must_use]
    pub fn answered_frames(&self) -> Vec<(u8, Vec<u8>)> {
        octets::frames(read(&self.backward).get(64..).unwrap_or_default())
    }

    /// Every octet that passed, in either direction.
    #[must_use]
    pub fn everything(&self) -> Vec<u8> {
        [&self.forward, &self.backward].iter().flat_map(|tape| read(tape)).collect()
    }
}

fn read(tape: &Tape) -> Vec<u8> {
    tape.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn names(tape: &Tape) -> Vec<String> {
    octets::command_names(&read(tape))
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    tape: Tape,
    mut ice: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = tokio::select! {
            biased;
            () = cut(&mut ice) => {
                // Both ends stay open: nobody learns anything.
                std::future::pending::<()>().await;
                return;
            }
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        let Some(octets) = buffer.get(..count).filter(|octets| !octets.is_empty()) else {
            _ = to.shutdown().await;
            return;
        };
        tape.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
        if to.write_all(octets).await.is_err() {
            return;
        }
    }
}

async fn cut(ice: &mut watch::Receiver<bool>) {
    _ = ice.wait_for(|frozen| *frozen).await;
}
