//! What is in the INITIATE box, from a client that has keys: vouches of all kinds, and metadata.

use arbitrary::Arbitrary;
use zmtp_core::auth::Credentials;
use zmtp_core::mechanism::Role;

use crate::common::boxes::Boxes;
use crate::common::by_hand::Client;
use crate::common::node::{Cut, Node};
use crate::common::side::Kind;
use crate::common::{naive, octets, plan, secrets};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    boxes: u8,
    /// Who signs the vouch: the owner of C, or somebody else.
    signer: Option<u8>,
    /// Flips a bit of C' or of S in the vouch.
    vouched: Option<u16>,
    /// Flips a bit of the sealed vouch.
    sealed: Option<u16>,
    /// The number of INITIATE less one.
    count: u64,
    /// The content ends after so many octets.
    cut: Option<u8>,
    /// Flips a bit of the cookie.
    cookie: Option<u16>,
    /// Says that the peer is a DEALER, before the rest of the metadata.
    dealer: bool,
    metadata: Vec<u8>,
}

/// Somebody is asked about C only if C vouched for this C' and this S, with metadata by the book.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let boxes = Boxes::choose(plan.boxes);
    let mut server = Node::new(Kind::Curve(boxes).side(Role::Server), 1, Cut::Whole);
    let mut client = client(boxes, &mut server);
    let public = boxes.public(&client.permanent);
    let mut vouched = [boxes.public(&client.transient), client.server].concat();
    flip(&mut vouched, plan.vouched);
    let signer = plan.signer.map_or(client.permanent, |other| [other | 1; 32]);
    let mut vouch = client.vouch(&signer, &[0xF0; 16], &vouched);
    flip(&mut vouch, plan.sealed);
    let mut metadata = if plan.dealer { octets::socket_type("DEALER") } else { Vec::new() };
    metadata.extend(&plan.metadata);
    let mut content = [&public[..], &[0xF0; 16], &vouch, &metadata].concat();
    if let Some(cut) = plan.cut {
        content.truncate(usize::from(cut));
    }
    flip(&mut client.cookie, plan.cookie);
    server.feed(&client.initiate(plan.count.saturating_add(1), &content));
    // The number of HELLO was 1.
    let proper = plan.signer.is_none()
        && plan.vouched.is_none()
        && plan.sealed.is_none()
        && plan.cookie.is_none()
        && plan.count > 0
        && content.len() >= 128
        && naive::claims(content.get(128..).unwrap_or_default());
    assert_eq!(!server.asked.is_empty(), proper, "{:?}", server.error);
    assert_eq!(server.peer().is_some(), proper, "{:?}", server.error);
    for request in &server.asked {
        assert_eq!(request.credentials, Credentials::Curve { public_key: public });
    }
    if let Some(peer) = server.peer() {
        assert_eq!(peer.verified.public_key, Some(public));
        assert!(peer.verified.metadata.iter().next().is_none(), "facts that nobody stated");
    }
    server.verdict();
}

/// A client whose INITIATE is expected next.
///
/// # Panics
/// If the server does not answer a proper HELLO.
pub fn client(boxes: Boxes, server: &mut Node) -> Client {
    let mut client = Client {
        boxes,
        permanent: secrets::CLIENT,
        transient: [0x77; 32],
        server: boxes.public(&secrets::SERVER),
        server_transient: [0; 32],
        cookie: Vec::new(),
    };
    server.feed(&octets::greeting("CURVE", false));
    server.feed(&client.hello());
    let frames = naive::frames(&server.output[64..]);
    client.welcome(&frames[0].1);
    client
}

fn flip(octets: &mut [u8], bit: Option<u16>) {
    if let Some(bit) = bit {
        let bit = usize::from(bit) % (octets.len() * 8);
        octets[bit / 8] ^= 1 << (bit % 8);
    }
}
