//! What this crate does for an encrypting mechanism, shown with one that only pretends to encrypt.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use zmtp_core::SocketType::{DEALER, PUB, PULL, PUSH, ROUTER};
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::error::{BoxName, Kind, LocalFault, Misbehaved, ProtocolError, Side, Stage};
use zmtp_core::mechanism::{
    Established, Mechanism, Opening, Outbox, Role, Security, Session, Step, expect_command,
    parse_claims,
};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::{HeartbeatConfig, Open, Seal};
use zmtp_core::wire::command::{Command, name};
use zmtp_core::wire::frame::{FrameHeader, FrameKind};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::{Instant, Limits, Message, RandomError, RandomSource, SocketType};

use crate::support::*;

/// A box: a number that counts down, the protected flags, the content turned over.
const OVERHEAD: usize = 2;

/// READY both ways, then boxes; each direction has this many.
#[derive(Debug, Clone, Copy)]
struct Toy(u8);

#[derive(Debug)]
struct ToyCodec(u8);

impl Security for Toy {
    fn mechanism(&self) -> MechanismName {
        MechanismName::new(b"TOY").unwrap()
    }

    fn role(&self) -> Option<Role> {
        None
    }

    fn prepare(&self, _random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
        Ok(Box::new(*self))
    }
}

impl Opening for Toy {
    fn open(
        self: Box<Self>,
        session: Arc<Session>,
        out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        out.command(name::READY, &session.metadata);
        Ok(Step::Continue(Box::new(ExpectReady(session, self.0))))
    }
}

#[derive(Debug)]
struct ExpectReady(Arc<Session>, u8);

impl Mechanism for ExpectReady {
    fn stage(&self) -> Stage {
        Stage::Ready
    }

    fn max_command(&self) -> usize {
        1000
    }

    fn step(
        self: Box<Self>,
        _now: Instant,
        command: Command<'_>,
        _out: &mut Outbox<'_>,
    ) -> Result<Step, ProtocolError> {
        expect_command(&command, name::READY, Stage::Ready)?;
        let claimed = parse_claims(&self.0, command.data)
            .map_err(|kind| ProtocolError::peer(Stage::Ready, kind))?;
        let codec: (Box<dyn Seal>, Box<dyn Open>) =
            (Box::new(ToyCodec(self.1)), Box::new(ToyCodec(self.1)));
        let (accepted, codec) = (None, Some(codec));
        Ok(Step::Done(Box::new(Established {
            claimed,
            public_key: None,
            accepted,
            ready: None,
            codec,
        })))
    }
}

impl Seal for ToyCodec {
    fn seal(
        &mut self,
        kind: FrameKind,
        chunks: &[&[u8]],
        out: &mut BytesMut,
    ) -> Result<(), LocalFault> {
        let next = self.0.checked_sub(1).ok_or(LocalFault::NoncesExhausted)?;
        let content = chunks.concat();
        FrameHeader::new(FrameKind::Message { more: false }, OVERHEAD + content.len()).encode(out);
        out.put_slice(&[self.0, flags(kind)]);
        out.extend(content.iter().map(|octet| !octet));
        self.0 = next;
        Ok(())
    }

    fn overhead(&self) -> usize {
        OVERHEAD
    }
}

impl Open for ToyCodec {
    fn open(&mut self, body: &mut [u8]) -> Result<(FrameKind, Range<usize>), Kind> {
        let len = body.len();
        let [number, flags, content @ ..] = body else {
            return Err(Misbehaved::ClearFrame.into());
        };
        if *number != self.0 {
            return Err(Kind::Unopenable(BoxName::Message));
        }
        self.0 -= 1;
        content.iter_mut().for_each(|octet| *octet = !*octet);
        let kind = match *flags {
            2 => FrameKind::Command,
            more => FrameKind::Message { more: more == 1 },
        };
        Ok((kind, OVERHEAD..len))
    }

    fn overhead(&self) -> usize {
        OVERHEAD
    }
}

const fn flags(kind: FrameKind) -> u8 {
    match kind {
        FrameKind::Command => 2,
        FrameKind::Message { more } => more as u8,
    }
}

fn toy(ours: SocketType) -> ConnectionConfig {
    ConnectionConfig::new(ours, Arc::new(Toy(255)))
}

fn sealed_node(ours: SocketType, theirs: &str, limits: Limits) -> Node {
    let mut node = Node::new(toy(ours).with_limits(limits));
    node.feed(&greeting("TOY")).feed(&ready(theirs)).peer();
    node.events.clear();
    node.written();
    node
}

/// Boxes as the peer would seal them, from the first on.
fn boxes(contents: &[(u8, &[u8])]) -> Vec<Vec<u8>> {
    let sealed = (0..).zip(contents).map(|(at, (flags, content))| {
        let turned = content.iter().map(|octet| !octet);
        let body: Vec<u8> = [255 - at, *flags].into_iter().chain(turned).collect();
        frame(if body.len() > 255 { 2 } else { 0 }, &body)
    });
    sealed.collect()
}

#[test]
fn messages_and_commands_pass_through_boxes() {
    let beating = HeartbeatConfig { interval: Some(seconds(1)), ..Default::default() };
    for cut in (1..260).map(Cut::At).chain([Cut::Whole, Cut::Octets]) {
        let mut pair = Pair::new(toy(DEALER).with_heartbeat(beating.clone()), toy(ROUTER))
            .cut(cut)
            .edit(|_, record| assert!(record.len() == 64 || record[0] == 4 || record[0] & 5 == 0));
        pair.run().client.send(Message::from_parts(["a", "", "c"]).unwrap());
        pair.wait(seconds(5)).server.send("answer");
        pair.run();
        assert_eq!(pair.server.messages(), [Message::from_parts(["a", "", "c"]).unwrap()]);
        assert_eq!(pair.client.messages(), [Message::new("answer")]);
        assert_eq!((&pair.client.error, &pair.server.error), (&None, &None));
    }
}

#[test]
fn only_the_flags_inside_count() {
    let [inner, last] = &boxes(&[(1, b"a"), (0, b"b")])[..] else { panic!() };
    let mut outer_more = inner.clone();
    outer_more[0] = 1;
    let mut outer_command = last.clone();
    outer_command[0] = 4;
    let octets = [outer_more, outer_command].concat();
    let verdict = same_however_cut(|| sealed_node(PULL, "PUSH", Limits::DEFAULT), &octets);
    assert_eq!(verdict.events, [Event::Message(Message::from_parts(["a", "b"]).unwrap())]);
}

#[test]
fn a_box_that_does_not_open_is_the_end() {
    let octets = [message(&[b"clear"]), message(&[b"!"]), ping(0, b"")];
    for octets in octets {
        let verdict = same_however_cut(|| sealed_node(PULL, "PUSH", Limits::DEFAULT), &octets);
        assert!(verdict.events.is_empty() && verdict.output.is_empty());
        assert_eq!(verdict.error.unwrap().side, Side::Peer);
    }
}

#[test]
fn limits_count_what_is_in_the_box() {
    let limits = limits(|it| {
        it.max_message = 1000;
        it.max_command = 500;
        it.max_parts = 3;
    });
    let outcome = |contents: &[(u8, &[u8])]| {
        let make = || sealed_node(PUB, "SUB", limits.clone());
        same_however_cut(make, &boxes(contents).concat()).error.map(|error| error.kind)
    };
    let too_large = Some(Misbehaved::MessageTooLarge.into());
    let body = |len| vec![7; len];
    assert_eq!(outcome(&[(0, &body(1000))]), None);
    assert_eq!(outcome(&[(0, &body(1001))]), too_large);
    assert_eq!(outcome(&[(1, &body(900)), (0, &body(100))]), None);
    assert_eq!(outcome(&[(1, &body(900)), (0, &body(101))]), too_large);
    assert_eq!(outcome(&[(1, b""), (1, b""), (0, b"")]), None);
    assert_eq!(outcome(&[(1, b""), (1, b""), (1, b"")]), Some(Misbehaved::TooManyParts.into()));

    let command = |len: usize| command_body("SUBSCRIBE", &vec![0; len - 10]);
    assert_eq!(outcome(&[(2, &command(500))]), None);
    assert_eq!(outcome(&[(2, &command(501))]), Some(Misbehaved::CommandTooLarge.into()));
    // A command between parts whose octets are used up.
    let ping = command_body("PING", b"\0\0context");
    assert_eq!(outcome(&[(1, &body(1000)), (2, &ping), (0, b"")]), None);

    // On the header what is too large for either.
    let mut node = sealed_node(PUB, "SUB", limits.clone());
    node.feed(&header(2, 1003));
    assert_eq!(node.refused().kind, Misbehaved::MessageTooLarge.into());
}

#[test]
fn no_more_boxes_than_there_are_numbers() {
    let config = ConnectionConfig::new(PUSH, Arc::new(Toy(2)));
    let mut node = Node::new(config);
    node.feed(&greeting("TOY")).feed(&ready("PULL")).send("one").send("two").written();
    let error = node.connection.send(&"three".into()).unwrap().unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Local, LocalFault::NoncesExhausted.into()));
    assert!(node.written().is_empty());
}

/// Randomness is drawn before anything is sent.
#[test]
fn without_randomness_there_is_no_connection() {
    #[derive(Debug)]
    struct Thirsty;

    impl Security for Thirsty {
        fn mechanism(&self) -> MechanismName {
            MechanismName::CURVE
        }

        fn role(&self) -> Option<Role> {
            Some(Role::Client)
        }

        fn prepare(&self, random: &mut dyn RandomSource) -> Result<Box<dyn Opening>, RandomError> {
            random.fill(&mut [0; 32]).map(|()| -> Box<dyn Opening> { Box::new(Toy(1)) })
        }
    }

    struct Dry;

    impl RandomSource for Dry {
        fn fill(&mut self, _out: &mut [u8]) -> Result<(), RandomError> {
            Err(RandomError)
        }
    }

    let config = Arc::new(ConnectionConfig::new(PUSH, Arc::new(Thirsty)));
    let link = Link { address: PeerAddress::Unknown, listener: "tcp://test".into() };
    let refused = Connection::new(config, link, Instant::ORIGIN, &mut Dry).unwrap_err();
    assert_eq!(refused.to_string(), "the source of randomness could not deliver");
}
