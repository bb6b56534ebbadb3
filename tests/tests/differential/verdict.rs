//! What becomes of a connection, seen from its other end.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use ironhouse_tests::octets;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::cases::{Case, Fence};
use crate::doors::Doors;

/// Connections at a time.
const AT_ONCE: usize = 100;

/// How long an answer in the middle of a handshake is waited for.
const ANSWER: Duration = Duration::from_millis(300);

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The other side closed.
    Refuses,
    /// What was said last was answered.
    GoesOn,
    /// Neither, for as long as patience lasted.
    Waits,
}

impl End {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refuses => "refuses",
            Self::GoesOn => "goes on",
            Self::Waits => "waits",
        }
    }
}

/// What a peer saw.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) end: End,
    /// By which rule it was refused, if that is known.
    pub(crate) rule: Option<&'static str>,
    /// The messages that came back, as flags and body of each frame.
    pub(crate) echoes: Vec<(u8, Vec<u8>)>,
}

impl Verdict {
    /// What came back before a refusal depends on when the refusal was noticed.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.end == other.end && (self.end != End::GoesOn || self.echoes == other.echoes)
    }
}

impl Verdict {
    /// What is delivered here and not there, if that is all.
    pub(crate) fn delivers_more(&self, other: &Self) -> Option<&'static str> {
        let is_subscription = |(_, body): &&(u8, Vec<u8>)| {
            body.starts_with(b"\x09SUBSCRIBE") || body.starts_with(b"\x06CANCEL")
        };
        let others = self.echoes.iter().filter(|it| !is_subscription(it));
        others.eq(&other.echoes).then_some("SUBSCRIBE and CANCEL")
    }
}

/// The verdict of each case, in their order.
pub(crate) async fn all(doors: &Doors, cases: &[Case], patience: Duration) -> Vec<Verdict> {
    let knock = |case: &Case| knock(doors, case.clone(), patience);
    stream::iter(cases.iter().map(knock)).buffered(AT_ONCE).collect().await
}

async fn knock(doors: &Doors, case: Case, patience: Duration) -> Verdict {
    let endpoint = doors.endpoint(case.door);
    let address = endpoint.trim_start_matches("tcp://");
    let mut stream = TcpStream::connect(address)
        .await
        .unwrap_or_else(|error| panic!("{}: nobody at {address}: {error}", case.name));
    let own = stream.local_addr().expect("an address");
    let (mut reader, mut writer) = stream.split();
    // Frames that have come, for the writer to wait for.
    let (heard, mut hears) = watch::channel(0);
    let write = async {
        for (stage, octets) in case.stages().iter().enumerate() {
            // libzmq takes nothing behind a READY before its own has left.
            let answer = hears.wait_for(|heard| *heard >= stage);
            _ = tokio::time::timeout(ANSWER, answer).await;
            // Whether it was closed meanwhile, the reader finds out.
            _ = writer.write_all(octets).await;
        }
        std::future::pending().await
    };
    let read = async {
        let mut seen = Vec::new();
        loop {
            let read = tokio::time::timeout(patience, reader.read_buf(&mut seen)).await;
            let frames = octets::frames(seen.get(64..).unwrap_or_default());
            _ = heard.send(frames.len());
            let end = match read {
                _ if case.fence.is_answered(&frames) => End::GoesOn,
                Ok(Ok(1..)) => continue,
                Ok(_) => End::Refuses,
                Err(_) => End::Waits,
            };
            return (end, frames);
        }
    };
    let (end, frames) = tokio::select! {
        seen = read => seen,
        never = write => never,
    };
    let rule = if end == End::Refuses { doors.rule(endpoint, own).await } else { None };
    let echoes = match case.fence {
        Fence::Echo => frames.into_iter().filter(|(flags, _)| flags & 4 == 0).collect(),
        _ => Vec::new(),
    };
    Verdict { end, rule, echoes }
}
