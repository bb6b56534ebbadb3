//! Octets behind a NULL handshake: `[limits, how to cut, octets..]`.

use std::sync::Arc;

use bytes::BytesMut;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::null::Null;
use zmtp_core::wire::frame::{FrameHeader, FrameKind};
use zmtp_core::{Limits, Message, SocketType};

use crate::common::naive::{self, Front};
use crate::common::node::{Cut, Node};
use crate::common::{octets, split};

/// Frames are judged on their header, cuts change nothing, and messages arrive whole or not at all.
pub fn run(data: &[u8]) {
    let ([choice, cut], stream) = split(data);
    headers(stream);
    let limits = limits(choice);
    let mut model = Model::new(&limits);
    model.read(stream);
    let established = |cut| {
        let config = ConnectionConfig::new(SocketType::PULL, Arc::new(Null));
        let mut node = Node::new(config.with_limits(limits.clone()), 0, cut);
        node.feed(&octets::greeting("NULL", false));
        node.feed(&octets::command("READY", &octets::socket_type("PUSH")));
        assert!(node.peer().is_some());
        node
    };
    let mut whole = established(Cut::Whole);
    whole.feed(stream);
    let messages: Vec<Message> =
        model.messages.into_iter().filter_map(Message::from_parts::<Vec<u8>>).collect();
    assert_eq!(whole.messages(), messages);
    assert_eq!(whole.error.is_some(), model.refused.is_some(), "{:?}", whole.error);
    // Octet by octet the verdict comes on the very octet that gives the reason.
    let mut dribbled = established(Cut::Whole);
    let refused = (1..=stream.len()).find(|at| {
        dribbled.feed(&stream[at - 1..*at]);
        dribbled.error.is_some()
    });
    assert_eq!(refused, model.refused, "the octet that gives the reason");
    let mut cut = established(Cut::Every(usize::from(cut) + 1));
    cut.feed(stream);
    assert_eq!(cut.verdict(), whole.verdict(), "cut and whole");
}

fn headers(stream: &[u8]) {
    let read = FrameHeader::decode(stream);
    match naive::front(stream) {
        Front::Incomplete => assert_eq!(read, Ok(None)),
        Front::Wrong(_) => assert!(read.is_err()),
        Front::Header { command, more, at, len } => {
            let kind = if command { FrameKind::Command } else { FrameKind::Message { more } };
            assert_eq!(read, Ok(Some((FrameHeader { kind, len }, at))));
            let mut again = BytesMut::new();
            FrameHeader { kind, len }.encode(&mut again);
            let shortest = at == 2 || len > 255;
            assert_eq!(again == stream[..at], shortest, "the shortest form is ours");
        }
    }
    for at in 0..stream.len().min(9) {
        let part = FrameHeader::decode(&stream[..at]);
        assert!(part == Ok(None) || part == read);
    }
}

/// Limits that a small input can reach.
fn limits(choice: u8) -> Limits {
    let mut limits = Limits::DEFAULT;
    if choice > 0 {
        limits.max_message = usize::from(choice) * 4;
        limits.max_command = usize::from(choice) + 7;
        limits.max_parts = usize::from(choice % 8) + 1;
    }
    limits
}

/// What becomes of a stream, by the book.
#[derive(Debug)]
pub(crate) struct Model<'a> {
    limits: &'a Limits,
    parts: Vec<Vec<u8>>,
    pub(crate) messages: Vec<Vec<Vec<u8>>>,
    /// The octet that gives the reason.
    pub(crate) refused: Option<usize>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, parts: Vec::new(), messages: Vec::new(), refused: None }
    }

    pub(crate) fn read(&mut self, stream: &[u8]) {
        let mut done = 0;
        while self.refused.is_none() {
            let rest = &stream[done..];
            let (command, more, at, len) = match naive::front(rest) {
                Front::Incomplete => return,
                Front::Wrong(at) => {
                    self.refused = Some(done + at);
                    return;
                }
                Front::Header { command, more, at, len } => (command, more, at, len),
            };
            if !self.fits(command, more, len) {
                self.refused = Some(done + at);
                return;
            }
            let Some(body) = rest[at..].get(..len as usize) else { return };
            done += at + body.len();
            if command && !is_harmless(body) {
                self.refused = Some(done);
            } else if !command {
                self.parts.push(body.to_vec());
                if !more {
                    self.messages.push(std::mem::take(&mut self.parts));
                }
            }
        }
    }

    fn fits(&self, command: bool, more: bool, len: u64) -> bool {
        if command {
            return len <= self.limits.max_command as u64;
        }
        let octets: usize = self.parts.iter().map(Vec::len).sum();
        let parts = self.parts.len() + 1 + usize::from(more);
        octets as u64 + len <= self.limits.max_message as u64 && parts <= self.limits.max_parts
    }
}

fn is_harmless(body: &[u8]) -> bool {
    match naive::command(body) {
        None | Some((b"ERROR", _)) => false,
        Some((b"PING", data)) => (2..=18).contains(&data.len()),
        Some((b"PONG", data)) => data.len() <= 16,
        Some(_) => true,
    }
}
