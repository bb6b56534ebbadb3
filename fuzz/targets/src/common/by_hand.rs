//! CURVE written by hand from the grammar of 26/CURVEZMQ, by somebody who has keys and no manners.

use super::boxes::{Boxes, Key, long_nonce, short_nonce};
use super::octets;

/// A client whose every field can be spoilt.
#[derive(Debug, Clone)]
pub struct Client {
    /// Which boxes.
    pub boxes: Boxes,
    /// c.
    pub permanent: Key,
    /// c'.
    pub transient: Key,
    /// S.
    pub server: Key,
    /// S', once WELCOME was read.
    pub server_transient: Key,
    /// The cookie, once WELCOME was read.
    pub cookie: Vec<u8>,
}

impl Client {
    /// HELLO, as it should be.
    #[must_use]
    pub fn hello(&self) -> Vec<u8> {
        let nonce = short_nonce("CurveZMQHELLO---", 1);
        let sealed = self.boxes.seal(&self.transient, &self.server, &nonce, &[0; 64]);
        let public = self.boxes.public(&self.transient);
        let data = [&[1, 0][..], &[0; 72], &public, &1_u64.to_be_bytes(), &sealed].concat();
        octets::command("HELLO", &data)
    }

    /// Reads the WELCOME in what a server wrote.
    ///
    /// # Panics
    /// If it is not a good one.
    pub fn welcome(&mut self, body: &[u8]) {
        let (random, sealed) = body[8..].split_first_chunk().expect("a nonce");
        let nonce = long_nonce("WELCOME-", random);
        let text = self.boxes.open(&self.transient, &self.server, &nonce, sealed);
        let text = text.expect("WELCOME opens");
        self.server_transient = text[..32].try_into().expect("S'");
        self.cookie = text[32..].to_vec();
    }

    /// The vouch that `signer` gives for these 64 octets.
    #[must_use]
    pub fn vouch(&self, signer: &Key, random: &[u8; 16], text: &[u8]) -> Vec<u8> {
        self.boxes.seal(signer, &self.server_transient, &long_nonce("VOUCH---", random), text)
    }

    /// INITIATE with this content.
    #[must_use]
    pub fn initiate(&self, count: u64, content: &[u8]) -> Vec<u8> {
        let nonce = short_nonce("CurveZMQINITIATE", count);
        let sealed = self.boxes.seal(&self.transient, &self.server_transient, &nonce, content);
        octets::command("INITIATE", &[&self.cookie[..], &count.to_be_bytes(), &sealed].concat())
    }

    /// MESSAGE with this content, in a frame with these flags.
    #[must_use]
    pub fn message(&self, flags: u8, count: u64, content: &[u8]) -> Vec<u8> {
        let nonce = short_nonce("CurveZMQMESSAGEC", count);
        let sealed = self.boxes.seal(&self.transient, &self.server_transient, &nonce, content);
        octets::frame(flags, &[b"\x07MESSAGE", &count.to_be_bytes()[..], &sealed].concat())
    }
}

/// A server whose every field can be spoilt.
#[derive(Debug, Clone)]
pub struct Server {
    /// Which boxes.
    pub boxes: Boxes,
    /// s.
    pub permanent: Key,
    /// s'.
    pub transient: Key,
}

impl Server {
    /// WELCOME for the client that sent a HELLO with this body.
    ///
    /// # Panics
    /// If there is no C' in it.
    #[must_use]
    pub fn welcome(&self, hello: &[u8]) -> (Key, Vec<u8>) {
        let client: Key = hello[80..112].try_into().expect("C'");
        let random = [9; 16];
        let text = [&self.boxes.public(&self.transient)[..], &[0xC0; 96]].concat();
        let nonce = long_nonce("WELCOME-", &random);
        let sealed = self.boxes.seal(&self.permanent, &client, &nonce, &text);
        (client, octets::command("WELCOME", &[&random[..], &sealed].concat()))
    }

    /// READY with this content.
    #[must_use]
    pub fn ready(&self, signer: &Key, client: &Key, count: u64, content: &[u8]) -> Vec<u8> {
        let nonce = short_nonce("CurveZMQREADY---", count);
        let sealed = self.boxes.seal(signer, client, &nonce, content);
        octets::command("READY", &[&count.to_be_bytes()[..], &sealed].concat())
    }
}
