//! A reply (27/ZAP, "Message Format").

use bytes::{Bytes, BytesMut};
use zmtp_core::Limits;
use zmtp_core::auth::{AuthDecision, AuthStatus, Refusal, UserId};
use zmtp_core::wire::metadata::Metadata;

use super::{Field, MAX_TEXT, VERSION, ZapError, check_properties, text};

/// A reply of a handler: the id of the request, and the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    id: Bytes,
    decision: AuthDecision,
}

impl Reply {
    /// Puts a decision as ZAP can express it.
    ///
    /// The text of a refusal is cut at 255 characters, with `?` for what is not printable ASCII. An
    /// acceptance that cannot be expressed (a user id outside ASCII, reserved or too many
    /// properties) becomes a refusal with status 500: another user id than the one meant would be
    /// worse than none.
    #[must_use]
    pub fn new(id: impl Into<Bytes>, decision: AuthDecision) -> Self {
        let decision = match decision {
            AuthDecision::Accept { user_id, metadata } => {
                let user_id = user_id.filter(|user_id| !user_id.is_empty());
                match check_acceptance(user_id.as_ref(), &metadata) {
                    Ok(()) => AuthDecision::Accept { user_id, metadata },
                    Err(error) => refuse_broken(&error),
                }
            }
            AuthDecision::Refuse { status, text, .. } => {
                AuthDecision::refuse(status, &printable(&text))
            }
        };
        Self { id: id.into(), decision }
    }

    /// The reply to frames after the delimiter that are not a request, with the status of `error`
    /// and the request id as far as there is one.
    #[must_use]
    pub fn to_malformed<F: AsRef<[u8]>>(frames: &[F], error: &ZapError) -> Self {
        let id = frames.get(1).map(AsRef::as_ref).unwrap_or_default();
        let decision = AuthDecision::refuse(error.refusal(), &error.to_string());
        Self::new(Bytes::copy_from_slice(id), decision)
    }

    /// Reads the frames after the delimiter, as the reply to the request of the given id.
    ///
    /// Of a refusal only status and text count. User id and metadata must not come with it, and are
    /// ignored if they do: they cannot turn it into anything else.
    ///
    /// # Errors
    /// The first of [`ZapError`] that applies.
    pub fn decode<F: AsRef<[u8]>>(frames: &[F], request_id: &[u8]) -> Result<Self, ZapError> {
        let frames: Vec<&[u8]> = frames.iter().map(AsRef::as_ref).collect();
        let [version, id, status, status_text, user_id, metadata] = frames.as_slice() else {
            return Err(ZapError::ReplyFrames(frames.len()));
        };
        if *version != VERSION {
            return Err(ZapError::Version);
        }
        if *id != request_id {
            return Err(ZapError::RequestId);
        }
        let status = AuthStatus::from_code(status).ok_or(ZapError::Status)?;
        let status_text = text(Field::StatusText, status_text)?;
        let refuse = |status| AuthDecision::refuse(status, status_text);
        let decision = match status {
            AuthStatus::Success => accept(user_id, metadata)?,
            AuthStatus::TemporaryError => refuse(Refusal::Temporary),
            AuthStatus::Failure => refuse(Refusal::Failure),
            AuthStatus::InternalError => refuse(Refusal::Internal),
        };
        Ok(Self { id: Bytes::copy_from_slice(id), decision })
    }

    /// Reads a whole message as a DEALER receives it, beginning with the delimiter.
    ///
    /// # Errors
    /// [`ZapError::Delimiter`] and those of [`decode`](Self::decode).
    pub fn decode_message<F: AsRef<[u8]>>(
        frames: &[F],
        request_id: &[u8],
    ) -> Result<Self, ZapError> {
        match frames.split_first() {
            Some((delimiter, body)) if delimiter.as_ref().is_empty() => {
                Self::decode(body, request_id)
            }
            _ => Err(ZapError::Delimiter),
        }
    }

    /// The decision in a reply, where a reply that breaks any rule is a refusal with status 500.
    pub fn decision_of(reply: Result<Self, ZapError>) -> AuthDecision {
        reply.map_or_else(|error| refuse_broken(&error), |reply| reply.decision)
    }

    /// The frames after the delimiter.
    #[must_use]
    pub fn encode(&self) -> Vec<Bytes> {
        let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let (status_text, user_id, metadata) = match &self.decision {
            AuthDecision::Accept { user_id, metadata } => {
                let mut block = BytesMut::new();
                metadata.encode(&mut block);
                let user_id = user_id.as_ref().map_or("", UserId::as_str);
                (Bytes::from_static(b"OK"), copy(user_id), block.freeze())
            }
            AuthDecision::Refuse { text, .. } => (copy(text), Bytes::new(), Bytes::new()),
        };
        vec![
            Bytes::from_static(VERSION),
            self.id.clone(),
            Bytes::from_static(self.decision.status().code().as_bytes()),
            status_text,
            user_id,
            metadata,
        ]
    }

    /// The id of the request.
    #[must_use]
    pub const fn id(&self) -> &Bytes {
        &self.id
    }

    /// The decision.
    pub const fn decision(&self) -> &AuthDecision {
        &self.decision
    }
}

/// The acceptance in the last two frames of a reply with status 200.
fn accept(user_id: &[u8], metadata: &[u8]) -> Result<AuthDecision, ZapError> {
    let user_id = match text(Field::UserId, user_id)? {
        "" => None,
        user_id => Some(UserId::new(user_id).ok_or(ZapError::TooLong(Field::UserId))?),
    };
    let metadata = Metadata::decode(metadata, &Limits::DEFAULT)?;
    check_properties(&metadata)?;
    Ok(AuthDecision::Accept { user_id, metadata })
}

fn check_acceptance(user_id: Option<&UserId>, metadata: &Metadata) -> Result<(), ZapError> {
    match user_id {
        Some(user_id) if !user_id.as_str().is_ascii() => Err(ZapError::NotAscii(Field::UserId)),
        _ => check_properties(metadata),
    }
}

fn refuse_broken(error: &ZapError) -> AuthDecision {
    AuthDecision::refuse(Refusal::Internal, &printable(&error.to_string()))
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).take(MAX_TEXT).collect()
}
