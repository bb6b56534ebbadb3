//! The frames of a ZAP reply: `[the id that was asked with has this many octets of the second frame
//! changed, frames as in zap_request..]`.

use zap::codec::{Reply, check_properties, is_reserved_property};
use zmtp_core::Limits;
use zmtp_core::auth::{AuthDecision, AuthStatus};

use crate::common::{heap, naive, split};
use crate::zap_request::frames;

/// Status 200 with every field valid, for the very request that was asked, is the only admission.
pub fn run(data: &[u8]) {
    let ([other], data) = split(data);
    let frames = frames(data);
    let mut id = frames.get(1).cloned().unwrap_or_default();
    let same = other == 0;
    if !same {
        id.push(other);
    }
    let read = heap::bounded(data.len(), 64 * 1024, || Reply::decode(&frames, &id));
    let decision = Reply::decision_of(read.clone());
    let accepted = decision.status() == AuthStatus::Success;
    assert_eq!(accepted, same && admits(&frames), "{read:?}");
    let Ok(reply) = read else {
        assert_eq!(decision.status(), AuthStatus::InternalError);
        return;
    };
    assert_eq!((reply.id(), &frames[0][..]), (&id.into(), &b"1.0"[..]));
    assert_eq!(reply.decision(), &decision);
    if let AuthDecision::Accept { metadata, .. } = &decision {
        assert_eq!(check_properties(metadata), Ok(()));
    }
    let again = Reply::new(reply.id().clone(), decision.clone());
    let decoded = Reply::decode(&again.encode(), reply.id());
    assert_eq!(decoded, Ok(again.clone()), "what we wrote");
    // It may say less than it was told, never more.
    assert!(again.decision().status() == decision.status() || accepted);
}

/// Whether these frames let anybody in, by the book.
fn admits(frames: &[Vec<u8>]) -> bool {
    let [version, _id, status, text, user_id, metadata] = frames else { return false };
    let is_text = |frame: &[u8]| frame.len() <= 255 && str::from_utf8(frame).is_ok();
    let Some(properties) = naive::metadata(metadata, &Limits::DEFAULT) else { return false };
    let reserved = |(name, _): &(Vec<u8>, Vec<u8>)| {
        str::from_utf8(name).is_ok_and(is_reserved_property)
    };
    version == b"1.0"
        && status == b"200"
        && is_text(text)
        && is_text(user_id)
        && !properties.iter().any(reserved)
}
