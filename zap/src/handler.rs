//! The handler's side of a ZAP dialog: one request in, one reply out.

use std::sync::Arc;

use bytes::Bytes;
use tracing::warn;
use zmtp_core::auth::Authenticator;

use crate::codec::{Envelope, Reply, Request, ZapError};

/// The whole reply to a whole message that a ROUTER received, behind the same envelope; `None` if
/// there is no delimiter, and so nobody to answer.
///
/// Exactly one reply per request (27/ZAP, "Message Format"). A message that is no request is answered
/// with a refusal, without asking the authenticator.
///
/// Cancel safe: a dropped future has decided nothing, and the same frames may be answered again.
pub async fn answer<A, F>(authenticator: &A, frames: &[F]) -> Option<Vec<Bytes>>
where
    A: Authenticator + ?Sized,
    F: AsRef<[u8]>,
{
    match Envelope::split(frames) {
        Ok((envelope, body)) => Some(envelope.wrap(answer_body(authenticator, body).await)),
        Err(error) => {
            warn!(%error, "dropped a ZAP request");
            None
        }
    }
}

/// The reply to the frames after the delimiter, as a REP socket delivers and sends them.
///
/// Cancel safe, as [`answer`].
pub async fn answer_body<A, F>(authenticator: &A, frames: &[F]) -> Vec<Bytes>
where
    A: Authenticator + ?Sized,
    F: AsRef<[u8]>,
{
    let reply = match Request::decode(frames) {
        Ok(request) => {
            let (id, question) = request.into_parts();
            Reply::new(id, authenticator.authenticate(Arc::new(question)).await)
        }
        Err(error) => malformed(frames, &error),
    };
    reply.encode()
}

fn malformed<F: AsRef<[u8]>>(frames: &[F], error: &ZapError) -> Reply {
    warn!(%error, "refused a malformed ZAP request");
    Reply::to_malformed(frames, error)
}
