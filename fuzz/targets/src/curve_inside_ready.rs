//! What is in the READY box, from a server that has keys.

use arbitrary::Arbitrary;
use zmtp_core::mechanism::Role;

use crate::common::boxes::Boxes;
use crate::common::by_hand::Server;
use crate::common::node::{Cut, Node};
use crate::common::side::Kind;
use crate::common::{naive, octets, plan, secrets};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    boxes: u8,
    /// Whoever has this key and not s' answers.
    impostor: Option<u8>,
    count: u64,
    dealer: bool,
    metadata: Vec<u8>,
}

/// A client is content only with its own server, and with metadata by the book.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let boxes = Boxes::choose(plan.boxes);
    let mut client = Node::new(Kind::Curve(boxes).side(Role::Client), 1, Cut::Whole);
    let server = Server { boxes, permanent: secrets::SERVER, transient: [0x55; 32] };
    client.feed(&octets::greeting("CURVE", true));
    let hello = naive::frames(&client.output[64..])[0].1.clone();
    let (transient, welcome) = server.welcome(&hello);
    client.feed(&welcome);
    assert_eq!(naive::frames(&client.output[64..]).len(), 2, "INITIATE: {:?}", client.error);
    let mut metadata = if plan.dealer { octets::socket_type("DEALER") } else { Vec::new() };
    metadata.extend(&plan.metadata);
    let signer = plan.impostor.map_or(server.transient, |other| [other | 1; 32]);
    client.feed(&server.ready(&signer, &transient, plan.count, &metadata));
    let genuine = boxes.public(&signer) == boxes.public(&server.transient);
    let proper = genuine && naive::claims(&metadata);
    assert_eq!(client.peer().is_some(), proper, "{:?}", client.error);
    assert_eq!(client.error.is_none(), proper);
    if let Some(peer) = client.peer() {
        let expected = naive::metadata(&metadata, &zmtp_core::Limits::DEFAULT);
        let claimed = &peer.claimed.metadata;
        let claimed: Vec<_> =
            claimed.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect();
        assert_eq!(Some(claimed), expected);
        assert_eq!(peer.verified.public_key, Some(boxes.public(&secrets::SERVER)));
    }
    client.verdict();
}
