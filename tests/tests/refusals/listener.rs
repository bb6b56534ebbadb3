//! Strangers at our listeners.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ironhouse::SocketType;
use ironhouse_tests::driven::Outcome;
use ironhouse_tests::octets::{
    command, frame, greeting, long_header, plain_hello, property, ready, server_greeting,
    short_string,
};
use ironhouse_tests::watch::Fault;
use ironhouse_tests::{Done, rt};
use zmtp_core::error::{
    BoxName, Incompatible, Kind as Cause, LocalFault, Malformed, Misbehaved, Stage,
};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::MetadataError;

use crate::house::{AT_ONCE, DEADLINE, House, KINDS, Kind, deadline};

/// Something that a stranger says.
struct Knock {
    name: String,
    octets: Vec<u8>,
    fault: Fault,
}

fn knock(name: impl Into<String>, octets: impl Into<Vec<u8>>, fault: Fault) -> Knock {
    Knock { name: name.into(), octets: octets.into(), fault }
}

fn at_greeting(kind: impl Into<Cause>, rule: &'static str) -> Fault {
    Fault::peer(Stage::Greeting, kind, rule)
}

/// The command that a house of this kind waits for after the greeting.
fn first_stage(kind: Kind) -> Stage {
    match kind {
        Kind::Null => Stage::Ready,
        Kind::Plain | Kind::Curve => Stage::Hello,
    }
}

/// A greeting with one octet changed.
fn altered(mechanism: &str, at: usize, octet: u8) -> Vec<u8> {
    let mut octets = greeting(mechanism);
    octets[at] = octet;
    octets
}

fn mechanism_field(octets: &[u8]) -> Vec<u8> {
    let mut all = greeting("");
    all[12..12 + octets.len()].copy_from_slice(octets);
    all
}

/// Everything that is refused on the octets that are there, whatever comes behind.
fn knocks(kind: Kind) -> Vec<Knock> {
    let name = kind.name();
    let signature = || at_greeting(Malformed::Signature, "ZMTP-GREETING-02");
    let version = |major| at_greeting(Incompatible::Version { major }, "ZMTP-VERSION-05");
    let mut knocks = vec![
        knock("garbage", [0x55; 300], signature()),
        knock("zeros", [0; 300], signature()),
        knock("an HTTP request", *b"GET / HTTP/1.1\r\nHost: house\r\n\r\n", signature()),
        knock(
            "a TLS hello",
            [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 500]].concat(),
            signature(),
        ),
        knock("an SSH banner", *b"SSH-2.0-OpenSSH_9.7\r\n", signature()),
        // hostile: G3
        knock("ZMTP 1.0", *b"\x01\x00\x05\x00data", signature()),
        knock("an end of the signature that is none", altered(name, 9, 0x7E), signature()),
        // hostile: G1
        knock("ZMTP 1.0 with a version", *b"\xff\0\0\0\0\0\0\0\x01\x7f\x00", version(0)),
        knock("ZMTP 2.0", *b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\x00\x00\x00\x04data", version(1)),
        knock("version 2", altered(name, 10, 2), version(2)),
        knock(
            "as-server 2",
            altered(name, 32, 2),
            at_greeting(Malformed::AsServer, "ZMTP-GREETING-09"),
        ),
    ];
    knocks.extend(mechanism_knocks(kind));
    knocks.extend(frame_knocks(kind));
    knocks.extend(match kind {
        Kind::Null => null_knocks(),
        Kind::Plain => plain_knocks(),
        Kind::Curve => curve_knocks(),
    });
    knocks
}

fn mechanism_knocks(kind: Kind) -> Vec<Knock> {
    let ours = MechanismName::new(kind.name().as_bytes()).expect("a name");
    let mismatch = |field: &[u8]| {
        let mut octets = [0; 20];
        octets[..field.len()].copy_from_slice(field);
        let theirs = MechanismName::from_octets(octets);
        Fault::peer(Stage::Mechanism, Incompatible::Mechanism { ours, theirs }, "ZMTP-MECH-01")
    };
    // hostile: G4, G7
    let mut fields: Vec<Vec<u8>> = KINDS
        .into_iter()
        .filter(|other| *other != kind)
        .map(|other| other.name().as_bytes().to_vec())
        .collect();
    fields.extend([
        b"GSSAPI".to_vec(),
        Vec::new(),
        kind.name().to_lowercase().into_bytes(),
        format!("{} ", kind.name()).into_bytes(),
        format!("{}\0x", kind.name()).into_bytes(),
        format!("{:20}", kind.name()).into_bytes(),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
            .to_vec(),
    ]);
    let mut knocks: Vec<_> = fields
        .iter()
        .map(|field| {
            let name = format!("mechanism {}", field.escape_ascii());
            knock(name, mechanism_field(field), mismatch(field))
        })
        .collect();
    if kind != Kind::Null {
        // hostile: G5
        let fault = Fault::peer(Stage::Mechanism, Incompatible::BothServers, "ZMTP-MECH-07");
        knocks.push(knock("another server", server_greeting(kind.name()), fault));
    }
    knocks
}

fn frame_knocks(kind: Kind) -> Vec<Knock> {
    let stage = first_stage(kind);
    let fault = |cause: Cause, rule| Fault::peer(stage, cause, rule);
    let after = |octets: Vec<u8>| [greeting(kind.name()), octets].concat();
    let too_large = || fault(Misbehaved::OversizedCommand.into(), "ZMTP-SEC-07");
    let no_size = || fault(Malformed::FrameSize.into(), "ZMTP-FRAME-07");
    let message = || fault(Misbehaved::MessageInHandshake.into(), "ZMTP-CMD-10");
    let no_name = || fault(Malformed::CommandName.into(), "ZMTP-CMD-04");
    let unexpected = || fault(Misbehaved::UnexpectedCommand.into(), "ZMTP-CMD-08");
    let flags = |flags: u8| fault(Malformed::FrameFlags { flags }.into(), "ZMTP-FRAME-04");
    let mut knocks = vec![
        // hostile: F1
        knock("a frame of 2^46 octets", after(long_header(4, 1 << 46)), too_large()),
        knock("a frame of 2^62 octets", after(long_header(4, 1 << 62)), too_large()),
        knock("a frame of 2^63 - 1 octets", after(long_header(4, (1 << 63) - 1)), too_large()),
        knock("a frame of 2^63 octets", after(long_header(4, 1 << 63)), no_size()),
        knock("a frame of 2^64 - 1 octets", after(long_header(4, u64::MAX)), no_size()),
        // hostile: F2
        knock("a command of 1 MiB", after(frame(4, &vec![5; 1 << 20])), too_large()),
        // hostile: F3
        knock("a message", after(frame(0, b"application data")), message()),
        knock("endless empty parts", after(b"\x01\x00".repeat(1000)), message()),
        // hostile: F5
        knock("READY in a message frame", after(frame(0, &ready("REQ")[2..])), message()),
        // hostile: F4
        knock("reserved flag bits", after(vec![0x0C, 1, 0]), flags(0x0C)),
        knock("all flag bits", after(vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0]), flags(0xFF)),
        knock(
            "COMMAND with MORE",
            after(vec![5, 1, 0]),
            fault(Malformed::CommandWithMore.into(), "ZMTP-FRAME-12"),
        ),
        // hostile: F6
        knock("a command without octets", after(frame(4, b"")), no_name()),
        knock("a command with an empty name", after(frame(4, b"\0READY")), no_name()),
        knock("a name past the end", after(frame(4, b"\x06READY")), no_name()),
        knock("a name of other characters", after(frame(4, b"\x05RE\0DY")), no_name()),
        knock("an unknown command", after(command("SURPRISE", b"")), unexpected()),
        // It is read as a frame.
        knock("another greeting", after(greeting(kind.name())), flags(0xFF)),
    ];
    if kind != Kind::Null {
        knocks.push(knock("READY instead of HELLO", after(ready("REQ")), unexpected()));
        // A client never sends ERROR.
        knocks.push(knock("ERROR", after(command("ERROR", b"\x03400")), unexpected()));
    }
    knocks
}

fn null_knocks() -> Vec<Knock> {
    let after = |data: Vec<u8>| [greeting("NULL"), command("READY", &data)].concat();
    let fault = |cause: Cause, rule| Fault::peer(Stage::Ready, cause, rule);
    let bad = |error: MetadataError, rule| fault(Malformed::Metadata(error).into(), rule);
    let of_type = |name: &[u8]| property("Socket-Type", name);
    let mismatch = |theirs, rule| {
        fault(Incompatible::SocketType { ours: SocketType::REP, theirs }.into(), rule)
    };
    let many: Vec<u8> = (0..10_000).flat_map(|at| property(&format!("X-{at}"), b"")).collect();
    vec![
        // hostile: M1
        knock(
            "an empty property name",
            after(b"\0\0\0\0\0".to_vec()),
            bad(MetadataError::Name, "ZMTP-META-03"),
        ),
        knock(
            "a value past the end",
            after([&short_string(b"Socket-Type")[..], &[0, 0, 0, 9], b"REQ"].concat()),
            bad(MetadataError::Truncated, "ZMTP-META-07"),
        ),
        knock(
            "a value of 2^32 - 1 octets",
            after([&short_string(b"Socket-Type")[..], &[0xFF; 4], b"REQ"].concat()),
            bad(MetadataError::ValueLength, "ZMTP-META-06"),
        ),
        // hostile: M2
        knock(
            "two socket types",
            after([of_type(b"REQ"), property("socket-TYPE", b"REQ")].concat()),
            bad(MetadataError::Duplicate, "ZMTP-META-11"),
        ),
        knock(
            "two identities",
            after(
                [of_type(b"REQ"), property("Identity", b"a"), property("Identity", b"a")].concat(),
            ),
            bad(MetadataError::Duplicate, "ZMTP-META-11"),
        ),
        // hostile: M4
        knock(
            "10,000 properties",
            after(many),
            fault(Misbehaved::OversizedCommand.into(), "ZMTP-SEC-07"),
        ),
        // hostile: M5
        knock(
            "an identity of 256 octets",
            after([of_type(b"REQ"), property("Identity", &[7; 256])].concat()),
            fault(Misbehaved::IdentityTooLong.into(), "ZMTP-IDENTITY-03"),
        ),
        knock(
            "an identity that begins with zero",
            after([of_type(b"REQ"), property("Identity", &[0, 7])].concat()),
            fault(Misbehaved::IdentityReserved.into(), "ZMTP-IDENTITY-04"),
        ),
        // hostile: M6
        knock(
            "a socket type that does not fit",
            after(of_type(b"PUB")),
            mismatch(Some(SocketType::PUB), "ZMTP-SOCKTYPE-06"),
        ),
        knock("an unknown socket type", after(of_type(b"req")), mismatch(None, "ZMTP-SOCKTYPE-04")),
        knock(
            "no socket type",
            after(property("Identity", b"a")),
            mismatch(None, "ZMTP-SOCKTYPE-04"),
        ),
    ]
}

fn plain_knocks() -> Vec<Knock> {
    let after = |octets: Vec<u8>| [greeting("PLAIN"), octets].concat();
    let malformed = || Fault::peer(Stage::Hello, Malformed::Credentials, "PLAIN-15");
    let mut trailing = plain_hello("user", "password");
    trailing[1] += 1;
    trailing.push(b'!');
    vec![
        // hostile: P1
        knock("HELLO without credentials", after(command("HELLO", b"")), malformed()),
        knock("HELLO without password", after(command("HELLO", b"\x04user")), malformed()),
        knock("a user name past the end", after(command("HELLO", b"\xffuser\x00")), malformed()),
        knock("HELLO with something behind it", after(trailing), malformed()),
        knock(
            "INITIATE instead of HELLO",
            after(command("INITIATE", &property("Socket-Type", b"REQ"))),
            Fault::peer(Stage::Hello, Misbehaved::UnexpectedCommand, "ZMTP-CMD-08"),
        ),
    ]
}

fn curve_knocks() -> Vec<Knock> {
    let after = |data: Vec<u8>| [greeting("CURVE"), command("HELLO", &data)].concat();
    let fault = |cause: Cause| Fault::peer(Stage::Hello, cause, "CURVEZMQ-09");
    // Version 1.0, padding, a public key that is none of the low ones, a nonce, no true box.
    let hello = |version: [u8; 2], padding: u8| {
        [&version[..], &[padding; 72], &[9; 32], &[0, 0, 0, 0, 0, 0, 0, 1], &[7; 80]].concat()
    };
    let mut long = hello([1, 0], 0);
    long.push(0);
    vec![
        // hostile: C1
        knock(
            "HELLO of 199 octets",
            after(hello([1, 0], 0)[1..].to_vec()),
            fault(Malformed::CommandSize("HELLO").into()),
        ),
        knock(
            "HELLO of 201 octets",
            after(long),
            Fault::peer(Stage::Hello, Misbehaved::OversizedCommand, "ZMTP-SEC-07"),
        ),
        knock(
            "HELLO of version 2.0",
            after(hello([2, 0], 0)),
            fault(Malformed::HelloVersion.into()),
        ),
        knock("HELLO with padding", after(hello([1, 0], 1)), fault(Malformed::HelloPadding.into())),
        knock(
            "HELLO with a bad box",
            after(hello([1, 0], 0)),
            fault(Cause::Unopenable(BoxName::Hello)),
        ),
    ]
}

// ZMTP-GREETING-02, ZMTP-GREETING-08, ZMTP-GREETING-09, ZMTP-GREETING-14, ZMTP-GREETING-18, ZMTP-
// GREETING-19, ZMTP-VERSION-05, ZMTP-VERSION-11, ZMTP-SEC-01, ZMTP-SEC-02, ZMTP-SEC-07, ZMTP-
// MECH-01, ZMTP-MECH-02, ZMTP-MECH-07, ZMTP-CMD-03, ZMTP-CMD-04, ZMTP-CMD-08, ZMTP-CMD-10, ZMTP-
// FRAME-04, ZMTP-FRAME-07, ZMTP-FRAME-12, ZMTP-FRAME-15, ZMTP-META-02, ZMTP-META-06, ZMTP-META-07,
// ZMTP-META-11, ZMTP-IDENTITY-03, ZMTP-IDENTITY-04, ZMTP-SOCKTYPE-03, ZMTP-SOCKTYPE-04, NULL-06,
// NULL-11, PLAIN-15, PLAIN-16, CURVEZMQ-09, CURVEZMQ-49
#[test]
fn strangers_that_speak_otherwise_are_turned_away_at_once_and_disturb_nobody() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            for Knock { name, octets, fault } in knocks(*kind) {
                let what = format!("{name} at a {} listener", kind.name());
                let mut raw = house.raw().await;
                raw.write(&octets).await;
                raw.closes_within(&what, AT_ONCE).await;
                raw.finish().await;
                assert_eq!(house.turned_away(&what, &raw).await, fault, "{what}");
            }
            house.check_all_is_well(kind.name()).await
        })
    })
}

/// The same with each octet in a segment of its own: the same end, and not later.
// ZMTP-GREETING-16, ZMTP-FRAME-13
#[test]
fn strangers_that_speak_octet_by_octet_are_turned_away_for_the_same_reasons() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            for Knock { name, octets, fault } in knocks(*kind) {
                let what = format!("{name}, octet by octet, at a {} listener", kind.name());
                let mut raw = house.raw().await;
                for octet in octets.iter().take(400) {
                    if raw.try_write(&[*octet]).await.is_err() {
                        break;
                    }
                }
                if octets.len() > 400 {
                    raw.write(&octets[400..]).await;
                }
                raw.closes_within(&what, AT_ONCE).await;
                raw.finish().await;
                assert_eq!(house.turned_away(&what, &raw).await, fault, "{what}");
            }
            house.check_all_is_well(kind.name()).await
        })
    })
}

/// How far silence of a stranger goes before it is noticed.
fn silences(kind: Kind) -> Vec<(String, Vec<u8>, Stage)> {
    let greeting = greeting(kind.name());
    let mut silences: Vec<_> = [0, 1, 9, 10, 11, 12, 32, 33, 63]
        .map(|count| {
            // Who has sent a signature speaks ZMTP; which mechanism is open.
            let stage = if count < 10 { Stage::Greeting } else { Stage::Mechanism };
            (format!("{count} octets"), greeting[..count].to_vec(), stage)
        })
        .into();
    silences.push(("a greeting".to_owned(), greeting.clone(), first_stage(kind)));
    let half = [&greeting[..], &command("READY", &[0; 50])[..9]].concat();
    silences.push(("a greeting and half a command".to_owned(), half, first_stage(kind)));
    if kind == Kind::Plain {
        let hello = [greeting, plain_hello("u", "p")].concat();
        silences.push(("a greeting and HELLO".to_owned(), hello, Stage::Initiate));
    }
    silences
}

// ZMTP-SEC-05, ZMTP-GREETING-20
// hostile: G9
#[test]
fn silence_is_ended_by_one_deadline_however_far_the_stranger_came() -> Done {
    let tries: Vec<_> = KINDS
        .into_iter()
        .flat_map(|kind| silences(kind).into_iter().map(move |it| (kind, it)))
        .collect();
    rt::all_at_once(&tries, |(kind, (name, octets, stage))| {
        let what = format!("{name}, then silence, at a {} listener", kind.name());
        rt::run(async {
            let mut house =
                House::build(*kind, |options| options.limits(deadline(DEADLINE))).await?;
            let mut raw = house.raw().await;
            let begin = Instant::now();
            raw.write(octets).await;
            raw.closes_within(&what, DEADLINE * 4).await;
            // A little tolerance: the stranger's clock starts a moment later.
            assert!(begin.elapsed() > DEADLINE * 9 / 10, "{what}: {:?}", begin.elapsed());
            let fault = Fault::peer(*stage, Cause::TimedOut, "ZMTP-SEC-05");
            assert_eq!(house.turned_away(&what, &raw).await, fault, "{what}");
            house.check_all_is_well(&what).await
        })
    })
}

// ZMTP-SEC-05
// hostile: G9
#[test]
fn dribbling_does_not_extend_the_deadline() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        let what = format!("dribbling at a {} listener", kind.name());
        rt::run(async {
            let mut house =
                House::build(*kind, |options| options.limits(deadline(DEADLINE))).await?;
            let mut raw = house.raw().await;
            let octets = greeting(kind.name());
            let dribble = async {
                for octet in octets.iter().cycle() {
                    if raw.try_write(&[*octet]).await.is_err() {
                        return;
                    }
                    // The pause is what is tested.
                    tokio::time::sleep(DEADLINE / 20).await;
                }
            };
            rt::takes_less(&what, DEADLINE * 4, dribble).await;
            let fault = house.turned_away(&what, &raw).await;
            assert_eq!(fault.kind, Cause::TimedOut, "{what}: {fault:?}");
            house.check_all_is_well(&what).await
        })
    })
}

// ZMTP-GREETING-04, ZMTP-GREETING-11, ZMTP-VERSION-02, ZMTP-VERSION-03, ZMTP-MECH-06, ZMTP-
// FRAME-09, ZMTP-META-04
// hostile: G8
#[test]
fn oddities_that_are_legal_are_let_in() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let mut version_4 = altered("NULL", 10, 4);
        version_4[33..].fill(0xAA);
        let mut padding = greeting("NULL");
        padding[1..9].fill(0xEE);
        let body = ready("REQ").split_off(2);
        let long_form = [long_header(4, body.len() as u64), body].concat();
        for (what, greeting, ready) in [
            ("version 4 and filler", version_4, ready("REQ")),
            ("padding", padding, ready("REQ")),
            // hostile: G6
            ("as-server under NULL", server_greeting("NULL"), ready("REQ")),
            // hostile: F7
            ("a long form of a short command", greeting("NULL"), long_form),
            // hostile: M3
            (
                "names of properties in other case",
                greeting("NULL"),
                command("READY", &property("sOCKET-tYPE", b"REQ")),
            ),
        ] {
            let mut raw = house.raw().await;
            raw.write(&greeting).await;
            raw.write(&ready).await;
            raw.read_command("READY").await;
            raw.write(&[frame(1, b""), frame(0, b"hello")].concat()).await;
            raw.read_until(what, |seen| seen.ends_with(b"\x01\x00\x00\x05hello")).await;
        }
        house.check_all_is_well("oddities").await
    })
}

// NULL-08, ZMTP-GREETING-16
#[test]
fn a_message_in_one_segment_with_ready_is_not_lost() -> Done {
    rt::run(async {
        let mut house = House::build(Kind::Null, |options| options).await?;
        let message = [frame(1, b""), frame(0, b"hello")].concat();
        for _ in 0..20 {
            let mut raw = house.raw().await;
            raw.write(&greeting("NULL")).await;
            raw.read_command("READY").await;
            raw.write(&[ready("REQ"), message.clone()].concat()).await;
            raw.read_until("the echo", |seen| seen.ends_with(&message)).await;
        }
        house.check_all_is_well("afterwards").await
    })
}

/// Octets that a proper client writes until READY arrives.
async fn length_of_handshake(house: &House) -> usize {
    let mut most = 1;
    // Doubling, then halving the step: a handshake that was cut is over quickly.
    let mut step = 1 << 12;
    while step > 0 {
        let mut driven = house.driven().await;
        if driven.shake_hands(usize::MAX, most + step).await == Outcome::Spent {
            most += step;
        }
        step /= 2;
    }
    most
}

// ZMTP-GREETING-20, ZMTP-FRAME-14
// hostile: F8
#[test]
fn closing_at_any_octet_of_the_handshake_frees_everything() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            let length = length_of_handshake(&house).await;
            assert!(length > 64, "{}: {length}", kind.name());
            house.check_all_is_well(kind.name()).await?;
            let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
            let before = alive();
            let mut last = Stage::Greeting;
            for cut in 1..length {
                let what = format!("{cut} octets of {} and an end", kind.name());
                house.events = house.monitor();
                let mut driven = house.driven().await;
                assert_eq!(driven.shake_hands(usize::MAX, cut).await, Outcome::Spent, "{what}");
                driven.raw.finish().await;
                let fault = house.turned_away(&what, &driven.raw).await;
                assert_eq!(fault.kind, Cause::PeerClosed, "{what}: {fault:?}");
                assert_eq!(fault.rule, "ZMTP-ERROR-05", "{what}");
                assert!(fault.stage >= last, "{what}: back to {} from {last}", fault.stage);
                last = fault.stage;
            }
            rt::until("all tasks to end", || alive() <= before).await;
            house.check_all_is_well(kind.name()).await
        })
    })
}

// ZMTP-GREETING-15, ZMTP-GREETING-16, ZMTP-FRAME-13
#[test]
fn a_handshake_octet_by_octet_succeeds() -> Done {
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            let mut house = House::build(*kind, |options| options).await?;
            let mut driven = house.driven().await;
            let outcome = driven.shake_hands(1, usize::MAX).await;
            assert_eq!(outcome, Outcome::Established, "{}", kind.name());
            house.check_all_is_well(kind.name()).await
        })
    })
}

// ZMTP-SEC-04
// hostile: R1
#[test]
fn silent_strangers_make_room_for_an_honest_newcomer() -> Done {
    const PLACES: usize = 8;
    rt::all_at_once(&KINDS, |kind| {
        rt::run(async {
            // Longer than the test: only eviction can make room.
            let limits = deadline(Duration::from_secs(120));
            let mut house =
                House::build(*kind, |options| options.limits(limits).max_half_open(PLACES)).await?;
            let mut strangers = Vec::new();
            for number in 0..PLACES + 12 {
                let mut stranger = house.raw().await;
                // It was accepted: our greeting is there.
                stranger.read_to(64).await;
                strangers.push((number, stranger));
            }
            // The oldest have left, each for the one reason.
            let mut evicted = BTreeSet::new();
            for (number, stranger) in &mut strangers[..12] {
                let what = format!("stranger {number}, one of the oldest");
                stranger.closes_within(&what, AT_ONCE).await;
                evicted.insert(stranger.address().to_string());
            }
            while !evicted.is_empty() {
                let (address, fault) = house.turns_away("the oldest").await;
                let expected = Fault::local(Stage::Greeting, LocalFault::Evicted, "ZMTP-SEC-04");
                assert_eq!(fault, expected);
                assert!(evicted.remove(&address), "{address} was evicted twice or too early");
            }
            rt::takes_less("the newcomer", AT_ONCE, house.check_all_is_well(kind.name())).await?;
            let (_, youngest) = strangers.last_mut().expect("one stays");
            rt::never("the youngest is closed", Duration::from_millis(100), youngest.read_some())
                .await;
            Ok(())
        })
    })
}
