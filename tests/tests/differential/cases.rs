//! What is said: the corpora of the fuzzers as streams of octets, and the hostile tables.

use std::fs;
use std::path::Path;

use fuzz_targets::common::boxes::Boxes;
use fuzz_targets::common::handshake;
use fuzz_targets::common::side::Kind as Side;
use fuzz_targets::frame_stream;
use ironhouse_tests::Fallible;
use ironhouse_tests::mechanisms::{KINDS, Kind};
use ironhouse_tests::octets::{
    command, frame, greeting, plain_hello, property, ready, short_string,
};
use zmtp_core::mechanism::Role;

use crate::knocks::{breaches, knocks};

/// More than this is not sent to make a frame whole.
const WHOLE: usize = 256 * 1024;

/// What says that the other side has followed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    /// A PING, for its PONG.
    Ping,
    /// A message, for its echo.
    Echo,
    /// A HELLO of CURVE was said, for its WELCOME.
    Welcome,
    /// Nothing would be heard.
    Nothing,
}

impl Fence {
    pub(crate) fn octets(self) -> Vec<u8> {
        match self {
            Self::Ping => command("PING", b"\0\0the fence"),
            Self::Echo => frame(0, b"the fence"),
            Self::Welcome | Self::Nothing => Vec::new(),
        }
    }

    /// Whether these frames, as flags and body, have the answer in them.
    pub(crate) fn is_answered(self, frames: &[(u8, Vec<u8>)]) -> bool {
        frames.iter().any(|(flags, body)| match self {
            Self::Ping => flags & 4 != 0 && body == b"\x04PONGthe fence",
            Self::Echo => flags & 4 == 0 && body == b"the fence",
            Self::Welcome => flags & 4 != 0 && body.starts_with(b"\x07WELCOME"),
            Self::Nothing => false,
        })
    }
}

/// One connection.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) door: &'static str,
    pub(crate) octets: Vec<u8>,
    pub(crate) fence: Fence,
}

impl Case {
    /// What ends in the middle of a greeting or of a frame is made whole, so that the fence is heard.
    fn new(name: String, door: &'static str, mut octets: Vec<u8>, fence: Fence) -> Self {
        if let Some(rest) = greeting("NULL").get(octets.len()..) {
            octets.extend(rest);
        }
        let mut case = Self { name, door, octets, fence };
        loop {
            match missing(&case.octets[64..]) {
                0 => return case,
                some if some <= WHOLE => case.octets.resize(case.octets.len() + some, 0),
                _ => return Self { fence: Fence::Nothing, ..case },
            }
        }
    }

    /// What is said at once: the greeting, and each frame of the handshake when the one before it was
    /// answered.
    pub(crate) fn stages(&self) -> Vec<Vec<u8>> {
        let octets = [&self.octets[..], &self.fence.octets()].concat();
        let mut ends = vec![first_frame(&octets).len()];
        if self.door == "plain-rep" {
            ends.push(ends[0] + first_frame(&[&[0; 64], &octets[ends[0]..]].concat()).len() - 64);
        }
        ends.push(octets.len());
        let mut begin = 0;
        let stage = |end| octets[std::mem::replace(&mut begin, end)..end].to_vec();
        ends.into_iter().map(stage).collect()
    }
}

/// The greeting and one frame.
fn first_frame(octets: &[u8]) -> &[u8] {
    let rest = octets.get(64..).unwrap_or_default();
    let end = (1..=rest.len()).find(|end| missing(&rest[..*end]) == 0);
    octets.get(..64 + end.unwrap_or(rest.len())).unwrap_or(octets)
}

/// Octets that the last frame lacks, or its header, read as whoever ignores reserved bits does.
fn missing(mut stream: &[u8]) -> usize {
    loop {
        let Some(flags) = stream.first() else { return 0 };
        let header = if flags & 2 == 0 { 2 } else { 9 };
        let Some(size) = stream.get(1..header) else { return header - stream.len() };
        let size = size.iter().fold(0_usize, |size, octet| size << 8 | usize::from(*octet));
        let Some(rest) = stream[header..].get(size..) else {
            return size - (stream.len() - header);
        };
        stream = rest;
    }
}

/// Every one.
pub(crate) fn all() -> Fallible<Vec<Case>> {
    let mut cases = Vec::new();
    greetings(&mut cases)?;
    streams(&mut cases)?;
    handshakes(&mut cases)?;
    blocks(&mut cases)?;
    tables(&mut cases);
    Ok(cases)
}

/// The files of a corpus, by the name that a case has.
fn corpus(target: &str) -> Fallible<Vec<(String, Vec<u8>)>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{target}/{}", entry.file_name().to_string_lossy());
        files.push((name, fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}

/// Without the octets that are settings of the target.
fn content(data: &[u8], settings: usize) -> &[u8] {
    data.get(settings..).unwrap_or_default()
}

fn greetings(cases: &mut Vec<Case>) -> Fallible<()> {
    for (name, data) in corpus("greeting")? {
        let octets = content(&data, 1);
        let mut octets = octets.get(..64).unwrap_or(octets).to_vec();
        octets.extend(greeting("NULL").get(octets.len()..).unwrap_or_default());
        octets.extend(ready("REQ"));
        cases.push(Case::new(name, "null-rep", octets, Fence::Ping));
    }
    Ok(())
}

/// Behind a handshake.
fn streams(cases: &mut Vec<Case>) -> Fallible<()> {
    let after = |octets: &[u8]| [&greeting("NULL"), &ready("DEALER"), octets].concat();
    for (name, data) in corpus("frame_decode")? {
        let octets = after(content(&data, 2));
        cases.push(Case::new(name, "null-router", octets, Fence::Echo));
    }
    for (name, data) in corpus("command")? {
        cases.push(Case::new(name, "null-router", after(&frame(4, &data)), Fence::Echo));
    }
    for (name, data) in corpus("frame_stream")? {
        if let Some(octets) = frame_stream::in_clear(&data) {
            cases.push(Case::new(name, "null-router", octets, Fence::Echo));
        }
    }
    Ok(())
}

/// Handshakes that were spoilt on the way.
fn handshakes(cases: &mut Vec<Case>) -> Fallible<()> {
    for (target, kind, door, fence) in [
        ("null_server", Side::Null, "null-rep", Fence::Ping),
        ("null_client", Side::Null, "null-rep", Fence::Ping),
        ("plain_server", Side::Plain, "plain-rep", Fence::Ping),
        ("curve_server", Side::Curve(Boxes::Real), "curve-rep", Fence::Welcome),
    ] {
        for (name, data) in corpus(target)? {
            let mut octets = handshake::octets(kind, Role::Server, &data);
            if fence == Fence::Welcome {
                // What follows is for the keys of another connection.
                let case = Case::new(String::new(), door, octets.clone(), fence);
                octets = first_frame(&case.octets).to_vec();
            }
            cases.push(Case::new(name, door, octets, fence));
        }
    }
    Ok(())
}

/// Metadata, alone and with what must not be missing.
fn blocks(cases: &mut Vec<Case>) -> Fallible<()> {
    let mut blocks = hostile_blocks();
    for (name, data) in corpus("metadata")? {
        blocks.push((name, content(&data, 2).to_vec()));
    }
    for (name, block) in blocks {
        let typed = [&property("Socket-Type", b"DEALER"), &block[..]].concat();
        let null = |block: &[u8]| [greeting("NULL"), command("READY", block)].concat();
        let initiate = command("INITIATE", &typed);
        let plain = [greeting("PLAIN"), plain_hello("user", "password"), initiate].concat();
        for (how, door, octets) in [
            ("alone", "null-rep", null(&block)),
            ("with a type", "null-rep", null(&typed)),
            ("PLAIN", "plain-rep", plain),
        ] {
            cases.push(Case::new(format!("{name}, {how}"), door, octets, Fence::Ping));
        }
    }
    Ok(())
}

/// The table of hostile metadata.
fn hostile_blocks() -> Vec<(String, Vec<u8>)> {
    let twice = |name: &str| [property(name, b"DEALER"), property(name, b"x")].concat();
    let many = (0..10_000).flat_map(|at| property(&format!("X-{at}"), b"")).collect();
    let blocks: [Vec<u8>; 29] = [
        vec![],
        vec![0],
        vec![1],
        vec![1, 0x41],
        vec![1, 0x41, 0, 0, 0],
        vec![1, 0x41, 0, 0, 0, 1],
        vec![1, 0x41, 0, 0, 0, 0],
        vec![1, 0x41, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![1, 0x41, 0x7F, 0xFF, 0xFF, 0xFF, 0],
        vec![1, 0x41, 0x80, 0, 0, 0, 0],
        [&[0xFF][..], &[0x41; 254]].concat(),
        [&[0xFF][..], &[0x41; 255], &[0; 4]].concat(),
        vec![0; 5],
        [property("X-Foo", b"1"), vec![0x41]].concat(),
        twice("Socket-Type"),
        twice("Identity"),
        twice("X-Foo"),
        property("Socket-Type", b""),
        property("Socket-Type", &[b'A'; 255]),
        property("Socket-Type", &[b'A'; 65_536]),
        property("A\0B", b"x"),
        property("A\r\nB", b"x"),
        property("Ä", b"x"),
        property("X-Foo", b"a\0b"),
        many,
        property("Identity", b""),
        property("Identity", &[7; 255]),
        property("Identity", &[7; 256]),
        property("Identity", &[0, 7]),
    ];
    let name = |(at, block)| (format!("block {at}"), block);
    blocks.into_iter().enumerate().map(name).collect()
}

fn tables(cases: &mut Vec<Case>) {
    for kind in KINDS {
        let (door, fence) = match kind {
            Kind::Null => ("null-rep", Fence::Ping),
            Kind::Plain => ("plain-rep", Fence::Ping),
            Kind::Curve => ("curve-rep", Fence::Welcome),
        };
        for knock in knocks(kind) {
            let name = format!("{} at {}", knock.name, kind.name());
            cases.push(Case::new(name, door, knock.octets, fence));
        }
    }
    let after = |octets: &[u8]| [&greeting("NULL"), &ready("DEALER"), octets].concat();
    for breach in breaches() {
        cases.push(Case::new(breach.name, "null-router", after(&breach.octets), Fence::Echo));
    }
    for (name, body) in [
        ("PING of an empty context", command("PING", &[0, 0])),
        ("PING of 16 octets", command("PING", &[0; 18])),
        ("PONG", command("PONG", b"context")),
        ("an unknown command", command("SURPRISE", b"")),
        ("SUBSCRIBE", command("SUBSCRIBE", b"topic")),
        ("READY once more", ready("DEALER")),
        ("a short body in the long form", [2, 0, 0, 0, 0, 0, 0, 0, 1, 7].to_vec()),
        ("an empty part and an end", [frame(1, b""), frame(0, b"")].concat()),
        ("a name and no more", frame(4, &short_string(b"PING"))),
    ] {
        cases.push(Case::new(name.to_owned(), "null-router", after(&body), Fence::Echo));
    }
}
