//! Peers of CURVE that owe nothing to the crate under test: their commands are written by hand from
//! the grammar of 26/CURVEZMQ, their boxes are made by `crypto_box`. Every field can be spoilt.

use crypto_box::SalsaBox;
use crypto_box::aead::Aead;

use crate::support::{Node, command, frame, frames, greeting, property};
use crate::world::{CLIENT, SERVER};

/// The public half of a secret key.
pub(crate) fn public(secret: &[u8; 32]) -> [u8; 32] {
    crypto_box::SecretKey::from(*secret).public_key().to_bytes()
}

/// A box with its tag in front.
pub(crate) fn seal(from: &[u8; 32], to: &[u8; 32], nonce: &[u8; 24], text: &[u8]) -> Vec<u8> {
    SalsaBox::new(&(*to).into(), &(*from).into()).encrypt(nonce.into(), text).unwrap()
}

/// The text in a box, if it opens.
pub(crate) fn open(
    to: &[u8; 32],
    from: &[u8; 32],
    nonce: &[u8; 24],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    SalsaBox::new(&(*from).into(), &(*to).into()).decrypt(nonce.into(), sealed).ok()
}

pub(crate) fn short(prefix: &str, count: u64) -> [u8; 24] {
    [prefix.as_bytes(), &count.to_be_bytes()].concat().try_into().unwrap()
}

pub(crate) fn long(prefix: &str, random: &[u8]) -> [u8; 24] {
    [prefix.as_bytes(), random].concat().try_into().unwrap()
}

/// The metadata of a DEALER without a name.
pub(crate) fn of_dealer() -> Vec<u8> {
    [property("Socket-Type", "DEALER"), property("Identity", "")].concat()
}

/// The metadata of a ROUTER.
pub(crate) fn of_router() -> Vec<u8> {
    [property("Socket-Type", "ROUTER"), property("Identity", "")].concat()
}

/// HELLO, field by field.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) version: [u8; 2],
    pub(crate) padding: Vec<u8>,
    pub(crate) client: [u8; 32],
    pub(crate) nonce: u64,
    pub(crate) sealed: Vec<u8>,
}

impl Hello {
    pub(crate) fn data(&self) -> Vec<u8> {
        let nonce = self.nonce.to_be_bytes();
        [&self.version as &[u8], &self.padding, &self.client, &nonce, &self.sealed].concat()
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        command("HELLO", &self.data())
    }
}

/// What is in the INITIATE box, field by field.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) client: [u8; 32],
    pub(crate) vouch_nonce: [u8; 16],
    pub(crate) vouch: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
}

/// INITIATE, field by field.
#[derive(Clone)]
pub(crate) struct Initiate {
    pub(crate) cookie: Vec<u8>,
    pub(crate) nonce: u64,
    pub(crate) sealed: Vec<u8>,
}

impl Initiate {
    pub(crate) fn data(&self) -> Vec<u8> {
        [&self.cookie as &[u8], &self.nonce.to_be_bytes(), &self.sealed].concat()
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        command("INITIATE", &self.data())
    }
}

/// A client.
#[derive(Clone)]
pub(crate) struct RawClient {
    /// c.
    pub(crate) permanent: [u8; 32],
    /// c'.
    pub(crate) transient: [u8; 32],
    /// S.
    pub(crate) server: [u8; 32],
    /// S', when WELCOME has come.
    pub(crate) server_transient: [u8; 32],
    /// When WELCOME has come.
    pub(crate) cookie: Vec<u8>,
    /// The nonce of INITIATE.
    pub(crate) nonce: u64,
}

impl RawClient {
    pub(crate) fn new(transient: u8) -> Self {
        Self {
            permanent: CLIENT,
            transient: [transient; 32],
            server: public(&SERVER),
            server_transient: [0; 32],
            cookie: Vec::new(),
            nonce: 2,
        }
    }

    pub(crate) fn hello(&self) -> Hello {
        self.hello_over(&[0; 64], 1)
    }

    pub(crate) fn hello_over(&self, text: &[u8], nonce: u64) -> Hello {
        let sealed = seal(&self.transient, &self.server, &short("CurveZMQHELLO---", nonce), text);
        let client = public(&self.transient);
        Hello { version: [1, 0], padding: vec![0; 72], client, nonce, sealed }
    }

    /// Reads the body of WELCOME.
    pub(crate) fn welcome(&mut self, body: &[u8]) {
        assert_eq!((body.len(), &body[..8]), (168, b"\x07WELCOME".as_slice()));
        let nonce = long("WELCOME-", &body[8..24]);
        let text = open(&self.transient, &self.server, &nonce, &body[24..]).expect("WELCOME opens");
        assert_eq!(text.len(), 128);
        self.server_transient = text[..32].try_into().unwrap();
        self.cookie = text[32..].to_vec();
    }

    pub(crate) fn content(&self) -> Content {
        let vouched = [public(&self.transient), self.server].concat();
        let (client, vouch_nonce) = (public(&self.permanent), [0xF0; 16]);
        let vouch = self.vouch_by(&self.permanent, &vouched);
        Content { client, vouch_nonce, vouch, metadata: of_dealer() }
    }

    /// A vouch made with any key over any text.
    pub(crate) fn vouch_by(&self, secret: &[u8; 32], text: &[u8]) -> Vec<u8> {
        seal(secret, &self.server_transient, &long("VOUCH---", &[0xF0; 16]), text)
    }

    pub(crate) fn initiate(&self) -> Initiate {
        self.initiate_over(&self.content())
    }

    pub(crate) fn initiate_over(&self, content: &Content) -> Initiate {
        let Content { client, vouch_nonce, vouch, metadata } = content;
        let text = [client as &[u8], vouch_nonce, vouch, metadata].concat();
        let nonce = short("CurveZMQINITIATE", self.nonce);
        let sealed = seal(&self.transient, &self.server_transient, &nonce, &text);
        Initiate { cookie: self.cookie.clone(), nonce: self.nonce, sealed }
    }

    /// Greets `node`, sends HELLO and reads WELCOME.
    pub(crate) fn with_welcome(mut self, node: &mut Node) -> Self {
        node.feed(&greeting("CURVE")).feed(&self.hello().frame());
        let written = node.written();
        let [(4, welcome)] = &frames(&written[64..])[..] else { panic!("no WELCOME: {node:?}") };
        self.welcome(welcome);
        self
    }

    /// Completes the handshake with `node` and reads its metadata.
    pub(crate) fn with_ready(self, node: &mut Node) -> (Self, Vec<u8>) {
        let this = self.with_welcome(node);
        node.feed(&this.initiate().frame());
        let metadata = this.ready(&node.written());
        (this, metadata)
    }

    /// The metadata in a READY frame.
    pub(crate) fn ready(&self, written: &[u8]) -> Vec<u8> {
        let [(flags, ready)] = &frames(written)[..] else { panic!("READY alone: {written:?}") };
        assert_eq!((*flags, &ready[..14]), (4, b"\x05READY\0\0\0\0\0\0\0\x01".as_slice()));
        let nonce = short("CurveZMQREADY---", 1);
        open(&self.transient, &self.server_transient, &nonce, &ready[14..]).expect("READY opens")
    }

    /// What it sends after the handshake.
    pub(crate) fn traffic(&self) -> RawTraffic {
        RawTraffic {
            secret: self.transient,
            public: self.server_transient,
            prefix: "CurveZMQMESSAGEC",
            count: self.nonce,
        }
    }
}

/// A server.
#[derive(Clone)]
pub(crate) struct RawServer {
    /// s.
    pub(crate) permanent: [u8; 32],
    /// s'.
    pub(crate) transient: [u8; 32],
    /// C', when HELLO has come.
    pub(crate) client_transient: [u8; 32],
    pub(crate) cookie: [u8; 96],
    /// The nonce of READY.
    pub(crate) nonce: u64,
}

impl RawServer {
    pub(crate) fn new() -> Self {
        Self {
            permanent: SERVER,
            transient: [0x77; 32],
            client_transient: [0; 32],
            cookie: std::array::from_fn(|at| at as u8),
            nonce: 1,
        }
    }

    /// Greets `node` and reads its HELLO.
    pub(crate) fn with_hello(mut self, node: &mut Node) -> Self {
        node.feed(&greeting("CURVE"));
        let written = node.written();
        let [(4, hello)] = &frames(&written[64..])[..] else { panic!("no HELLO: {node:?}") };
        self.hello(hello);
        self
    }

    /// Reads the body of HELLO, and checks every field of it.
    pub(crate) fn hello(&mut self, body: &[u8]) {
        assert_eq!((body.len(), &body[..8]), (200, b"\x05HELLO\x01\0".as_slice()));
        assert_eq!(body[8..80], [0; 72]);
        self.client_transient = body[80..112].try_into().unwrap();
        assert_eq!(body[112..120], 1_u64.to_be_bytes());
        let nonce = short("CurveZMQHELLO---", 1);
        let text = open(&self.permanent, &self.client_transient, &nonce, &body[120..]);
        assert_eq!(text.as_deref(), Some([0; 64].as_slice()));
    }

    /// The data of WELCOME.
    pub(crate) fn welcome(&self) -> Vec<u8> {
        self.welcome_over(&[&public(&self.transient) as &[u8], &self.cookie].concat())
    }

    pub(crate) fn welcome_over(&self, text: &[u8]) -> Vec<u8> {
        let nonce = [0xE0; 16];
        let sealed = seal(&self.permanent, &self.client_transient, &long("WELCOME-", &nonce), text);
        [&nonce as &[u8], &sealed].concat()
    }

    /// As [`with_hello`](Self::with_hello), then sends WELCOME and reads INITIATE.
    pub(crate) fn with_initiate(self, node: &mut Node) -> (Self, Content) {
        let this = self.with_hello(node);
        node.feed(&command("WELCOME", &this.welcome()));
        let content = this.initiate(&node.written());
        (this, content)
    }

    /// Reads an INITIATE frame, and checks every field of it but the metadata.
    pub(crate) fn initiate(&self, written: &[u8]) -> Content {
        let [(flags, body)] = &frames(written)[..] else { panic!("INITIATE alone: {written:?}") };
        assert_eq!((*flags, &body[..9]), (6, b"\x08INITIATE".as_slice()));
        assert_eq!(body[9..105], self.cookie);
        assert_eq!(body[105..113], 2_u64.to_be_bytes());
        let nonce = short("CurveZMQINITIATE", 2);
        let text = open(&self.transient, &self.client_transient, &nonce, &body[113..]).unwrap();
        let content = Content {
            client: text[..32].try_into().unwrap(),
            vouch_nonce: text[32..48].try_into().unwrap(),
            vouch: text[48..128].to_vec(),
            metadata: text[128..].to_vec(),
        };
        let nonce = long("VOUCH---", &content.vouch_nonce);
        let vouched = open(&self.transient, &content.client, &nonce, &content.vouch).unwrap();
        assert_eq!(vouched, [self.client_transient, public(&self.permanent)].concat());
        content
    }

    /// The data of READY.
    pub(crate) fn ready(&self, metadata: &[u8]) -> Vec<u8> {
        self.ready_with("CurveZMQREADY---", metadata)
    }

    pub(crate) fn ready_with(&self, prefix: &str, metadata: &[u8]) -> Vec<u8> {
        let nonce = short(prefix, self.nonce);
        let sealed = seal(&self.transient, &self.client_transient, &nonce, metadata);
        [&self.nonce.to_be_bytes() as &[u8], &sealed].concat()
    }

    /// Completes the handshake with `node`.
    pub(crate) fn with_ready(self, node: &mut Node) -> Self {
        let (this, _) = self.with_initiate(node);
        node.feed(&command("READY", &this.ready(&of_router())));
        this
    }

    /// What it sends after the handshake.
    pub(crate) fn traffic(&self) -> RawTraffic {
        RawTraffic {
            secret: self.transient,
            public: self.client_transient,
            prefix: "CurveZMQMESSAGES",
            count: self.nonce,
        }
    }
}

/// One side after the handshake.
#[derive(Clone)]
pub(crate) struct RawTraffic {
    secret: [u8; 32],
    public: [u8; 32],
    pub(crate) prefix: &'static str,
    /// The last nonce that was used.
    pub(crate) count: u64,
}

impl RawTraffic {
    /// The body of the next MESSAGE.
    pub(crate) fn body(&mut self, inner: u8, data: &[u8]) -> Vec<u8> {
        self.count += 1;
        self.body_numbered(self.count, inner, data)
    }

    /// The body of a MESSAGE with any number.
    fn body_numbered(&self, count: u64, inner: u8, data: &[u8]) -> Vec<u8> {
        let text = [&[inner] as &[u8], data].concat();
        let sealed = seal(&self.secret, &self.public, &short(self.prefix, count), &text);
        [b"\x07MESSAGE" as &[u8], &count.to_be_bytes(), &sealed].concat()
    }

    /// The next MESSAGE in a plain frame.
    pub(crate) fn message(&mut self, inner: u8, data: &[u8]) -> Vec<u8> {
        plain_frame(&self.body(inner, data))
    }

    /// A MESSAGE with any number in a plain frame.
    pub(crate) fn message_numbered(&self, count: u64, inner: u8, data: &[u8]) -> Vec<u8> {
        plain_frame(&self.body_numbered(count, inner, data))
    }

    /// What `written` by the other side holds: flags of the frame, nonce, inner flags, data.
    pub(crate) fn open_all(&self, written: &[u8]) -> Vec<(u8, u64, u8, Vec<u8>)> {
        let prefix =
            if self.prefix.ends_with('C') { "CurveZMQMESSAGES" } else { "CurveZMQMESSAGEC" };
        let open = |(flags, body): (u8, Vec<u8>)| {
            assert_eq!(&body[..8], b"\x07MESSAGE");
            let count = u64::from_be_bytes(body[8..16].try_into().unwrap());
            let text = open(&self.secret, &self.public, &short(prefix, count), &body[16..]);
            let mut text = text.expect("MESSAGE opens");
            let inner = text.remove(0);
            (flags, count, inner, text)
        };
        frames(written).into_iter().map(open).collect()
    }
}

fn plain_frame(body: &[u8]) -> Vec<u8> {
    frame(if body.len() > 255 { 2 } else { 0 }, body)
}
