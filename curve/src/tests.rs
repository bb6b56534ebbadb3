//! What of the mechanism only this crate can see: its work, its state, its last number.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use zeroize::ZeroizeOnDrop;
use zmtp_core::auth::{AuthDecision, Domain};
use zmtp_core::connection::{Connection, ConnectionConfig, Event, Link};
use zmtp_core::error::{BoxName, Kind, LocalFault, Malformed, Misbehaved, Stage};
use zmtp_core::mechanism::{Outbox, Role, Security, Session, Step};
use zmtp_core::peer::PeerAddress;
use zmtp_core::traffic::{Open, Seal};
use zmtp_core::wire::command::Command;
use zmtp_core::wire::frame::FrameKind;
use zmtp_core::wire::greeting::Version;
use zmtp_core::{Instant, Limits, RandomError, RandomSource, SocketType};

use crate::boxes::BoxKey;
use crate::boxes::count::Multiplications;
use crate::cookie::Issued;
use crate::nonce::{Received, Sent};
use crate::testing::{Counting, Published, array, low_order_points};
use crate::{CurveClient, CurveServer, KeyPair, PublicKey, SecretKey, traffic, wire};

fn keys(octet: u8) -> KeyPair {
    KeyPair::from_secret(SecretKey::from_bytes([octet; 32]))
}

fn box_key() -> BoxKey {
    BoxKey::generate(&mut Counting(0)).unwrap()
}

/// One side with its read buffer and the multiplications that it did.
struct Side {
    connection: Connection,
    input: BytesMut,
    work: Multiplications,
}

impl Side {
    fn new(socket_type: SocketType, security: impl Security + 'static) -> Self {
        let config = Arc::new(ConnectionConfig::new(socket_type, Arc::new(security)));
        let link = Link { address: PeerAddress::Unknown, listener: "".into() };
        Multiplications::take();
        let connection = Connection::new(config, link, Instant::ORIGIN, &mut Counting(1)).unwrap();
        Self { connection, input: BytesMut::new(), work: Multiplications::take() }
    }

    /// Takes what `other` has written; accepts every peer. Says whether there was anything.
    fn take(&mut self, other: &mut Self) -> bool {
        let mut any = false;
        while let Some(octets) = other.connection.poll_output() {
            self.input.extend_from_slice(&octets);
            any = true;
        }
        Multiplications::take();
        let _ = self.connection.handle_input(Instant::ORIGIN, &mut self.input);
        while let Some(event) = self.connection.poll_event() {
            if matches!(event, Event::AuthRequired(_)) {
                self.connection.handle_auth(Instant::ORIGIN, AuthDecision::accept()).unwrap();
            }
        }
        let work = Multiplications::take();
        self.work.variable_base += work.variable_base;
        self.work.fixed_base += work.fixed_base;
        any
    }
}

// The cost of a handshake is the number of these, as the documentation of client and server has it.
#[test]
fn each_side_multiplies_four_times() {
    let client = CurveClient::new(keys(1), *keys(2).public()).unwrap();
    let mut client = Side::new(SocketType::DEALER, client);
    let mut server = Side::new(SocketType::ROUTER, CurveServer::new(keys(2)));
    // Nothing is computed for who only connects.
    assert_eq!((client.work, server.work), (Multiplications::NONE, Multiplications::NONE));
    while server.take(&mut client) | client.take(&mut server) {}
    assert!(client.connection.traffic().is_some() && server.connection.traffic().is_some());
    let expected = Multiplications { variable_base: 3, fixed_base: 1 };
    assert_eq!((client.work, server.work), (expected, expected));
}

// CURVEZMQ-09: a HELLO that is no good costs one multiplication, or none.
#[test]
fn a_refused_hello_costs_one_multiplication() {
    let one = Multiplications { variable_base: 1, fixed_base: 0 };
    for (at, work) in [(64 + 2 + 6, Multiplications::NONE), (64 + 2 + 199, one)] {
        let other = CurveClient::new(keys(1), *keys(2).public()).unwrap();
        let mut client = Side::new(SocketType::DEALER, other);
        let mut server = Side::new(SocketType::ROUTER, CurveServer::new(keys(2)));
        client.take(&mut server);
        let mut hello = Vec::new();
        while let Some(octets) = client.connection.poll_output() {
            hello.extend_from_slice(&octets);
        }
        hello[at] ^= 1;
        server.input.extend_from_slice(&hello);
        server.take(&mut client);
        assert_eq!(server.work, work, "{at}");
    }
}

// CURVEZMQ-46: the last number is used, and none after it; what cannot be sealed is not appended.
// hostile: C7
#[test]
fn a_sender_ends_at_the_last_number() {
    let (sent, last) = (Sent::after(u64::MAX - 2), Received::first(0));
    let (mut seal, _) = traffic::codec(Role::Client, box_key(), sent, last).unwrap();
    let (_, mut open) =
        traffic::codec(Role::Server, box_key(), Sent::after(0), Received::first(0)).unwrap();
    let kind = FrameKind::Message { more: false };
    for count in [u64::MAX - 1, u64::MAX] {
        let mut out = BytesMut::new();
        seal.seal(kind, &[b"da", b"", b"ta"], &mut out).unwrap();
        assert_eq!(out[10..18], count.to_be_bytes());
        let mut body = out.split_off(2);
        let (opened, content) = open.open(&mut body).unwrap();
        assert_eq!((opened, &body[content]), (kind, b"data".as_slice()));
    }
    for _ in 0..3 {
        let mut out = BytesMut::from("before");
        let result = seal.seal(kind, &[b"data"], &mut out);
        assert_eq!(result, Err(LocalFault::NoncesExhausted));
        assert_eq!(out, "before");
    }
}

// CURVEZMQ-42, CURVEZMQ-43: a number counts from when its box opened; until then anybody wrote it.
#[test]
fn a_forged_number_does_not_count() {
    let codec = |role| traffic::codec(role, box_key(), Sent::after(1), Received::first(1)).unwrap();
    let ((mut seal, _), (_, mut open)) = (codec(Role::Client), codec(Role::Server));
    let mut out = BytesMut::new();
    seal.seal(FrameKind::Command, &[b"data"], &mut out).unwrap();
    let mut genuine = out.split_off(2);
    let mut forged = genuine.clone();
    forged[8..16].copy_from_slice(&9_u64.to_be_bytes());
    assert_eq!(open.open(&mut forged), Err(Kind::Unopenable(BoxName::Message)));
    let mut again = genuine.clone();
    assert_eq!(open.open(&mut genuine), Ok((FrameKind::Command, 33..37)));
    assert_eq!(open.open(&mut again), Err(Misbehaved::NonceNotRising.into()));
}

// CURVEZMQ-09, CURVEZMQ-18: sizes are exact, also where no frame header was judged before.
#[test]
fn hello_and_welcome_have_one_size() {
    let published = Published::load();
    let (hello, welcome) = (published.body(0), published.body(1));
    let cut = |body: &[u8], name: usize, len: usize| {
        let mut data = body[name..].to_vec();
        data.resize(len, 0);
        data
    };
    for len in (0..194).chain(195..260) {
        let hello = cut(&hello, 6, len);
        let size = Malformed::CommandSize("HELLO");
        assert_eq!(wire::Hello::parse(&hello).err(), Some(size), "{len}");
    }
    for len in (0..160).chain(161..260) {
        let welcome = cut(&welcome, 8, len);
        let size = Malformed::CommandSize("WELCOME");
        assert_eq!(wire::Welcome::parse(&welcome).err(), Some(size), "{len}");
    }
    assert!(wire::Hello::parse(&hello[6..]).is_ok() && wire::Welcome::parse(&welcome[8..]).is_ok());
}

// Content lies behind what a box adds, and a frame holds as many octets as it says.
#[test]
fn a_frame_is_appended_whole() {
    let codec = |role| traffic::codec(role, box_key(), Sent::after(1), Received::first(1)).unwrap();
    let ((mut seal, _), (_, mut open)) = (codec(Role::Server), codec(Role::Client));
    assert_eq!((seal.overhead(), open.overhead()), (33, 33));
    for len in [0, 1, 222, 223, 70_000] {
        let data: Vec<u8> = (0..len).map(|at: usize| at as u8).collect();
        for kind in [
            FrameKind::Command,
            FrameKind::Message { more: true },
            FrameKind::Message { more: false },
        ] {
            let mut out = BytesMut::from("before");
            seal.seal(kind, &[&data], &mut out).unwrap();
            let header = if len + 33 > 255 { 9 } else { 2 };
            assert_eq!(out.len(), 6 + header + 33 + len);
            let mut body = out.split_off(6 + header);
            let (opened, content) = open.open(&mut body).unwrap();
            assert_eq!(content, 33..33 + len);
            assert!(opened == kind && body[content] == data);
        }
    }
}

fn issued(now: Instant) -> (Vec<u8>, Issued) {
    let published = Published::load();
    let random = |name| published.key(&format!("tests/0/random/{name}"));
    assert_eq!(random("cookie_key"), core::array::from_fn(|at| 0xA0 + at as u8));
    Issued::new(
        BoxKey::generate(&mut Counting(0xA0)).unwrap(),
        &array(&published.text("tests/0/random/cookie_nonce")),
        PublicKey::from_bytes(published.key("tests/0/derived/client_transient_public")),
        &SecretKey::from_bytes(random("server_transient_secret")),
        now,
    )
}

// CURVEZMQ-15: the published cookie; s' is in it, and comes out of it again.
#[test]
fn the_cookie_is_as_published() {
    let published = Published::load();
    let (cookie, issued) = issued(Instant::ORIGIN);
    // Behind the name in INITIATE.
    assert_eq!(cookie, published.body(2)[9..105]);
    let transient = issued.redeem(Instant::ORIGIN, &cookie.try_into().unwrap()).unwrap();
    assert_eq!(transient.as_bytes(), &published.key("tests/0/random/server_transient_secret"));
}

// CURVEZMQ-17. hostile: C4
#[test]
fn the_cookie_dies_after_a_minute() {
    let made = Instant::after_origin(Duration::from_secs(1000));
    let (cookie, issued) = issued(made);
    let cookie = cookie.try_into().unwrap();
    let minute = Duration::from_secs(60);
    for now in [Instant::ORIGIN, made, made + minute] {
        assert!(issued.redeem(now, &cookie).is_ok());
    }
    for more in [Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX] {
        let expired = issued.redeem(made + minute + more, &cookie);
        assert_eq!(expired.unwrap_err(), Misbehaved::CookieExpired.into());
    }
    for at in 0..96 {
        let mut altered = cookie;
        altered[at] ^= 1;
        let refused = issued.redeem(made, &altered);
        assert_eq!(refused.unwrap_err(), Kind::Unopenable(BoxName::Cookie));
    }
}

// CURVEZMQ-11: between WELCOME and INITIATE there is a key, C', two numbers and two counted
// references, and no transient key of the server.
#[test]
fn the_state_before_initiate_is_small() {
    let session = Arc::new(Session {
        socket_type: SocketType::ROUTER,
        metadata: Bytes::new(),
        peer_version: Version::V3_1,
        peer_as_server: false,
        domain: Domain::default(),
        address: PeerAddress::Unknown,
        listener: "".into(),
        limits: Arc::new(Limits::DEFAULT),
    });
    let published = Published::load();
    let secret = SecretKey::from_bytes(published.key("server_secret"));
    let server = CurveServer::new(KeyPair::from_secret(secret));
    let mut out = BytesMut::new();
    let opening = server.prepare(&mut Counting(0)).unwrap();
    let Ok(Step::Continue(state)) = opening.open(session, &mut Outbox::new(&mut out)) else {
        panic!()
    };
    assert!(size_of_val(&*state) <= 24, "what was drawn is elsewhere, in 128 octets");
    let body = published.body(0);
    let hello = Command::decode(&body).unwrap();
    let step = state.step(Instant::ORIGIN, hello, &mut Outbox::new(&mut out));
    let Ok(Step::Continue(state)) = step else { panic!("{step:?}") };
    assert_eq!(state.stage(), Stage::Initiate);
    assert!(size_of_val(&*state) <= 104, "{}", size_of_val(&*state));
}

// CURVEZMQ-04: what is dropped is erased; there is no other way to a transient key.
#[test]
fn secrets_are_erased_when_dropped() {
    fn erased<T: ZeroizeOnDrop>() {}
    erased::<SecretKey>();
    erased::<BoxKey>();
}

/// A source that runs dry on the way.
struct Short(usize);

impl RandomSource for Short {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        self.0 = self.0.checked_sub(out.len()).ok_or(RandomError)?;
        out.fill(1);
        Ok(())
    }
}

// CURVEZMQ-03, CURVEZMQ-14, CURVEZMQ-23: without all of its randomness there is no connection.
#[test]
fn a_source_that_runs_dry_is_the_end() {
    let client = CurveClient::new(keys(1), *keys(2).public()).unwrap();
    let server = CurveServer::new(keys(2));
    for enough in 0..=100 {
        assert_eq!(client.prepare(&mut Short(enough)).is_ok(), enough >= 48, "{enough}");
        assert_eq!(server.prepare(&mut Short(enough)).is_ok(), enough >= 96, "{enough}");
    }
}

// CURVEZMQ-02, CURVEZMQ-53
#[test]
fn a_client_needs_a_key_that_only_one_server_has() {
    for point in low_order_points() {
        assert!(CurveClient::new(keys(1), PublicKey::from_bytes(point)).is_err());
    }
}

// Both are shared by all connections of a socket, across threads.
#[test]
fn configurations_are_shared() {
    fn shared<T: Security + Clone + Send + Sync + 'static>() {}
    shared::<CurveClient>();
    shared::<CurveServer>();
    fn sent<T: Send + ?Sized>() {}
    sent::<Box<dyn Seal>>();
    sent::<Box<dyn Open>>();
}
