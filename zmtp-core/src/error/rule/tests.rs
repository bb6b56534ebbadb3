//! Users read the rules in error messages, so each must stand in the catalogue as it is cited here.

extern crate std;

use alloc::string::String;
use alloc::vec::Vec;
use std::path::Path;

use super::*;
use crate::auth::Refusal;
use crate::wire::greeting::MechanismName;
use crate::wire::reason::ErrorReason;

/// One value per pattern; does not compile when a variant has none.
macro_rules! every {
    ($enum:ident: $($pattern:pat = $value:expr),+ $(,)?) => {{
        fn _exhaustive(value: &$enum) {
            match value {
                $($pattern => ()),+
            }
        }
        [$($value),+]
    }};
}

/// The same for variants without fields.
macro_rules! every_unit {
    ($enum:ident: $($variant:ident),+ $(,)?) => {
        every!($enum: $($enum::$variant = $enum::$variant),+)
    };
}

fn all_kinds() -> Vec<Kind> {
    use Incompatible::SocketType as WrongType;
    let metadata = every_unit!(
        MetadataError: Name, Truncated, ValueLength, TooLarge, Duplicate, ReservedIdentity
    );
    let malformed = every!(Malformed:
        Malformed::Signature = Malformed::Signature,
        Malformed::AsServer = Malformed::AsServer,
        Malformed::FrameFlags { .. } = Malformed::FrameFlags { flags: 8 },
        Malformed::CommandWithMore = Malformed::CommandWithMore,
        Malformed::FrameSize = Malformed::FrameSize,
        Malformed::CommandName = Malformed::CommandName,
        Malformed::CommandSize(_) = Malformed::CommandSize("HELLO"),
        Malformed::Credentials = Malformed::Credentials,
        Malformed::WelcomeBody = Malformed::WelcomeBody,
        Malformed::HelloVersion = Malformed::HelloVersion,
        Malformed::HelloPadding = Malformed::HelloPadding,
        Malformed::HelloContent = Malformed::HelloContent,
        Malformed::Metadata(_) = Malformed::Metadata(MetadataError::Name),
        Malformed::ErrorReason = Malformed::ErrorReason,
        Malformed::Ping = Malformed::Ping,
        Malformed::Pong = Malformed::Pong,
        Malformed::InnerFlags { .. } = Malformed::InnerFlags { flags: 8 },
    );
    let misbehaved = every_unit!(
        Misbehaved: MessageInHandshake, UnexpectedCommand, OversizedCommand, IdentityTooLong,
        IdentityReserved, CookieMismatch, CookieExpired, VouchClientKey, VouchServerKey, LowOrderKey,
        NonceNotRising, ClearFrame, LateError, MessageTooLarge, TooManyParts, CommandTooLarge,
        TooManySubscriptions, TtlExpired, HeartbeatTimeout, PingFlood, RoutingIdTaken,
    );
    let (ours, theirs) = (MechanismName::CURVE, MechanismName::NULL);
    let incompatible = every!(Incompatible:
        Incompatible::Version { .. } = Incompatible::Version { major: 1 },
        Incompatible::Mechanism { .. } = Incompatible::Mechanism { ours, theirs },
        Incompatible::BothServers = Incompatible::BothServers,
        WrongType { .. } = WrongType { ours: SocketType::REQ, theirs: None },
    );
    let boxes = every_unit!(BoxName: Hello, Welcome, Cookie, Initiate, Vouch, Ready, Message);
    let local = every_unit!(
        LocalFault: Random, NoncesExhausted, ServerKey, UnaskedDecision, Evicted, Occupied
    );
    let refused = WrongType { ours: SocketType::REQ, theirs: Some(SocketType::PUB) };
    let kinds = every!(Kind:
        Kind::Malformed(_) = Kind::from(Malformed::Ping),
        Kind::Misbehaved(_) = Kind::from(Misbehaved::LateError),
        Kind::Incompatible(_) = Kind::from(refused),
        Kind::Unopenable(_) = Kind::Unopenable(BoxName::Hello),
        Kind::Denied { .. } = Kind::Denied { status: Refusal::Failure, text: "no".into() },
        Kind::Revoked { .. } = Kind::Revoked { status: Refusal::Failure, text: "no more".into() },
        Kind::ReportedByPeer(_) = Kind::ReportedByPeer(ErrorReason::new("400")),
        Kind::TimedOut = Kind::TimedOut,
        Kind::PeerClosed = Kind::PeerClosed,
        Kind::Local(_) = Kind::from(LocalFault::Random),
    );
    let refusals = SocketType::ALL.map(|ours| WrongType { ours, theirs: Some(SocketType::SUB) });
    kinds
        .into_iter()
        .chain(metadata.map(|error| Malformed::Metadata(error).into()))
        .chain(malformed.map(Kind::from))
        .chain(misbehaved.map(Kind::from))
        .chain(incompatible.map(Kind::from))
        .chain(refusals.map(Kind::from))
        .chain(boxes.map(Kind::Unopenable))
        .chain(local.map(Kind::from))
        .collect()
}

const STAGES: [Stage; 8] = [
    Stage::Greeting,
    Stage::Mechanism,
    Stage::Hello,
    Stage::Welcome,
    Stage::Initiate,
    Stage::Authentication,
    Stage::Ready,
    Stage::Traffic,
];

/// Id, documents and headings of every requirement.
fn catalogue() -> Vec<[String; 3]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/requirements.toml");
    let text = std::fs::read_to_string(path).expect("the catalogue lies beside the crates");
    let field = |entry: &str, name: &str| {
        let line = entry.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split('"').nth(1)).expect(name).into()
    };
    let entries = text.split("[[requirement]]").skip(1);
    entries.map(|entry| ["id", "rfc", "section"].map(|name| field(entry, name))).collect()
}

#[test]
fn every_rule_stands_in_the_catalogue_as_cited() {
    let catalogue = catalogue();
    for kind in all_kinds() {
        for stage in STAGES {
            let rule = of(&kind, stage);
            let [_, documents, headings] = catalogue
                .iter()
                .find(|[id, ..]| id == rule.id)
                .unwrap_or_else(|| panic!("{rule} is not in the catalogue"));
            let named = |spec| documents.split(" + ").any(|document| document == spec);
            assert!(rule.spec.split(" + ").all(named), "{rule}: the catalogue says {documents}");
            let named = headings.split("; ").any(|heading| heading == rule.heading);
            assert!(named, "{rule}: the catalogue says {headings}");
        }
    }
}

#[test]
fn the_sentence_for_people_ends_with_the_rule() {
    let error = crate::error::ProtocolError::peer(Stage::Ready, MetadataError::Truncated);
    assert_eq!(
        alloc::format!("{error}"),
        "malformed metadata: a property runs past the end of the metadata \
         [peer side, READY stage, ZMTP-META-07: 37/ZMTP, \"The NULL Security Mechanism\"]"
    );
}
