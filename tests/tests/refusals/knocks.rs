//! What strangers say that is refused, and what peers do that ends their connection.

use ironhouse::SocketType;
use ironhouse_tests::mechanisms::{KINDS, Kind};
use ironhouse_tests::octets::{
    command, frame, greeting, long_header, plain_hello, property, ready, server_greeting,
    short_string,
};
use ironhouse_tests::watch::Fault;
use zmtp_core::error::{BoxName, Incompatible, Kind as Cause, Malformed, Misbehaved, Stage};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::MetadataError;

/// Something that a stranger says.
pub(crate) struct Knock {
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
    pub(crate) fault: Fault,
}

fn knock(name: impl Into<String>, octets: impl Into<Vec<u8>>, fault: Fault) -> Knock {
    Knock { name: name.into(), octets: octets.into(), fault }
}

fn at_greeting(kind: impl Into<Cause>, rule: &'static str) -> Fault {
    Fault::peer(Stage::Greeting, kind, rule)
}

/// The command that a house of this kind waits for after the greeting.
pub(crate) fn first_stage(kind: Kind) -> Stage {
    match kind {
        Kind::Null => Stage::Ready,
        Kind::Plain | Kind::Curve => Stage::Hello,
    }
}

/// A greeting with one octet changed.
pub(crate) fn altered(mechanism: &str, at: usize, octet: u8) -> Vec<u8> {
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
pub(crate) fn knocks(kind: Kind) -> Vec<Knock> {
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

/// A rule of traffic that the peer broke.
pub(crate) fn broken(kind: impl Into<Cause>, rule: &'static str) -> Fault {
    Fault::peer(Stage::Traffic, kind, rule)
}

/// Everything that ends a connection of NULL once it is established.
pub(crate) fn breaches() -> Vec<Knock> {
    let too_large = || broken(Misbehaved::MessageTooLarge, "ZMTP-FRAME-15");
    let cases: Vec<(&str, Vec<u8>, Fault)> = vec![
        ("a message of 1 TiB", long_header(0, 1 << 40), too_large()),
        ("a message of 2^63 - 1 octets", long_header(0, (1 << 63) - 1), too_large()),
        ("2^63 octets", long_header(0, 1 << 63), broken(Malformed::FrameSize, "ZMTP-FRAME-07")),
        (
            "parts that are too large together",
            [frame(1, &[7; 1000]), frame(1, &[7; 1000]), long_header(1, 64 << 20)].concat(),
            too_large(),
        ),
        (
            "endless parts",
            frame(1, b"").repeat(2000),
            broken(Misbehaved::TooManyParts, "ZMTP-FRAME-15"),
        ),
        (
            "a command of 2 MiB",
            long_header(4, 2 << 20),
            broken(Misbehaved::CommandTooLarge, "ZMTP-FRAME-15"),
        ),
        (
            "reserved flag bits",
            frame(0x80, b"x"),
            broken(Malformed::FrameFlags { flags: 0x80 }, "ZMTP-FRAME-04"),
        ),
        (
            "COMMAND with MORE",
            frame(5, b"\x04PING\0\0"),
            broken(Malformed::CommandWithMore, "ZMTP-FRAME-12"),
        ),
        ("no command name", frame(4, b""), broken(Malformed::CommandName, "ZMTP-CMD-04")),
        ("PING without TTL", command("PING", b"\0"), broken(Malformed::Ping, "HEARTBEAT-01")),
        (
            "PING with 17 octets of context",
            command("PING", &[0; 19]),
            broken(Malformed::Ping, "HEARTBEAT-01"),
        ),
        (
            "PONG with 17 octets of context",
            command("PONG", &[0; 17]),
            broken(Malformed::Pong, "HEARTBEAT-06"),
        ),
        ("ERROR", command("ERROR", b"\x03400"), broken(Misbehaved::LateError, "ZMTP-ERROR-09")),
    ];
    cases.into_iter().map(|(name, octets, fault)| knock(name, octets, fault)).collect()
}
