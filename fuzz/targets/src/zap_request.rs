//! The frames of a ZAP request: each with its size in two octets before it.

use bytes::Bytes;
use zap::codec::{Envelope, Reply, Request, ZapError};
use zmtp_core::auth::Credentials;

use crate::common::heap;

/// The frames in the octets.
#[must_use]
pub fn frames(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some(([high, low], rest)) = data.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (frame, rest) = rest.split_at(len);
        frames.push(frame.to_vec());
        data = rest;
    }
    frames
}

/// Only what follows 27/ZAP is a request; it encodes to the same question, and shows no password.
pub fn run(data: &[u8]) {
    let frames = frames(data);
    envelope(&frames);
    match heap::bounded(data.len(), 0, || Request::decode(&frames)) {
        Ok(request) => good(&frames, request),
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "unescaped: {error:?}");
            let reply = Reply::to_malformed(&frames, &error);
            let encoded = reply.encode();
            assert_eq!(encoded.len(), 6);
            let id = frames.get(1).map(Vec::as_slice).unwrap_or_default();
            if error != ZapError::Version {
                assert!(encoded[1] == id || frames.len() < 2);
            }
            assert_ne!(encoded[2], "200", "a refusal");
            assert!(Reply::decode(&encoded, &encoded[1]).is_ok(), "that everybody can read");
        }
    }
}

fn good(frames: &[Vec<u8>], request: Request) {
    assert_eq!(frames[0], b"1.0");
    assert_eq!(request.id(), &frames[1]);
    assert!(frames[2..5].iter().all(|frame| frame.len() <= 255));
    let shown = format!("{request:?}");
    match &request.question().credentials {
        Credentials::Null => assert_eq!((frames.len(), &frames[5][..]), (6, &b"NULL"[..])),
        Credentials::Plain { username, password } => {
            assert_eq!((frames.len(), &frames[5][..]), (8, &b"PLAIN"[..]));
            assert_eq!((username, password.expose()), (&frames[6].clone().into(), &frames[7][..]));
            // A user name may look like part of a password, escapes included.
            let password = frames[7].escape_ascii().to_string();
            let said = |frame: &Vec<u8>| frame.escape_ascii().to_string().contains(&password);
            if frames[7].len() > 11 && !frames[..7].iter().any(said) {
                assert!(!shown.contains(&password), "a password is shown: {shown}");
            }
        }
        Credentials::Curve { public_key } => {
            assert_eq!((frames.len(), &frames[5][..]), (7, &b"CURVE"[..]));
            assert_eq!(public_key[..], frames[6]);
        }
        _ => {}
    }
    let again = Request::decode(&request.encode()).expect("what we wrote");
    assert_eq!(again, request);
    // What can be asked at all is asked in the same words.
    let (id, question) = request.into_parts();
    if let Ok(asked) = Request::new(id, &question) {
        assert_eq!(Request::decode(&asked.encode()).as_ref(), Ok(&asked));
    }
}

fn envelope(frames: &[Vec<u8>]) {
    let Ok((envelope, body)) = Envelope::split(frames) else {
        assert!(frames.iter().all(|frame| !frame.is_empty()));
        return;
    };
    let body = body.iter().map(|frame| Bytes::copy_from_slice(frame)).collect();
    assert_eq!(envelope.wrap(body), frames);
}
