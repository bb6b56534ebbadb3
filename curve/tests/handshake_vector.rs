//! The published transcript, octet for octet, from both sides.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use zmtp_core::{Message, SocketType};

use crate::support::{Node, Pair, Way, frames, hex};
use crate::world::{Script, client, server};

struct Published(Value);

impl Published {
    fn load() -> Self {
        let file = include_str!("../../vectors/curve-req-rep.json");
        Self(serde_json::from_str(file).unwrap())
    }

    fn octets(&self, path: &str) -> Vec<u8> {
        let text = self.0.pointer(&format!("/groups/0/{path}")).and_then(Value::as_str);
        hex(text.expect(path))
    }

    fn key(&self, path: &str) -> [u8; 32] {
        self.octets(path).try_into().unwrap()
    }

    fn drawn(&self, names: &[&str]) -> Script {
        let parts: Vec<_> =
            names.iter().map(|name| self.octets(&format!("tests/0/random/{name}"))).collect();
        Script::new(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn client(&self) -> Node {
        let config = client(SocketType::REQ, self.key("client_secret"), self.key("server_public"));
        let mut random = self.drawn(&["client_transient_secret", "vouch_nonce"]);
        let node = Node::with_random(config, &mut random);
        assert!(random.is_used_up());
        node
    }

    fn server(&self) -> Node {
        let config = server(SocketType::REP, self.key("server_secret"));
        let names = ["server_transient_secret", "cookie_key", "cookie_nonce", "welcome_nonce"];
        let mut random = self.drawn(&names);
        let node = Node::with_random(config, &mut random);
        assert!(random.is_used_up());
        node
    }

    /// Who sends what.
    fn steps(&self) -> Vec<(Way, Vec<u8>)> {
        let steps = self.0.pointer("/groups/0/tests/0/steps").and_then(Value::as_array).unwrap();
        let step = |step: &Value| {
            let way = if step["from"] == "client" { Way::ToServer } else { Way::ToClient };
            (way, hex(step["body"].as_str().unwrap()))
        };
        steps.iter().map(step).collect()
    }
}

/// CURVEZMQ-01 CURVEZMQ-05 CURVEZMQ-06 CURVEZMQ-07 CURVEZMQ-12 CURVEZMQ-19 CURVEZMQ-31 CURVEZMQ-34
/// CURVEZMQ-35 CURVEZMQ-41.
#[test]
fn both_sides_replay_the_published_transcript() {
    let published = Published::load();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut pair = Pair::of(published.client(), published.server())
        .edit(move |way, record| log.lock().unwrap().push((way, record.clone())));
    pair.run();
    assert_eq!(pair.client.peer().verified.public_key, Some(published.key("server_public")));
    assert_eq!(pair.server.peer().verified.public_key, Some(published.key("client_public")));
    pair.client.send("hello");
    pair.run();
    assert_eq!(pair.server.messages(), [Message::from("hello")]);
    pair.server.send("hello");
    pair.run();
    assert_eq!(pair.client.messages(), [Message::from("hello")]);

    let records = std::mem::take(&mut *seen.lock().unwrap());
    let bodies: Vec<_> = records
        .into_iter()
        .filter(|(_, record)| record[0] != 0xFF)
        .map(|(way, record)| (way, frames(&record).remove(0)))
        .collect();
    let sent: Vec<_> = bodies.iter().map(|(way, (_, body))| (*way, body.clone())).collect();
    assert_eq!(sent, published.steps());
    // CURVE-03: HELLO, WELCOME and READY are short command frames, INITIATE is a long one.
    // CURVE-08: MESSAGE is sent as libzmq sends it, with no flag.
    let flags: Vec<u8> = bodies.iter().map(|(_, (flags, _))| *flags).collect();
    assert_eq!(flags, [4, 4, 6, 4, 0, 0]);
}
