//! Boxes that others published.

use alloc::format;
use alloc::vec::Vec;

use crate::boxes::*;
use crate::testing::{Published, array, hex};

fn open(key: &BoxKey, nonce: &Nonce, sealed: &[u8]) -> Vec<u8> {
    let (tag, text) = sealed.split_first_chunk().unwrap();
    let mut text = text.to_vec();
    key.open_in_place(nonce, tag, &mut text).unwrap();
    let mut again = text.clone();
    assert_eq!(key.seal_in_place(nonce, &mut again), *tag);
    assert_eq!(again, sealed[TAG_LEN..]);
    text
}

/// The example of NaCl's documentation: two key pairs, a nonce of their own, 131 octets.
// CURVEZMQ-01
#[test]
fn the_box_of_nacl() {
    let alice = array("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = array("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let plain = hex(concat!(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc",
        "e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31",
        "0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde",
        "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864",
        "5e0705",
    ));
    let sealed = hex(concat!(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce",
        "48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972",
        "71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae",
        "90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3",
        "7973f622a43d14a6599b1f654cb45a74e355a5",
    ));
    let nonce: Nonce = array("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
    let key = BoxKey::agree(&SecretKey::from_bytes(alice), &PublicKey::from_bytes(bob)).unwrap();
    assert_eq!(open(&key, &nonce, &sealed), plain);

    // The same box as a message: its nonce ends in a count.
    let (prefix, count) = nonce.split_first_chunk().unwrap();
    let mut message = MessageKey::new(key, *prefix);
    let mut text = plain.clone();
    let tag = message.seal_in_place(u64::from_be_bytes(count.try_into().unwrap()), &mut text);
    assert_eq!([&tag, text.as_slice()].concat(), sealed);
}

/// Every box of a published handshake, from the side that seals it.
// CURVEZMQ-01
#[test]
fn the_boxes_of_a_handshake() {
    let vector = Published::load();
    let secret = |path| SecretKey::from_bytes(vector.key(path));
    let public = |path| PublicKey::from_bytes(vector.key(path));
    let agree = |secret, public| BoxKey::agree(secret, public).unwrap();
    let (client, server) = (secret("client_secret"), secret("server_secret"));
    let client_transient = secret("tests/0/random/client_transient_secret");
    let server_transient = secret("tests/0/random/server_transient_secret");
    let server_public = public("server_public");
    let server_transient_public = public("tests/0/derived/server_transient_public");
    let client_transient_public = public("tests/0/derived/client_transient_public");
    let long = |prefix, path| {
        let random = vector.octets(&format!("tests/0/random/{path}_nonce"));
        long_nonce(prefix, &random.try_into().unwrap())
    };

    let hello = vector.body(0);
    let key = agree(&client_transient, &server_public);
    assert_eq!(open(&key, &short_nonce(b"CurveZMQHELLO---", 1), &hello[120..]), [0; 64]);

    let welcome = vector.body(1);
    let key = agree(&server, &client_transient_public);
    let opened = open(&key, &long(b"WELCOME-", "welcome"), &welcome[24..]);
    let (transient, cookie) = opened.split_at(32);
    assert_eq!(transient, server_transient_public.as_bytes());
    let cookie_key = BoxKey(vector.key("tests/0/random/cookie_key"));
    let kept = open(&cookie_key, &long(b"COOKIE--", "cookie"), &cookie[16..]);
    assert_eq!(kept[..32], *client_transient_public.as_bytes());
    assert_eq!(kept[32..], *server_transient.as_bytes());

    let initiate = vector.body(2);
    let common = agree(&client_transient, &server_transient_public);
    let opened = open(&common, &short_nonce(b"CurveZMQINITIATE", 2), &initiate[113..]);
    assert_eq!(opened[..32], vector.key("client_public"));
    assert_eq!(opened[48..128], vector.octets("tests/0/derived/vouch_box"));
    assert_eq!(opened[128..], vector.octets("tests/0/client_metadata"));
    let key = agree(&client, &server_transient_public);
    let vouch = open(&key, &long(b"VOUCH---", "vouch"), &opened[48..128]);
    assert_eq!(vouch[..32], *client_transient_public.as_bytes());
    assert_eq!(vouch[32..], *server_public.as_bytes());

    let ready = vector.body(3);
    let opened = open(&common, &short_nonce(b"CurveZMQREADY---", 1), &ready[14..]);
    assert_eq!(opened, vector.octets("tests/0/server_metadata"));
}

// CURVEZMQ-01
#[test]
fn the_messages_after_a_handshake() {
    let vector = Published::load();
    let secret = SecretKey::from_bytes(vector.key("tests/0/random/client_transient_secret"));
    let public = PublicKey::from_bytes(vector.key("tests/0/derived/server_transient_public"));
    let common = BoxKey::agree(&secret, &public).unwrap();
    for (step, prefix, count) in [(4, *b"CurveZMQMESSAGEC", 3), (5, *b"CurveZMQMESSAGES", 2)] {
        let body = vector.body(step);
        let mut text = b"\0hello".to_vec();
        let tag = MessageKey::new(common.clone(), prefix).seal_in_place(count, &mut text);
        assert_eq!([&tag, text.as_slice()].concat(), body[16..]);
        let mut receiver = MessageKey::new(common.clone(), prefix);
        assert_eq!(receiver.open_in_place(count, &tag, &mut text), Ok(()));
        assert_eq!(text, b"\0hello");
    }
}
